import { IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { NetworkMonitor, SyncManager } from '../../src/index.ts';
import {
	createPhone,
	dump,
	note,
	notesAt,
	PHONE_TABLES,
	type Phone,
	type PhoneOptions,
	restRequests,
	signIn,
	signUp,
	titles,
} from '../support/phone.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

let supabase: Supabase;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
	supabase = await startSupabase({ sql: PHONE_TABLES });
});

afterEach(async () => {
	await Promise.all(open.splice(0).map((one) => one.close()));
	supabase.faults.clear();
	await supabase.sql('truncate notes, pages');
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

async function phone(options: PhoneOptions = {}): Promise<Phone> {
	const one = await createPhone(supabase, options);
	open.push(one);
	return one;
}

const rest = () => restRequests(supabase);
const tokens = () => supabase.requests.filter(({ path }) => path === '/auth/v1/token');
const atServer = () => notesAt(supabase);
const isToken = ({ path }: { path: string }) => path === '/auth/v1/token';

describe('an expired token', () => {
	it('[F1] [L7] with the refresh out of reach: no REST request, nothing deleted, and all is sent when it is back', async () => {
		const alice = await phone();
		await signUp(alice, 'alice');
		await note(alice, 'synced');
		await alice.sync.sync();
		await note(alice, 'waits');
		alice.expire();
		supabase.faults.add({ match: isToken, times: Number.POSITIVE_INFINITY, effect: { kind: 'drop-before' } });
		supabase.clearRequests();
		const result = await alice.sync.sync();
		expect(result.success).toBe(false);
		expect(result.errors).toEqual([
			expect.stringMatching(/^notes: .*\(unauthorised\)$/),
			expect.stringMatching(/^pages: .*\(unauthorised\)$/),
		]);
		// The trap is there: as nobody, the request would be answered with no rows at all.
		const trap = await fetch(`${supabase.url}/rest/v1/notes`, { headers: { apikey: supabase.anonKey } });
		expect([trap.status, await trap.json()]).toEqual([200, []]);
		expect(rest()).toHaveLength(1);
		expect([await titles(alice), await alice.sync.getPendingCount()]).toEqual([['synced', 'waits'], 1]);
		expect(alice.sync.getState().connection).toBe('unauthorised');
		// Asked again, for it had been refused: nobody has signed out.
		expect((await alice.sync.sync()).success).toBe(false);
		expect(alice.told.filter(({ isSignedIn }) => !isSignedIn)).toEqual([]);
		supabase.faults.clear();
		await expect.poll(async () => (await alice.sync.sync()).success, { timeout: 40_000 }).toBe(true);
		expect((await atServer()).map(({ title }) => title)).toEqual(['synced', 'waits']);
		expect(await alice.sync.getPendingCount()).toBe(0);
	}, 60_000);

	it('[F7] [L7] one refresh for all tables that ask at once', async () => {
		const alice = await phone();
		await signUp(alice, 'alice');
		await note(alice, 'one');
		await alice.sync.table('pages').create({ title: 'one' });
		let refused = 0;
		supabase.faults.add({
			match: ({ path }) => path.startsWith('/rest/v1/') && ++refused <= 2,
			times: 2,
			effect: { kind: 'status', status: 401, body: { code: 'PGRST303', message: 'JWT expired' } },
		});
		supabase.clearRequests();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(refused).toBeGreaterThanOrEqual(2);
		expect(tokens()).toHaveLength(1);
	});

	it('[F7] [L7] refused for ever: one refresh, one replay of each request, then an error; nothing is dropped', async () => {
		const alice = await phone();
		await signUp(alice, 'alice');
		await note(alice, 'mine');
		await alice.sync.table('pages').create({ title: 'mine' });
		supabase.faults.add({
			match: ({ path }) => path.startsWith('/rest/v1/'),
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'status', status: 401, body: { code: 'PGRST301', message: 'JWSError' } },
		});
		supabase.clearRequests();
		const { errors } = await alice.sync.sync();
		expect(errors).toHaveLength(2);
		const tries = (path: string) => rest().filter((own) => own.path.endsWith(path)).length;
		expect([tries('/notes'), tries('/pages')]).toEqual([2, 2]);
		expect(tokens()).toHaveLength(1);
		expect(alice.sync.getState().tables.notes).toMatchObject({
			pending: 1,
			rejected: 0,
			error: { code: 'PGRST301' },
		});
		supabase.faults.clear();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(await atServer()).toHaveLength(1);
	});

	it('[F7] a clock an hour fast makes every token look expired: no storm of refreshes, and all is sent', async () => {
		const HOUR_S = 3_600;
		const alice = await phone({
			// A server an hour behind the device is a device an hour ahead of the server.
			wrap: (inner) => async (input, init) => {
				const reply = await inner(input, init);
				const headers = new Headers(reply.headers);
				const date = headers.get('date');
				if (date) headers.set('date', new Date(Date.parse(date) - HOUR_S * 1_000).toUTCString());
				if (!String(input).includes('/auth/v1/') || !reply.ok) {
					return new Response(reply.body, { status: reply.status, headers });
				}
				const body = (await reply.json()) as { expires_at: number };
				return Response.json({ ...body, expires_at: body.expires_at - HOUR_S }, { headers });
			},
		});
		await signUp(alice, 'alice');
		const made = [];
		for (let at = 0; at < 12; at++) made.push(await note(alice, `n${at}`));
		supabase.clearRequests();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 12 });
		for (const { id } of made) await alice.sync.table('notes').update(id, { title: 'again' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 12 });
		expect(rest().length).toBeGreaterThan(14);
		expect(tokens().length).toBeLessThanOrEqual(2);
		expect(rest().filter(({ status }) => status === 401)).toEqual([]);
	});
});

