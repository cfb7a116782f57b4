import { type Collection, cmp } from 'dexie';
import type { RowId } from '../core/types.ts';

/** Fewer are read one by one. */
const FEW = 16;

/** A range that holds this many times what is wanted is still read sooner as a whole: a record more costs less than a request. */
const DENSITY = 4;

/**
 * Everything within the range of `ids`, in one request, where that is not much more than what is asked for: rows that
 * were made or downloaded one after the other have ids that lie together.
 * @param between the records from one id to another.
 * @returns null where they lie far apart.
 */
export async function readDense<T, Key>(
	ids: readonly RowId[],
	between: (first: RowId, last: RowId) => Pick<Collection<T, Key>, 'count' | 'toArray'>,
): Promise<readonly T[] | null> {
	if (ids.length < FEW) return null;
	let [first, last] = [ids[0] as RowId, ids[0] as RowId];
	for (const id of ids) {
		if (cmp(id, first) < 0) first = id;
		if (cmp(id, last) > 0) last = id;
	}
	const range = between(first, last);
	return (await range.count()) <= DENSITY * ids.length ? range.toArray() : null;
}
