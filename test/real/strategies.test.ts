import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SyncConfig } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

const ID = '018f0000-0000-7000-8000-000000000001';

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (
				id uuid primary key, title text, body text, pinned boolean not null default false,
				updated_at timestamptz not null default now(), deleted_at timestamptz
			);
			${touchTrigger('notes')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate notes');
	supabase.clearRequests();
	supabase.faults.clear();
});

afterAll(() => supabase?.stop());

type Strategy = 'local-wins' | 'remote-wins' | 'latest-wins';

/** alice and bob, both holding the one note, alice's network off. */
async function twoDevices(strategy: Strategy, config: Partial<SyncConfig> = {}) {
	const tables = [{ table: 'notes', conflictResolution: strategy, ...config }];
	const options = { reconcileIntervalMs: 0 };
	const alice = await createDevice(supabase, 'alice', { tables, options });
	const bob = await createDevice(supabase, 'bob', { tables, options });
	devices.push(alice, bob);
	await alice.sync.queueAction('notes', 'create', { id: ID, title: 'base', body: 'base' });
	await alice.sync.sync();
	await bob.sync.sync();
	alice.network.isOn = false;
	return { alice, bob };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 25));

async function server(): Promise<Record<string, unknown> | undefined> {
	const [row] = await supabase.sql<Record<string, unknown>>('select * from notes');
	return row;
}

describe('each strategy, in both directions', () => {
	const expected: Record<Strategy, { localNewer: string; remoteNewer: string }> = {
		'local-wins': { localNewer: 'alice', remoteNewer: 'alice' },
		'remote-wins': { localNewer: 'bob', remoteNewer: 'bob' },
		'latest-wins': { localNewer: 'alice', remoteNewer: 'bob' },
	};

	for (const strategy of ['local-wins', 'remote-wins', 'latest-wins'] as const) {
		it(`[R19] ${strategy}: the local edit is newer → ${expected[strategy].localNewer}`, async () => {
			const { alice, bob } = await twoDevices(strategy);
			await bob.sync.queueAction('notes', 'update', { title: 'bob' }, ID);
			expect(await bob.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
			await pause();
			await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
			alice.network.isOn = true;
			const result = await alice.sync.sync();
			expect(result).toMatchObject({ success: true, conflicts: 1, errors: [] });
			expect(result.uploaded).toBe(expected[strategy].localNewer === 'alice' ? 1 : 0);
			expect(await server()).toMatchObject({ title: expected[strategy].localNewer, body: 'base' });
			await bob.sync.sync();
			const row = await server();
			expect(await alice.sync.table('notes').get(ID)).toEqual(row);
			expect(await bob.sync.table('notes').get(ID)).toEqual(row);
			expect(await alice.sync.getPendingCount()).toBe(0);
		});

		it(`[R19] ${strategy}: the remote edit is newer → ${expected[strategy].remoteNewer}`, async () => {
			const { alice, bob } = await twoDevices(strategy);
			await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
			await pause();
			await bob.sync.queueAction('notes', 'update', { title: 'bob' }, ID);
			await bob.sync.sync();
			alice.network.isOn = true;
			expect(await alice.sync.sync()).toMatchObject({ success: true, conflicts: 1, errors: [] });
			expect(await server()).toMatchObject({ title: expected[strategy].remoteNewer });
			await bob.sync.sync();
			const row = await server();
			expect(await alice.sync.table('notes').get(ID)).toEqual(row);
			expect(await bob.sync.table('notes').get(ID)).toEqual(row);
		});
	}

	it('[R19] a local win sends only its own columns: an edit of another column elsewhere survives', async () => {
		const { alice, bob } = await twoDevices('local-wins');
		await bob.sync.queueAction('notes', 'update', { body: 'bob wrote this', title: 'bob' }, ID);
		await bob.sync.sync();
		await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
		alice.network.isOn = true;
		supabase.clearRequests();
		expect(await alice.sync.sync()).toMatchObject({
			success: true,
			errors: [],
			uploaded: 1,
			conflicts: 1,
			downloaded: 1,
		});
		expect(await server()).toMatchObject({ title: 'alice', body: 'bob wrote this' });
		expect(await alice.sync.table('notes').get(ID)).toMatchObject({ title: 'alice', body: 'bob wrote this' });
	});

	it('[R19] latest-wins judges each queued edit by its own time', async () => {
		const { alice, bob } = await twoDevices('latest-wins');
		await alice.sync.queueAction('notes', 'update', { title: 'alice, early' }, ID);
		await pause();
		await bob.sync.queueAction('notes', 'update', { title: 'bob', body: 'bob' }, ID);
		await bob.sync.sync();
		await pause();
		await alice.sync.queueAction('notes', 'update', { pinned: true }, ID);
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 1 });
		expect(await server()).toMatchObject({ title: 'bob', body: 'bob', pinned: true });
	});
});

