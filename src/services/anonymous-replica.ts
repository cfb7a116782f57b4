import Dexie from 'dexie';
import type { Mutation, PushMutation } from '../core/mutation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import type { LocalStore } from './local-store.ts';
import { groupByRow } from './outbox.ts';
import { noteRewritten } from './queue-look.ts';
import { EPOCH_KEY } from './run.ts';
import type { AliasRecord, AttemptRecord, BaseRecord, Stores } from './stores.ts';

/** Says whose adoption is under way; kept in the signed-out replica. */
export interface Claim {
	readonly batch: string;
	readonly userId: string;
}

/** One row written signed out, with all that is to be moved. */
export interface AnonymousRow {
	readonly spec: TableSpec;
	readonly id: RowId;
	/** In queue order. */
	readonly mutations: readonly Mutation[];
	readonly view: Row | null;
	readonly record: BaseRecord | null;
	readonly aliases: readonly AliasRecord[];
	/** Requests of it that may have reached the server. */
	readonly attempts: readonly { readonly attempt: AttemptRecord; readonly sent: PushMutation }[];
}

/** Which mutations have arrived in the user's replica, by row. */
export interface MovedRow {
	readonly table: string;
	readonly id: RowId;
	readonly mutationIds: readonly string[];
}

const CLAIM_KEY = 'adoption';

/** Changes that nobody has adopted yet, of all tables. */
export function countAnonymous(store: LocalStore): Promise<number> {
	return store.transact('r', [], ({ outbox }) => outbox.filter(({ userId }) => userId === null).count());
}

export async function readClaim(store: LocalStore): Promise<Claim | null> {
	const record = await store.transact('r', [], ({ meta }) => meta.get(CLAIM_KEY));
	return isClaim(record?.value) ? record.value : null;
}

/**
 * Claims what was written signed out, and reads it, in one transaction. From here on a run of the signed-out
 * replica, of whatever tab, can write nothing: its answers would change what is being moved (R9).
 */
export async function claimRows(
	store: LocalStore,
	specs: readonly TableSpec[],
	claim: Claim,
): Promise<readonly AnonymousRow[]> {
	const tables = specs.map(({ table }) => table);
	return store.transact('rw', tables, async (stores) => {
		const held = await stores.meta.get(EPOCH_KEY);
		const epoch = typeof held?.value === 'number' ? held.value : 0;
		await stores.meta.bulkPut([
			{ key: CLAIM_KEY, value: claim },
			{ key: EPOCH_KEY, value: epoch + 1 },
		]);
		const [outbox, attempts, aliases] = await Promise.all([
			stores.outbox.toArray(),
			stores.attempts.toArray(),
			stores.aliases.toArray(),
		]);
		const rows: AnonymousRow[] = [];
		for (const spec of specs) {
			const { table } = spec;
			const byRow = groupByRow(outbox.filter((mutation) => mutation.table === table));
			for (const [id, mutations] of byRow) {
				// Another user's changes are never touched (F3).
				if (mutations.some(({ userId }) => userId !== null)) continue;
				rows.push({
					spec,
					id,
					mutations,
					view: (await stores.rows(table).get(id)) ?? null,
					record: (await stores.bases.get([table, id])) ?? null,
					aliases: aliases.filter((alias) => alias.table === table && alias.id === id),
					attempts: attempts
						.filter((attempt) => attempt.table === table)
						.flatMap((attempt) =>
							attempt.mutations.filter((sent) => sent.id === id).map((sent) => ({ attempt, sent })),
						),
				});
			}
		}
		return rows;
	});
}

/** Takes what has arrived out of the signed-out replica, and the claim with it. May be repeated. */
export async function removeMoved(store: LocalStore, moved: readonly MovedRow[]): Promise<void> {
	const tables = [...new Set(moved.map(({ table }) => table))];
	await store.transact('rw', tables, async (stores) => {
		for (const row of moved) await removeRow(stores, row);
		await stores.meta.delete(CLAIM_KEY);
	});
}

async function removeRow(stores: Stores, { table, id, mutationIds }: MovedRow): Promise<void> {
	const all = await stores.outbox.filter((own) => own.table === table && own.rowId === id).toArray();
	const gone = all.filter(({ mutationId }) => mutationIds.includes(mutationId));
	const [first] = all.filter((mutation) => !gone.includes(mutation));
	const record = await stores.bases.get([table, id]);
	await Promise.all([stores.outbox.bulkDelete(gone.map(({ seq }) => seq)), noteRewritten(stores)]);
	await Promise.all([dropAttempts(stores, table, id), stores.conflicts.delete([table, id])]);
	if (first) {
		// Written meanwhile, in another tab that had not heard of the sign-in: a change of a row not held (R2).
		if (first.action === 'create') return;
		await stores.bases.put({ table, id, base: { kind: 'unknown' } });
		return;
	}
	await Promise.all([
		stores.rows(table).delete(id),
		stores.bases.delete([table, id]),
		stores.aliases.filter((alias) => alias.table === table && alias.id === id).delete(),
	]);
	const isNew = !record && gone.some(({ action }) => action === 'create');
	// A row that the server had is downloaded anew by whoever is signed out next.
	if (!isNew && gone.length > 0) {
		await stores.checkpoints.where('[table+transport]').between([table, Dexie.minKey], [table, []]).delete();
	}
}

async function dropAttempts(stores: Stores, table: string, id: RowId): Promise<void> {
	for (const attempt of await stores.attempts.where('table').equals(table).toArray()) {
		const mutations = attempt.mutations.filter((sent) => sent.id !== id);
		if (mutations.length === attempt.mutations.length) continue;
		if (mutations.length > 0) await stores.attempts.put({ ...attempt, mutations });
		else await stores.attempts.delete(attempt.id ?? -1);
	}
}

function isClaim(value: unknown): value is Claim {
	if (typeof value !== 'object' || value === null) return false;
	const { batch, userId } = value as { batch?: unknown; userId?: unknown };
	return typeof batch === 'string' && typeof userId === 'string';
}
