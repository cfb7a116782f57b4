import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table lists (
				id uuid primary key, title text, updated_at timestamptz not null default now()
			);
			create table notes (
				id uuid primary key, list_id uuid references lists, title text unique, body text,
				updated_at timestamptz not null default now()
			);
			${touchTrigger('lists')}
			${touchTrigger('notes')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate notes, lists');
	supabase.faults.clear();
});

afterAll(() => supabase?.stop());

async function device(name: string): Promise<Device> {
	const created = await createDevice(supabase, name, {
		tables: [{ table: 'lists' }, { table: 'notes', conflictResolution: 'remote-wins', dependsOn: ['lists'] }],
		options: { reconcileIntervalMs: 0 },
	});
	devices.push(created);
	return created;
}

/** A note of alice's that both hold, and that bob has changed since. */
async function changedByBob() {
	const alice = await device('alice');
	const bob = await device('bob');
	const { id } = await alice.sync.queueAction('notes', 'create', { title: 'base', body: 'base' }, 'draft');
	await alice.sync.sync();
	await bob.sync.sync();
	await bob.sync.queueAction('notes', 'update', { title: 'bob' }, id);
	await bob.sync.sync();
	return { alice, id };
}

it('[S1] [R5] [R19] [R8] one row’s life: offline, pending, confirmed, a conflict lost, refused, restarted', async () => {
	const alice = await device('alice');
	const bob = await device('bob');
	alice.network.isOn = false;
	const created = await alice.sync.queueAction('notes', 'create', { title: 'base', body: 'base' }, 'draft');
	const { id } = created;
	const explain = () => alice.sync.explain('notes', 'draft');
	expect(await explain()).toMatchObject({
		table: 'notes',
		id,
		status: 'pending',
		row: { id, title: 'base' },
		base: null,
		mutations: [{ mutationId: created.mutationId, action: 'create', status: 'pending', isSent: false }],
		lastOutcome: null,
		tableState: { state: 'offline' },
		next: 'Waits for the connection.',
	});

	alice.network.isOn = true;
	await expect.poll(async () => (await explain()).tableState.state).toBe('idle');
	expect((await explain()).next).toMatch(/^Uploads with the next call of sync\(\)/);
	await alice.sync.sync();
	const [server] = await supabase.sql('select * from notes');
	expect(await explain()).toMatchObject({
		status: 'synced',
		row: server,
		base: server,
		mutations: [],
		lastConflict: null,
		lastOutcome: { kind: 'confirmed', at: null },
		next: 'Nothing to do: it is what the server confirmed.',
	});

	await bob.sync.sync();
	await bob.sync.queueAction('notes', 'update', { body: 'bob' }, id);
	await bob.sync.sync();
	const lost = await alice.sync.queueAction('notes', 'update', { title: 'alice' }, id);
	const before = Date.now();
	expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1 });
	const lastConflict = {
		outcome: 'remote',
		strategy: 'remote-wins',
		at: expect.toSatisfy((at: number) => at >= before && at <= Date.now()),
		droppedMutations: [lost.mutationId],
		droppedColumns: ['title'],
	};
	const afterConflict = await explain();
	expect(afterConflict).toMatchObject({
		status: 'synced',
		row: { title: 'base', body: 'bob' },
		lastOutcome: { kind: 'conflict', outcome: 'remote', at: afterConflict.lastConflict?.at },
	});
	expect(afterConflict.lastConflict).toEqual(lastConflict);

	await supabase.sql(`insert into notes (id, title) values (gen_random_uuid(), 'taken')`);
	await alice.sync.queueAction('notes', 'update', { title: 'taken' }, id);
	expect(await alice.sync.sync()).toMatchObject({ success: false });
	const rejected = await explain();
	expect(rejected).toMatchObject({
		status: 'rejected',
		row: { title: 'base', body: 'bob' },
		mutations: [{ status: 'rejected', data: { title: 'taken' }, error: { code: '23505' } }],
		lastOutcome: { kind: 'rejected', code: '23505', at: rejected.mutations[0]?.error?.at },
		next: expect.stringMatching(/^Kept aside, and not sent again by itself: duplicate key .*\(23505\)\.$/),
	});
	expect(rejected.lastConflict).toEqual(lastConflict);

	await alice.restart();
	await expect.poll(async () => (await explain()).tableState.state).toBe('idle');
	expect(await explain()).toEqual({ ...rejected, tableState: { ...rejected.tableState, error: null } });
});

