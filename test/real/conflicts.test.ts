import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConflictNotice, ConflictResolver, SyncConfig } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

const ID = '018f0000-0000-7000-8000-000000000001';
const OTHER = '018f0000-0000-7000-8000-000000000002';
const CHILD = '018f0000-0000-7000-8000-000000000003';

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (
				id uuid primary key, title text check (title <> 'poison'), body text, n int not null default 0,
				is_locked boolean not null default false,
				updated_at timestamptz not null default now(), deleted_at timestamptz
			);
			${touchTrigger('notes')}
			alter table notes enable row level security;
			create policy s on notes for select using (true);
			create policy i on notes for insert with check (true);
			create policy u on notes for update using (not is_locked) with check (true);
			create policy d on notes for delete using (not is_locked);
			create table items (
				id uuid primary key, note_id uuid not null references notes, n int, updated_at timestamptz not null default now()
			);
			${touchTrigger('items')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate notes, items');
	supabase.clearRequests();
	supabase.faults.clear();
});

afterAll(() => supabase?.stop());

type Strategy = NonNullable<SyncConfig['conflictResolution']>;

/** alice and bob, both holding the one note, alice's network off; bob's table takes the server's word always. */
async function twoDevices(conflictResolution: Strategy, config: Partial<SyncConfig> = {}) {
	const options = { reconcileIntervalMs: 0, requestTimeoutMs: 2_000 };
	const items: SyncConfig = { table: 'items', dependsOn: ['notes'], conflictResolution: 'manual' };
	const tables = (strategy: Strategy) => [{ table: 'notes', conflictResolution: strategy, ...config }, items];
	const alice = await createDevice(supabase, 'alice', { tables: tables(conflictResolution), options });
	const bob = await createDevice(supabase, 'bob', { tables: tables('remote-wins'), options });
	devices.push(alice, bob);
	await alice.sync.queueAction('notes', 'create', { id: ID, title: 'base', body: 'base' });
	await alice.sync.sync();
	await bob.sync.sync();
	alice.network.isOn = false;
	const told: ConflictNotice[] = [];
	alice.sync.on('conflict', (notice) => told.push(notice));
	return {
		alice,
		bob,
		told,
		/** What a device writes to the note; bob's goes to the server at once. */
		async edit(device: Device, data: Record<string, unknown> | null) {
			await device.sync.queueAction('notes', data ? 'update' : 'delete', data, ID);
			if (device === bob)
				expect(await bob.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
			await pause();
		},
		async online() {
			alice.network.isOn = true;
			return alice.sync.sync();
		},
		async conflict() {
			const [conflict] = await alice.sync.getConflicts('notes');
			if (!conflict) throw new Error('nothing is parked');
			return conflict;
		},
	};
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 25));

async function server(id = ID): Promise<Record<string, unknown> | undefined> {
	const [row] = await supabase.sql<Record<string, unknown>>(`select * from notes where id = '${id}'`);
	return row;
}

/** The bodies of the PATCH requests from now on. */
function watchPatches(): unknown[] {
	const bodies: unknown[] = [];
	const match = ({ method, body }: { method: string; body: unknown }) => {
		if (method === 'PATCH') bodies.push(body);
		return false;
	};
	supabase.faults.add({ match, effect: { kind: 'drop-before' } });
	return bodies;
}

/** Both devices hold what the server holds, and nothing waits. */
async function expectAgreement(...all: readonly Device[]) {
	for (const device of all) {
		await device.sync.sync();
		const row = await server();
		const held = await device.sync.table('notes').get(ID);
		if (row && row.deleted_at === null) expect(held).toEqual(row);
		else expect(held).toBeUndefined();
		expect(await device.sync.getPendingCount()).toBe(0);
		expect(await device.sync.getConflicts()).toEqual([]);
	}
}

