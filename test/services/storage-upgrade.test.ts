import Dexie from 'dexie';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PixSyncError } from '../../src/core/errors.ts';
import type { SyncConfig } from '../../src/core/types.ts';
import { type LocalStore, openLocalStore } from '../../src/services/local-store.ts';
import { OWN_STORES } from '../../src/services/schema.ts';
import { createStorageHealth } from '../../src/services/storage-health.ts';
import { specOf } from '../support/mutations.ts';
import { createOfflineManager } from '../support/offline-manager.ts';
import { openReplica } from '../support/replica.ts';

const open: { close(): unknown }[] = [];

beforeEach(() => {
	// Dexie tells of each connection that makes way.
	vi.spyOn(console, 'warn').mockImplementation(() => {});
});

afterEach(() => {
	for (const one of open.splice(0)) one.close();
	vi.restoreAllMocks();
});

function track<T extends { close(): unknown }>(one: T): T {
	open.push(one);
	return one;
}

async function openTab(
	disk: IDBFactory,
	configs: readonly Partial<SyncConfig>[],
	health = createStorageHealth(),
) {
	return track(await openLocalStore('db', { indexedDB: disk, IDBKeyRange }, configs.map(specOf), { health }));
}

const put = (store: LocalStore, table: string, row: Record<string, unknown>) =>
	store.transact('rw', [table], (own) => own.rows(table).put(row));
const idsOf = (store: LocalStore, table: string) =>
	store.transact('r', [table], (own) => own.rows(table).toCollection().primaryKeys());

/** An old tab that does not let go: no PixSync, and no handler. */
async function openStubborn(disk: IDBFactory, name = 'db'): Promise<IDBDatabase> {
	const request = disk.open(name);
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(track(request.result));
		request.onerror = () => reject(request.error);
	});
}

describe('two tabs', () => {
	it('[F51][R4] a table more in one tab: the other makes way, and goes on', async () => {
		const disk = new IDBFactory();
		const alice = await openTab(disk, [{ table: 'notes' }]);
		await put(alice, 'notes', { id: 'a' });
		const bob = await openTab(disk, [{ table: 'notes' }, { table: 'tags' }]);
		await put(bob, 'notes', { id: 'b' });
		await put(alice, 'notes', { id: 'c' });
		expect(await idsOf(bob, 'notes')).toEqual(['a', 'b', 'c']);
		await alice.ensure([specOf({ table: 'lists' })]);
		await put(alice, 'lists', { id: 'x' });
		await put(bob, 'tags', { id: 't' });
		expect(await idsOf(alice, 'notes')).toEqual(['a', 'b', 'c']);
	});

	it('[F51] calls under way as the other tab upgrades are all done', async () => {
		const disk = new IDBFactory();
		const alice = await openTab(disk, [{ table: 'notes' }]);
		const writing = [];
		for (let n = 0; n < 20; n++) {
			writing.push(put(alice, 'notes', { id: `row ${n}` }));
			if (n === 5) void openTab(disk, [{ table: 'notes' }, { table: 'tags' }]);
			await new Promise((resolve) => setTimeout(resolve, 1));
		}
		await Promise.all(writing);
		expect(await idsOf(alice, 'notes')).toHaveLength(20);
	});

	it('[F51] a newer version of the app changed a table’s indexes: this tab writes no more, and says so', async () => {
		const disk = new IDBFactory();
		const told: (PixSyncError | null)[] = [];
		const old = await openTab(
			disk,
			[{ table: 'notes', indexes: ['title'] }],
			createStorageHealth((trouble) => told.push(trouble)),
		);
		await put(old, 'notes', { id: 'a', title: 'x' });
		const next = await openTab(disk, [{ table: 'notes', indexes: ['created_at'] }]);
		const { verno } = next.dexie;
		await expect
			.poll(() => told)
			.toMatchObject([{ code: 'reload-needed', hint: expect.stringContaining('Reload') }]);
		await expect(put(old, 'notes', { id: 'b' })).rejects.toMatchObject({
			code: 'reload-needed',
			fault: 'fatal',
		});
		await expect(old.ensure([specOf({ table: 'tags' })])).rejects.toMatchObject({ code: 'reload-needed' });
		// No quarrel: the newer one's schema stands, and nothing is lost.
		await put(next, 'notes', { id: 'c' });
		expect(next.dexie.verno).toBe(verno);
		expect(await idsOf(next, 'notes')).toEqual(['a', 'c']);
	});

	it('[F51] the same for a PixSync of a newer version: its own stores are not changed back', async () => {
		const disk = new IDBFactory();
		const old = await openTab(disk, [{ table: 'notes' }]);
		const { verno } = old.dexie;
		const newer = track(new Dexie('db', { indexedDB: disk, IDBKeyRange }));
		newer
			.version(verno + 1)
			.stores({ ...OWN_STORES, outbox: '++seq,[table+status+rowId],userId', notes: 'id' });
		await newer.open();
		await expect(put(old, 'notes', { id: 'a' })).rejects.toMatchObject({ code: 'reload-needed' });
		expect(newer.isOpen()).toBe(true);
		expect(newer.table('outbox').schema.indexes.map(({ name }) => name)).toContain('userId');
	});

	it('[F51] a manager tells it by getState and by an error notice', async () => {
		const disk = new IDBFactory();
		const tab = (indexes: string[]) => {
			const sync = track(createOfflineManager({ indexedDB: disk }));
			sync.registerTable({ table: 'notes', indexes });
			return sync;
		};
		const old = tab(['title']);
		const notices: unknown[] = [];
		old.on('error', (notice) => notices.push(notice));
		await old.queueAction('notes', 'create', { title: 'kept' });
		const next = tab(['created_at']);
		await next.ready();
		await expect.poll(() => old.getState().storage.error).toMatchObject({ code: 'reload-needed' });
		expect(notices).toMatchObject([{ table: null, error: { code: 'reload-needed' } }]);
		await expect(old.queueAction('notes', 'create', { title: 'no' })).rejects.toMatchObject({
			code: 'reload-needed',
		});
		expect(await next.getPendingCount()).toBe(1);
		expect(next.getState().storage).toEqual({ persisted: null, error: null });
	});
});

