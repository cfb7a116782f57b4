import { createClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { NetworkMonitor, type SyncConfig, SyncManager, type SyncManagerOptions } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { createFakeLocks } from '../support/fake-locks.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

let supabase: Supabase;
const open: { close(): Promise<void> }[] = [];

const notes: SyncConfig = { table: 'notes' };

beforeAll(async () => {
	supabase = await startSupabase({
		schemas: ['public', 'shop'],
		sql: `
			create table notes (id uuid primary key default gen_random_uuid(), title text, n int, updated_at timestamptz not null default now());
			create function refuse() returns trigger language plpgsql as $$
			begin
				if new.title = 'poison' then raise exception 'poison'; end if;
				if new.title = 'stuck' then raise exception 'timeout after 4000ms (HTTP 400)' using errcode = '57014'; end if;
				return new;
			end $$;
			create trigger refuse before insert or update on notes for each row execute function refuse();
			${touchTrigger('notes')}
			create table secret (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('secret')}
			alter table secret enable row level security;
			create policy readable on secret for select using (true);
			create table feed (id uuid primary key default gen_random_uuid(), n int, updated_at timestamptz not null);
			create schema shop;
			grant usage on schema shop to anon, authenticated;
			create table shop.notes (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('shop.notes')}
			grant all on shop.notes to anon, authenticated;
		`,
	});
});

afterEach(async () => {
	vi.unstubAllGlobals();
	await Promise.all(open.splice(0).map((one) => one.close()));
	supabase.faults.clear();
	await supabase.sql('truncate notes, secret, feed, shop.notes');
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

/** Retries of its own come too late to interfere. */
const OPTIONS: SyncManagerOptions = { reconcileIntervalMs: 0, backoff: { baseMs: 600_000, capMs: 600_000 } };

async function device(name: string, tables: readonly SyncConfig[] = [notes]): Promise<Device> {
	const created = await createDevice(supabase, name, { tables, options: OPTIONS });
	open.push(created);
	return created;
}

function manager(options: SyncManagerOptions): SyncManager {
	const client = createClient(supabase.url, supabase.anonKey, {
		auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
		realtime: { transport: webSocketTransport },
	});
	const sync = new SyncManager(client, { ...OPTIONS, networkMonitor: new NetworkMonitor(), ...options });
	open.push(sync);
	sync.registerTable(notes);
	return sync;
}

const titles = async (table = 'notes') =>
	(await supabase.sql<{ title: string }>(`select title from ${table} order by title`)).map(
		({ title }) => title,
	);

const heldTitles = async (sync: SyncManager, table = 'notes') =>
	(await sync.table<{ title: string }>(table).toArray()).map(({ title }) => title).sort();

describe('what other engines were seen to do', () => {
	it('[F27] [S20] a poison row blocks no other row’s upload', async () => {
		const alice = await device('alice');
		for (const title of ['first', 'poison', 'last'])
			await alice.sync.queueAction('notes', 'create', { title });
		expect(await alice.sync.sync()).toMatchObject({
			uploaded: 2,
			errors: [expect.stringContaining('(P0001)')],
		});
		expect(await titles()).toEqual(['first', 'last']);
		await alice.sync.queueAction('notes', 'create', { title: 'later' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[F27] [S20] a poison row blocks no download of its own table', async () => {
		const alice = await device('alice');
		await supabase.sql(`insert into notes (title) select 't' || n from generate_series(1, 30) n`);
		await alice.sync.queueAction('notes', 'create', { title: 'poison' });
		expect(await alice.sync.sync()).toMatchObject({ uploaded: 0, downloaded: 30 });
	});

	it('[F24] [S1] an update that row level security denies is told, and is no success', async () => {
		const id = crypto.randomUUID();
		await supabase.sql(`insert into secret (id, title) values ($1, 'theirs')`, [id]);
		const alice = await device('alice', [{ table: 'secret' }]);
		await alice.sync.sync();
		await alice.sync.queueAction('secret', 'update', { title: 'mine' }, id);
		expect(await alice.sync.sync()).toMatchObject({ success: false, uploaded: 0 });
		expect(await alice.sync.explain('secret', id)).toMatchObject({
			status: 'rejected',
			row: { title: 'theirs' },
			mutations: [{ data: { title: 'mine' }, error: { code: 'denied' } }],
		});
	});

	it('[F39] [F41] [S14] [S15] a poke carries nothing and moves no checkpoint: what it was about, and what it was not, is pulled', async () => {
		const alice = await device('alice');
		await supabase.sql(`insert into notes (title) values ('first')`);
		await alice.sync.sync();
		await supabase.sql(`insert into notes (title) values ('unheard of')`);
		await supabase.sql(`insert into notes (title) values ('announced')`);
		supabase.clearRequests();
		// The event of the first of the two was lost on its way.
		alice.sync.actor.send({ type: 'poke.received', tables: ['notes'] });
		await expect.poll(() => heldTitles(alice.sync)).toEqual(['announced', 'first', 'unheard of']);
		// With its answer lost, too, the place to go on from stays where it was.
		await supabase.sql(`insert into notes (title) values ('lost')`);
		supabase.faults.add({ match: ({ method }) => method === 'GET', effect: { kind: 'drop-after' } });
		alice.sync.actor.send({ type: 'poke.received', tables: ['notes'] });
		await expect.poll(() => supabase.requests.some(({ status }) => status === null)).toBe(true);
		await supabase.sql(`insert into notes (title) values ('next')`);
		await expect.poll(async () => (await alice.sync.sync()).success).toBe(true);
		expect(await heldTitles(alice.sync)).toEqual(['announced', 'first', 'lost', 'next', 'unheard of']);
	});

	it('[F9] [F14] 2,500 rows, the newest first, behind a cap of 1,000 rows all arrive', async () => {
		await supabase.sql(
			`insert into feed (n, updated_at) select n, '2024-06-01'::timestamptz - n * interval '1 second' from generate_series(1, 2500) n`,
		);
		const alice = await device('alice', [{ table: 'feed' }]);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 2500 });
		const held = await alice.sync.table<{ n: number }>('feed').toArray();
		expect(new Set(held.map(({ n }) => n)).size).toBe(2500);
	});

	it('[R16] [S7] editing one column erases no remote edit of another', async () => {
		const alice = await device('alice');
		const bob = await device('bob');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'old', n: 1 });
		await alice.sync.sync();
		await bob.sync.sync();
		await bob.sync.queueAction('notes', 'update', { n: 2 }, id);
		await bob.sync.sync();
		await new Promise((resolve) => setTimeout(resolve, 10));
		await alice.sync.queueAction('notes', 'update', { title: 'new' }, id);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1 });
		expect(await supabase.sql('select title, n from notes')).toEqual([{ title: 'new', n: 2 }]);
		expect(await alice.sync.table('notes').get(id)).toMatchObject({ title: 'new', n: 2 });
	});

	it('[S1] another schema than the default is read and written', async () => {
		const sync = manager({ schema: 'shop', indexedDB: new IDBFactory(), IDBKeyRange });
		await supabase.sql(`insert into shop.notes (id, title) values (gen_random_uuid(), 'theirs')`);
		await supabase.sql(`insert into notes (title) values ('public')`);
		const { id } = await sync.queueAction('notes', 'create', { title: 'mine' });
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1, downloaded: 1 });
		await sync.queueAction('notes', 'update', { title: 'changed' }, id);
		await sync.sync();
		expect(await titles('shop.notes')).toEqual(['changed', 'theirs']);
		await sync.queueAction('notes', 'delete', null, id);
		await sync.sync();
		expect(await titles('shop.notes')).toEqual(['theirs']);
		expect(await titles()).toEqual(['public']);
		expect(await heldTitles(sync)).toEqual(['theirs']);
	});

	it('[F53] [S1] a write before the initialisation is not lost, nor one that the app was closed on', async () => {
		const disk = { indexedDB: new IDBFactory(), IDBKeyRange };
		const first = manager(disk);
		const written = first.queueAction('notes', 'create', { title: 'early' });
		const synced = first.sync();
		await written;
		expect(await synced).toMatchObject({ success: true, errors: [], uploaded: 1 });
		await first.queueAction('notes', 'create', { title: 'at the end' });
		await first.close();
		expect(await manager(disk).sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await titles()).toEqual(['at the end', 'early']);
	});

	it('[F52] [S24] [L6] when the leader’s tab closes the other one leads, and sends what both have queued', async () => {
		vi.stubGlobal('indexedDB', new IDBFactory());
		vi.stubGlobal('IDBKeyRange', IDBKeyRange);
		vi.stubGlobal('navigator', { locks: createFakeLocks() });
		const leader = manager({});
		await leader.ready();
		const follower = manager({});
		await follower.ready();
		await expect.poll(() => leader.getState().connection).toBe('open');
		expect([leader, follower].map((one) => one.getState().isLeader)).toEqual([true, false]);
		await follower.queueAction('notes', 'create', { title: 'of the follower' });
		await leader.queueAction('notes', 'create', { title: 'of the leader' });
		await leader.close();
		await expect.poll(() => follower.getState().isLeader).toBe(true);
		expect(await follower.sync()).toMatchObject({ success: true, errors: [] });
		expect(await titles()).toEqual(['of the follower', 'of the leader']);
		expect(await follower.getPendingCount()).toBe(0);
	});

	it('[S22] [F35] an error whose text holds "400" is no refusal: the write is kept, and sent in the end', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'stuck' });
		expect((await alice.sync.sync()).errors).toEqual([expect.stringMatching(/4000ms.*\(57014\)$/)]);
		expect(await alice.sync.table('notes').state(id)).toMatchObject({ status: 'pending' });
		await supabase.sql('alter table notes disable trigger refuse');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		await supabase.sql('alter table notes enable trigger refuse');
		expect(await titles()).toEqual(['stuck']);
	});

	it('[R20] [S1] a remote delete destroys no local edit unasked: it is kept aside and told of', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'old' });
		await alice.sync.sync();
		await supabase.sql('delete from notes');
		const told: unknown[] = [];
		alice.sync.on('rejected', (notice) => told.push(notice));
		await alice.sync.queueAction('notes', 'update', { title: 'an evening’s work' }, id);
		expect(await alice.sync.sync()).toMatchObject({ success: false, conflicts: 1 });
		expect(told).toEqual([expect.objectContaining({ table: 'notes', id })]);
		expect(await alice.sync.explain('notes', id)).toMatchObject({
			status: 'rejected',
			mutations: [{ data: { title: 'an evening’s work' }, error: { code: 'remote-deleted' } }],
		});
		await alice.restart();
		expect((await alice.sync.explain('notes', id)).mutations).toHaveLength(1);
	});

	it('[R12] [L8] a stuck upload freezes no download, however often it is tried', async () => {
		const alice = await device('alice');
		await alice.sync.queueAction('notes', 'create', { title: 'stuck' });
		for (const title of ['a', 'b', 'c']) {
			await supabase.sql('insert into notes (title) values ($1)', [title]);
			expect(await alice.sync.sync()).toMatchObject({ success: false, uploaded: 0, downloaded: 1 });
		}
		expect(await heldTitles(alice.sync)).toEqual(['a', 'b', 'c', 'stuck']);
	});
});
