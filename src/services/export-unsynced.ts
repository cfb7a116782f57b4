import type { Mutation, StoredError } from '../core/mutation.ts';
import type { Row, RowId, SyncAction } from '../core/types.ts';
import type { LocalStore } from './local-store.ts';
import type { BaseRecord } from './stores.ts';

/** Everything that the server has not confirmed, as plain JSON: for support, and for rescue. */
export interface UnsyncedExport {
	/** Whose replica it is; null: the signed-out one. */
	readonly user: string | null;
	/** Device time, ISO 8601. */
	readonly exportedAt: string;
	/** Changes that wait to be sent, oldest first. */
	readonly mutations: readonly UnsyncedMutation[];
	/** Changes that the server refused, oldest first. */
	readonly rejected: readonly UnsyncedRejection[];
	/** Changes of rows whose conflict waits for somebody to decide, oldest first. */
	readonly conflicts: readonly UnsyncedConflict[];
}

export interface UnsyncedMutation {
	readonly mutationId: string;
	readonly table: string;
	readonly id: RowId;
	readonly action: SyncAction;
	/** create: the row, without its id; update: the changed columns; delete: null. */
	readonly data: Row | null;
	/** Who made it; null: nobody was signed in. */
	readonly userId: string | null;
	/** Device time, ISO 8601. */
	readonly queuedAt: string;
	/** A request that holds it has left, or was about to, and its outcome is unknown: the server may have it. */
	readonly isSent: boolean;
	/** The row as the server last confirmed it; null: unknown, or there was none. */
	readonly base: Row | null;
}

export interface UnsyncedRejection extends UnsyncedMutation {
	/** The dead letter that it is a part of. */
	readonly letter: string | null;
	readonly error: StoredError | null;
}

export interface UnsyncedConflict extends UnsyncedMutation {
	/** The newer row of the server's; null: deleted there. */
	readonly remote: Row | null;
}

/** Reads the whole outbox, of tables that are not registered (any more), too. @param now device ms. */
export async function exportUnsynced(
	store: LocalStore,
	user: string | null,
	now: number,
): Promise<UnsyncedExport> {
	const { outbox, attempts, records } = await store.transact('r', [], async (stores) => {
		const [outbox, attempts] = await Promise.all([stores.outbox.toArray(), stores.attempts.toArray()]);
		const records = await stores.bases.bulkGet(outbox.map(({ table, rowId }) => [table, rowId]));
		return { outbox, attempts, records };
	});
	const sent = new Set(attempts.flatMap(({ mutations }) => mutations.flatMap(({ seqs }) => seqs)));
	const all = outbox.map((mutation, at) => ({
		mutation,
		record: records[at],
		entry: toEntry(mutation, records[at], sent.has(mutation.seq)),
	}));
	const of = (status: Mutation['status']) => all.filter(({ mutation }) => mutation.status === status);
	return {
		user,
		exportedAt: new Date(now).toISOString(),
		mutations: of('pending').map(({ entry }) => entry),
		rejected: of('rejected').map(({ entry, mutation: { letter, error } }) => ({
			...entry,
			letter: letter ?? null,
			error: error ?? null,
		})),
		conflicts: of('conflicted').map(({ entry, record }) => ({ ...entry, remote: record?.remote ?? null })),
	};
}

function toEntry(mutation: Mutation, record: BaseRecord | undefined, isSent: boolean): UnsyncedMutation {
	const { mutationId, table, rowId, action, data, userId, queuedAt } = mutation;
	return {
		mutationId,
		table,
		id: rowId,
		action,
		data,
		userId,
		queuedAt: new Date(queuedAt).toISOString(),
		isSent,
		base: record?.base.kind === 'held' ? record.base.row : null,
	};
}