describe('a tab that does not let go', () => {
	it('[F51] the opening is told as blocked after a while, and goes on by itself', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
		try {
			const disk = new IDBFactory();
			(await openTab(disk, [{ table: 'notes' }])).close();
			const stubborn = await openStubborn(disk);
			const health = createStorageHealth();
			const opening = openTab(disk, [{ table: 'notes' }, { table: 'tags' }], health);
			const waiting = health.guard(opening);
			const refused = expect(waiting).rejects.toMatchObject({
				code: 'blocked',
				fault: 'no-answer',
				hint: expect.stringContaining('Close the other tabs'),
			});
			await vi.waitFor(async () => {
				await vi.advanceTimersByTimeAsync(1_000);
				expect(health.trouble).not.toBeNull();
			});
			await refused;
			stubborn.close();
			const store = await opening;
			expect(health.trouble).toBeNull();
			await put(store, 'tags', { id: 't' });
		} finally {
			vi.useRealTimers();
		}
	});

	it('[F51] a short wait is not told', async () => {
		const disk = new IDBFactory();
		(await openTab(disk, [{ table: 'notes' }])).close();
		const stubborn = await openStubborn(disk);
		const told = vi.fn();
		const opening = openTab(disk, [{ table: 'notes' }, { table: 'tags' }], createStorageHealth(told));
		setTimeout(() => stubborn.close(), 50);
		await opening;
		expect(told).not.toHaveBeenCalled();
	});

	it('[F51] calls of a manager reject instead of hanging, and succeed when the other tab is closed', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
		try {
			const disk = new IDBFactory();
			const sync = track(createOfflineManager({ indexedDB: disk }));
			sync.registerTable({ table: 'notes' });
			await sync.queueAction('notes', 'create', { title: 'one' });
			const stubborn = await openStubborn(disk, 'app:anon');
			sync.registerTable({ table: 'tags' });
			const call = sync.queueAction('tags', 'create', { name: 'x' });
			const refused = expect(call).rejects.toMatchObject({ code: 'blocked' });
			await vi.waitFor(async () => {
				await vi.advanceTimersByTimeAsync(1_000);
				expect(sync.getState().storage.error).toMatchObject({ code: 'blocked' });
			});
			await refused;
			await expect(sync.queueAction('notes', 'create', { title: 'two' })).rejects.toMatchObject({
				code: 'blocked',
			});
			stubborn.close();
			await vi.waitFor(async () => {
				await vi.advanceTimersByTimeAsync(100);
				expect(sync.getState().storage.error).toBeNull();
			});
			await sync.queueAction('tags', 'create', { name: 'y' });
			await sync.queueAction('notes', 'create', { title: 'three' });
			expect(await sync.getPendingCount()).toBe(3);
		} finally {
			vi.useRealTimers();
		}
	});
});

