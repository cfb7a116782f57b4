import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
	type FaultEffect,
	type Supabase,
	startSupabase,
	touchTrigger,
	webSocketTransport,
} from './supabase/index.ts';

const SQL = `
create table notes (
	id uuid primary key default gen_random_uuid(),
	owner uuid not null default auth.uid(),
	body text not null default '',
	updated_at timestamptz
);
alter table notes enable row level security;
create policy own on notes using (owner = auth.uid()) with check (owner = auth.uid());
${touchTrigger('notes')}
create table numbers (n int primary key);
insert into numbers select generate_series(1, 30);
create function sleep(s float) returns void language sql as 'select pg_sleep(s)';
`;

let supabase: Supabase;
let startMs: number;

beforeAll(async () => {
	const start = performance.now();
	supabase = await startSupabase({ sql: SQL, maxRows: 20, statementTimeoutMs: 300 });
	startMs = Math.round(performance.now() - start);
});
afterAll(() => supabase.stop());
afterEach(() => {
	supabase.faults.clear();
	supabase.clearRequests();
	Object.assign(supabase.auth, { accessTokenLifetimeS: 3600, refreshReuseIntervalS: 10 });
});

/** Without `sub`, an anonymous client that can sign in; no session is stored or refreshed by itself. */
async function connectAs(sub?: string): Promise<SupabaseClient> {
	const token = sub === undefined ? undefined : await supabase.jwt({ sub });
	return createClient(supabase.url, supabase.anonKey, {
		auth: { persistSession: false, autoRefreshToken: false },
		global: token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } },
		realtime: { transport: webSocketTransport },
	});
}

function rest(path: string, init: RequestInit = {}): Promise<Response> {
	return fetch(`${supabase.url}/rest/v1/${path}`, {
		...init,
		headers: { apikey: supabase.anonKey, 'content-type': 'application/json', ...init.headers },
	});
}

describe('the database behind supabase-js', () => {
	it('starts within 5 s', () => {
		console.log(`startSupabase: ${startMs} ms`);
		expect(startMs).toBeLessThan(5_000);
	});

	it('keeps alice and bob apart by auth.uid()', async () => {
		const [aliceId, bobId] = [randomUUID(), randomUUID()];
		const [alice, bob] = [await connectAs(aliceId), await connectAs(bobId)];
		const inserted = await alice.from('notes').insert({ body: 'mine' }).select().single();
		expect(inserted.error).toBeNull();
		expect(inserted.data).toMatchObject({ owner: aliceId, body: 'mine' });
		expect((await alice.from('notes').select()).data).toEqual([inserted.data]);
		expect((await bob.from('notes').select()).data).toEqual([]);
		const stolen = await bob.from('notes').insert({ owner: aliceId, body: 'forged' });
		expect(stolen).toMatchObject({ status: 403, error: { code: '42501' } });
	});

	it('lets the service key past row level security', async () => {
		await supabase.sql('insert into notes (owner, body) values ($1, $2)', [randomUUID(), 'of a stranger']);
		const answer = await rest('notes?body=eq.of a stranger', { headers: { apikey: supabase.serviceKey } });
		expect(await answer.json()).toHaveLength(1);
	});

	it('cuts answers to maxRows, which setMaxRows changes', async () => {
		const client = await connectAs();
		expect((await client.from('numbers').select()).data).toHaveLength(20);
		await supabase.setMaxRows(7);
		expect((await client.from('numbers').select()).data).toHaveLength(7);
		await supabase.setMaxRows(20);
		expect((await client.from('numbers').select()).data).toHaveLength(20);
	});

	it('cancels a statement after statementTimeoutMs', async () => {
		const client = await connectAs();
		expect(await client.rpc('sleep', { s: 5 })).toMatchObject({ status: 500, error: { code: '57014' } });
	});

	it('serves a function made later once the schema is reloaded', async () => {
		const client = await connectAs();
		await supabase.sql(`create function later() returns int language sql as 'select 42'`);
		expect((await client.rpc('later')).error?.code).toBe('PGRST202');
		await supabase.reloadSchema();
		expect((await client.rpc('later')).data).toBe(42);
	});

	it('lets a transaction stay open across requests', async () => {
		const open = await supabase.connect();
		await open.query('begin; insert into numbers values (1001)');
		expect(await supabase.sql('select n from numbers where n = 1001')).toEqual([]);
		await open.query('commit');
		expect(await supabase.sql('select n from numbers where n = 1001')).toEqual([{ n: 1001 }]);
		await supabase.sql('delete from numbers where n = 1001');
		await open.end();
	});

	it('reads by SQL what it reads over HTTP, microseconds included', async () => {
		const alice = randomUUID();
		await (await connectAs(alice)).from('notes').insert({});
		const { data } = await (await connectAs(alice)).from('notes').select();
		expect(await supabase.sql('select * from notes where owner = $1', [alice])).toEqual(data);
		expect(data?.[0]?.updated_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?\+00:00$/);
		expect(
			await supabase.sql(`select count(*) as n, timestamptz '2000-01-02 03:04:05.123456Z' as t`),
		).toEqual([{ n: 1, t: '2000-01-02T03:04:05.123456+00:00' }]);
	});

	it('sorts text by language, not by code units', async () => {
		expect(await supabase.sql(`select t from unnest('{b,B,a,Z,ä}'::text[]) t order by t`)).toEqual(
			['a', 'ä', 'b', 'B', 'Z'].map((t) => ({ t })),
		);
	});
});

