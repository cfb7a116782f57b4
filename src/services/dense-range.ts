import { cmp } from 'dexie';
import type { RowId } from '../core/types.ts';

/** Fewer are read one by one. */
const FEW = 16;

/** A range that holds this many times what is wanted is still read sooner as a whole: a record more costs less than a request. */
const DENSITY = 4;

/** With fewer to a run, each is deleted by itself: a range costs as much as that many keys. */
const WORTH_A_RANGE = 8;

/** What is asked of a Dexie collection; its own type also tells what may be added. */
export interface Range<T, Key> {
	limit(most: number): { primaryKeys(): PromiseLike<readonly Key[]> };
	toArray(): PromiseLike<readonly T[]>;
}

/** Reads by keys in a transaction, whoever runs it. */
export interface Records {
	/** Each record in its key's place; undefined: there is none. */
	get<T>(store: string, keys: readonly IDBValidKey[]): PromiseLike<readonly (T | undefined)[]>;
	/** The records from one key to another, both included. */
	between<T, Key>(store: string, first: IDBValidKey, last: IDBValidKey): Range<T, Key>;
}

/** Before all keys, and after all that are not lists of lists. */
const [BEFORE_ALL, AFTER_ALL] = [Number.NEGATIVE_INFINITY, [[]]];

export async function isStoreEmpty(records: Records, store: string): Promise<boolean> {
	const first = await records.between(store, BEFORE_ALL, AFTER_ALL).limit(1).primaryKeys();
	return first.length === 0;
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
	const [first, last] = rangeOf(ids);
	// Counted no further than it matters: the range may be the whole table.
	const most = density * ids.length;
	const keys = await between(first, last)
		.limit(most + 1)
		.primaryKeys();
	return keys.length <= most ? between(first, last).toArray() : null;
}

/**
 * Deletes what there is of `ids`: as ranges of neighbours, where that takes far fewer requests than one a key.
 * @param between the records from one id to another.
 * @param idOf the id in a key.
 * @returns whether it is done; false: they are few, or lie apart.
 */
export async function deleteDense<T, Key>(
	ids: readonly RowId[],
	between: (first: RowId, last: RowId) => Range<T, Key> & { delete(): PromiseLike<number> },
	idOf: (key: Key) => RowId,
): Promise<boolean> {
	if (ids.length < FEW) return false;
	const [first, last] = rangeOf(ids);
	const most = DENSITY * ids.length;
	const keys = await between(first, last)
		.limit(most + 1)
		.primaryKeys();
	if (keys.length > most) return false;
	const wanted = new Set(ids);
	const runs: [RowId, RowId][] = [];
	let isRunning = false;
	for (const key of keys) {
		const id = idOf(key);
		const run = isRunning ? runs.at(-1) : undefined;
		isRunning = wanted.has(id);
		if (isRunning && run) run[1] = id;
		else if (isRunning) runs.push([id, id]);
	}
	if (runs.length * WORTH_A_RANGE > ids.length) return false;
	await Promise.all(runs.map(([from, to]) => between(from, to).delete()));
	return true;
}

function rangeOf(ids: readonly RowId[]): [RowId, RowId] {
	let [first, last] = [ids[0] as RowId, ids[0] as RowId];
	for (const id of ids) {
		if (cmp(id, first) < 0) first = id;
		if (cmp(id, last) > 0) last = id;
	}
	return [first, last];
}
