import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import type { SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import { toMigration } from '../../src/sql/migration.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type FaultRequest, type Supabase, startSupabase } from '../support/supabase/index.ts';

const TABLES: readonly SyncConfig[] = [{ table: 'papers' }, { table: 'pens' }];
const DAY_MS = 86_400_000;

let supabase: Supabase;
const devices: Device[] = [];
/** How far the devices' clock is ahead. */
let aheadMs: number;

beforeAll(async () => {
	const stamp = 'updated_at timestamptz not null default now()';
	supabase = await startSupabase({
		sql: `
			create table papers (id uuid primary key, title text, ${stamp});
			create table pens (id uuid primary key, title text, ${stamp});
			create table numbered (id serial primary key, title text, ${stamp});`,
	});
});
beforeEach(() => {
	aheadMs = 0;
});
afterEach(async () => {
	await Promise.all(devices.splice(0).map((one) => one.close()));
	supabase.faults.clear();
	await supabase.sql('truncate papers, pens, numbered');
	await migrate(null);
	supabase.clearRequests();
});
afterAll(() => supabase?.stop());

/** @param tables that the function takes; null: there is none. */
async function migrate(tables: readonly string[] | null): Promise<void> {
	await supabase.sql(
		'drop schema if exists pixsync cascade; drop function if exists pixsync_push(jsonb); drop function if exists pixsync_pull(jsonb); drop schema if exists pixsync_deleted_public cascade',
	);
	if (tables)
		await supabase.sql(
			toMigration(
				tables.map((table) => toTableSpec({ table })),
				'public',
			),
		);
	await supabase.reloadSchema();
}

/** The function alone goes, and comes again: what the ledger has seen stays. */
async function hideFunction(isHidden: boolean): Promise<void> {
	const [from, to] = isHidden ? ['pixsync_push', 'pixsync_away'] : ['pixsync_away', 'pixsync_push'];
	await supabase.sql(`alter function ${from}(jsonb) rename to ${to}`);
	await supabase.reloadSchema();
}

async function device(tables = TABLES, options: SyncManagerOptions = {}): Promise<Device> {
	const created = await createDevice(supabase, 'alice', {
		tables,
		options: {
			...{ reconcileIntervalMs: 0, backoff: { baseMs: 60_000, capMs: 60_000 } },
			...{ platform: { now: () => Date.now() + aheadMs }, ...options },
		},
	});
	devices.push(created);
	return created;
}

const queue = ({ sync }: Device, table: string, ...titles: string[]) =>
	sync.queueActions(titles.map((title) => ({ table, action: 'create', data: { title } })));

const isPull = (path: string) => path.endsWith('pixsync_pull');

/** How a table was pulled since the last look; each address once. */
function pulled(): string[] {
	const all = supabase.requests
		.filter(({ method, path, search }) => isPull(path) || (method === 'GET' && search.includes('order=')))
		.map(({ method, path, status }) => `${method} ${path.slice(9).split('?')[0]} ${status}`);
	supabase.clearRequests();
	return [...new Set(all)];
}

/** What was written since the last look, and how it was answered. */
function written(): string[] {
	const all = supabase.requests
		.filter(({ method, path }) => method !== 'GET' && !isPull(path))
		.map(({ method, path, status }) => `${method} ${path.slice(9)} ${status}`);
	supabase.clearRequests();
	return all;
}

const RPC = 'POST rpc/pixsync_push 200';
const isCall = ({ path }: FaultRequest) => path.endsWith('pixsync_push');
const titles = async (table: string) =>
	(await supabase.sql<{ title: string }>(`select title from ${table} order by title`)).map(
		({ title }) => title,
	);

describe("transport: 'auto'", () => {
	it('with the migration: asked once a table and session, when there is more than one row to send', async () => {
		await migrate(['papers', 'pens']);
		const alice = await device();
		await queue(alice, 'papers', 'alone');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1 });
		expect(written()).toEqual(['POST papers 201']);
		await queue(alice, 'papers', 'a', 'b', 'c');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 3 });
		expect(written()).toEqual([RPC, RPC]);
		await queue(alice, 'papers', 'alone again');
		await queue(alice, 'pens', 'alone');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(written().sort()).toEqual(['POST pens 201', RPC]);
		expect(await titles('papers')).toEqual(['a', 'alone', 'alone again', 'b', 'c']);
	});

	it('without it: one red line in the console a day, for all tables, whatever is opened anew', async () => {
		const alice = await device();
		await queue(alice, 'papers', 'a', 'b');
		await queue(alice, 'pens', 'a', 'b');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 4 });
		expect(written().sort()).toEqual(['POST papers 201', 'POST pens 201', 'POST rpc/pixsync_push 404']);
		await alice.restart();
		await queue(alice, 'pens', 'c', 'd');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(written()).toEqual(['POST pens 201']);
	});

	it('run a day later, it is found: in a session that goes on, and in one that begins', async () => {
		const [alice, bob] = [await device(), await device()];
		for (const one of [alice, bob]) {
			await queue(one, 'papers', 'a', 'b');
			expect(await one.sync.sync()).toMatchObject({ errors: [] });
		}
		await migrate(['papers', 'pens']);
		written();
		aheadMs = DAY_MS - 3_600_000;
		await queue(alice, 'papers', 'c', 'd');
		await alice.sync.sync();
		expect(written()).toEqual(['POST papers 201']);
		aheadMs = DAY_MS + 60_000;
		await bob.restart();
		for (const one of [alice, bob]) {
			await queue(one, 'papers', 'e', 'f');
			expect(await one.sync.sync()).toMatchObject({ errors: [] });
			expect(written()).toEqual([RPC, RPC]);
		}
	});

	it('for one table only: the other goes by REST, and is asked for once', async () => {
		await migrate(['papers']);
		const alice = await device();
		for (const expected of [
			[
				'POST pens 201',
				'POST rpc/pixsync_push 200',
				'POST rpc/pixsync_push 200',
				'POST rpc/pixsync_push 404',
			],
			['POST pens 201', 'POST rpc/pixsync_push 200'],
		]) {
			await queue(alice, 'papers', 'a', 'b');
			await queue(alice, 'pens', 'a', 'b');
			expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 4 });
			expect(written().sort()).toEqual(expected);
		}
	});

	it('a role that may not call it: by REST', async () => {
		await migrate(['papers']);
		await supabase.sql('revoke execute on function pixsync_push(jsonb) from anon, authenticated');
		const alice = await device();
		await queue(alice, 'papers', 'a', 'b');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(written()[1]).toBe('POST papers 201');
	});

	it('[S2] removed while the app runs: the batch goes again by REST in the same sync, and nobody calls it any more', async () => {
		await migrate(['papers', 'pens']);
		const alice = await device();
		for (const table of ['papers', 'pens']) await queue(alice, table, 'a', 'b');
		await alice.sync.sync();
		written();
		await migrate(null);
		await queue(alice, 'papers', 'c', 'd');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(written()).toEqual(['POST rpc/pixsync_push 404', 'POST papers 201']);
		for (const table of ['papers', 'pens']) await queue(alice, table, 'e', 'f');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 4 });
		expect(written().sort()).toEqual(['POST papers 201', 'POST pens 201']);
		expect(await titles('papers')).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
	});

	it('[S2] [R3] removed after it has taken a batch unheard: what arrived is looked for, and sent no second time', async () => {
		await migrate(['numbered']);
		const alice = await device([{ table: 'numbered', ids: 'server' }]);
		await queue(alice, 'numbered', 'a');
		supabase.faults.add({
			match: (request) => isCall(request) && hasRows(request),
			effect: { kind: 'drop-after' },
		});
		expect((await alice.sync.sync()).success).toBe(false);
		expect(await titles('numbered')).toEqual(['a']);
		await migrate(null);
		await queue(alice, 'numbered', 'b');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(await titles('numbered')).toEqual(['a', 'b']);
	});

	it('[S2] [R3] what REST has sent unheard meanwhile has no name left that a function run anew could be asked for', async () => {
		await migrate(['numbered']);
		const alice = await device([{ table: 'numbered', ids: 'server' }]);
		await queue(alice, 'numbered', 'a');
		supabase.faults.add({
			match: (request) => isCall(request) && hasRows(request),
			effect: { kind: 'drop-before' },
		});
		expect((await alice.sync.sync()).success).toBe(false);
		await hideFunction(true);
		supabase.faults.add({
			match: ({ method, path }) => method === 'POST' && path.endsWith('/numbered'),
			effect: { kind: 'drop-after' },
		});
		expect((await alice.sync.sync()).success).toBe(false);
		expect(await titles('numbered')).toEqual(['a']);
		await hideFunction(false);
		aheadMs = DAY_MS + 60_000;
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1 });
		expect(await titles('numbered')).toEqual(['a']);
	});

	it('[S2] a row sent by name is known by it in the next session, be it the only one to send', async () => {
		await migrate(['papers']);
		const alice = await device();
		await queue(alice, 'papers', 'a', 'b');
		await alice.sync.sync();
		await queue(alice, 'papers', 'once');
		supabase.faults.add({ match: isCall, effect: { kind: 'drop-after' } });
		expect((await alice.sync.sync()).success).toBe(false);
		await supabase.sql(`delete from papers where title = 'once'`);
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1 });
		expect(await titles('papers')).toEqual(['a', 'b']);
	});

	it('[F37] a question that nobody answers is an error as any, and is asked again', async () => {
		await migrate(['papers']);
		const alice = await device();
		await queue(alice, 'papers', 'a', 'b');
		supabase.faults.add({ match: isCall, effect: { kind: 'drop-before' } });
		expect((await alice.sync.sync()).errors).toEqual([expect.stringContaining('(network)')]);
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(written().slice(-2)).toEqual([RPC, RPC]);
	});

	it('[F56] a firewall that refuses calls of functions keeps nothing from being sent by REST', async () => {
		await migrate(['papers']);
		const alice = await device();
		await queue(alice, 'papers', 'a', 'b');
		const effect = { kind: 'status', status: 403, body: '<html>blocked</html>' } as const;
		supabase.faults.add({ match: isCall, times: Number.POSITIVE_INFINITY, effect });
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(await titles('papers')).toEqual(['a', 'b']);
	});

	it("transport: 'rest' asks nobody", async () => {
		await migrate(['papers']);
		const alice = await device(TABLES, { transport: 'rest' });
		await queue(alice, 'papers', 'a', 'b');
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
		expect(written()).toEqual(['POST papers 201']);
	});

	describe('downloads', () => {
		const BY_RPC = ['POST rpc/pixsync_pull 200'];
		const BY_REST = ['GET papers 200'];
		/** Two rows by RPC, so that the project is known to have the function. */
		async function known(): Promise<Device> {
			const alice = await device([{ table: 'papers' }]);
			expect(await alice.sync.sync()).toMatchObject({ errors: [] });
			expect(pulled(), 'nothing is known yet').toEqual(BY_REST);
			await queue(alice, 'papers', 'a', 'b');
			expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2 });
			return alice;
		}
		const remote = (title: string) =>
			supabase.sql('insert into papers (id, title) values (gen_random_uuid(), $1)', [title]);
		const held = async ({ sync }: Device) =>
			(await sync.table<{ title: string }>('papers').toArray()).map(({ title }) => title).sort();

		it('[S15] go by the log once the function is found, and in later sessions from the first one on', async () => {
			await migrate(['papers']);
			const alice = await known();
			expect(pulled()).toEqual(BY_RPC);
			await alice.restart();
			await remote('theirs');
			expect(await alice.sync.sync()).toMatchObject({ errors: [], downloaded: 1 });
			expect(pulled(), 'no question').toEqual(BY_RPC);
			await supabase.sql("delete from papers where title = 'a'");
			expect(await alice.sync.sync()).toMatchObject({ errors: [], downloaded: 1 });
			expect(await held(alice)).toEqual(['b', 'theirs']);
		});

		it('[F19] of a project with an older migration go by REST, and it is asked once a day', async () => {
			await migrate(['papers']);
			await supabase.sql('drop function pixsync_pull(jsonb)');
			await supabase.reloadSchema();
			const alice = await known();
			expect(pulled()).toEqual(['POST rpc/pixsync_pull 404', ...BY_REST]);
			await alice.restart();
			await remote('theirs');
			expect(await alice.sync.sync()).toMatchObject({ errors: [], downloaded: 1 });
			expect(pulled()).toEqual(BY_REST);
		});

		it('[S15] go by REST in the same sync where the function is taken away, and nothing is missed', async () => {
			await migrate(['papers']);
			const alice = await known();
			pulled();
			await supabase.sql('drop function pixsync_pull(jsonb)');
			await supabase.reloadSchema();
			await remote('theirs');
			expect(await alice.sync.sync()).toMatchObject({ errors: [], downloaded: 1 });
			expect(await held(alice)).toEqual(['a', 'b', 'theirs']);
			expect(pulled()).toEqual(['POST rpc/pixsync_pull 404', ...BY_REST]);
		});
	});
});

/** Whether it is more than the question. */
function hasRows({ body }: FaultRequest): boolean {
	const { request } = body as { readonly request: { readonly mutations: readonly unknown[] } };
	return request.mutations.length > 0;
}
