import Dexie from 'dexie';
import type { Mutation, MutationStatus } from '../core/mutation.ts';
import type { RowId } from '../core/types.ts';
import { isStoreEmpty, type Records, readDense } from './dense-range.ts';
import type { DirectTransaction } from './direct-transaction.ts';
import type { Stores } from './stores.ts';

/** The statuses that make a row dirty. */
const DIRTY: readonly MutationStatus[] = ['pending', 'conflicted'];

/** A list comes after every text and number. `Dexie.maxKey` is the text U+FFFF, and ids may begin with that. */
const AFTER_ALL_IDS: never[] = [];

/** All of a table's mutations of one status, as a Dexie collection in row order. */
export function ofStatus(stores: Stores, table: string, status: MutationStatus) {
	return stores.outbox
		.where('[table+status+rowId]')
		.between([table, status, Dexie.minKey], [table, status, AFTER_ALL_IDS]);
}

/** All of a table's mutations, dead letters included. */
export function allOf(stores: Stores, table: string) {
	return stores.outbox.where('[table+status+rowId]').between([table], [table, AFTER_ALL_IDS]);
}

/**
 * Whether nothing is queued, of no table and no status. Chromium keeps what was deleted in an index for a while, and
 * each look into it goes over that: an outbox just emptied of a thousand mutations tells so by itself in no time.
 */
export function isOutboxEmpty(records: Records): Promise<boolean> {
	return isStoreEmpty(records, 'outbox');
}

/** The places of a table's pending mutations, in row order. */
export async function pendingSeqs(stores: Stores, table: string): Promise<readonly number[]> {
	return (await isOutboxEmpty(stores)) ? [] : ofStatus(stores, table, 'pending').primaryKeys();
}

/** One row's dirty mutations in queue order. */
export async function dirtyOf(stores: Stores, table: string, id: RowId): Promise<Mutation[]> {
	const keys = DIRTY.map((status) => [table, status, id]);
	const mutations = await stores.outbox.where('[table+status+rowId]').anyOf(keys).toArray();
	return mutations.sort((a, b) => a.seq - b.seq);
}

/** The dirty mutations of several rows of a table, by row, each in queue order. */
export async function dirtyOfRows(
	stores: Stores,
	table: string,
	ids: readonly RowId[],
): Promise<Map<RowId, Mutation[]>> {
	const statuses = await dirtyStatuses(stores, table);
	const found = await Promise.all(statuses.map((status) => ofRows(stores, table, status, new Set(ids))));
	return groupByRow(found.flat());
}

async function ofRows(
	stores: Stores,
	table: string,
	status: MutationStatus,
	ids: ReadonlySet<RowId>,
): Promise<readonly Mutation[]> {
	const byIndex = stores.outbox.where('[table+status+rowId]');
	const dense = await readDense<Mutation, number>([...ids], (first, last) =>
		byIndex.between([table, status, first], [table, status, last], true, true),
	);
	if (dense) return dense.filter(({ rowId }) => ids.has(rowId));
	// A look at each, all at once: a cursor would wait for every one before the next.
	const looks = [...ids].map((id) => byIndex.equals([table, status, id]).toArray());
	return (await Promise.all(looks)).flat();
}

/** Mutations by their places in the queue, in ascending order. What lies close together is read as one range. */
export async function mutationsAt(stores: Stores, seqs: readonly number[]): Promise<Mutation[]> {
	const [first, last] = [seqs[0], seqs.at(-1)];
	if (first === undefined || last === undefined) return [];
	if (last - first < 2 * seqs.length) {
		const wanted = new Set(seqs);
		const range = await stores.outbox.where(':id').between(first, last, true, true).toArray();
		return range.filter(({ seq }) => wanted.has(seq));
	}
	return (await stores.outbox.bulkGet([...seqs])).filter((mutation) => mutation !== undefined);
}

/** The statuses among those that make dirty of which a table has any mutation. */
async function dirtyStatuses(stores: Stores, table: string): Promise<readonly MutationStatus[]> {
	if (await isOutboxEmpty(stores)) return [];
	const firsts = await Promise.all(
		DIRTY.map((status) => ofStatus(stores, table, status).limit(1).primaryKeys()),
	);
	return DIRTY.filter((_, at) => (firsts[at]?.length ?? 0) > 0);
}

/** A look at each of so few rows is cheaper than to ask first what there is at all. */
const FEW_ROWS = 16;

/** Which of `ids` have a pending mutation. */
export async function pendingAmong(
	transaction: DirectTransaction,
	table: string,
	ids: readonly RowId[],
): Promise<ReadonlySet<RowId>> {
	if (ids.length > FEW_ROWS && (await isOutboxEmpty(transaction))) return new Set();
	const keys = ids.map((id) => [table, 'pending', id]);
	const found = await transaction.among('outbox', '[table+status+rowId]', keys);
	return new Set(ids.filter((_, at) => found[at]));
}

/** Which of `ids` are dirty. Costs the same however many mutations a row has. */
export async function dirtyAmong(stores: Stores, table: string, ids: readonly RowId[]): Promise<Set<RowId>> {
	const dirty = new Set<RowId>();
	const byIndex = stores.outbox.where('[table+status+rowId]');
	if (ids.length <= FEW_ROWS) {
		const looks = ids.flatMap((id) =>
			DIRTY.map(async (status) => {
				const found = await byIndex.equals([table, status, id]).limit(1).primaryKeys();
				if (found.length > 0) dirty.add(id);
			}),
		);
		await Promise.all(looks);
		return dirty;
	}
	// Most pages meet an empty outbox: two looks then spare a cursor step a row.
	const statuses = await dirtyStatuses(stores, table);
	const keys = ids.flatMap((id) => statuses.map((status) => [table, status, id]));
	if (keys.length === 0) return dirty;
	await byIndex.anyOf(keys).eachUniqueKey((key) => dirty.add((key as unknown as [string, string, RowId])[2]));
	return dirty;
}

/** Frees the localIds of rows that never came to be, so that the app may use them again. */
export async function releaseAliases(stores: Stores, table: string, ids: ReadonlySet<RowId>): Promise<void> {
	if (ids.size === 0) return;
	await stores.aliases
		.where('[table+id]')
		.anyOf([...ids].map((id) => [table, id]))
		.delete();
}

/** By row, in queue order within each row; rows in the order of their first mutation. */
export function groupByRow(mutations: readonly Mutation[]): Map<RowId, Mutation[]> {
	const byRow = new Map<RowId, Mutation[]>();
	for (const mutation of [...mutations].sort((a, b) => a.seq - b.seq)) {
		const own = byRow.get(mutation.rowId);
		if (own) own.push(mutation);
		else byRow.set(mutation.rowId, [mutation]);
	}
	return byRow;
}