it('[R19] a win of the server that a later edit of ours has passed is history, not the last outcome', async () => {
	const { alice, id } = await changedByBob();
	await alice.sync.queueAction('notes', 'update', { title: 'alice' }, id);
	await alice.sync.sync();
	expect((await alice.sync.explain('notes', id)).lastOutcome).toMatchObject({ kind: 'conflict' });
	await alice.sync.queueAction('notes', 'update', { title: 'alice, knowing bob' }, id);
	await alice.sync.sync();
	expect(await alice.sync.explain('notes', id)).toMatchObject({
		status: 'synced',
		row: { title: 'alice, knowing bob' },
		lastConflict: { outcome: 'remote', droppedColumns: ['title'] },
		lastOutcome: { kind: 'confirmed', at: null },
	});
});

it('[R7] [R13] a request that the server puts off: sent, its tries, its next attempt', async () => {
	const alice = await device('alice');
	supabase.faults.add({
		match: ({ method, path }) => method === 'POST' && path === '/rest/v1/notes',
		times: Number.POSITIVE_INFINITY,
		effect: { kind: 'status', status: 503, headers: { 'retry-after': '60' }, body: { code: 'PGRST002' } },
	});
	const { id } = await alice.sync.queueAction('notes', 'create', { title: 'base' });
	await alice.sync.sync();
	await expect.poll(async () => (await alice.sync.explain('notes', id)).tableState.state).toBe('backoff');
	const told = await alice.sync.explain('notes', id);
	expect(told).toMatchObject({ status: 'pending', attempts: 1, mutations: [{ isSent: true }] });
	expect(told.nextAttemptAt).toBeGreaterThan(Date.now() + 30_000);
	const at = new Date(Math.max(told.nextAttemptAt ?? 0, told.tableState.nextRetryAt ?? 0)).toISOString();
	expect(told.next).toMatch(new RegExp(`^Tried again at ${at}, or with the next sync\\. `));
});

it('[R8] [F32] a row whose parent was refused says so', async () => {
	const alice = await device('alice');
	await supabase.sql(`alter table lists add constraint short check (length(title) < 9)`);
	const list = await alice.sync.queueAction('lists', 'create', { title: 'much too long' });
	const note = await alice.sync.queueAction('notes', 'create', { title: 'base', list_id: list.id });
	expect((await alice.sync.explain('notes', note.id)).waitsFor).toEqual([
		{ table: 'lists', id: list.id, status: 'pending' },
	]);
	await alice.sync.sync();
	const told = await alice.sync.explain('notes', note.id);
	expect(told.waitsFor).toEqual([{ table: 'lists', id: list.id, status: 'rejected' }]);
	expect(told.next).toContain(`It refers to row "${list.id}" of "lists", which is rejected itself.`);
	await supabase.sql('alter table lists drop constraint short');
});

it('[R10] a cleared queue is forgotten, and the last conflict stays', async () => {
	const { alice, id } = await changedByBob();
	await alice.sync.queueAction('notes', 'update', { title: 'alice' }, id);
	await alice.sync.sync();
	await alice.sync.queueAction('notes', 'update', { title: 'dropped by hand' }, id);
	await alice.sync.clearSyncQueue();
	expect(await alice.sync.explain('notes', id)).toMatchObject({
		status: 'synced',
		mutations: [],
		row: { title: 'bob' },
		lastConflict: { outcome: 'remote' },
	});
});

it('[R23] [F3] what happened to one user’s row is not told to another', async () => {
	const { alice, id } = await changedByBob();
	await alice.sync.queueAction('notes', 'update', { title: 'alice' }, id);
	await alice.sync.sync();
	expect((await alice.sync.explain('notes', id)).lastConflict).toMatchObject({ outcome: 'remote' });
	await alice.client.auth.signUp({ email: 'carol@example.com', password: 'correct horse' });
	await expect.poll(() => alice.sync.getState().user).not.toBeNull();
	expect(await alice.sync.explain('notes', id)).toMatchObject({
		status: 'absent',
		row: null,
		mutations: [],
		lastConflict: null,
		lastOutcome: null,
	});
});

it('refuses what the other calls refuse', async () => {
	const alice = await device('alice');
	await expect(alice.sync.explain('nots', 'r')).rejects.toMatchObject({ code: 'unregistered-table' });
	await expect(alice.sync.explain('notes', '')).rejects.toMatchObject({ code: 'bad-id' });
	await alice.close();
	await expect(alice.sync.explain('notes', 'r')).rejects.toMatchObject({ code: 'closed' });
});
