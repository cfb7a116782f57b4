import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { RejectedNotice, Row, SyncManagerOptions } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table lists (
				id uuid primary key, title text not null check (title <> 'bad'),
				updated_at timestamptz not null default now()
			);
			create table notes (
				id uuid primary key, list_id uuid references lists, title text not null check (title <> 'bad'),
				body text, size int, updated_at timestamptz not null default now()
			);
			create table vaults (
				id uuid primary key, title text, updated_at timestamptz not null default now()
			);
			alter table vaults enable row level security;
			create policy look on vaults for select using (true);
			${['lists', 'notes', 'vaults'].map(touchTrigger).join('\n')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate notes, lists, vaults');
	supabase.faults.clear();
});

afterAll(() => supabase?.stop());

async function device(name: string, options: SyncManagerOptions = {}): Promise<Device> {
	const created = await createDevice(supabase, name, {
		tables: [{ table: 'lists' }, { table: 'notes', dependsOn: ['lists'] }, { table: 'vaults' }],
		options: { reconcileIntervalMs: 0, ...options },
	});
	devices.push(created);
	return created;
}

async function server(table: string, id: unknown): Promise<Row | undefined> {
	const [row] = await supabase.sql<Row>(`select * from ${table} where id = '${String(id)}'`);
	return row;
}

/** Nothing is under way or about to be sent, but what a backoff of up to a minute puts off. */
async function atRest({ sync }: Device): Promise<void> {
	const value = () => sync.actor.getSnapshot().value;
	await expect.poll(value).toMatchObject({ schedule: { auto: 'quiet' }, run: 'idle' });
}

async function theLetter({ sync }: Device, table?: string) {
	const letters = await sync.getRejected(table);
	expect(letters).toHaveLength(1);
	const [letter] = letters;
	if (!letter) throw new Error('there is none');
	return letter;
}

describe('a dead letter is in nobody’s way', () => {
	it('[F27] [S20] one poison row among 500: the 499 land, and pulls, other rows and tables go on beside it', async () => {
		const alice = await device('alice');
		const bob = await device('bob');
		const rows = Array.from({ length: 500 }, (_, at) => ({
			table: 'notes',
			action: 'create' as const,
			data: { title: at === 321 ? 'bad' : `note ${at}`, size: at },
		}));
		const queued = await alice.sync.queueActions(rows);
		const result = await alice.sync.sync();
		expect(result).toMatchObject({ success: false, uploaded: 499 });
		expect(result.errors).toEqual([expect.stringMatching(/^notes: .*\(23514\)$/)]);
		expect(await supabase.sql('select count(*)::int from notes')).toEqual([{ count: 499 }]);
		const letter = await theLetter(alice);
		expect(letter).toMatchObject({
			rowId: queued[321]?.id,
			action: 'create',
			data: { title: 'bad', size: 321 },
		});
		expect(await alice.sync.getPendingCount()).toBe(0);

		await bob.sync.sync();
		await bob.sync.queueAction('notes', 'update', { body: 'bob' }, queued[0]?.id);
		await bob.sync.sync();
		await alice.sync.queueAction('notes', 'update', { body: 'alice' }, queued[1]?.id);
		const list = await alice.sync.queueAction('lists', 'create', { title: 'list' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2, downloaded: 1 });
		expect(await alice.sync.table('notes').get(queued[0]?.id ?? '')).toMatchObject({ body: 'bob' });
		expect(await server('notes', queued[1]?.id)).toMatchObject({ body: 'alice' });
		expect(await server('lists', list.id)).toMatchObject({ title: 'list' });

		expect(await alice.sync.retryRejected(letter.id, { title: 'good' })).toEqual({
			letters: [letter.id],
			mutations: 1,
		});
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		await bob.sync.sync();
		expect(await bob.sync.table('notes').get(letter.rowId)).toMatchObject({ title: 'good', size: 321 });
		expect(await alice.sync.table('notes').toArray()).toEqual(await bob.sync.table('notes').toArray());
	});
});

