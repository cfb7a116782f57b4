import { cmp } from 'dexie';
import type { RowId } from '../core/types.ts';

/** Fewer are read one by one. */
const FEW = 16;

/** A range that holds this many times what is wanted is still read sooner as a whole: a record more costs less than a request. */
const DENSITY = 4;

/** What is asked of a Dexie collection; its own type also tells what may be added. */
interface Range<T, Key> {
	limit(most: number): { primaryKeys(): PromiseLike<readonly Key[]> };
	toArray(): PromiseLike<readonly T[]>;
}

/**
 * Everything within the range of `ids`, in one request, where that is not much more than what is asked for: rows that
 * were made or downloaded one after the other have ids that lie together.
 * @param between the records from one id to another.
 * @param density a range of so many times what is wanted is still read as a whole.
 * @returns null where they lie far apart.
 */
export async function readDense<T, Key>(
	ids: readonly RowId[],
	between: (first: RowId, last: RowId) => Range<T, Key>,
	density = DENSITY,
): Promise<readonly T[] | null> {
	if (ids.length < FEW) return null;
	let [first, last] = [ids[0] as RowId, ids[0] as RowId];
	for (const id of ids) {
		if (cmp(id, first) < 0) first = id;
		if (cmp(id, last) > 0) last = id;
	}
	// Counted no further than it matters: the range may be the whole table.
	const most = density * ids.length;
	const keys = await between(first, last)
		.limit(most + 1)
		.primaryKeys();
	return keys.length <= most ? between(first, last).toArray() : null;
}