describe('merge', () => {
	for (const isAliceFirst of [true, false]) {
		it(`[R19] [S8] disjoint columns both survive, ${isAliceFirst ? 'the local' : 'the remote'} edit made first`, async () => {
			const { alice, bob, edit, online, told } = await twoDevices('merge');
			const edits = [() => edit(alice, { title: 'alice' }), () => edit(bob, { body: 'bob' })];
			for (const make of isAliceFirst ? edits : edits.reverse()) await make();
			const sent = watchPatches();
			expect(await online()).toMatchObject({ success: true, conflicts: 1, uploaded: 1, errors: [] });
			expect(await server()).toMatchObject({ title: 'alice', body: 'bob' });
			expect(told).toMatchObject([{ outcome: 'merged', merged: { local: ['title'], remote: ['body'] } }]);
			expect(sent.at(-1)).toEqual({ title: 'alice', updated_at: expect.any(String) });
			await expectAgreement(alice, bob);
		});

		it(`[R19] the same column: the later edit, ${isAliceFirst ? 'the remote' : 'the local'} one`, async () => {
			const { alice, bob, edit, online } = await twoDevices('merge');
			const edits = [
				() => edit(alice, { title: 'alice', n: 1 }),
				() => edit(bob, { title: 'bob', body: 'bob' }),
			];
			for (const make of isAliceFirst ? edits : edits.reverse()) await make();
			expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 1 });
			expect(await server()).toMatchObject({ title: isAliceFirst ? 'bob' : 'alice', body: 'bob', n: 1 });
			await expectAgreement(alice, bob);
		});
	}

	it('[S8] two devices that both merge come to the same, whoever is there first', async () => {
		for (const order of ['alice first', 'bob first'] as const) {
			await supabase.sql('truncate notes, items');
			const { alice } = await twoDevices('merge');
			const tables = [{ table: 'notes', conflictResolution: 'merge' as const }];
			const carol = await createDevice(supabase, 'carol', { tables, options: { reconcileIntervalMs: 0 } });
			devices.push(carol);
			await carol.sync.sync();
			await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
			await carol.sync.queueAction('notes', 'update', { body: 'carol' }, ID);
			for (const device of order === 'alice first' ? [alice, carol] : [carol, alice]) {
				device.network.isOn = true;
				expect(await device.sync.sync()).toMatchObject({ success: true, errors: [] });
			}
			expect(await server()).toMatchObject({ title: 'alice', body: 'carol' });
			await expectAgreement(alice, carol);
		}
	});

	it('[R20] edited here, removed there: parked; a local decision makes it anew', async () => {
		const { alice, bob, edit, online, conflict } = await twoDevices('merge');
		await edit(alice, { title: 'alice' });
		await edit(bob, null);
		expect(await online()).toMatchObject({ success: true, conflicts: 1, uploaded: 0, errors: [] });
		const { id, ...parked } = await conflict();
		expect(parked).toMatchObject({ reason: 'edit-vs-delete', remote: null, local: { title: 'alice' } });
		await alice.sync.resolveConflict(id, 'local');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await server()).toMatchObject({ title: 'alice', body: 'base' });
		await expectAgreement(alice, bob);
	});

	it('[R20] deleted here, edited there: the row stays', async () => {
		const { alice, bob, edit, online } = await twoDevices('merge');
		await edit(alice, null);
		await edit(bob, { title: 'bob' });
		expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1 });
		expect(await server()).toMatchObject({ title: 'bob' });
		await expectAgreement(alice, bob);
	});
});

describe('a version that goes back', () => {
	it.each([
		['local-wins', { title: 'alice', body: 'bob' }],
		['remote-wins', { title: 'bob', body: 'bob' }],
		['merge', { body: 'bob' }],
	] as const)('[F58] [L2] %s: is decided once, not asked for again and again', async (strategy, expected) => {
		const { alice, edit, online, told } = await twoDevices(strategy);
		await edit(alice, { title: 'alice' });
		// Whoever wrote first had a clock that ran ahead, and no trigger corrects the second one.
		await supabase.sql(`
			alter table notes disable trigger user;
			update notes set title = 'bob', body = 'bob', updated_at = '2020-01-01T00:00:00Z' where id = '${ID}';
			alter table notes enable trigger user;
		`);
		supabase.clearRequests();
		expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1 });
		expect(supabase.requests.filter(({ method }) => method === 'PATCH').length).toBeLessThanOrEqual(2);
		expect(told).toHaveLength(1);
		expect(await server()).toMatchObject(expected);
		expect(await alice.sync.table('notes').get(ID)).toEqual(await server());
	});
});

