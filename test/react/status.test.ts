import { describe, expect, it } from 'vitest';
import type { SyncState, TableState } from '../../src/index.ts';
import { toSyncProgress, toSyncStatus } from '../../src/react/index.ts';

const TABLE: TableState = {
	state: 'idle',
	pending: 0,
	rejected: 0,
	conflicts: 0,
	lastSyncedAt: 1_000,
	progress: null,
	nextRetryAt: null,
	error: null,
};

const ERROR = { code: 'timestamp-missing', message: 'no column', hint: 'add it' };

function state(
	tables: Readonly<Record<string, Partial<TableState>>> = { notes: {} },
	more: Partial<SyncState> = {},
): SyncState {
	const whole = Object.entries(tables).map(([name, own]) => [name, { ...TABLE, ...own }]);
	return {
		connection: 'open',
		user: null,
		replica: 1,
		isLeader: true,
		storage: { persisted: null, error: null },
		...more,
		tables: Object.fromEntries(whole),
	};
}

describe('toSyncStatus', () => {
	it.each([
		['synced', state()],
		['pending', state({ notes: { pending: 1 } })],
		['pending', state({ notes: { lastSyncedAt: null } })],
		['pending', state({})],
		['syncing', state({ notes: { state: 'uploading', pending: 1 } })],
		['syncing', state({ notes: { state: 'downloading' }, tags: { state: 'backoff' } })],
		['syncing', state({ notes: { state: 'resolving' } })],
		['retrying', state({ notes: { state: 'backoff', error: ERROR } })],
		['error', state({ notes: { error: ERROR } })],
		['syncing', state({ notes: { error: ERROR }, tags: { state: 'uploading' } })],
		['offline', state({ notes: { state: 'offline', pending: 1 } }, { connection: 'offline' })],
		['unauthorised', state({}, { connection: 'unauthorised' })],
		['starting', state({}, { connection: 'starting' })],
		['error', state({}, { connection: 'starting', storage: { persisted: null, error: ERROR } })],
		['synced', state({ notes: {} }, { connection: 'not-leader' })],
	] as const)('%s: %o', (status, given) => {
		expect(toSyncStatus(given).status).toBe(status);
	});

	it('sums up the tables, or tells one of them', () => {
		const given = state({
			notes: { pending: 2, rejected: 1, lastSyncedAt: 5_000 },
			tags: { pending: 3, conflicts: 4, lastSyncedAt: 2_000, error: ERROR },
		});
		expect(toSyncStatus(given)).toEqual({
			status: 'error',
			pending: 5,
			rejected: 1,
			conflicts: 4,
			lastSyncedAt: 2_000,
			error: ERROR,
		});
		expect(toSyncStatus(given, 'notes')).toMatchObject({
			status: 'pending',
			pending: 2,
			lastSyncedAt: 5_000,
		});
		expect(toSyncStatus(given, 'nots')).toMatchObject({ status: 'pending', pending: 0, lastSyncedAt: null });
		expect(toSyncStatus(state({ notes: {}, tags: { lastSyncedAt: null } })).lastSyncedAt).toBeNull();
	});
});

describe('toSyncProgress', () => {
	it('adds up the downloads under way', () => {
		const running = (rowsRead: number) => ({ state: 'downloading', progress: { rowsRead } }) as const;
		const given = state({ notes: running(2_000), tags: running(500), other: {} });
		expect(toSyncProgress(given)).toEqual({ isDownloading: true, rowsRead: 2_500 });
		expect(toSyncProgress(given, 'tags')).toEqual({ isDownloading: true, rowsRead: 500 });
		expect(toSyncProgress(given, 'other')).toEqual({ isDownloading: false, rowsRead: 0 });
	});
});