describe('getRejected, retryRejected, discardRejected', () => {
	it('[S21] [F35] [R8] a refused change outlives a restart, is edited, and reaches the other device', async () => {
		const alice = await device('alice');
		const bob = await device('bob');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'one', body: 'x' });
		await alice.sync.sync();
		await alice.sync.queueAction('notes', 'update', { title: 'bad', size: 3 }, id);
		const { errors } = await alice.sync.sync();
		const letter = await theLetter(alice);
		expect(letter).toMatchObject({
			table: 'notes',
			rowId: id,
			action: 'update',
			data: { title: 'bad', size: 3 },
			error: { code: '23514', hint: expect.any(String), at: expect.any(Number) },
		});
		expect(errors).toEqual([`notes: ${letter.error.message} (23514)`]);

		await alice.restart();
		expect(await alice.sync.getRejected()).toEqual([letter]);
		await expect.poll(() => alice.sync.getState().tables.notes?.rejected).toBe(1);
		await bob.sync.sync();
		await bob.sync.queueAction('notes', 'update', { body: 'bob' }, id);
		await bob.sync.sync();

		await alice.sync.retryRejected(letter.id, { title: 'two' });
		expect(await alice.sync.table('notes').get(id)).toMatchObject({ title: 'two', body: 'x', size: 3 });
		expect(await alice.sync.table('notes').state(id)).toEqual({ status: 'pending', pending: 1, error: null });
		expect(await alice.sync.getPendingCount()).toBe(1);
		await expect.poll(() => alice.sync.getState().tables.notes?.rejected).toBe(0);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1, conflicts: 1 });
		expect(await server('notes', id)).toMatchObject({ title: 'two', body: 'bob', size: 3 });
		await bob.sync.sync();
		expect(await bob.sync.table('notes').get(id)).toEqual(await alice.sync.table('notes').get(id));
		expect(await alice.sync.explain('notes', id)).toMatchObject({ status: 'synced', mutations: [] });
	});

	it('[F35] [F24] what a policy refused lands unchanged when the policy is mended', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('vaults', 'create', { title: 'mine' });
		expect((await alice.sync.sync()).errors).toEqual([expect.stringMatching(/^vaults: .*\(42501\)$/)]);
		await supabase.sql('create policy all_of_it on vaults for all using (true)');
		expect(await alice.sync.retryRejected()).toMatchObject({ mutations: 1 });
		expect(await alice.sync.table('vaults').get(id)).toEqual({ id, title: 'mine' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await server('vaults', id)).toMatchObject({ title: 'mine' });
		expect(await alice.sync.getRejected()).toEqual([]);
		await supabase.sql('drop policy all_of_it on vaults');
	});

	it('[F35] [R8] each refusal is one event and one error line; the event’s letter is what retryRejected takes', async () => {
		const alice = await device('alice');
		const told: RejectedNotice[] = [];
		alice.sync.on('rejected', (notice) => told.push(notice));
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'bad' });
		expect((await alice.sync.sync()).errors).toHaveLength(1);
		await alice.sync.retryRejected(told[0]?.letter, { title: null });
		expect((await alice.sync.sync()).errors).toEqual([expect.stringMatching(/\(23502\)$/)]);
		expect((await alice.sync.sync()).errors).toEqual([]);
		expect(told).toMatchObject([
			{ table: 'notes', id, error: { code: '23514' } },
			{ table: 'notes', id, letter: told[0]?.letter, error: { code: '23502' } },
		]);
		expect(await theLetter(alice)).toMatchObject({ id: told[0]?.letter, error: { code: '23502' } });
		expect(await alice.sync.explain('notes', id)).toMatchObject({
			status: 'rejected',
			lastOutcome: { kind: 'rejected', code: '23502' },
		});
	});

	it('[R8] [F32] with automatic sync a retried parent uploads by itself, and the child that waited follows', async () => {
		const alice = await device('alice', { backoff: { baseMs: 60_000, capMs: 60_000 } });
		const [list, note] = await alice.sync.queueActions([
			{ table: 'lists', action: 'create', data: { title: 'bad' }, localId: 'list' },
			{ table: 'notes', action: 'create', data: { title: 'child' }, localId: 'note' },
		]);
		await alice.sync.queueAction('notes', 'update', { list_id: list?.id }, note?.id);
		alice.sync.enableAutoSync(3_600_000);
		await expect.poll(() => alice.sync.getRejected().then(({ length }) => length)).toBe(1);
		await atRest(alice);
		expect(alice.sync.getState().tables.notes?.state).toBe('backoff');
		expect(await alice.sync.getPendingCount('notes')).toBe(2);
		await alice.sync.retryRejected((await theLetter(alice)).id, { title: 'good' });
		await expect.poll(() => alice.sync.getPendingCount()).toBe(0);
		expect(await server('notes', note?.id)).toMatchObject({ list_id: list?.id });
		expect(await alice.sync.table('lists').get('list')).toMatchObject({ title: 'good' });
	});

	it('[R8] [F32] with automatic sync the children of a discarded parent are refused soon, and their row says why', async () => {
		const alice = await device('alice', { backoff: { baseMs: 60_000, capMs: 60_000 } });
		alice.sync.enableAutoSync(3_600_000);
		const list = await alice.sync.queueAction('lists', 'create', { title: 'bad' }, 'list');
		const note = await alice.sync.queueAction('notes', 'create', { title: 'child', list_id: list.id });
		await expect.poll(() => alice.sync.getRejected().then(({ length }) => length)).toBe(1);
		await atRest(alice);
		expect(alice.sync.getState().tables.notes?.state).toBe('backoff');
		const told: RejectedNotice[] = [];
		alice.sync.on('rejected', (notice) => told.push(notice));
		await alice.sync.discardRejected((await theLetter(alice)).id);
		await expect.poll(() => told).toMatchObject([{ table: 'notes', id: note.id, error: { code: '23503' } }]);
		expect(await theLetter(alice)).toMatchObject({ rowId: note.id, data: { title: 'child' } });
		expect((await alice.sync.explain('notes', note.id)).next).toMatch(/^Kept aside.*\(23503\)\.$/);
		// The name is free again, and the child can go where its parent is now.
		const anew = await alice.sync.queueAction('lists', 'create', { title: 'good' }, 'list');
		await alice.sync.retryRejected(told[0]?.letter, { list_id: anew.id });
		await expect.poll(() => alice.sync.getPendingCount()).toBe(0);
		expect(await server('notes', note.id)).toMatchObject({ list_id: anew.id });
	});

	it('[R8] a letter is retried offline, and sent when the connection is back', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'bad' });
		await alice.sync.sync();
		alice.network.isOn = false;
		await alice.sync.retryRejected((await theLetter(alice)).id, { title: 'good' });
		expect(await alice.sync.table('notes').get(id)).toEqual({ id, title: 'good' });
		expect((await alice.sync.sync()).success).toBe(false);
		alice.network.isOn = true;
		await alice.sync.sync();
		expect(await server('notes', id)).toMatchObject({ title: 'good' });
	});

	it('[R10] clearing the queue leaves letters, and takes back what was retried', async () => {
		const alice = await device('alice');
		await alice.sync.queueAction('notes', 'create', { title: 'bad' });
		await alice.sync.queueAction('notes', 'create', { title: 'bad' });
		await alice.sync.sync();
		const [first, second] = await alice.sync.getRejected();
		await alice.sync.retryRejected(first?.id);
		await alice.sync.clearSyncQueue();
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await alice.sync.getRejected()).toEqual([second]);
		expect(await alice.sync.table('notes').toArray()).toEqual([]);
	});

	it('[R23] [F3] letters are their user’s alone', async () => {
		const alice = await device('alice');
		await alice.client.auth.signUp({ email: 'alice@example.com', password: 'correct horse' });
		await expect.poll(() => alice.sync.getState().user).not.toBeNull();
		await alice.sync.queueAction('notes', 'create', { title: 'bad' });
		await alice.sync.sync();
		const letter = await theLetter(alice);
		await alice.client.auth.signUp({ email: 'bob@example.com', password: 'correct horse' });
		await expect.poll(() => alice.sync.getRejected()).toEqual([]);
		await expect(alice.sync.retryRejected(letter.id)).rejects.toMatchObject({ code: 'not-found' });
		await expect(alice.sync.discardRejected(letter.id)).rejects.toMatchObject({ code: 'not-found' });
		await alice.client.auth.signInWithPassword({ email: 'alice@example.com', password: 'correct horse' });
		await expect.poll(() => alice.sync.getRejected()).toEqual([letter]);
	});

	it('refuses what the other calls refuse', async () => {
		const alice = await device('alice');
		await expect(alice.sync.getRejected('nots')).rejects.toMatchObject({ code: 'unregistered-table' });
		await expect(alice.sync.retryRejected('x')).rejects.toMatchObject({ code: 'not-found' });
		await expect(alice.sync.retryRejected(undefined, {})).rejects.toMatchObject({ code: 'missing-id' });
		expect(await alice.sync.retryRejected()).toEqual({ letters: [], mutations: 0 });
		await alice.close();
		for (const call of [
			alice.sync.getRejected(),
			alice.sync.retryRejected(),
			alice.sync.discardRejected('x'),
		]) {
			await expect(call).rejects.toMatchObject({ code: 'closed' });
		}
	});
});