describe('manual', () => {
	async function parked(config: Partial<SyncConfig> = {}) {
		const both = await twoDevices('manual', config);
		await both.edit(both.alice, { title: 'alice' });
		await both.edit(both.bob, { title: 'bob', body: 'bob' });
		expect(await both.online()).toMatchObject({ success: true, conflicts: 1, uploaded: 0, errors: [] });
		return both;
	}

	it('[R19] parks the row, counts and tells it, and the table comes to rest', async () => {
		const { alice, told, conflict } = await parked();
		expect(await conflict()).toMatchObject({
			table: 'notes',
			rowId: ID,
			reason: 'manual',
			columns: ['title'],
			base: { title: 'base' },
			local: { title: 'alice', body: 'base' },
			remote: await server(),
		});
		expect(told).toMatchObject([{ outcome: 'parked', parked: { conflict: (await conflict()).id } }]);
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(await alice.sync.table('notes').state(ID)).toMatchObject({ status: 'conflicted', pending: 1 });
		expect(await alice.sync.table('notes').get(ID)).toMatchObject({ title: 'alice', body: 'base' });
		expect(await server()).toMatchObject({ title: 'bob' });
		await expect
			.poll(() => alice.sync.getState().tables.notes)
			.toMatchObject({ state: 'idle', conflicts: 1, pending: 0, error: null, nextRetryAt: null });
		supabase.clearRequests();
		expect(await alice.sync.sync()).toEqual({
			success: true,
			uploaded: 0,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
		expect(supabase.requests.filter(({ method }) => method === 'PATCH')).toEqual([]);
		expect(alice.sync.getState().tables.notes?.state).toBe('idle');
	});

	it('[R19] other rows flow; later changes of the row wait; a restart forgets nothing', async () => {
		const { alice, bob, conflict } = await parked();
		const before = await conflict();
		await alice.sync.queueActions([
			{ table: 'notes', action: 'update', data: { n: 7 }, localId: ID },
			{ table: 'notes', action: 'create', data: { id: OTHER, title: 'other' } },
		]);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await server(OTHER)).toMatchObject({ title: 'other' });
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 0, conflicts: 0 });
		expect(await alice.sync.getPendingCount()).toBe(2);
		const [after] = await alice.sync.getConflicts();
		expect(after).toEqual({ ...before, local: { ...before.local, n: 7 } });
		await alice.sync.resolveConflict(before.id, 'local');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(await server()).toMatchObject({ title: 'alice', body: 'bob', n: 7 });
		await expectAgreement(alice, bob);
	});

	it('[R19] remote: the server’s row, at once', async () => {
		const { alice, bob, conflict } = await parked();
		await alice.sync.resolveConflict((await conflict()).id, 'remote');
		expect(await alice.sync.table('notes').get(ID)).toEqual(await server());
		await expectAgreement(alice, bob);
	});

	it('[R17] [R19] a row: what differs is sent, and nothing else', async () => {
		const { alice, bob, conflict } = await parked();
		const { id, local, remote } = await conflict();
		const sent = watchPatches();
		await alice.sync.resolveConflict(id, { ...local, ...remote, title: 'alice and bob' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(sent).toEqual([{ title: 'alice and bob', updated_at: expect.any(String) }]);
		expect(await server()).toMatchObject({ title: 'alice and bob', body: 'bob' });
		await expectAgreement(alice, bob);
	});

	it('[S7] decided, and the server’s row changes again before it is sent: a new conflict', async () => {
		const { alice, bob, edit, conflict } = await parked();
		const first = await conflict();
		alice.network.isOn = false;
		await alice.sync.resolveConflict(first.id, 'local');
		await edit(bob, { title: 'bob, again' });
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 0 });
		const second = await conflict();
		expect(second).toMatchObject({ base: { title: 'bob' }, remote: { title: 'bob, again' } });
		expect(second.id).not.toBe(first.id);
		expect(await server()).toMatchObject({ title: 'bob, again' });
	});

	it('[S7] the server’s row changes again before anybody decides: the old id is not taken', async () => {
		const { alice, bob, edit, conflict, told } = await parked();
		const first = await conflict();
		await edit(bob, { title: 'bob, again' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
		const second = await conflict();
		expect(second).toMatchObject({ since: first.since, remote: { title: 'bob, again' } });
		expect(second.id).not.toBe(first.id);
		await expect.poll(() => told.map(({ parked }) => parked?.conflict)).toEqual([first.id, second.id]);
		await expect(alice.sync.resolveConflict(first.id, 'local')).rejects.toMatchObject({
			code: 'unknown-conflict',
			hint: expect.stringContaining('getConflicts'),
		});
		await edit(bob, { title: 'alice' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
		// Both say the same by now: there is nothing left to decide.
		await expect.poll(() => alice.sync.getConflicts()).toEqual([]);
		await expectAgreement(alice, bob);
	});

	it('[R10] clearSyncQueue drops what is parked', async () => {
		const { alice, bob } = await parked();
		await alice.sync.clearSyncQueue();
		expect(await alice.sync.table('notes').get(ID)).toEqual(await server());
		await expectAgreement(alice, bob);
	});

	it('[R20] deleted here, edited there: parked; local deletes, remote keeps', async () => {
		for (const [decision, isKept] of [
			['local', false],
			['remote', true],
		] as const) {
			await supabase.sql('truncate notes, items');
			const { alice, bob, edit, online, conflict } = await twoDevices('manual');
			await edit(alice, null);
			await edit(bob, { title: 'bob' });
			expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 0 });
			const { id, local, remote } = await conflict();
			expect([local, remote]).toMatchObject([null, { title: 'bob' }]);
			await alice.sync.resolveConflict(id, decision);
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
			expect((await server())?.title).toBe(isKept ? 'bob' : undefined);
			await expectAgreement(alice);
			if (isKept) await expectAgreement(bob);
		}
	});

	it('[R20] [S9] edited here, soft-deleted there: remote accepts the deletion, local clears the mark', async () => {
		for (const decision of ['remote', 'local'] as const) {
			await supabase.sql('truncate notes, items');
			const { alice, bob, edit, online, conflict } = await twoDevices('manual', {
				deletedField: 'deleted_at',
			});
			await edit(alice, { title: 'alice' });
			await edit(bob, null);
			expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 0 });
			const parkedConflict = await conflict();
			expect(parkedConflict.remote).toBeNull();
			await alice.sync.resolveConflict(parkedConflict.id, decision);
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
			expect((await server())?.deleted_at === null).toBe(decision === 'local');
			expect(await alice.sync.getState().tables.notes?.rejected).toBe(0);
			await expectAgreement(alice, bob);
		}
	});

	it('[F32] children of a parked row wait for it, and go once it is decided', async () => {
		const { alice, bob, edit, online, conflict } = await twoDevices('manual');
		await edit(alice, { title: 'alice' });
		await alice.sync.queueAction('items', 'create', { id: CHILD, note_id: ID });
		await edit(bob, null);
		await online();
		expect((await conflict()).remote).toBeNull();
		expect(await alice.sync.table('items').state(CHILD)).toMatchObject({ status: 'pending', error: null });
		await alice.sync.resolveConflict((await conflict()).id, 'local');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(await supabase.sql('select id from items')).toEqual([{ id: CHILD }]);
	});

	it('[F32] a delete waits for the child whose way out of it is parked', async () => {
		const { alice, bob } = await twoDevices('manual');
		alice.network.isOn = true;
		await alice.sync.queueActions([
			{ table: 'notes', action: 'create', data: { id: OTHER, title: 'other' } },
			{ table: 'items', action: 'create', data: { id: CHILD, note_id: ID } },
		]);
		await alice.sync.sync();
		await bob.sync.sync();
		await bob.sync.queueAction('items', 'update', { n: 1 }, CHILD);
		await bob.sync.sync();
		await alice.sync.queueAction('items', 'update', { note_id: OTHER, n: 2 }, CHILD);
		await alice.sync.queueAction('notes', 'delete', null, ID);
		await alice.sync.sync();
		const [conflict] = await alice.sync.getConflicts('items');
		expect(conflict).toMatchObject({ rowId: CHILD, columns: ['n'] });
		expect(await alice.sync.table('notes').state(ID)).toMatchObject({ status: 'pending', error: null });
		await alice.sync.resolveConflict(conflict?.id ?? '', 'local');
		// A repeated delete is not held back for the child's upload: it may be refused once more before it passes.
		await alice.sync.sync();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await server()).toBeUndefined();
		expect(await supabase.sql('select note_id, n from items')).toEqual([{ note_id: OTHER, n: 2 }]);
	});

	it('[F35] a decision that the server refuses is a dead letter, and blocks nothing', async () => {
		const { alice, conflict } = await parked();
		const { id, remote } = await conflict();
		await alice.sync.resolveConflict(id, { ...remote, title: 'poison' });
		await alice.sync.queueAction('notes', 'create', { id: OTHER, title: 'other' });
		const result = await alice.sync.sync();
		expect(result).toMatchObject({ success: false, uploaded: 1 });
		expect(result.errors).toEqual([expect.stringMatching(/\(23514\)$/)]);
		expect(await server(OTHER)).toBeDefined();
		expect(await alice.sync.table('notes').get(ID)).toEqual(await server());
		expect(await alice.sync.table('notes').state(ID)).toMatchObject({ status: 'rejected' });
	});
});

