import Dexie from 'dexie';
import { forceCloseDatabase, IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SyncConfig, SyncManager, type SyncManagerOptions } from '../../src/index.ts';
import { OWN_STORES } from '../../src/services/schema.ts';
import { createDevice, type Device } from '../support/device.ts';
import { createFakeLocks } from '../support/fake-locks.ts';
import { type StorageFaults, startStorageFaults } from '../support/storage-faults.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
let faults: StorageFaults;
const open: Device[] = [];

const NOTES: SyncConfig = { table: 'notes' };

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text, n int, updated_at timestamptz not null default now());
			${touchTrigger('notes')}
		`,
	});
});

beforeEach(() => {
	faults = startStorageFaults();
	// Dexie tells of each reopening.
	vi.spyOn(console, 'warn').mockImplementation(() => {});
});

afterEach(async () => {
	faults.stop();
	supabase.faults.clear();
	await Promise.all(open.splice(0).map((one) => one.close()));
	await supabase.sql('truncate notes');
	vi.unstubAllGlobals();
	vi.restoreAllMocks();
});

afterAll(() => supabase?.stop());

async function device(
	name: string,
	options: SyncManagerOptions = {},
	tables: SyncConfig[] = [NOTES],
): Promise<Device> {
	const created = await createDevice(supabase, name, {
		tables,
		options: { databaseName: 'app', reconcileIntervalMs: 0, backoff: { baseMs: 20, capMs: 200 }, ...options },
	});
	open.push(created);
	return created;
}

const serverTitles = async () => {
	const rows = await supabase.sql<{ title: string }>('select title from notes order by title');
	return rows.map(({ title }) => title);
};
const localTitles = async ({ sync }: Device) =>
	(await sync.table<{ title: string }>('notes').toArray()).map(({ title }) => title).sort();
const insert = (count: number) =>
	supabase.sql(
		`insert into notes (id, title) select gen_random_uuid(), 'row ' || lpad(n::text, 4, '0') from generate_series(1, ${count}) n`,
	);
/** The package declares its parameter as the class, and takes an object of it. */
const forceClose = forceCloseDatabase as unknown as (connection: IDBDatabase) => void;
const connectionOf = ({ sync }: Device) => sync.table('notes').rows.db.backendDB();

/** A disk whose every answer to `open` is late. */
function slowDisk(disk: IDBFactory, ms: number): IDBFactory {
	return new Proxy(disk, {
		get(target, key) {
			const value: unknown = Reflect.get(target, key);
			if (typeof value !== 'function') return value;
			if (key !== 'open') return value.bind(target);
			return (...given: Parameters<IDBFactory['open']>) => {
				const request = target.open(...given);
				let onsuccess: ((event: Event) => void) | null = null;
				Object.defineProperty(request, 'onsuccess', {
					// Not called by the platform: only late, below.
					get: () => null,
					set: (handler: typeof onsuccess) => {
						onsuccess = handler;
					},
				});
				request.addEventListener('success', (event) => {
					setTimeout(() => onsuccess?.call(request, event), ms);
				});
				return request;
			};
		},
	});
}

describe('before the storage is open', () => {
	it('[F53][S1] sync() and queueAction at t=0 on a slow disk lose nothing', async () => {
		const disk = new IDBFactory();
		const former = await device('alice', { indexedDB: disk });
		former.network.isOn = false;
		await former.sync.queueAction('notes', 'create', { title: 'of the last session' });
		await former.close();
		former.network.isOn = true;

		// All that an app may call in the tick in which it makes its manager.
		const sync = new SyncManager(former.client, {
			indexedDB: slowDisk(disk, 60),
			IDBKeyRange,
			databaseName: 'app',
		});
		former.sync = sync;
		sync.registerTable(NOTES);
		const syncing = sync.sync();
		const first = sync.queueAction('notes', 'create', { title: 'at t=0' });
		await new Promise((resolve) => setTimeout(resolve, 100));
		expect(sync.getState().connection).toBe('starting');
		const second = sync.queueAction('notes', 'create', { title: 'while opening' });
		await Promise.all([first, second]);
		expect((await syncing).success).toBe(true);
		await sync.sync();
		expect(await serverTitles()).toEqual(['at t=0', 'of the last session', 'while opening']);
		expect(await sync.getPendingCount()).toBe(0);
	});
});

describe('a full disk', () => {
	it.each(['notes', 'checkpoints'])(
		'[F47][F16] in %s, in the middle of a download: an error, then all of it',
		async (store) => {
			await insert(25);
			const alice = await device('alice', { pageSize: 10 });
			await alice.sync.queueAction('notes', 'create', { title: 'mine' });
			const nth = store === 'notes' ? 14 : 2;
			faults.add({ store, nth, how: 'fails', error: 'QuotaExceededError' });
			const result = await alice.sync.sync();
			expect(faults.hits).toBe(1);
			expect(result.success).toBe(false);
			expect(result.errors).toEqual([expect.stringMatching(/^notes: .*QuotaExceededError.*\(storage\)$/)]);
			expect(alice.sync.getState().tables.notes?.error).toMatchObject({
				code: 'storage',
				hint: expect.stringContaining('free space'),
			});
			expect(await localTitles(alice)).toContain('mine');
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
			expect(await localTitles(alice)).toEqual(await serverTitles());
			expect(await serverTitles()).toHaveLength(26);
		},
	);

	it.each(['attempts', 'notes'])(
		'[F47][S1][S2] in %s, during an upload: sent once, in the end',
		async (store) => {
			const alice = await device('alice');
			await alice.sync.sync();
			for (const title of ['one', 'two', 'three']) await alice.sync.queueAction('notes', 'create', { title });
			faults.add({ store, how: 'fails', error: 'QuotaExceededError' });
			expect((await alice.sync.sync()).success).toBe(false);
			expect(faults.hits).toBe(1);
			await alice.sync.sync();
			await expect.poll(() => alice.sync.getPendingCount()).toBe(0);
			expect(await serverTitles()).toEqual(['one', 'three', 'two']);
			expect(await localTitles(alice)).toEqual(['one', 'three', 'two']);
		},
	);
});

describe('a connection lost', () => {
	it('[F45][S1][S2][L1] again and again, while an app writes and syncs: all arrives once', async () => {
		await insert(30);
		const alice = await device('alice', { pageSize: 7 });
		let isOver = false;
		let closings = 0;
		const closer = (async () => {
			while (!isOver) {
				const connection = connectionOf(alice);
				if (connection) {
					forceClose(connection);
					closings++;
				}
				await new Promise((resolve) => setTimeout(resolve, 15));
			}
		})();
		const titles = Array.from({ length: 40 }, (_, n) => `mine ${String(n).padStart(2, '0')}`);
		for (const [n, title] of titles.entries()) {
			await alice.sync.queueAction('notes', 'create', { title });
			if (n % 8 === 0) await alice.sync.sync();
		}
		isOver = true;
		await closer;
		await expect
			.poll(async () => {
				await alice.sync.sync();
				return alice.sync.getPendingCount();
			})
			.toBe(0);
		expect(closings).toBeGreaterThan(5);
		expect((await serverTitles()).filter((title) => title.startsWith('mine'))).toEqual(titles);
		expect(await localTitles(alice)).toEqual(await serverTitles());
	});
});

describe('data that is gone', () => {
	it('[F46] evicted while the app runs: a fresh database, and the next sync downloads everything', async () => {
		await insert(12);
		const alice = await device('alice');
		expect(await alice.sync.sync()).toMatchObject({ downloaded: 12 });
		await new Promise((resolve) => {
			alice.disk.deleteDatabase('app:anon').onsuccess = resolve;
		});
		expect(await alice.sync.table('notes').get('nobody')).toBeUndefined();
		await expect
			.poll(async () => {
				await alice.sync.sync();
				return (await localTitles(alice)).length;
			})
			.toBe(12);
		await alice.sync.queueAction('notes', 'create', { title: 'after' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[F46][R9] evicted where tabs elect their leader: this one leads again, and syncs', async () => {
		await insert(12);
		const disk = new IDBFactory();
		vi.stubGlobal('indexedDB', disk);
		vi.stubGlobal('navigator', { locks: createFakeLocks() });
		const alice = await device('alice', { indexedDB: disk });
		expect(await alice.sync.sync()).toMatchObject({ downloaded: 12 });
		await new Promise((resolve) => {
			disk.deleteDatabase('app:anon').onsuccess = resolve;
		});
		await alice.sync.queueAction('notes', 'create', { title: 'after' });
		await expect
			.poll(async () => {
				await alice.sync.sync();
				return serverTitles();
			})
			.toContain('after');
		expect(await localTitles(alice)).toEqual(await serverTitles());
	});

	it('[F46] wipe() and sync(): everything is downloaded anew, and what waited was refused to go', async () => {
		await insert(12);
		const alice = await device('alice', { pageSize: 5 });
		await alice.sync.sync();
		await alice.sync.queueAction('notes', 'create', { title: 'mine' });
		await expect(alice.sync.wipe()).rejects.toMatchObject({ code: 'unsynced-changes' });
		await alice.sync.sync();
		await alice.sync.wipe();
		expect(await localTitles(alice)).toEqual([]);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 13 });
		expect(await localTitles(alice)).toEqual(await serverTitles());
	});

	it('[F46][R9] wipe() while a sync is under way: nothing of the old run is written', async () => {
		await insert(40);
		const alice = await device('alice', { pageSize: 5 });
		supabase.faults.add({
			match: ({ path }) => path === '/rest/v1/notes',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'latency', ms: 20 },
		});
		const syncing = alice.sync.sync();
		await expect.poll(async () => (await localTitles(alice)).length).toBeGreaterThan(4);
		await alice.sync.wipe({ discardUnsynced: true });
		expect(await localTitles(alice)).toEqual([]);
		await syncing;
		supabase.faults.clear();
		await expect
			.poll(async () => {
				await alice.sync.sync();
				return (await localTitles(alice)).length;
			})
			.toBe(40);
	});
});

describe('a database of an earlier PixSync', () => {
	it('[S28][L2] its full outbox drains', async () => {
		const disk = new IDBFactory();
		const former = new Dexie('app:anon', { indexedDB: disk, IDBKeyRange });
		former.version(1).stores({
			outbox: '++seq,[table+status]',
			bases: '[table+id]',
			checkpoints: '[table+transport]',
			meta: 'key',
			notes: 'id,title',
		});
		await former.open();
		const ids = Array.from({ length: 30 }, () => crypto.randomUUID());
		await former.table('notes').bulkAdd(ids.map((id, n) => ({ id, title: `old ${n}` })));
		await former.table('outbox').bulkAdd(
			ids.map((id, n) => ({
				mutationId: crypto.randomUUID(),
				table: 'notes',
				rowId: id,
				action: 'create',
				data: { title: `old ${n}` },
				userId: null,
				queuedAt: Date.now(),
				clockOffset: null,
				status: 'pending',
			})),
		);
		former.close();
		expect(Object.keys(OWN_STORES)).toEqual(expect.arrayContaining(['attempts', 'aliases', 'outcomes']));
		const alice = await device('alice', { indexedDB: disk });
		expect(await alice.sync.getPendingCount()).toBe(30);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 30 });
		expect(await serverTitles()).toHaveLength(30);
	});
});
