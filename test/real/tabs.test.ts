import { createClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { NetworkMonitor, SyncManager, type SyncManagerOptions } from '../../src/index.ts';
import { createFakeLocks } from '../support/fake-locks.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

let supabase: Supabase;
const open: SyncManager[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: ['notes', 'tags']
			.map(
				(table) => `create table ${table} (id uuid primary key, title text check (title <> 'bad'),
					updated_at timestamptz not null default now()); ${touchTrigger(table)}`,
			)
			.join('\n'),
	});
});

// One browser: its disk, its locks.
beforeEach(() => {
	vi.stubGlobal('indexedDB', new IDBFactory());
	vi.stubGlobal('IDBKeyRange', IDBKeyRange);
	vi.stubGlobal('navigator', { locks: createFakeLocks() });
});

afterEach(async () => {
	await Promise.all(open.splice(0).map((sync) => sync.close()));
	supabase.faults.clear();
	vi.unstubAllGlobals();
	await supabase.sql('truncate notes, tags');
});

afterAll(() => supabase?.stop());

async function tab(
	tables: readonly string[] = ['notes'],
	options: SyncManagerOptions = {},
): Promise<SyncManager> {
	const client = createClient(supabase.url, supabase.anonKey, {
		auth: { persistSession: false, autoRefreshToken: false },
		realtime: { transport: webSocketTransport },
	});
	const sync = new SyncManager(client, {
		...{ databaseName: 'app', reconcileIntervalMs: 0, realtime: false },
		networkMonitor: new NetworkMonitor({ environment: { onLine: true } }),
		...options,
	});
	open.push(sync);
	for (const table of tables) sync.registerTable({ table });
	await sync.ready();
	return sync;
}

describe('[R24] [S25] a follower', () => {
	it('has its sync done by the leader, and is told what that tells', async () => {
		const [leader, follower] = [await tab(), await tab()];
		const rejected: unknown[] = [];
		const errors: unknown[] = [];
		follower.on('rejected', (notice) => rejected.push(notice));
		follower.on('error', ({ error }) => errors.push(error));
		await follower.queueAction('notes', 'create', { title: 'good' });
		const bad = await follower.queueAction('notes', 'create', { title: 'bad' });
		const result = await follower.sync(['notes']);
		expect(result).toMatchObject({ success: false, uploaded: 1 });
		expect(result.errors).toEqual([expect.stringMatching(/^notes: .*\(23514\)$/)]);
		await expect.poll(() => rejected).toEqual([expect.objectContaining({ table: 'notes', id: bad.id })]);
		expect(await follower.getRejected()).toHaveLength(1);
		await expect.poll(() => follower.getState()).toMatchObject({ connection: 'open', isLeader: false });
		expect(leader.getState().isLeader).toBe(true);
		supabase.faults.add({ match: () => true, effect: { kind: 'status', status: 503 } });
		await follower.sync();
		await expect.poll(() => errors).not.toEqual([]);
		expect(errors[0]).toMatchObject({ name: 'PixSyncError', code: 'http-503', fault: 'no-answer' });
	});

	it('what it writes goes out at once where the leader syncs by itself', async () => {
		const [leader, follower] = [await tab(), await tab()];
		leader.enableAutoSync(3_600_000);
		await expect.poll(() => leader.getState().tables.notes?.lastSyncedAt ?? null).not.toBeNull();
		await follower.queueAction('notes', 'create', { title: 'at once' });
		await expect.poll(() => supabase.sql('select title from notes')).toEqual([{ title: 'at once' }]);
	});

	it('[L2] what it writes while the leader is told of nothing new goes out at once, too', async () => {
		const [leader, follower] = [await tab(['notes'], { overlapMs: 0 }), await tab()];
		await supabase.sql("insert into notes (id, title) values (gen_random_uuid(), 'theirs')");
		leader.enableAutoSync(3_600_000);
		await expect.poll(async () => (await leader.table('notes').toArray()).length).toBe(1);
		// The server tells its time in whole seconds: until then the row is read again.
		await new Promise((resolve) => setTimeout(resolve, 1_100));
		await leader.sync();
		supabase.clearRequests();
		supabase.faults.add({ match: ({ method }) => method === 'GET', effect: { kind: 'latency', ms: 80 } });
		// Answered before what is queued has been gathered for a while.
		const pull = leader.sync();
		await expect.poll(() => supabase.requests.length, { interval: 5 }).toBe(1);
		await follower.queueAction('notes', 'create', { title: 'mine' });
		await pull;
		const titles = () => supabase.sql('select title from notes order by title');
		await expect.poll(titles, { timeout: 3_000 }).toEqual([{ title: 'mine' }, { title: 'theirs' }]);
	});

	it('of a page with other tables than the leader’s: its sync does not reject, and says what kept it', async () => {
		await tab(['notes']);
		const follower = await tab(['notes', 'tags']);
		await follower.queueAction('tags', 'create', { title: 'kept' });
		const result = await follower.sync(['tags']);
		expect(result.errors).toEqual([expect.stringMatching(/^tags: .*\(not-leader\)$/)]);
		expect(await follower.getPendingCount('tags')).toBe(1);
	});

	it('that is closed in the middle of a call gets an answer', async () => {
		await tab();
		const follower = await tab();
		supabase.faults.add({ match: () => true, effect: { kind: 'hang' } });
		supabase.clearRequests();
		const asked = follower.sync();
		const isPull = ({ search }: { search: string }) => search.includes('order=');
		await expect.poll(() => supabase.requests.some(isPull)).toBe(true);
		await follower.close();
		expect(await asked).toMatchObject({ success: false, errors: [expect.stringContaining('(closed)')] });
	});

	it('[F46] notices that another tab has wiped the database, and begins anew in the new one', async () => {
		const [leader, follower] = [await tab(), await tab()];
		const before = leader.getState().replica;
		await leader.wipe({ discardUnsynced: true });
		expect(leader.getState().replica).not.toBe(before);
		await expect.poll(() => [leader, follower].filter((one) => one.getState().isLeader).length).toBe(1);
		await follower.queueAction('notes', 'create', { title: 'after the wipe' });
		await expect.poll(async () => (await follower.sync()).success, { timeout: 8_000 }).toBe(true);
		expect(await supabase.sql('select title from notes')).toEqual([{ title: 'after the wipe' }]);
	});
});
