import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SyncManager } from '../../src/index.ts';
import { openDeviceWorld, TABLE } from '../support/model/device-world.ts';
import { createOfflineManager } from '../support/offline-manager.ts';
import { openReplica, type Replica } from '../support/replica.ts';
import { type StorageFaults, startStorageFaults, type WriteFault } from '../support/storage-faults.ts';

let faults: StorageFaults;
const open: { close(): void }[] = [];

beforeEach(() => {
	faults = startStorageFaults();
});

afterEach(() => {
	faults.stop();
	for (const one of open.splice(0)) one.close();
	vi.unstubAllGlobals();
});

const V1 = '2024-01-01T00:00:00+00:00';
const note = (id: string, more = {}) => ({ id, title: 'one', updated_at: V1, ...more });

async function replica(): Promise<Replica> {
	const opened = await openReplica();
	open.push(opened.store);
	await opened.seed('notes', note('a'), note('b'));
	return opened;
}

async function contents(alice: Replica) {
	const [rows, outbox, bases, aliases] = await Promise.all([
		alice.rows('notes'),
		alice.outbox(),
		alice.bases(),
		alice.aliases(),
	]);
	return { rows, outbox, bases, aliases };
}

const HOWS: readonly WriteFault[] = ['throws', 'fails', 'fails-at-commit'];

describe('a full disk under a local write', () => {
	for (const store of ['notes', 'outbox', 'bases', 'aliases'] as const) {
		for (const nth of [1, 2]) {
			it.each(HOWS)(`[F47][S27][S4] ${store}, write ${nth}: %s`, async (how) => {
				const alice = await replica();
				const before = await contents(alice);
				faults.add({ store, nth, how, error: 'QuotaExceededError' });
				// Two rows changed and two created under a name of the app's own: each store is written twice.
				const writing = alice.queueAll([
					['notes', 'update', { title: 'two' }, 'a'],
					['notes', 'update', { title: 'two' }, 'b'],
					['notes', 'create', { title: 'new' }, 'mine'],
					['notes', 'create', { title: 'newer' }, 'mine too'],
				]);
				await expect(writing).rejects.toMatchObject({
					name: 'PixSyncError',
					code: 'storage',
					hint: expect.stringMatching(/out of space .* nothing was written: free space/),
				});
				expect(faults.hits).toBe(1);
				expect(await contents(alice)).toEqual(before);
				const queued = await alice.queue('notes', 'update', { title: 'three' }, 'a');
				expect(await alice.outbox()).toMatchObject([
					{ mutationId: queued.mutationId, data: { title: 'three' } },
				]);
			});
		}
	}

	it('[F47][S27] each call made at the same time gets the error, and none is half done', async () => {
		const alice = await replica();
		faults.add({ store: 'outbox', how: 'fails', error: 'QuotaExceededError' });
		const calls = await Promise.allSettled([
			alice.queue('notes', 'update', { title: 'two' }, 'a'),
			alice.queue('notes', 'create', { title: 'new' }, 'mine'),
		]);
		expect(calls.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
		expect(await alice.outbox()).toEqual([]);
		expect(await alice.rows('notes')).toEqual([note('a'), note('b')]);
	});
});

describe('a full disk under a download', () => {
	for (const store of [TABLE, 'checkpoints'])
		it.each(HOWS)(
			`[F47][F16] ${store}: %s: the round ends with the error, and the next one gets all`,
			async (how) => {
				const world = await openDeviceWorld();
				open.push(world);
				await world.create('mine');
				for (const id of ['x', 'y', 'z']) {
					world.server.put(TABLE, {
						id: `00000000-0000-7000-9000-00000000000${id === 'x' ? 1 : id === 'y' ? 2 : 3}`,
						title: id,
					});
					world.tick();
				}
				const before = { rows: await world.rows(), outbox: await world.outbox() };
				faults.add({ store, how, error: 'QuotaExceededError' });
				await expect(world.catchUp()).rejects.toMatchObject({ code: 'storage', fault: 'fatal' });
				expect(faults.hits).toBe(1);
				expect({ rows: await world.rows(), outbox: await world.outbox() }).toEqual(before);
				await world.catchUp();
				expect((await world.rows()).map(({ title }) => title)).toEqual(
					expect.arrayContaining(['x', 'y', 'z', 'mine']),
				);
			},
		);
});

describe('no IndexedDB at all', () => {
	const client = { supabaseUrl: 'https://x.supabase.co', supabaseKey: 'k', auth: {}, from: () => {} };

	it('[F47][F55] the module can be imported, and the constructor says what to do', () => {
		expect(globalThis.indexedDB).toBeUndefined();
		expect(() => new SyncManager(client as never)).toThrow(
			expect.objectContaining({ code: 'no-indexeddb', hint: expect.stringContaining('fake-indexeddb') }),
		);
	});

	it('[F47] private mode: a factory that refuses to open makes calls reject, and the next one tries anew', async () => {
		const disk = new IDBFactory();
		let isPrivate = true;
		const given = {
			open(...args: Parameters<IDBFactory['open']>) {
				if (isPrivate) throw new DOMException('A mutation operation was attempted', 'InvalidStateError');
				return disk.open(...args);
			},
			deleteDatabase: (name: string) => disk.deleteDatabase(name),
			cmp: (a: unknown, b: unknown) => disk.cmp(a, b),
		} as unknown as IDBFactory;
		const sync = createOfflineManager({ indexedDB: given });
		open.push({ close: () => void sync.close() });
		sync.registerTable({ table: 'notes' });
		await expect(sync.queueAction('notes', 'create', { title: 'x' })).rejects.toMatchObject({
			code: 'storage',
		});
		isPrivate = false;
		await sync.queueAction('notes', 'create', { title: 'x' });
		expect(await sync.getPendingCount()).toBe(1);
	});
});