describe('a resolver of the app’s', () => {
	const joined: ConflictResolver = async ({ base, local, remote }) => {
		await pause();
		if (!local || !remote) return 'manual';
		return { row: { ...remote, title: `${base?.title}: ${local.title} + ${remote.title}` } };
	};

	it('[R19] makes a row out of both, asynchronously', async () => {
		const { alice, bob, edit, online } = await twoDevices(joined);
		await edit(alice, { title: 'alice' });
		await edit(bob, { title: 'bob', body: 'bob' });
		expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 1 });
		expect(await server()).toMatchObject({ title: 'base: alice + bob', body: 'bob' });
		await expectAgreement(alice, bob);
	});

	it('[R20] is told of a deletion on either side by null', async () => {
		for (const isLocal of [true, false]) {
			await supabase.sql('truncate notes, items');
			const { alice, bob, edit, online, conflict } = await twoDevices(joined);
			await edit(alice, isLocal ? null : { title: 'alice' });
			await edit(bob, isLocal ? { title: 'bob' } : null);
			expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1 });
			expect(await conflict()).toMatchObject({ reason: 'manual', [isLocal ? 'local' : 'remote']: null });
		}
	});

	it('[R20] may have the row deleted', async () => {
		const { alice, bob, edit, online } = await twoDevices(() => ({ delete: true }));
		await edit(bob, { title: 'bob' });
		await edit(alice, { title: 'alice' });
		expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 1 });
		expect(await server()).toBeUndefined();
		await expectAgreement(alice);
	});

	it('[R19] one that throws parks its row, says so, and stops nothing', async () => {
		const { alice, bob, edit, online, conflict, told } = await twoDevices(() => {
			throw new Error('not today');
		});
		await edit(alice, { title: 'alice' });
		await edit(bob, { title: 'bob' });
		await alice.sync.queueAction('notes', 'create', { id: OTHER, title: 'other' });
		const result = await online();
		expect(result).toMatchObject({ success: false, conflicts: 1, uploaded: 1 });
		expect(result.errors).toEqual([expect.stringMatching(/^notes: .*not today \(resolver-error\)$/)]);
		expect(await conflict()).toMatchObject({ reason: 'resolver-error', error: { code: 'resolver-error' } });
		expect(told).toMatchObject([{ outcome: 'parked', parked: { reason: 'resolver-error' } }]);
		expect((await alice.sync.explain('notes', ID)).next).toMatch(/resolver gave no verdict .*not today/);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
		await alice.sync.resolveConflict((await conflict()).id, 'local');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		await expectAgreement(alice, bob);
	});

	it('[R19] one that never answers parks its row after requestTimeoutMs', async () => {
		const { alice, bob, edit, online, conflict } = await twoDevices(() => new Promise(() => undefined));
		await edit(alice, { title: 'alice' });
		await edit(bob, { title: 'bob' });
		const began = Date.now();
		expect(await online()).toMatchObject({ success: false, conflicts: 1 });
		expect(Date.now() - began).toBeGreaterThanOrEqual(2_000);
		expect(await conflict()).toMatchObject({ reason: 'resolver-error' });
	});

	it('[R13] one whose row changes at the server each time that it is asked: bounded, then parked', async () => {
		let asked = 0;
		const { alice, edit, online, conflict } = await twoDevices(async () => {
			await supabase.sql(`update notes set n = ${++asked}`);
			return 'local' as const;
		});
		await edit(alice, { title: 'alice' });
		await supabase.sql(`update notes set n = -1`);
		expect(await online()).toMatchObject({ success: true, errors: [], uploaded: 0 });
		expect(await conflict()).toMatchObject({ reason: 'exhausted', local: { title: 'alice' } });
		expect(asked).toBe(9);
		await expect.poll(() => alice.sync.getState().tables.notes?.state).toBe('idle');
		await alice.sync.resolveConflict((await conflict()).id, 'local');
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1, conflicts: 0 });
		expect(await server()).toMatchObject({ title: 'alice', n: asked });
	});

	it('[S11] [R9] the connection is lost while it thinks: nothing is decided, and it is asked again', async () => {
		let asked = 0;
		const { alice, bob, edit, online } = await twoDevices(async () => {
			if (++asked > 1) return 'local';
			alice.network.isOn = false;
			await pause();
			return 'remote';
		});
		await edit(alice, { title: 'alice' });
		await edit(bob, { title: 'bob' });
		await online();
		expect(await alice.sync.table('notes').state(ID)).toMatchObject({ status: 'pending' });
		expect(await online()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 1 });
		expect(asked).toBe(2);
		expect(await server()).toMatchObject({ title: 'alice' });
		await expectAgreement(alice, bob);
	});
});

describe('a policy that denies what a conflict decided', () => {
	const local: ConflictResolver = () => 'local';
	for (const [name, strategy] of [
		['local-wins', 'local-wins'],
		['merge', 'merge'],
		['a resolver', local],
		['manual', 'manual'],
	] as const) {
		it(`[F24] ${name}: told as denied, once; the row is the server’s again`, async () => {
			const { alice, edit, online } = await twoDevices(strategy);
			await edit(alice, { title: 'alice' });
			await supabase.sql(`update notes set body = 'closed', is_locked = true`);
			let result = await online();
			for (const { id } of await alice.sync.getConflicts()) {
				await alice.sync.resolveConflict(id, 'local');
				result = await alice.sync.sync();
			}
			expect(result).toMatchObject({ success: false, uploaded: 0 });
			expect(result.errors).toEqual([expect.stringMatching(/\(denied\)$/)]);
			expect(await server()).toMatchObject({ title: 'base', body: 'closed' });
			expect(await alice.sync.table('notes').get(ID)).toEqual(await server());
			expect(await alice.sync.table('notes').state(ID)).toMatchObject({ status: 'rejected' });
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
		});
	}
});