describe('touchTrigger and compare-and-swap', () => {
	it('moves updated_at forward even when the stored one lies in the future', async () => {
		const [row] = await supabase.sql<{ id: string }>(
			'insert into notes (owner) values (gen_random_uuid()) returning id',
		);
		await supabase.sql('alter table notes disable trigger touch_updated_at');
		await supabase.sql(`update notes set updated_at = '2999-01-01Z' where id = $1`, [row?.id]);
		await supabase.sql('alter table notes enable trigger touch_updated_at');
		expect(
			await supabase.sql(`update notes set updated_at = '1999-01-01Z' where id = $1 returning updated_at`, [
				row?.id,
			]),
		).toEqual([{ updated_at: '2999-01-01T00:00:00.000001+00:00' }]);
	});

	it('returns the row from a PATCH by the updated_at that the same PATCH changes, and nothing from a stale one', async () => {
		const client = await connectAs(randomUUID());
		const { data: before } = await client.from('notes').insert({ body: '1' }).select().single();
		const swap = (body: string) =>
			client.from('notes').update({ body }).eq('id', before.id).eq('updated_at', before.updated_at).select();
		const won = await swap('2');
		expect(won).toMatchObject({ status: 200, data: [{ id: before.id, body: '2' }] });
		expect(won.data?.[0].updated_at > before.updated_at).toBe(true);
		expect(await swap('3')).toMatchObject({ status: 200, data: [] });
	});
});

