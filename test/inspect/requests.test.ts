import { createClient } from '@supabase/supabase-js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSyncInspector } from '../../src/inspect/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import {
	type FaultEffect,
	type Supabase,
	startSupabase,
	touchTrigger,
	webSocketTransport,
} from '../support/supabase/index.ts';

const CANARY = 'CANARY-52ab';
const user = { email: 'alice@example.com', password: 'correct horse' };

let supabase: Supabase;
let alice: Device;

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('notes')}
			create function refuse() returns trigger language plpgsql as $$
			begin raise exception 'not %', new.title using hint = new.title, detail = new.title; end $$;
			create trigger refuse before insert on notes for each row when (new.title like 'refused%') execute function refuse();
		`,
	});
	const { auth } = createClient(supabase.url, supabase.anonKey, {
		realtime: { transport: webSocketTransport },
	});
	await auth.signUp(user);
});

afterEach(async () => {
	supabase.faults.clear();
	await alice?.close();
});

afterAll(() => supabase?.stop());

async function inspected() {
	const inspector = createSyncInspector();
	const options = {
		reconcileIntervalMs: 0,
		requestTimeoutMs: 300,
		inspect: inspector.inspect,
	};
	alice = await createDevice(supabase, 'alice', { tables: [{ table: 'notes' }], options });
	await alice.client.auth.signInWithPassword(user);
	await expect.poll(() => alice.sync.getState().user).not.toBeNull();
	await alice.sync.ready();
	return inspector;
}

const requestsOf = (inspector: ReturnType<typeof createSyncInspector>) =>
	inspector.entries().filter((entry) => entry.kind === 'request');

describe('HTTP requests in the log, on a real Supabase', () => {
	it('each has its table, method, status, rows and time: as many as reached the server', async () => {
		const inspector = await inspected();
		supabase.clearRequests();
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'one' });
		await alice.sync.sync();
		await alice.sync.queueAction('notes', 'update', { title: 'two' }, id);
		await alice.sync.sync();
		const request = { kind: 'request', table: 'notes', ms: expect.any(Number) };
		const sent = supabase.requests.filter(({ path }) => path === '/rest/v1/notes');
		expect(requestsOf(inspector)).toMatchObject(
			sent.map(({ method, status, answeredRows }) => ({ ...request, method, status, rows: answeredRows })),
		);
		expect(requestsOf(inspector)).toEqual(
			expect.arrayContaining([
				expect.objectContaining({ method: 'POST', status: 201, rows: 1 }),
				expect.objectContaining({ method: 'PATCH', status: 200, rows: 1 }),
			]),
		);
	});

	const failures: readonly (readonly [string, FaultEffect, number | null])[] = [
		['a refusal', { kind: 'status', status: 503, body: { message: CANARY } }, 503],
		['a page that is not from PostgREST', { kind: 'status', status: 200, body: `<p>${CANARY}</p>` }, 200],
		['no answer in time', { kind: 'hang' }, null],
	];

	it.each(failures)('%s has no rows, and a status if anybody answered', async (_, effect, status) => {
		const inspector = await inspected();
		supabase.faults.add({ match: ({ path }) => path === '/rest/v1/notes', effect });
		await alice.sync.sync();
		const [failed] = requestsOf(inspector);
		expect(failed).toMatchObject({ table: 'notes', method: 'GET', status, rows: null });
		if (status === null) expect(failed?.kind === 'request' && failed.ms).toBeGreaterThanOrEqual(290);
		expect(JSON.stringify(inspector.entries())).not.toContain(CANARY);
	});

	it('[S33] no row, no server text, no token and no address gets into the log', async () => {
		const inspector = await inspected();
		await alice.sync.queueAction('notes', 'create', { title: CANARY }, `local-${CANARY}`);
		await alice.sync.queueAction('notes', 'create', { title: `refused ${CANARY}` });
		const result = await alice.sync.sync();
		expect(result.errors).toEqual([expect.stringContaining('P0001')]);
		// The canary was on its way: in the server's own words about a row, and in the row.
		const refused = await alice.client
			.from('notes')
			.insert({ id: crypto.randomUUID(), title: `refused ${CANARY}` });
		expect(JSON.stringify(refused.error)).toContain(CANARY);
		expect(await supabase.sql('select title from notes')).toContainEqual({ title: CANARY });
		const { data } = await alice.client.auth.getSession();
		const token = data.session?.access_token ?? '';
		expect(token.length).toBeGreaterThan(50);
		const log = JSON.stringify(inspector.entries());
		expect(log).toContain('"upload"');
		for (const secret of [
			CANARY,
			token,
			data.session?.user.id ?? 'no id',
			supabase.anonKey,
			supabase.url,
			'rest/v1',
		]) {
			expect(log).not.toContain(secret);
		}
	});

	it('the chart is not told of requests', async () => {
		const inspector = await inspected();
		const heard: string[] = [];
		alice.sync.actor.system.inspect((event) => {
			if (event.type === '@xstate.microstep') heard.push(event.event.type);
		});
		await alice.sync.sync();
		expect(requestsOf(inspector).length).toBeGreaterThan(0);
		expect(heard.length).toBeGreaterThan(0);
		expect(heard).not.toContain('request.ended');
	});
});
