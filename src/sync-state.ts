import type { ActorRefFrom } from 'xstate';
import { closedReason } from './machines/closed-reason.ts';
import type { syncMachine } from './machines/sync.machine.ts';
import { NO_TABLE_COUNTS, type TableCounts } from './services/table-counts.ts';

export type TableStateName = 'offline' | 'idle' | 'uploading' | 'downloading' | 'resolving' | 'backoff';

export interface TableState {
	readonly state: TableStateName;
	readonly pending: number;
	readonly rejected: number;
	readonly conflicts: number;
	/** Device ms; null: never. */
	readonly lastSyncedAt: number | null;
	/** Rows read so far by the pull under way; null: none is. */
	readonly progress: { readonly rowsRead: number } | null;
	/** Device ms; null: no retry is planned. */
	readonly nextRetryAt: number | null;
	/** What kept the last round from ending well. */
	readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}

export interface SyncState {
	/** `starting`: the local database is opening; `open`: requests may be made; else why not. */
	readonly connection: 'starting' | 'open' | 'offline' | 'unauthorised' | 'not-leader';
	/** The user whose replica is open; null: signed out. */
	readonly user: string | null;
	readonly tables: Readonly<Record<string, TableState>>;
}

/** The state as of now, read off the machines and the last counts. */
export function toSyncState(
	actor: ActorRefFrom<typeof syncMachine>,
	counts: ReadonlyMap<string, TableCounts>,
	user: string | null,
): SyncState {
	const { context } = actor.getSnapshot();
	const reason = closedReason(context);
	const tables: Record<string, TableState> = {};
	for (const [table, { ref }] of Object.entries(context.tables)) {
		const { value, context: own } = ref.getSnapshot();
		const count = counts.get(table) ?? NO_TABLE_COUNTS;
		tables[table] = {
			state: value,
			...count,
			lastSyncedAt: own.lastSyncedAt ?? count.lastSyncedAt,
			progress: value === 'downloading' ? { rowsRead: own.rowsRead } : null,
			nextRetryAt: own.nextRetryAt,
			error: own.error && { code: own.error.code, message: own.error.message, hint: own.error.hint },
		};
	}
	return { connection: reason === null ? 'open' : reason === 'closed' ? 'starting' : reason, user, tables };
}