describe('auth', () => {
	it('signs up, in, and refreshes with real supabase-js; the token works on REST', async () => {
		const client = await connectAs();
		const credentials = { email: 'Alice@example.com', password: 'correct horse' };
		const up = await client.auth.signUp(credentials);
		expect(up.error).toBeNull();
		expect((await client.auth.signUp(credentials)).error).toMatchObject({
			status: 422,
			code: 'user_already_exists',
		});
		const wrong = await client.auth.signInWithPassword({ ...credentials, password: 'wrong one' });
		expect(wrong.error).toMatchObject({ status: 400, code: 'invalid_credentials' });
		const { data } = await client.auth.signInWithPassword(credentials);
		expect(data.user?.id).toBe(up.data.user?.id);
		const refreshed = await client.auth.refreshSession();
		expect(refreshed.error).toBeNull();
		expect(refreshed.data.session?.refresh_token).not.toBe(data.session?.refresh_token);
		expect((await client.auth.getUser()).data.user?.email).toBe('alice@example.com');
		const inserted = await client.from('notes').insert({ body: 'signed in' }).select().single();
		expect(inserted.data?.owner).toBe(up.data.user?.id);
		const { access_token = '' } = refreshed.data.session ?? {};
		expect((await client.auth.signOut()).error).toBeNull();
		expect((await client.auth.getUser(access_token)).error?.name).toBe('AuthSessionMissingError');
	});

	it('forgives a reused refresh token only for the reuse interval', async () => {
		const client = await connectAs();
		const { data } = await client.auth.signUp({ email: 'reuse@example.com', password: 'secret!' });
		const { refresh_token = '' } = data.session ?? {};
		const first = await client.auth.refreshSession({ refresh_token });
		const second = await (await connectAs()).auth.refreshSession({ refresh_token });
		expect(second.data.session?.refresh_token).toBe(first.data.session?.refresh_token);
		supabase.auth.refreshReuseIntervalS = 0;
		const late = await (await connectAs()).auth.refreshSession({ refresh_token });
		expect(late.error).toMatchObject({ status: 400, code: 'refresh_token_already_used' });
		const unknown = await (await connectAs()).auth.refreshSession({ refresh_token: 'never issued' });
		expect(unknown.error).toMatchObject({ status: 400, code: 'refresh_token_not_found' });
	});

	it('names the error as clients of either API version read it', async () => {
		const refresh = (headers: Record<string, string>) =>
			fetch(`${supabase.url}/auth/v1/token?grant_type=refresh_token`, {
				method: 'POST',
				headers: { apikey: supabase.anonKey, ...headers },
				body: JSON.stringify({ refresh_token: 'wrong' }),
			});
		const old = await refresh({});
		expect([old.status, await old.json()]).toMatchObject([400, { error_code: 'refresh_token_not_found' }]);
		const current = await refresh({ 'x-supabase-api-version': '2024-01-01' });
		expect([current.status, await current.json()]).toMatchObject([400, { code: 'refresh_token_not_found' }]);
	});

	it('issues tokens of accessTokenLifetimeS', async () => {
		supabase.auth.accessTokenLifetimeS = -60;
		const client = await connectAs();
		const { data } = await client.auth.signUp({ email: 'short@example.com', password: 'secret!' });
		const { access_token = '' } = data.session ?? {};
		expect((await client.auth.getUser(access_token)).error).toMatchObject({ status: 403, code: 'bad_jwt' });
		const answer = await rest('numbers', { headers: { authorization: `Bearer ${access_token}` } });
		expect(answer.status).toBe(401);
	});
});