describe('events that nobody meant', () => {
	it('[F2] a cold start offline without a session: the last user’s data is there, and takes changes', async () => {
		const alice = await phone();
		const { id, email } = await signUp(alice, 'alice');
		await note(alice, 'synced');
		await alice.sync.sync();
		alice.network.isOn = false;
		alice.storage.clear();
		await alice.restart();
		expect(alice.sync.getState()).toMatchObject({ user: id });
		expect(alice.sync.getState().connection).not.toBe('open');
		await note(alice, 'offline');
		expect(await titles(alice)).toEqual(['offline', 'synced']);
		supabase.clearRequests();
		alice.network.isOn = true;
		await alice.sync.sync();
		expect(rest()).toEqual([]);
		await signIn(alice, { id, email });
		await expect.poll(() => alice.sync.getState().connection).toBe('open');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[F2] a 429 on an expired token ends the session: a pause, told once; the data stays', async () => {
		const alice = await phone();
		const { id, email } = await signUp(alice, 'alice');
		await note(alice, 'synced');
		await alice.sync.sync();
		await note(alice, 'waits');
		alice.expire();
		alice.told.length = 0;
		supabase.faults.add({
			match: isToken,
			times: Number.POSITIVE_INFINITY,
			effect: {
				kind: 'status',
				status: 429,
				body: { code: 'over_request_rate_limit', message: 'slow down' },
			},
		});
		supabase.clearRequests();
		await alice.sync.sync();
		await expect.poll(() => alice.told).toEqual([{ user: id, isSignedIn: false, anonymous: 0 }]);
		expect(alice.sync.getState()).toMatchObject({ user: id, connection: 'unauthorised' });
		expect(await titles(alice)).toEqual(['synced', 'waits']);
		expect(rest()).toEqual([]);
		supabase.faults.clear();
		await signIn(alice, { id, email });
		await expect.poll(() => alice.told.at(-1)).toEqual({ user: id, isSignedIn: true, anonymous: 0 });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await atServer()).toHaveLength(2);
	});

	it('[F6] a getSession that never resolves: the data opens, nothing is sent, sync ends', async () => {
		const alice = await phone();
		const { id } = await signUp(alice, 'alice');
		await note(alice, 'synced');
		await alice.sync.sync();
		await alice.sync.close();
		alice.client.auth.getSession = () => new Promise(() => undefined);
		supabase.clearRequests();
		const hung = new SyncManager(alice.client, {
			indexedDB: alice.disk,
			IDBKeyRange,
			databaseName: 'app',
			networkMonitor: new NetworkMonitor({ environment: alice.network.environment }),
		});
		open.push(hung);
		hung.registerTable({ table: 'notes' });
		const begun = Date.now();
		await hung.ready();
		expect(Date.now() - begun).toBeLessThan(5_000);
		expect(hung.getState().user).toBe(id);
		expect(await hung.table('notes').rows.count()).toBe(1);
		await hung.table('notes').create({ title: 'offline' });
		expect((await hung.sync()).success).toBe(false);
		expect(rest()).toEqual([]);
		expect(await hung.getPendingCount()).toBe(1);
	}, 30_000);
});

