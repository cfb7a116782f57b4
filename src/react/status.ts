import type { ErrorSummary, SyncState, TableState } from '../sync-state.ts';

/**
 * What to say in one word, the most pressing first:
 * - `starting`: the local database is opening.
 * - `error`: something keeps sync from working, see `error`; it is tried again with the next sync.
 * - `unauthorised`: the session has ended; changes are kept until the user signs in again.
 * - `offline`: the server is out of reach; changes are kept.
 * - `syncing`: rows are going up or down.
 * - `retrying`: the server or the network put something off; it is tried again by itself.
 * - `pending`: changes wait for the next sync, or a table was never downloaded.
 * - `synced`: as far as this device knows, all is as on the server.
 */
export type SyncStatusName =
	| 'starting'
	| 'error'
	| 'unauthorised'
	| 'offline'
	| 'syncing'
	| 'retrying'
	| 'pending'
	| 'synced';

export interface SyncStatus {
	readonly status: SyncStatusName;
	/** Changes that wait to be uploaded. */
	readonly pending: number;
	/** Dead letters. */
	readonly rejected: number;
	/** Conflicts that wait for somebody's decision. */
	readonly conflicts: number;
	/** Device ms at which the least recent table was last in step; null: one never was. */
	readonly lastSyncedAt: number | null;
	readonly error: ErrorSummary | null;
}

/** Before anything is known, as on a server. */
export const STARTING: SyncStatus = {
	status: 'starting',
	pending: 0,
	rejected: 0,
	conflicts: 0,
	lastSyncedAt: null,
	error: null,
};

const ACTIVE: ReadonlySet<TableState['state']> = new Set(['uploading', 'downloading', 'resolving']);

/** Sums up a snapshot of the engine. Pure. @param table one table alone; default: all. */
export function toSyncStatus(state: SyncState, table?: string): SyncStatus {
	const tables = tablesOf(state, table);
	const sum = (count: (one: TableState) => number) => tables.reduce((total, one) => total + count(one), 0);
	const times = tables.map(({ lastSyncedAt }) => lastSyncedAt);
	const known = times.filter((at) => at !== null);
	const pending = sum((one) => one.pending);
	const isComplete = known.length === times.length && times.length > 0;
	// A table that is trying again says so itself.
	const error = state.storage.error ?? tables.find((one) => one.state === 'idle' && one.error)?.error ?? null;
	return {
		status: nameOf(state, tables, { error, isBehind: pending > 0 || !isComplete }),
		pending,
		rejected: sum((one) => one.rejected),
		conflicts: sum((one) => one.conflicts),
		lastSyncedAt: isComplete ? Math.min(...known) : null,
		error: error ?? tables.find((one) => one.error)?.error ?? null,
	};
}

export function tablesOf({ tables }: SyncState, table: string | undefined): readonly TableState[] {
	if (table === undefined) return Object.values(tables);
	return tables[table] ? [tables[table]] : [];
}

function nameOf(
	{ connection, storage }: SyncState,
	tables: readonly TableState[],
	{ error, isBehind }: { readonly error: ErrorSummary | null; readonly isBehind: boolean },
): SyncStatusName {
	if (storage.error) return 'error';
	if (connection === 'starting' || connection === 'unauthorised' || connection === 'offline')
		return connection;
	if (tables.some(({ state }) => ACTIVE.has(state))) return 'syncing';
	if (tables.some(({ state }) => state === 'backoff')) return 'retrying';
	if (error) return 'error';
	return isBehind ? 'pending' : 'synced';
}
