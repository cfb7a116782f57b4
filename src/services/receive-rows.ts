import { adoptedBase } from '../core/adopt-row.ts';
import type { Base, Mutation } from '../core/mutation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { AnonymousRow, MovedRow } from './anonymous-replica.ts';
import type { LocalStore } from './local-store.ts';
import { groupByRow } from './outbox.ts';
import { createRowWriter } from './settle-row.ts';
import type { Stores } from './stores.ts';

/** What has arrived in the user's replica, by which adoption; kept there until the signed-out one knows. */
export interface Receipt {
	readonly batch: string;
	readonly moved: readonly MovedRow[];
}

const RECEIPT_KEY = 'adopted';

/** Refusals of somebody who was not signed in: the owner may well be allowed. */
const REFUSED_TO_NOBODY: ReadonlySet<string> = new Set(['42501', 'denied', 'not-visible']);

/**
 * Writes rows and their queue into the user's replica, behind all that is queued there, with the receipt: one
 * transaction. A row of which the user's own replica has unconfirmed changes or dead letters is left out.
 */
export async function receiveRows(
	store: LocalStore,
	userId: string,
	batch: string,
	rows: readonly AnonymousRow[],
): Promise<readonly MovedRow[]> {
	const specs = new Map(rows.map(({ spec }) => [spec.table, spec]));
	return store.transact('rw', [...specs.keys()], async (stores) => {
		const own = await stores.outbox.toArray();
		const taken = rows.filter(
			({ spec, id }) => !own.some((mutation) => mutation.table === spec.table && mutation.rowId === id),
		);
		const adopted = taken
			.flatMap(({ mutations }) => mutations)
			.sort((a, b) => a.seq - b.seq)
			.map((mutation) => ({ from: mutation.seq, mutation: toOwned(mutation, userId) }));
		const added = adopted.map(({ mutation }) => mutation);
		const seqs: readonly number[] = await stores.outbox.bulkAdd(added, { allKeys: true });
		const seqOf = new Map(adopted.map(({ from }, at) => [from, seqs[at] ?? 0]));
		for (const spec of specs.values()) await receiveTable(stores, spec, taken, seqOf);
		const moved = taken.map(({ spec, id, mutations }) => ({
			table: spec.table,
			id,
			mutationIds: mutations.map(({ mutationId }) => mutationId),
		}));
		await stores.meta.put({ key: RECEIPT_KEY, value: { batch, moved } satisfies Receipt });
		return moved;
	});
}

/** The receipt of that adoption; null: nothing of it has arrived. */
export async function readReceipt(store: LocalStore, batch: string): Promise<Receipt | null> {
	const record = await store.transact('r', [], ({ meta }) => meta.get(RECEIPT_KEY));
	const receipt = record?.value as Receipt | undefined;
	return receipt?.batch === batch ? receipt : null;
}

export async function dropReceipt(store: LocalStore): Promise<void> {
	await store.transact('rw', [], ({ meta }) => meta.delete(RECEIPT_KEY));
}

async function receiveTable(
	stores: Stores,
	spec: TableSpec,
	taken: readonly AnonymousRow[],
	seqOf: ReadonlyMap<number, number>,
): Promise<void> {
	const rows = taken.filter((row) => row.spec === spec);
	const views = await stores.rows(spec.table).bulkGet(rows.map(({ id }) => id));
	const queued = groupByRow(
		(await stores.outbox.toArray()).filter(
			({ table, status }) => table === spec.table && status === 'pending',
		),
	);
	const writer = createRowWriter(spec);
	rows.forEach((row, at) => {
		const remaining = queued.get(row.id) ?? [];
		// Dead letters alone leave the row as the server confirmed it.
		if (remaining.length === 0) return;
		const { id, record } = row;
		const base = record?.base ?? baseOf(row);
		const theirs = record?.remote === undefined ? { base } : { base, remote: record.remote };
		writer.change({ id, ...adoptedBase(spec, remaining, theirs, views[at] ?? null), remaining, removed: [] });
	});
	await writer.write(stores);
	for (const { attempts } of rows) {
		for (const { attempt, sent } of attempts) {
			// The ledger that knows the name is nobody's, and not the user's.
			const { pushId: _, ...known } = sent;
			const mutation = { ...known, seqs: sent.seqs.flatMap((seq) => seqOf.get(seq) ?? []) };
			const { table, count } = attempt;
			await stores.attempts.add({ table, mutations: [mutation], count, nextAttemptAt: 0 });
		}
	}
	const aliases = rows.flatMap((row) => row.aliases);
	const held = await stores.aliases.bulkGet(aliases.map(({ table, localId }) => [table, localId]));
	// A name that the user's own row has stays that row's.
	await stores.aliases.bulkPut(aliases.filter((_, at) => !held[at]));
}

/** A row without a base record was created here, or is clean but for dead letters. */
function baseOf({ mutations, view }: AnonymousRow): Base {
	if (mutations[0]?.action === 'create') return { kind: 'absent' };
	return view ? { kind: 'held', row: view } : { kind: 'unknown' };
}

function toOwned({ seq: _, ...mutation }: Mutation, userId: string): Omit<Mutation, 'seq'> {
	const { letter, error, ...plain } = mutation;
	const isDeadLetter = mutation.status === 'rejected' && !REFUSED_TO_NOBODY.has(error?.code ?? '');
	return isDeadLetter ? { ...mutation, userId } : { ...plain, userId, status: 'pending' };
}
