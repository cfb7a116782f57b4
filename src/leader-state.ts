import type { SyncState, TableState } from './sync-state.ts';

/** What the leading tab tells the others of its engine. Plain data. */
export interface LeaderState {
	readonly connection: SyncState['connection'];
	readonly tables: Readonly<Record<string, LeaderTableState>>;
}

type LeaderTableState = Pick<TableState, 'state' | 'progress' | 'nextRetryAt' | 'error' | 'lastSyncedAt'>;

export function toLeaderState({ connection, tables }: SyncState): LeaderState {
	return {
		connection,
		tables: Object.fromEntries(
			Object.entries(tables).map(([table, { state, progress, nextRetryAt, error, lastSyncedAt }]) => [
				table,
				{ state, progress, nextRetryAt, error, lastSyncedAt },
			]),
		),
	};
}

/**
 * A follower's state with the leader's in place of what only the leader knows. Counts stay its own: it reads the
 * same database.
 */
export function withLeaderState(own: SyncState, leader: LeaderState | null): SyncState {
	if (!leader || own.connection !== 'not-leader') return own;
	const tables = Object.entries(own.tables).map(([table, state]) => [
		table,
		{ ...state, ...leader.tables[table] },
	]);
	return { ...own, connection: leader.connection, tables: Object.fromEntries(tables) };
}