describe('edit against delete', () => {
	it('[R20] remote hard delete under a local edit: local-wins makes the row anew', async () => {
		const { alice, bob } = await twoDevices('local-wins');
		await bob.sync.queueAction('notes', 'delete', null, ID);
		await bob.sync.sync();
		expect(await server()).toBeUndefined();
		await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1, uploaded: 1 });
		expect(await server()).toMatchObject({ title: 'alice', body: 'base' });
		await bob.sync.sync();
		expect(await bob.sync.table('notes').get(ID)).toEqual(await alice.sync.table('notes').get(ID));
	});

	for (const strategy of ['remote-wins', 'latest-wins'] as const) {
		it(`[R20] remote hard delete under a local edit: ${strategy} lets it stand and keeps the edit`, async () => {
			const { alice, bob } = await twoDevices(strategy);
			await bob.sync.queueAction('notes', 'delete', null, ID);
			await bob.sync.sync();
			await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
			alice.network.isOn = true;
			const result = await alice.sync.sync();
			expect(result).toMatchObject({ success: false, conflicts: 1, uploaded: 0 });
			expect(result.errors).toEqual([expect.stringMatching(/^notes: .*\(remote-deleted\)$/)]);
			expect(await server()).toBeUndefined();
			expect(await alice.sync.table('notes').get(ID)).toBeUndefined();
			expect(await alice.sync.getPendingCount()).toBe(0);
			await expect.poll(() => alice.sync.getState().tables.notes?.rejected).toBe(1);
		});
	}

	it('[R20] a soft delete that is older than the edit: latest-wins brings the row back', async () => {
		const { alice, bob } = await twoDevices('latest-wins', { deletedField: 'deleted_at' });
		await bob.sync.queueAction('notes', 'delete', null, ID);
		expect(await bob.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect((await server())?.deleted_at).not.toBeNull();
		await pause();
		await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1 });
		expect(await server()).toMatchObject({ title: 'alice', deleted_at: null });
		await bob.sync.sync();
		expect(await bob.sync.table('notes').get(ID)).toEqual(await server());
	});

	it('[R20] a soft delete that is newer than the edit stands, and removes the row everywhere', async () => {
		const { alice, bob } = await twoDevices('latest-wins', { deletedField: 'deleted_at' });
		await alice.sync.queueAction('notes', 'update', { title: 'alice' }, ID);
		await pause();
		await bob.sync.queueAction('notes', 'delete', null, ID);
		await bob.sync.sync();
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toMatchObject({ success: false, conflicts: 1 });
		expect((await server())?.deleted_at).not.toBeNull();
		expect(await alice.sync.table('notes').toArray()).toEqual([]);
		expect(await bob.sync.table('notes').toArray()).toEqual([]);
	});

	const localDelete: Record<Strategy, { newerDelete: boolean; olderDelete: boolean }> = {
		'local-wins': { newerDelete: false, olderDelete: false },
		'remote-wins': { newerDelete: true, olderDelete: true },
		'latest-wins': { newerDelete: false, olderDelete: true },
	};
	for (const strategy of ['local-wins', 'remote-wins', 'latest-wins'] as const) {
		for (const isNewer of [true, false]) {
			const isKept = localDelete[strategy][isNewer ? 'newerDelete' : 'olderDelete'];
			it(`[R20] local delete, ${isNewer ? 'newer' : 'older'} than a remote edit: ${strategy} ${isKept ? 'keeps the row' : 'deletes'}`, async () => {
				const { alice, bob } = await twoDevices(strategy);
				const remove = () => alice.sync.queueAction('notes', 'delete', null, ID);
				const edit = async () => {
					await bob.sync.queueAction('notes', 'update', { title: 'bob' }, ID);
					await bob.sync.sync();
				};
				for (const step of isNewer ? [edit, remove] : [remove, edit]) {
					await step();
					await pause();
				}
				alice.network.isOn = true;
				expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1 });
				const row = await server();
				if (isKept) expect(row).toMatchObject({ title: 'bob' });
				else expect(row).toBeUndefined();
				expect(await alice.sync.table('notes').get(ID)).toEqual(row);
			});
		}
	}

	it('[R20] both deleted: no conflict, nothing left', async () => {
		const { alice, bob } = await twoDevices('latest-wins');
		await bob.sync.queueAction('notes', 'delete', null, ID);
		await bob.sync.sync();
		await alice.sync.queueAction('notes', 'delete', null, ID);
		alice.network.isOn = true;
		expect(await alice.sync.sync()).toEqual({
			success: true,
			uploaded: 1,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
	});
});