describe('the gateway', () => {
	it('refuses requests without a known API key', async () => {
		expect((await fetch(`${supabase.url}/rest/v1/numbers`)).status).toBe(401);
		const wrong = await fetch(`${supabase.url}/rest/v1/numbers`, { headers: { apikey: 'wrong' } });
		expect([wrong.status, await wrong.json()]).toMatchObject([401, { message: 'Invalid API key' }]);
	});

	it('answers a CORS preflight itself and marks every answer', async () => {
		const preflight = await rest('numbers', {
			method: 'OPTIONS',
			headers: { origin: 'http://app.example', 'access-control-request-headers': 'apikey,x-client-info' },
		});
		expect(preflight.status).toBe(204);
		expect(Object.fromEntries(preflight.headers)).toMatchObject({
			'access-control-allow-origin': '*',
			'access-control-allow-headers': 'apikey,x-client-info',
			'access-control-allow-methods': expect.stringContaining('PATCH'),
			'access-control-max-age': expect.stringMatching(/^\d+$/),
		});
		supabase.faults.add({ match: () => true, effect: { kind: 'status', status: 503 } });
		for (const answer of [await rest('numbers'), await rest('numbers'), await rest('no_such_table')]) {
			expect(answer.headers.get('access-control-allow-origin')).toBe('*');
			expect(answer.headers.get('access-control-expose-headers')).toContain('Content-Range');
			expect(Date.parse(answer.headers.get('date') ?? '')).toBeGreaterThan(0);
		}
	});

	it('logs requests with role, sub, prefer and row counts', async () => {
		const alice = randomUUID();
		const client = await connectAs(alice);
		await client
			.from('notes')
			.insert([{ body: '1' }, { body: '2' }])
			.select('id');
		await rest('numbers?n=lt.4');
		expect(supabase.requests).toMatchObject([
			{
				method: 'POST',
				path: '/rest/v1/notes',
				headers: { role: 'authenticated', sub: alice, prefer: 'return=representation' },
				bodyRows: 2,
				status: 201,
				answeredRows: 2,
			},
			{
				method: 'GET',
				search: '?n=lt.4',
				headers: { role: 'anon' },
				bodyRows: 0,
				status: 200,
				answeredRows: 3,
			},
		]);
		supabase.clearRequests();
		expect(supabase.requests).toEqual([]);
	});

	it('answers HEAD with the count and no body', async () => {
		const { count, error } = await (await connectAs())
			.from('numbers')
			.select('*', { count: 'exact', head: true });
		expect({ count, error }).toEqual({ count: 30, error: null });
	});
});

describe('faults', () => {
	const insert = (n: number, init: RequestInit = {}) =>
		rest('numbers', { method: 'POST', body: JSON.stringify({ n }), ...init });
	const isStored = async (n: number) =>
		(await supabase.sql('select 1 from numbers where n = $1', [n])).length === 1;
	const arrange = (effect: FaultEffect, times = 1) =>
		supabase.faults.add({ match: ({ method }) => method === 'POST', times, effect });
	afterEach(() => supabase.sql('delete from numbers where n > 30'));

	it('latency: delays and passes on, and further faults still apply', async () => {
		const slow = arrange({ kind: 'latency', ms: 150 });
		const broken = arrange({
			kind: 'status',
			status: 503,
			body: { message: 'later' },
			headers: { 'retry-after': '7' },
		});
		const start = performance.now();
		const first = await insert(31);
		expect(performance.now() - start).toBeGreaterThanOrEqual(145);
		expect([first.status, first.headers.get('retry-after'), await first.json()]).toEqual([
			503,
			'7',
			{ message: 'later' },
		]);
		expect([slow.hits, broken.hits]).toEqual([1, 1]);
		expect((await insert(31)).status).toBe(201);
	});

	it('latency: a client that gives up meanwhile has its request dropped unseen', async () => {
		arrange({ kind: 'latency', ms: 100 });
		await expect(insert(31, { signal: AbortSignal.timeout(20) })).rejects.toThrow();
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect(await isStored(31)).toBe(false);
	});

	it.each<[FaultEffect, boolean]>([
		[{ kind: 'drop-before' }, false],
		[{ kind: 'drop-after' }, true],
	])('%o: fails the request; stored: %s', async (effect, stored) => {
		arrange(effect);
		await expect(insert(31)).rejects.toThrow('fetch failed');
		expect(await isStored(31)).toBe(stored);
		expect(supabase.requests).toMatchObject([{ status: null, answeredRows: null }]);
		expect((await insert(32)).status).toBe(201);
	});

	it.each<[FaultEffect, boolean]>([
		[{ kind: 'status', status: 418, body: 'a teapot' }, false],
		[{ kind: 'reply', status: 418, body: 'a teapot' }, true],
	])('%o: answers in place of PostgREST; stored: %s', async (effect, stored) => {
		arrange(effect);
		const answer = await insert(31);
		expect([answer.status, await answer.text()]).toEqual([418, 'a teapot']);
		expect(await isStored(31)).toBe(stored);
	});

	it('hang: never answers and never stores', async () => {
		arrange({ kind: 'hang' });
		await expect(insert(31, { signal: AbortSignal.timeout(150) })).rejects.toThrow(/timeout/);
		expect(await isStored(31)).toBe(false);
		expect((await insert(31)).status).toBe(201);
	});

	it('hits only what matches, as often as told, until removed', async () => {
		const handle = supabase.faults.add({
			match: ({ path, search, body }) => path === '/rest/v1/numbers' && search === '' && isRow(body, 31),
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'status', status: 500 },
		});
		expect((await insert(32)).status).toBe(201);
		expect([(await insert(31)).status, (await insert(31)).status, handle.hits]).toEqual([500, 500, 2]);
		handle.remove();
		expect((await insert(31)).status).toBe(201);
	});

	it('cut: destroys every connection until it is over', async () => {
		supabase.faults.cut(true);
		await expect(rest('numbers')).rejects.toThrow('fetch failed');
		await expect(rest('numbers', { method: 'OPTIONS' })).rejects.toThrow('fetch failed');
		supabase.faults.cut(false);
		expect((await rest('numbers')).status).toBe(200);
	});
});

