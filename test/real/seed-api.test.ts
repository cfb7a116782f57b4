import { createClient } from '@supabase/supabase-js';
import { liveQuery } from 'dexie';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
	NetworkMonitor,
	networkMonitor,
	PixSyncError,
	type SyncConfig,
	SyncManager,
} from '../../src/index.ts';
import { createDevice, type Device, type DeviceOptions } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];
const managers: SyncManager[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text not null, body text, updated_at timestamptz not null default now());
			${touchTrigger('notes')}
			create table tags (id text primary key, label text, updated_at timestamptz not null default now());
			${touchTrigger('tags')}
			create table numbered (id bigint primary key, label text, updated_at timestamptz not null default now());
			${touchTrigger('numbered')}
			create table timeless (id uuid primary key, title text);
		`,
	});
});

afterEach(async () => {
	await Promise.all([...devices.splice(0), ...managers.splice(0)].map((open) => open.close()));
	await supabase.sql('truncate notes, tags, numbered, timeless');
	supabase.faults.clear();
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

const both: SyncConfig[] = [{ table: 'notes' }, { table: 'tags' }];

async function device(name: string, options: Partial<DeviceOptions> = {}): Promise<Device> {
	const created = await createDevice(supabase, name, { tables: both, ...options });
	devices.push(created);
	return created;
}

function newClient() {
	return createClient(supabase.url, supabase.anonKey, { realtime: { transport: webSocketTransport } });
}

function newManager(): SyncManager {
	const manager = new SyncManager(newClient(), { indexedDB: new IDBFactory(), IDBKeyRange });
	managers.push(manager);
	return manager;
}

describe('queueAction and sync', () => {
	it('creates, updates and deletes, and tells the right numbers', async () => {
		const alice = await device('alice');
		const queued = await alice.sync.queueAction('notes', 'create', { title: 'one' }, 'local-1');
		expect(queued).toEqual({ mutationId: expect.stringMatching(/^[0-9a-f-]{36}$/), id: expect.any(String) });
		const { id } = queued;
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(await alice.sync.table('notes').get('local-1')).toEqual({ id, title: 'one' });
		expect(await alice.sync.sync()).toEqual({
			success: true,
			uploaded: 1,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await supabase.sql('select id, title from notes')).toEqual([{ id, title: 'one' }]);

		const bob = await device('bob');
		expect(await bob.sync.sync()).toEqual({
			success: true,
			uploaded: 0,
			downloaded: 1,
			conflicts: 0,
			errors: [],
		});
		await bob.sync.queueAction('notes', 'update', { title: 'two' }, id);
		expect(await bob.sync.sync(['notes'])).toEqual({
			success: true,
			uploaded: 1,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 1 });
		expect(await alice.sync.table('notes').get('local-1')).toMatchObject({ title: 'two' });
		await alice.sync.queueAction('notes', 'delete', null, 'local-1');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await supabase.sql('select * from notes')).toEqual([]);
		expect(await bob.sync.reconcile('notes')).toEqual({ changed: 1 });
		expect(await bob.sync.table('notes').toArray()).toEqual([]);
	});

	it('sync([…]) talks of the named tables only', async () => {
		const alice = await device('alice');
		await alice.sync.queueAction('notes', 'create', { title: 'n' });
		await alice.sync.queueAction('tags', 'create', { id: 't', label: 'l' });
		expect(await alice.sync.sync(['tags'])).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await alice.sync.getPendingCount('tags')).toBe(0);
		expect(await alice.sync.getPendingCount('notes')).toBe(1);
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(await supabase.sql('select * from notes')).toEqual([]);
	});

	it('[S11] offline it answers at once, one error a table, and makes no request', async () => {
		const alice = await device('alice');
		alice.network.isOn = false;
		await alice.sync.queueAction('notes', 'create', { title: 'n' });
		supabase.clearRequests();
		expect(await alice.sync.sync()).toEqual({
			success: false,
			uploaded: 0,
			downloaded: 0,
			conflicts: 0,
			errors: [
				expect.stringMatching(/^notes: .*\(offline\)$/),
				expect.stringMatching(/^tags: .*\(offline\)$/),
			],
		});
		expect(supabase.requests).toHaveLength(0);
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[R12] a second call joins and resolves after what was queued before it is uploaded', async () => {
		const alice = await device('alice');
		await alice.sync.queueAction('notes', 'create', { title: 'a' });
		const first = alice.sync.sync();
		await alice.sync.queueAction('notes', 'create', { title: 'b' });
		const second = await alice.sync.sync();
		expect(second.success).toBe(true);
		expect((await first).success).toBe(true);
		expect(await supabase.sql('select count(*)::int n from notes')).toEqual([{ n: 2 }]);
		expect(await alice.sync.getPendingCount()).toBe(0);
	});

	it('queueActions is one transaction across tables: all or none', async () => {
		const alice = await device('alice');
		const queued = await alice.sync.queueActions([
			{ table: 'notes', action: 'create', data: { title: 'n' }, localId: 'x' },
			{ table: 'tags', action: 'create', data: { id: 'red', label: 'r' } },
		]);
		expect(queued).toHaveLength(2);
		const bad = alice.sync.queueActions([
			{ table: 'notes', action: 'create', data: { title: 'never' } },
			{ table: 'tags', action: 'create', data: { id: 'red' } },
		]);
		await expect(bad).rejects.toMatchObject({ code: 'row-exists' });
		expect(await alice.sync.getPendingCount()).toBe(2);
		expect(await alice.sync.table('notes').toArray()).toHaveLength(1);
	});

	it('the table handle creates, updates, removes and tells a row’s state', async () => {
		const alice = await device('alice');
		const notes = alice.sync.table<{ id: string; title: string; body: string | null }>('notes');
		const { id } = await notes.create({ title: 'a' });
		expect(await notes.state(id)).toEqual({ status: 'pending', pending: 1, error: null });
		await alice.sync.sync();
		expect(await notes.state(id)).toEqual({ status: 'synced', pending: 0, error: null });
		await notes.update(id, { body: 'b' });
		expect((await notes.get(id))?.body).toBe('b');
		expect(await notes.rows.where(':id').equals(id).count()).toBe(1);
		await notes.remove(id);
		expect(await notes.get(id)).toBeUndefined();
		expect(await notes.state(crypto.randomUUID())).toMatchObject({ status: 'absent' });
	});

	it('[R3] number keys: an id given as text names the same row', async () => {
		await supabase.sql(`insert into numbered (id, label) values (42, 'a')`);
		const alice = await device('alice', { tables: [{ table: 'numbered' }] });
		await alice.sync.sync();
		await alice.sync.queueAction('numbered', 'update', { label: 'b' }, '42');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await supabase.sql('select id, label from numbered')).toEqual([{ id: 42, label: 'b' }]);
		expect(await alice.sync.table('numbered').get('42')).toMatchObject({ id: 42, label: 'b' });
	});

	it('[S1] what was queued offline survives a restart, and syncs after it', async () => {
		const alice = await device('alice');
		alice.network.isOn = false;
		await alice.sync.queueAction('notes', 'create', { title: 'kept' }, 'l');
		await alice.restart();
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(await alice.sync.table('notes').get('l')).toMatchObject({ title: 'kept' });
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[R4] a table registered late works at once, and nothing of the others is lost', async () => {
		const alice = await device('alice', { tables: [{ table: 'notes' }] });
		await alice.sync.queueAction('notes', 'create', { title: 'n' });
		alice.sync.registerTable({ table: 'tags' });
		await alice.sync.queueAction('tags', 'create', { id: 't' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
	});
});

describe('clearSyncQueue', () => {
	it('[R10] drops what waits and gives the rows back as the server has them', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'kept' });
		await alice.sync.sync();
		await alice.sync.queueAction('notes', 'update', { title: 'dropped' }, id);
		await alice.sync.queueAction('notes', 'create', { title: 'dropped, too' });
		await alice.sync.clearSyncQueue();
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect((await alice.sync.table('notes').toArray()).map(({ title }) => title)).toEqual(['kept']);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 0 });
		expect(await supabase.sql('select title from notes')).toEqual([{ title: 'kept' }]);
	});

	it('[R10] a change that had been committed unnoticed comes back as a remote one', async () => {
		const alice = await device('alice');
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'drop-after' } });
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'committed' });
		await alice.sync.sync();
		await alice.sync.clearSyncQueue();
		expect(await alice.sync.table('notes').get(id)).toBeUndefined();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 0 });
		expect(await alice.sync.table('notes').get(id)).toMatchObject({ title: 'committed' });
	});
});

describe('auto-sync', () => {
	it('syncs when enabled, soon after a local write, at each interval, and on regaining the connection', async () => {
		const alice = await device('alice');
		const bob = await device('bob');
		alice.sync.enableAutoSync(150);
		await alice.sync.queueAction('notes', 'create', { title: 'live' });
		await expect.poll(() => supabase.sql('select count(*)::int n from notes')).toEqual([{ n: 1 }]);
		await bob.sync.queueAction('notes', 'create', { title: 'from bob' });
		await bob.sync.sync();
		await expect.poll(() => alice.sync.table('notes').rows.count()).toBe(2);
		alice.network.isOn = false;
		await alice.sync.queueAction('notes', 'create', { title: 'offline' });
		expect(alice.sync.getState().tables.notes?.state).toBe('offline');
		alice.network.isOn = true;
		await expect.poll(() => supabase.sql('select count(*)::int n from notes')).toEqual([{ n: 3 }]);
		alice.sync.disableAutoSync();
		await expect.poll(() => alice.sync.getState().tables.notes?.state).toBe('idle');
		await alice.sync.queueAction('notes', 'create', { title: 'waits' });
		await new Promise((resolve) => setTimeout(resolve, 400));
		expect(await alice.sync.getPendingCount()).toBe(1);
	});
});

describe('state', () => {
	it('getState is stable while nothing changes, and subscribe tells changes', async () => {
		const alice = await device('alice');
		const seen: string[] = [];
		const stop = alice.sync.subscribe(() => seen.push(alice.sync.getState().tables.notes?.state ?? '?'));
		expect(alice.sync.getState()).toBe(alice.sync.getState());
		await alice.sync.queueAction('notes', 'create', { title: 'a' });
		await expect.poll(() => alice.sync.getState().tables.notes?.pending).toBe(1);
		await alice.sync.sync();
		await expect.poll(() => alice.sync.getState().tables.notes?.pending).toBe(0);
		expect(new Set(seen)).toEqual(new Set(['idle', 'uploading', 'downloading']));
		expect(alice.sync.getState()).toMatchObject({ connection: 'open', user: null });
		expect(alice.sync.getState().tables.notes?.lastSyncedAt).toBeGreaterThan(0);
		stop();
	});

	it('reads of a table handle are live in a liveQuery', async () => {
		const alice = await device('alice');
		const seen: number[] = [];
		const subscription = liveQuery(() => alice.sync.table('notes').toArray()).subscribe((rows) =>
			seen.push(rows.length),
		);
		await expect.poll(() => seen).toEqual([0]);
		await alice.sync.queueAction('notes', 'create', { title: 'a' });
		await expect.poll(() => seen.at(-1)).toBe(1);
		subscription.unsubscribe();
	});

	it('a sync that close() interrupts ends with an error, and the queue stays', async () => {
		const alice = await device('alice');
		await alice.sync.queueAction('notes', 'create', { title: 'a' });
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'hang' } });
		const running = alice.sync.sync();
		await expect.poll(() => supabase.requests.some(({ method }) => method === 'POST')).toBe(true);
		await alice.restart();
		expect((await running).success).toBe(false);
		supabase.faults.clear();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await supabase.sql('select count(*)::int n from notes')).toEqual([{ n: 1 }]);
	});
});

describe('NetworkMonitor', () => {
	it('tells status and quality, and changes', async () => {
		const alice = await device('alice');
		const monitor = new NetworkMonitor({ environment: alice.network.environment });
		const seen: boolean[] = [];
		const unsubscribe = monitor.subscribe(({ isOnline }) => seen.push(isOnline));
		expect(monitor.isOnline()).toBe(true);
		expect(['poor', 'good', 'excellent']).toContain(monitor.getQuality());
		alice.network.isOn = false;
		expect(monitor.getStatus()).toMatchObject({ isOnline: false, quality: 'offline' });
		alice.network.isOn = true;
		expect(seen).toEqual([false, true]);
		unsubscribe();
		expect(networkMonitor.isOnline()).toBe(true);
	});
});

describe('bad input is a PixSyncError with code and hint, before anything is written', () => {
	const calls: [string, string, (sync: SyncManager) => unknown][] = [
		['an unregistered table', 'unregistered-table', (s) => s.queueAction('ghosts', 'create', { a: 1 })],
		['sync of an unregistered table', 'unregistered-table', (s) => s.sync(['ghosts'])],
		['a handle of an unregistered table', 'unregistered-table', (s) => s.table('ghosts')],
		['pending of an unregistered table', 'unregistered-table', (s) => s.getPendingCount('ghosts')],
		['a create without data', 'missing-data', (s) => s.queueAction('notes', 'create', null)],
		['an update without an id', 'missing-id', (s) => s.queueAction('notes', 'update', { title: 'x' })],
		['a delete without an id', 'missing-id', (s) => s.queueAction('notes', 'delete', null)],
		['an update without data', 'missing-data', (s) => s.queueAction('notes', 'update', undefined, 'x')],
		['an unknown action', 'bad-action', (s) => s.queueAction('notes', 'upsert' as 'create', { title: 'x' })],
		[
			'an id of the wrong type',
			'bad-id',
			(s) => s.queueAction('notes', 'create', { id: { a: 1 }, title: 'x' }),
		],
		[
			'a localId of the wrong type',
			'bad-id',
			(s) => s.queueAction('notes', 'update', { title: 'x' }, true as never),
		],
		['an empty id', 'bad-id', (s) => s.queueAction('notes', 'update', { title: 'x' }, '')],
		['data that cannot be cloned', 'bad-data', (s) => s.queueAction('notes', 'create', { title: () => 'x' })],
		['data that JSON cannot carry', 'bad-data', (s) => s.queueAction('notes', 'create', { title: 1n })],
		['a changed id', 'id-change', (s) => s.queueAction('notes', 'update', { id: 'b', title: 'x' }, 'a')],
		['an interval of 0', 'bad-interval', (s) => s.enableAutoSync(0)],
		['a negative interval', 'bad-interval', (s) => s.enableAutoSync(-5)],
		[
			'an interval that is not a number',
			'bad-interval',
			(s) => s.enableAutoSync('1000' as unknown as number),
		],
		['NaN', 'bad-interval', (s) => s.enableAutoSync(Number.NaN)],
		['no table name', 'bad-config', (s) => s.registerTable({ table: '' })],
		['an unknown option', 'bad-config', (s) => s.registerTable({ table: 'x', idfield: 'a' } as SyncConfig)],
		[
			'select without the timestamp',
			'bad-config',
			(s) => s.registerTable({ table: 'x', select: 'id,title' }),
		],
		[
			'a second config for a table',
			'duplicate-table',
			(s) => s.registerTable({ table: 'notes', conflictResolution: 'local-wins' }),
		],
		[
			'a strategy that is none',
			'bad-config',
			(s) => s.registerTable({ table: 'x', conflictResolution: 'newest' as 'merge' }),
		],
	];

	for (const [title, code, call] of calls) {
		it(`${title}: ${code}`, async () => {
			const alice = await device('alice');
			const error = await (async () => call(alice.sync))().then(
				() => null,
				(thrown: unknown) => thrown,
			);
			expect(error).toBeInstanceOf(PixSyncError);
			expect(error).toMatchObject({ code, hint: expect.stringMatching(/\w{3}/) });
			expect(await alice.sync.getPendingCount()).toBe(0);
			expect(await alice.sync.table('notes').toArray()).toEqual([]);
		});
	}

	it('a create of an existing row: row-exists', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'a' });
		await expect(alice.sync.queueAction('notes', 'create', { id, title: 'b' })).rejects.toMatchObject({
			code: 'row-exists',
			id,
		});
		expect(await alice.sync.getPendingCount()).toBe(1);
	});

	it('a client without a URL: bad-client', () => {
		const start = (client: unknown) =>
			new SyncManager(client as never, { indexedDB: new IDBFactory(), IDBKeyRange });
		for (const client of [null, {}, { supabaseUrl: '' }, 'https://x.supabase.co']) {
			expect(() => start(client)).toThrow(expect.objectContaining({ code: 'bad-client' }));
		}
	});

	it('[F55] no IndexedDB: says what to install', () => {
		expect(() => new SyncManager(newClient())).toThrow(
			expect.objectContaining({ code: 'no-indexeddb', hint: expect.stringContaining('fake-indexeddb') }),
		);
	});

	it('a transport that there is none of: bad-config', () => {
		const options = { indexedDB: new IDBFactory(), IDBKeyRange, transport: 'soap' as 'rest' };
		expect(() => new SyncManager(newClient(), options)).toThrow(
			expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('"soap"') }),
		);
	});

	it('a table that the server does not have: reported by sync, the queue stays, nothing is sent', async () => {
		const alice = await device('alice', { tables: [{ table: 'ghosts' }] });
		await alice.sync.queueAction('ghosts', 'create', { title: 'x' });
		const result = await alice.sync.sync();
		expect(result.errors).toEqual([expect.stringMatching(/^ghosts: .*\(unknown-table\)$/)]);
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(supabase.requests.filter(({ method }) => method !== 'GET')).toHaveLength(0);
	});

	it('a table without the timestamp column: reported by sync before anything is sent', async () => {
		const alice = await device('alice', { tables: [{ table: 'timeless' }] });
		await alice.sync.queueAction('timeless', 'create', { title: 'x' });
		const result = await alice.sync.sync();
		expect(result.errors).toEqual([expect.stringMatching(/^timeless: .*\(timestamp-missing\)$/)]);
		expect(alice.sync.getState().tables.timeless?.error?.hint).toContain('alter table');
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(supabase.requests.filter(({ method }) => method !== 'GET')).toHaveLength(0);
	});

	it('[R14] a circle in dependsOn, or a parent that nobody registered: at the first sync', async () => {
		const manager = newManager();
		manager.registerTable({ table: 'a', dependsOn: ['b'] });
		await expect(manager.sync()).rejects.toMatchObject({ code: 'unregistered-table' });
		manager.registerTable({ table: 'b', dependsOn: ['a'] });
		await expect(manager.sync()).rejects.toMatchObject({ code: 'cyclic-dependency' });
	});

	it('after close: closed', async () => {
		const manager = newManager();
		await manager.ready();
		await manager.close();
		await expect(manager.sync()).rejects.toMatchObject({ code: 'closed' });
		await expect(manager.queueAction('notes', 'create', {})).rejects.toMatchObject({ code: 'closed' });
	});
});