describe('an upgrade that is cut off', () => {
	const FORMER = [{ table: 'notes', indexes: ['title'] }, { table: 'tags' }];
	const NEXT = [
		{ table: 'notes', indexes: ['title', 'n', '[title+n]'] },
		{ table: 'lists' },
		{ table: 'items' },
	];

	/** A full outbox: rows, mutations, bases, aliases. */
	async function fill(disk: IDBFactory) {
		const alice = await openReplica(FORMER, { disk, name: 'db' });
		await alice.seed('notes', { id: 'a', title: 'one', n: 1 }, { id: 'b', title: 'two', n: 2 });
		await alice.queue('notes', 'update', { title: 'three' }, 'a');
		await alice.queue('notes', 'delete', null, 'b');
		await alice.queue('notes', 'create', { title: 'new' }, 'mine');
		for (let n = 0; n < 40; n++) await alice.queue('tags', 'create', { n });
		alice.store.close();
	}

	async function dump(disk: IDBFactory) {
		const store = await openTab(disk, []);
		const { tables } = store.dexie;
		const rows = await Promise.all(
			tables.map(async (table) => [table.name, await table.toArray()] as [string, unknown[]]),
		);
		store.close();
		return Object.fromEntries(rows.filter(([, all]) => all.length > 0));
	}

	/** Aborts the upgrade as its `point`-th step is taken. @returns whether it came to that. */
	async function upgradeUntil(disk: IDBFactory, point: number): Promise<boolean> {
		let steps = 0;
		let wasCut = false;
		const step = (transaction: IDBTransaction | null) => {
			if (++steps !== point || wasCut) return;
			wasCut = true;
			transaction?.abort();
		};
		const dying = new Proxy(disk, {
			get(target, key) {
				const value: unknown = Reflect.get(target, key);
				if (typeof value !== 'function') return value;
				if (key !== 'open') return value.bind(target);
				return (...given: Parameters<IDBFactory['open']>) => {
					const request = target.open(...given);
					request.addEventListener('upgradeneeded', () => {
						const { result: database, transaction } = request;
						const createObjectStore = database.createObjectStore.bind(database);
						step(transaction);
						database.createObjectStore = (...made) => {
							const store = createObjectStore(...made);
							step(transaction);
							return store;
						};
						for (const name of transaction?.objectStoreNames ?? []) {
							const store = transaction?.objectStore(name);
							if (!store) continue;
							const createIndex = store.createIndex.bind(store);
							store.createIndex = ((...made: Parameters<typeof createIndex>) => {
								const index = createIndex(...made);
								step(transaction);
								return index;
							}) as typeof store.createIndex;
						}
						// After all that Dexie does, and before the commit.
						setTimeout(() => {
							try {
								step(transaction);
							} catch {
								// It was committed.
								wasCut = false;
							}
						}, 0);
					});
					return request;
				};
			},
		});
		const opening = openLocalStore('db', { indexedDB: dying, IDBKeyRange }, NEXT.map(specOf));
		await opening.then(
			(store) => store.close(),
			() => undefined,
		);
		return wasCut;
	}

	it('[S28][R4] at every point of it: nothing is lost, and the next opening completes it', async () => {
		const whole = new IDBFactory();
		await fill(whole);
		const expected = await dump(whole);
		expect(expected.outbox).toHaveLength(43);
		let cuts = 0;
		for (let point = 1; point <= 12; point++) {
			const disk = new IDBFactory();
			await fill(disk);
			if (await upgradeUntil(disk, point)) cuts++;
			expect(await dump(disk)).toEqual(expected);
			const next = await openTab(disk, NEXT);
			await put(next, 'lists', { id: 'l' });
			expect(await next.dexie.table('notes').where({ title: 'three', n: 1 }).count()).toBe(1);
			next.close();
			expect(await dump(disk)).toEqual({ ...expected, lists: [{ id: 'l' }] });
		}
		// One at the start, two stores, two indexes.
		expect(cuts).toBeGreaterThanOrEqual(5);
	});
});

describe('a database of an earlier PixSync', () => {
	it('[S28] fewer stores of its own, fewer indexes: opens, and holds what it held', async () => {
		const disk = new IDBFactory();
		const former = new Dexie('db', { indexedDB: disk, IDBKeyRange });
		const { outcomes: _, ...others } = OWN_STORES;
		former.version(3).stores({ ...others, outbox: '++seq', bases: '[table+id]', notes: 'id' });
		await former.open();
		await former.table('notes').put({ id: 'a', title: 'two' });
		const mutation = {
			mutationId: 'm1',
			table: 'notes',
			rowId: 'a',
			action: 'update',
			data: { title: 'two' },
			userId: null,
			queuedAt: 1,
			clockOffset: null,
			status: 'pending',
		};
		await former.table('outbox').add({ ...mutation });
		former.close();
		const alice = await openReplica([{ table: 'notes' }], { disk, name: 'db' });
		track(alice.store);
		expect(await alice.outbox()).toEqual([{ ...mutation, seq: 1 }]);
		await alice.queue('notes', 'update', { n: 1 }, 'a');
		expect(await alice.outbox()).toMatchObject([{ seq: 1 }, { seq: 2, data: { n: 1 } }]);
		expect(await alice.rows('notes')).toEqual([{ id: 'a', title: 'two', n: 1 }]);
	});
});