describe('the end', () => {
	const SCRIPT = fileURLToPath(new URL('./supabase/start-and-wait.ts', import.meta.url));

	it('stop ends all processes, removes the directory, and does not wait for locks or hanging requests', async () => {
		const doomed = await startSupabase({ sql: 'create table t (id int)' });
		const { processes, directory } = doomed;
		const pids = Object.values(processes);
		expect(pids.every(isRunning) && existsSync(directory)).toBe(true);
		const open = await doomed.connect();
		await open.query('begin; lock table t');
		const blocked = expect(doomed.sql('select * from t')).rejects.toThrow();
		doomed.faults.add({ match: () => true, effect: { kind: 'hang' } });
		const hanging = expect(fetch(`${doomed.url}/rest/v1/t`)).rejects.toThrow('fetch failed');
		await vi.waitFor(() => expect(doomed.requests).toHaveLength(1));
		await Promise.all([doomed.stop(), doomed.stop()]);
		await Promise.all([blocked, hanging]);
		expect(pids.filter(isRunning)).toEqual([]);
		expect(existsSync(directory)).toBe(false);
	});

	it('a failing sql leaves nothing behind and says why', async () => {
		const temporary = mkdtempSync(join(tmpdir(), 'pixsync-test-'));
		chmodSync(temporary, 0o755);
		vi.stubEnv('TMPDIR', temporary);
		await expect(startSupabase({ sql: 'create nonsense' })).rejects.toThrow(/nonsense/);
		vi.unstubAllEnvs();
		expect(readdirSync(temporary)).toEqual([]);
		rmdirSync(temporary);
	});

	it.each(['SIGKILL', 'SIGINT'] as const)('%s of the parent leaves nothing behind', async (signal) => {
		const parent = spawn(process.execPath, ['--import', 'tsx', SCRIPT], {
			stdio: ['ignore', 'pipe', 'inherit'],
		});
		const written = await new Promise<string>((resolve) =>
			parent.stdout.once('data', (data) => resolve(`${data}`)),
		);
		const { processes, directory } = JSON.parse(written);
		const pids: number[] = Object.values(processes);
		expect(pids.every(isRunning) && existsSync(directory)).toBe(true);
		parent.kill(signal);
		await vi.waitFor(
			() => {
				expect(pids.filter(isRunning)).toEqual([]);
				expect(existsSync(directory)).toBe(false);
			},
			{ timeout: 8_000, interval: 50 },
		);
	});
});

function isRow(body: unknown, n: number): boolean {
	return typeof body === 'object' && body !== null && 'n' in body && body.n === n;
}

/** A zombie that its adoptive parent has not waited for yet counts as ended. */
function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
	} catch (error) {
		return (
			error instanceof Error && 'code' in error && error.code === 'ENOENT' && process.platform !== 'linux'
		);
	}
}