describe('another user', () => {
	it('[F3] [S18] a switch in mid-flight: nothing of the former user is sent as the next one', async () => {
		const both = await phone();
		const anna = await signUp(both, 'anna');
		await both.sync.sync();
		// One request a row, so that there is always one to come.
		const made = [];
		for (let at = 0; at < 20; at++) made.push(await note(both, `anna ${at}`));
		await both.sync.sync();
		for (const { id } of made) await both.sync.table('notes').update(id, { title: 'of anna' });
		supabase.faults.add({
			match: ({ method }) => method === 'PATCH',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'latency', ms: 40 },
		});
		supabase.clearRequests();
		const running = both.sync.sync();
		await expect.poll(() => rest().filter(({ method }) => method === 'PATCH').length).toBeGreaterThan(3);
		const ben = await signUp(both, 'ben');
		await running;
		await note(both, 'of ben');
		await both.sync.sync();
		const patches = rest().filter(({ method }) => method === 'PATCH');
		expect(patches.length).toBeLessThan(20);
		expect([...new Set(patches.map(({ headers }) => headers.sub))]).toEqual([anna.id]);
		const asBen = rest().filter(({ headers }) => headers.sub === ben.id);
		expect(asBen.filter(({ method }) => method !== 'GET').map(({ bodyRows }) => bodyRows)).toEqual([1]);
		expect(rest().filter(({ headers }) => headers.role === 'anon')).toEqual([]);
		expect(await titles(both)).toEqual(['of ben']);
		// Anna returns, and her changes are sent, each once.
		await signIn(both, anna);
		const waiting = await both.sync.getPendingCount();
		expect(waiting).toBeGreaterThan(0);
		supabase.faults.clear();
		expect(await both.sync.sync()).toMatchObject({ success: true, errors: [] });
		expect(await both.sync.getPendingCount()).toBe(0);
		const rows = await atServer();
		expect(rows.filter(({ user_id }) => user_id === anna.id).every(({ title }) => title === 'of anna')).toBe(
			true,
		);
		expect(rows.filter(({ user_id }) => user_id === ben.id).map(({ title }) => title)).toEqual(['of ben']);
	});

	it('[F3] [S18] no database holds anything of another user', async () => {
		const both = await phone();
		const anna = await signUp(both, 'anna');
		await note(both, 'secret of anna');
		await both.sync.sync();
		await note(both, 'waits for anna');
		const ben = await signUp(both, 'ben');
		await note(both, 'secret of ben');
		await both.sync.sync();
		await both.sync.close();
		expect(await dump(both.disk, `app:${ben.id}`)).not.toMatch(/anna/);
		expect(await dump(both.disk, `app:${ben.id}`)).toMatch(/secret of ben/);
		expect(await dump(both.disk, `app:${anna.id}`)).not.toMatch(/of ben/);
		expect(await dump(both.disk, `app:${anna.id}`)).toMatch(/waits for anna/);
		expect(await dump(both.disk, 'app:control')).not.toMatch(/eyJ|secret/);
	});
});
