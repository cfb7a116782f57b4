import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { NetworkMonitor, SyncManager, type SyncManagerOptions } from '../../src/index.ts';
import { createPhone, note, PHONE_TABLES, type Phone, signUp, titles } from '../support/phone.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

const HOUR = 3_600_000;

let supabase: Supabase;
const ends: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			${PHONE_TABLES}
			create table silent (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('silent')}
		`,
	});
	await supabase.realtime.publish('pages');
	await supabase.realtime.publish('notes');
});

afterEach(async () => {
	await Promise.all(ends.splice(0).map((end) => end()));
	await supabase.sql('truncate notes, pages, silent');
	supabase.faults.clear();
	Object.assign(supabase.realtime, { isSilent: false, systemDelayMs: 5 });
	vi.restoreAllMocks();
});

afterAll(() => supabase?.stop());

interface Tab {
	readonly sync: SyncManager;
	readonly client: SupabaseClient;
}

async function device(
	tables: readonly string[] = ['pages'],
	options: SyncManagerOptions = {},
	heartbeatIntervalMs?: number,
): Promise<Tab> {
	const client = createClient(supabase.url, supabase.anonKey, {
		auth: { persistSession: false, autoRefreshToken: false },
		realtime: { transport: webSocketTransport, ...(heartbeatIntervalMs ? { heartbeatIntervalMs } : {}) },
	});
	const sync = new SyncManager(client, {
		indexedDB: new IDBFactory(),
		IDBKeyRange,
		networkMonitor: new NetworkMonitor({ environment: { onLine: true } }),
		reconcileIntervalMs: 0,
		backoff: { baseMs: 60, capMs: 200 },
		...options,
	});
	for (const table of tables) sync.registerTable({ table });
	ends.push(async () => {
		await sync.close();
		await client.realtime.disconnect();
	});
	await sync.ready();
	return { sync, client };
}

/** Syncs by itself, and has been told that events flow; what else it does from now on, an event made it do. */
async function live(tab: Tab, table = 'pages'): Promise<void> {
	const joins = supabase.realtime.joins.length;
	tab.sync.enableAutoSync(HOUR);
	await expect.poll(() => supabase.realtime.joins.length).toBeGreaterThan(joins);
	await atRest(tab, table);
}

/** No pull is made any more. */
async function atRest({ sync }: Tab, table = 'pages'): Promise<void> {
	let last = -1;
	await expect
		.poll(
			() => {
				const now = pulls(table);
				const isStill = now === last && sync.getState().tables[table]?.state === 'idle';
				last = now;
				return isStill;
			},
			{ interval: 150, timeout: 8_000 },
		)
		.toBe(true);
}

const pulls = (table: string) =>
	supabase.requests.filter(
		({ method, path, search }) =>
			method === 'GET' &&
			path === `/rest/v1/${table}` &&
			search.includes('order=') &&
			!search.includes('limit=0'),
	).length;

const titlesOf = async ({ sync }: Tab, table = 'pages') =>
	(await sync.table(table).toArray()).map(({ title }) => title).sort();

const insert = (title: string, table = 'pages') =>
	supabase.sql(`insert into ${table} (id, title) values (gen_random_uuid(), $1)`, [title]);

describe('[F39] an event is a poke', () => {
	it('a change made by SQL is in the other device’s replica without a poll', async () => {
		const bob = await device();
		await live(bob);
		const before = pulls('pages');
		await insert('by SQL');
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['by SQL']);
		expect(pulls('pages')).toBeGreaterThan(before);
		await supabase.sql(`update pages set title = 'changed'`);
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['changed']);
	});

	it('[F39] what happened before events flow is pulled when the server says that they do', async () => {
		supabase.realtime.systemDelayMs = 600;
		const bob = await device();
		const joins = supabase.realtime.joins.length;
		bob.sync.enableAutoSync(HOUR);
		await expect.poll(() => supabase.realtime.joins.length).toBeGreaterThan(joins);
		await new Promise((resolve) => setTimeout(resolve, 250));
		const { sent } = supabase.realtime;
		await insert('between');
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['between']);
		expect(supabase.realtime.sent).toBe(sent);
	});

	it('[F40] [F41] nothing of an event is stored, and no checkpoint moves by it', async () => {
		const bob = await device();
		await live(bob);
		// The event arrives, and the pull that it asks for does not.
		supabase.faults.add({
			match: ({ path }) => path === '/rest/v1/pages',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'drop-before' },
		});
		const checkpoints = () => bob.sync.table('pages').rows.db.table('checkpoints').toArray();
		const before = await checkpoints();
		const { sent } = supabase.realtime;
		await insert('told of');
		await expect.poll(() => supabase.realtime.sent).toBeGreaterThan(sent);
		await expect.poll(() => bob.sync.getState().tables.pages?.error ?? null).not.toBeNull();
		expect(await titlesOf(bob)).toEqual([]);
		expect(await checkpoints()).toEqual(before);
		supabase.faults.clear();
		await expect.poll(async () => (await bob.sync.sync()).success, { timeout: 5_000 }).toBe(true);
		expect(await titlesOf(bob)).toEqual(['told of']);
	});

	it('[F44] one channel for all tables; 500 events in a burst make a handful of pulls', async () => {
		const bob = await device(['pages', 'notes']);
		const joins = supabase.realtime.joins.length;
		await live(bob);
		expect(supabase.realtime.joins.slice(joins).map(({ tables }) => tables)).toEqual([['pages', 'notes']]);
		expect(supabase.realtime.channels).toBe(1);
		const before = pulls('pages');
		for (let left = 500; left > 0; left--) await insert(`n${left}`);
		await expect.poll(async () => (await titlesOf(bob)).length, { timeout: 8_000 }).toBe(500);
		await atRest(bob);
		console.log(`500 events: ${pulls('pages') - before} pulls`);
		expect(pulls('pages') - before).toBeLessThanOrEqual(8);
	});

	it('a table registered later is told of, too', async () => {
		const bob = await device(['notes']);
		await live(bob, 'notes');
		const joins = supabase.realtime.joins.length;
		bob.sync.registerTable({ table: 'pages' });
		await expect.poll(() => supabase.realtime.joins.slice(joins).at(-1)?.tables).toEqual(['notes', 'pages']);
		await atRest(bob, 'pages');
		await insert('late');
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['late']);
	});
});

describe('[F42] a channel that ends is built anew', () => {
	it('after a dropped socket; what happened meanwhile is there', async () => {
		const bob = await device();
		await live(bob);
		const joins = supabase.realtime.joins.length;
		supabase.realtime.drop();
		await insert('while it was gone');
		await expect.poll(() => supabase.realtime.joins.length, { timeout: 5_000 }).toBeGreaterThan(joins);
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['while it was gone']);
		await atRest(bob);
		await insert('after it');
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['after it', 'while it was gone']);
		expect(supabase.realtime.channels).toBe(1);
	});

	it('after a silence: the heartbeat is not answered', async () => {
		const bob = await device(['pages'], {}, 150);
		await live(bob);
		supabase.realtime.isSilent = true;
		await insert('not told of');
		await expect.poll(() => supabase.realtime.channels, { timeout: 5_000 }).toBe(0);
		supabase.realtime.isSilent = false;
		await expect.poll(() => titlesOf(bob), { timeout: 8_000 }).toEqual(['not told of']);
	});

	it('a lost event is found by the next one, and by the poll', async () => {
		const bob = await device();
		await live(bob);
		supabase.realtime.swallow(1);
		await insert('lost');
		await insert('told of');
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['lost', 'told of']);
		supabase.realtime.swallow(1);
		await insert('lost, too');
		bob.sync.enableAutoSync(200);
		await expect.poll(async () => (await titlesOf(bob)).length, { timeout: 3_000 }).toBe(3);
	});

	it('no event makes a difference to an app that syncs by hand: it has no channel', async () => {
		const bob = await device();
		await bob.sync.sync();
		expect(supabase.realtime.channels).toBe(0);
		bob.sync.enableAutoSync(HOUR);
		await expect.poll(() => supabase.realtime.channels).toBe(1);
		bob.sync.disableAutoSync();
		await expect.poll(() => supabase.realtime.channels).toBe(0);
	});
});

describe('sessions', () => {
	async function phone(): Promise<Phone> {
		const one = await createPhone(supabase, { realtime: true, backoff: { baseMs: 60, capMs: 200 } });
		ends.push(async () => {
			await one.close();
			await one.client.realtime.disconnect();
		});
		return one;
	}

	const asTab = ({ sync, client }: Phone): Tab => ({ sync, client });

	it('[F42] [F1] a token that ends closes the channel; the next one joins with the fresh token, and pulls', async () => {
		const alice = await phone();
		const { id } = await signUp(alice, 'alice');
		await live(asTab(alice), 'notes');
		const joins = supabase.realtime.joins.length;
		const { data } = await alice.client.auth.refreshSession();
		supabase.realtime.expire();
		await supabase.sql('insert into notes (id, user_id, title) values (gen_random_uuid(), $1, $2)', [
			id,
			'one',
		]);
		await expect.poll(() => supabase.realtime.joins.length, { timeout: 5_000 }).toBeGreaterThan(joins);
		expect(supabase.realtime.joins.at(-1)?.token).toBe(data.session?.access_token);
		await expect.poll(() => titles(alice), { timeout: 3_000 }).toEqual(['one']);
		await atRest(asTab(alice), 'notes');
		await supabase.sql('insert into notes (id, user_id, title) values (gen_random_uuid(), $1, $2)', [
			id,
			'two',
		]);
		await expect.poll(() => titles(alice), { timeout: 3_000 }).toEqual(['one', 'two']);
	});

	it('[F1] a client with `accessToken` joins with its token', async () => {
		const id = crypto.randomUUID();
		const token = await supabase.jwt({ sub: id });
		const client = createClient(supabase.url, supabase.anonKey, {
			accessToken: async () => token,
			realtime: { transport: webSocketTransport },
		});
		const sync = new SyncManager(client, {
			...{ indexedDB: new IDBFactory(), IDBKeyRange, reconcileIntervalMs: 0 },
			networkMonitor: new NetworkMonitor({ environment: { onLine: true } }),
		});
		ends.push(async () => {
			await sync.close();
			await client.realtime.disconnect();
		});
		sync.registerTable({ table: 'notes' });
		await live({ sync, client }, 'notes');
		expect(supabase.realtime.joins.at(-1)?.token).toBe(token);
		await supabase.sql('insert into notes (id, user_id, title) values (gen_random_uuid(), $1, $2)', [
			id,
			'mine',
		]);
		await expect.poll(() => titlesOf({ sync, client }, 'notes'), { timeout: 3_000 }).toEqual(['mine']);
	});

	it('[S18] [F3] the former user’s channel is gone before the next one’s data opens', async () => {
		const one = await phone();
		await signUp(one, 'alice');
		await note(one, 'alice’s');
		await live(asTab(one), 'notes');
		const { id } = await signUp(one, 'bob');
		await expect.poll(() => supabase.realtime.channels).toBe(1);
		await atRest(asTab(one), 'notes');
		const { sent } = supabase.realtime;
		// By the policies only bob's channel hears of bob's rows.
		await supabase.sql('insert into notes (id, user_id, title) values (gen_random_uuid(), $1, $2)', [
			id,
			'bob’s',
		]);
		await expect.poll(() => titles(one), { timeout: 3_000 }).toEqual(['bob’s']);
		expect(supabase.realtime.sent).toBe(sent + 1);
	});

	it('[F22] a DELETE of a row that the user may not see, and never held, is only a poke; it is not logged', async () => {
		const texts: unknown[] = [];
		for (const level of ['log', 'warn', 'error', 'info', 'debug'] as const) {
			vi.spyOn(console, level).mockImplementation((...args) => void texts.push(...args));
		}
		const alice = await phone();
		await signUp(alice, 'alice');
		await live(asTab(alice), 'notes');
		const stranger = crypto.randomUUID();
		await supabase.sql('insert into notes (id, user_id, title) values ($1, gen_random_uuid(), $2)', [
			stranger,
			'a stranger’s',
		]);
		const before = pulls('notes');
		await supabase.sql('delete from notes');
		await expect.poll(() => pulls('notes'), { timeout: 3_000 }).toBeGreaterThan(before);
		expect(await titles(alice)).toEqual([]);
		expect(JSON.stringify(texts)).not.toContain(stranger);
	});
});

describe('a server that does not tell', () => {
	it('of one table: it says so once, and the others are told of all the same', async () => {
		const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
		const bob = await device(['pages', 'silent']);
		const joins = supabase.realtime.joins.length;
		bob.sync.enableAutoSync(HOUR);
		await expect
			.poll(() => supabase.realtime.joins.slice(joins).map(({ tables }) => tables), { timeout: 5_000 })
			.toEqual([['pages', 'silent'], ['*']]);
		await atRest(bob);
		await insert('told of');
		await expect.poll(() => titlesOf(bob), { timeout: 3_000 }).toEqual(['told of']);
		expect(warned.mock.calls.flat().filter((text) => String(text).includes('pixsync doctor'))).toHaveLength(
			1,
		);
		await insert('not told of', 'silent');
		expect(await titlesOf(bob, 'silent')).toEqual([]);
		await bob.sync.sync();
		expect(await titlesOf(bob, 'silent')).toEqual(['not told of']);
	});

	it('[F43] a client without Realtime: it polls, and is told so where Realtime was asked for', async () => {
		const { client } = await device();
		const without = {
			...{ supabaseUrl: supabase.url, supabaseKey: supabase.anonKey },
			rest: {},
			from: () => null,
		};
		const bare = { ...without, auth: client.auth };
		const options = { indexedDB: new IDBFactory(), IDBKeyRange };
		expect(() => new SyncManager(bare, { ...options, realtime: true })).toThrow(
			expect.objectContaining({ code: 'bad-client', hint: expect.stringContaining('enableAutoSync') }),
		);
		const sync = new SyncManager(bare, options);
		ends.push(() => sync.close());
		sync.registerTable({ table: 'pages' });
		sync.enableAutoSync(100);
		await insert('polled');
		await expect.poll(() => titlesOf({ sync, client }), { timeout: 3_000 }).toEqual(['polled']);
	});
});
