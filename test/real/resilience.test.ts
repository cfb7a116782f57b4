import { createClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NetworkMonitor, type SyncConfig, SyncManager, type SyncManagerOptions } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

let supabase: Supabase;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text, n int, updated_at timestamptz not null default now());
			${touchTrigger('notes')}
			create table bare (
				id uuid primary key, title text, up text generated always as (upper(title)) stored,
				updated_at timestamptz not null default now(), deleted_at timestamptz
			);
			create table self (id uuid primary key, up uuid references self, updated_at timestamptz not null default now());
			${touchTrigger('self')}
		`,
	});
});

afterEach(async () => {
	supabase.faults.clear();
	await Promise.all(open.splice(0).map((one) => one.close()));
	await supabase.sql('truncate notes, bare, self');
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

async function device(name: string, table: SyncConfig, options: SyncManagerOptions = {}): Promise<Device> {
	const created = await createDevice(supabase, name, {
		tables: [table],
		options: {
			// What this file counts and loses are the requests of REST.
			...{ transport: 'rest', reconcileIntervalMs: 0, backoff: { baseMs: 50, capMs: 2_000 } },
			...options,
		},
	});
	open.push(created);
	return created;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const toNotes = () => supabase.requests.filter(({ path }) => path === '/rest/v1/notes');

describe('refusals that do not end', () => {
	it('[F7] a session that is refused for ever ends in an error, after one refresh', async () => {
		const alice = await device('alice', { table: 'notes' });
		await alice.client.auth.signUp({ email: 'alice@example.com', password: 'correct horse' });
		await expect.poll(() => alice.sync.getState().user).not.toBeNull();
		supabase.faults.add({
			match: ({ path }) => path === '/rest/v1/notes',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'status', status: 401, body: { code: 'PGRST301', message: 'JWSError' } },
		});
		supabase.clearRequests();
		const result = await alice.sync.sync();
		expect(result.errors).toEqual([expect.stringMatching(/^notes: .*\(PGRST301\)$/)]);
		expect(toNotes().length).toBeLessThanOrEqual(2);
		supabase.faults.clear();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
	});

	it('[S23] while the server answers 503, the tries grow fewer', async () => {
		const alice = await device('alice', { table: 'notes' });
		supabase.faults.add({
			match: ({ path }) => path === '/rest/v1/notes',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'status', status: 503, body: { code: 'PGRST002', message: 'no schema' } },
		});
		await alice.sync.sync();
		await pause(3_000);
		expect(toNotes().length).toBeGreaterThan(1);
		// At a delay of 25 ms on average, were it not to grow, there would be a hundred.
		expect(toNotes().length).toBeLessThan(25);
	});

	it('[F37] a fetch that takes no notice of its signal cannot hang a sync', async () => {
		const client = createClient(supabase.url, supabase.anonKey, {
			global: { fetch: () => new Promise<Response>(() => undefined) },
			realtime: { transport: webSocketTransport },
		});
		const sync = new SyncManager(client, {
			indexedDB: new IDBFactory(),
			IDBKeyRange,
			networkMonitor: new NetworkMonitor(),
			requestTimeoutMs: 100,
		});
		open.push(sync);
		sync.registerTable({ table: 'notes' });
		expect((await sync.sync()).errors).toEqual([expect.stringMatching(/\(timeout\)$/)]);
	});
});

describe('tables without a trigger, which the devices stamp', () => {
	const bare: SyncConfig = { table: 'bare', conflictResolution: 'local-wins' };

	it('[R17] [S7] two edits on a base that lies ahead of both clocks: the second is a conflict, not an echo', async () => {
		const id = crypto.randomUUID();
		await supabase.sql(
			`insert into bare (id, title, updated_at) values ($1, 'base', now() + interval '1 hour')`,
			[id],
		);
		const alice = await device('alice', bare);
		const bob = await device('bob', bare);
		await alice.sync.sync();
		await bob.sync.sync();
		await alice.sync.queueAction('bare', 'update', { title: 'alice' }, id);
		await bob.sync.queueAction('bare', 'update', { title: 'bob' }, id);
		await alice.sync.sync();
		expect(await bob.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1, conflicts: 1 });
		expect(await supabase.sql('select title from bare')).toEqual([{ title: 'bob' }]);
	});

	it('[R17] [S15] a request repeated long after is stamped anew, or nobody else would ever pull its row', async () => {
		const alice = await device('alice', { ...bare, deletedField: 'deleted_at' }, { overlapMs: 0 });
		const bob = await device('bob', { ...bare, deletedField: 'deleted_at' }, { overlapMs: 0 });
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'drop-before' } });
		await alice.sync.queueAction('bare', 'create', { title: 'late' });
		await alice.sync.sync();
		// No retry of its own comes between.
		alice.network.isOn = false;
		await pause(3_200);
		await bob.sync.queueAction('bare', 'create', { title: 'bob' });
		await bob.sync.sync();
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		await bob.sync.sync();
		expect(await bob.sync.table('bare').rows.count()).toBe(2);
	});

	it('[R17] a refused generated column does not switch the stamps off', async () => {
		const alice = await device('alice', bare);
		const { id } = await alice.sync.queueAction('bare', 'create', { title: 'a' });
		await alice.sync.sync();
		await alice.sync.queueAction('bare', 'update', { up: 'Z' }, id);
		expect((await alice.sync.sync()).errors).toEqual([expect.stringMatching(/\(428C9\)$/)]);
		const [before] = await supabase.sql<{ updated_at: string }>('select updated_at from bare');
		await alice.sync.queueAction('bare', 'update', { title: 'b' }, id);
		await alice.sync.sync();
		const [after] = await supabase.sql<{ updated_at: string }>('select updated_at from bare');
		expect(after?.updated_at).not.toBe(before?.updated_at);
	});
});

describe('identity', () => {
	it('[F3] [R23] with an accessToken client, what the next user writes is never sent as the former', async () => {
		const [anna, ben] = [crypto.randomUUID(), crypto.randomUUID()];
		let token = await supabase.jwt({ sub: anna });
		const client = createClient(supabase.url, supabase.anonKey, {
			accessToken: async () => token,
			realtime: { transport: webSocketTransport },
		});
		const sync = new SyncManager(client, {
			indexedDB: new IDBFactory(),
			IDBKeyRange,
			networkMonitor: new NetworkMonitor(),
		});
		open.push(sync);
		sync.registerTable({ table: 'notes' });
		await sync.ready();
		expect(sync.getState().user).toBe(anna);
		token = await supabase.jwt({ sub: ben });
		await sync.queueAction('notes', 'create', { title: 'of ben' });
		expect(sync.getState().user).toBe(ben);
		token = await supabase.jwt({ sub: anna });
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 0 });
		expect(await supabase.sql('select * from notes')).toEqual([]);
		token = await supabase.jwt({ sub: ben });
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(
			supabase.requests.filter(({ method }) => method === 'POST').map(({ headers }) => headers.sub),
		).toEqual([ben]);
	});
});

describe('changes of the configuration', () => {
	async function reopen(alice: Device, table: SyncConfig): Promise<SyncManager> {
		await alice.close();
		const sync = new SyncManager(alice.client, {
			indexedDB: alice.disk,
			IDBKeyRange,
			networkMonitor: new NetworkMonitor({ environment: alice.network.environment }),
			reconcileIntervalMs: 0,
		});
		open.push(sync);
		sync.registerTable(table);
		await sync.ready();
		return sync;
	}

	it('[F21] another select fills in the new columns; another filter removes the rows that it leaves out', async () => {
		await supabase.sql(
			`insert into notes (id, title, n) select gen_random_uuid(), 't', g % 2 from generate_series(1, 60) g`,
		);
		const alice = await device('alice', { table: 'notes', select: 'id,title,updated_at' });
		await alice.sync.sync();
		expect(
			await alice.sync
				.table('notes')
				.rows.filter(({ n }) => n !== undefined)
				.count(),
		).toBe(0);
		const wide = await reopen(alice, { table: 'notes' });
		expect(await wide.sync()).toMatchObject({ success: true, errors: [] });
		expect(
			await wide
				.table('notes')
				.rows.filter(({ n }) => n !== undefined)
				.count(),
		).toBe(60);
		await wide.close();
		const narrow = await reopen(alice, { table: 'notes', filter: { n: 1 } });
		await narrow.sync();
		expect(await narrow.table('notes').rows.count()).toBe(30);
	});

	it('[R4] a bad index is refused at once, and takes no other table away', async () => {
		const alice = await device('alice', { table: 'notes' });
		expect(() => alice.sync.registerTable({ table: 'bare', indexes: ['a b'] })).toThrow(
			expect.objectContaining({ code: 'bad-config' }),
		);
		await alice.sync.queueAction('notes', 'create', { title: 'fine' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});
});

describe('leftovers', () => {
	it('[R3] a localId is free again when its row was cancelled or cleared unsent', async () => {
		const alice = await device('alice', { table: 'notes' });
		await alice.sync.queueAction('notes', 'create', { title: 'a' }, 'draft');
		await alice.sync.queueAction('notes', 'delete', null, 'draft');
		await alice.sync.sync();
		await alice.sync.queueAction('notes', 'create', { title: 'b' }, 'draft');
		await alice.sync.clearSyncQueue();
		await alice.sync.queueAction('notes', 'create', { title: 'c' }, 'draft');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[F28] [R20] a create that arrived unnoticed and was deleted elsewhere is in conflict with the edits since', async () => {
		const config: SyncConfig = {
			table: 'bare',
			conflictResolution: 'local-wins',
			deletedField: 'deleted_at',
		};
		const alice = await device('alice', config);
		const bob = await device('bob', config);
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'drop-after' } });
		const { id } = await bob.sync.queueAction('bare', 'create', { title: 'base' });
		await bob.sync.sync();
		// No retry of its own comes between.
		bob.network.isOn = false;
		await bob.sync.queueAction('bare', 'update', { title: 'bob' }, id);
		await alice.sync.sync();
		await alice.sync.queueAction('bare', 'delete', null, id);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		bob.network.isOn = true;
		expect(await bob.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1 });
		expect(await supabase.sql('select title, deleted_at from bare')).toEqual([
			{ title: 'bob', deleted_at: null },
		]);
		expect(await bob.sync.table('bare').get(id)).toMatchObject({ title: 'bob' });
	});

	it('[F32] a tree deleted from its root is gone in the end, without a dead letter', async () => {
		const root = crypto.randomUUID();
		const leaves = Array.from({ length: 120 }, () => crypto.randomUUID());
		const alice = await device('alice', { table: 'self', dependsOn: ['self'] });
		await alice.sync.queueActions([
			{ table: 'self', action: 'create', data: { id: root } },
			...leaves.map((id) => ({ table: 'self', action: 'create' as const, data: { id, up: root } })),
		]);
		await alice.sync.sync();
		await alice.sync.queueActions(
			[root, ...leaves].map((localId) => ({ table: 'self', action: 'delete', localId })),
		);
		await expect
			.poll(async () => {
				await alice.sync.sync();
				return alice.sync.getPendingCount();
			})
			.toBe(0);
		expect(await supabase.sql('select count(*)::int n from self')).toEqual([{ n: 0 }]);
		expect(alice.sync.getState().tables.self?.rejected).toBe(0);
	});
});
