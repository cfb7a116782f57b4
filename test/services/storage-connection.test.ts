import { forceCloseDatabase, IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LocalStore, openLocalStore } from '../../src/services/local-store.ts';
import { specOf } from '../support/mutations.ts';
import { createOfflineManager } from '../support/offline-manager.ts';
import { openReplica, type Replica } from '../support/replica.ts';
import { type StorageFaults, startStorageFaults } from '../support/storage-faults.ts';

let faults: StorageFaults;
const open: { close(): unknown }[] = [];

beforeEach(() => {
	faults = startStorageFaults();
	// Dexie tells of each reopening.
	vi.spyOn(console, 'warn').mockImplementation(() => {});
});

afterEach(() => {
	faults.stop();
	for (const one of open.splice(0)) one.close();
	vi.restoreAllMocks();
});

async function replica(): Promise<Replica> {
	const opened = await openReplica();
	open.push(opened.store);
	return opened;
}

/** The package declares its parameter as the class, and takes an object of it. */
const closeByForce = forceCloseDatabase as unknown as (connection: IDBDatabase) => void;
const forceClose = ({ dexie }: LocalStore) => closeByForce(dexie.backendDB());
const titles = async (alice: Replica) => (await alice.rows('notes')).map(({ title }) => title).sort();
const queued = async (alice: Replica) => (await alice.outbox()).map(({ mutationId }) => mutationId);

describe('a connection that is lost', () => {
	it('[F45] closed by the platform between two calls: the next one opens it again', async () => {
		const alice = await replica();
		await alice.queue('notes', 'create', { title: 'one' });
		const before = alice.store.dexie;
		const closed = new Promise<void>((resolve) => before.on('close', () => resolve()));
		forceClose(alice.store);
		await closed;
		await alice.queue('notes', 'create', { title: 'two' });
		expect(alice.store.dexie).not.toBe(before);
		expect(await titles(alice)).toEqual(['one', 'two']);
		expect(await alice.outbox()).toHaveLength(2);
	});

	it('[F45] closed while calls are under way, many times: each is done once', async () => {
		const alice = await replica();
		const calls = [];
		for (let n = 0; n < 30; n++) {
			calls.push(alice.queue('notes', 'create', { title: `note ${n}` }));
			if (n % 3 === 0 && alice.store.dexie.isOpen()) forceClose(alice.store);
			await new Promise((resolve) => setTimeout(resolve, n % 4));
		}
		const done = await Promise.all(calls);
		expect((await queued(alice)).sort()).toEqual(done.map(({ mutationId }) => mutationId).sort());
		expect(new Set(await titles(alice)).size).toBe(30);
	});

	it.each(['UnknownError', 'InvalidStateError'])(
		'[F45] %s in a request: closed, opened, and tried once more',
		async (error) => {
			const alice = await replica();
			const before = alice.store.dexie;
			faults.add({ store: 'outbox', how: 'fails', error });
			const { mutationId } = await alice.queue('notes', 'create', { title: 'one' });
			expect(faults.hits).toBe(1);
			expect(before.isOpen()).toBe(false);
			expect(await queued(alice)).toEqual([mutationId]);
			expect(await titles(alice)).toEqual(['one']);
		},
	);

	it('[F45][S27] once, and no more: the second failure is the caller’s, and nothing is half done', async () => {
		const alice = await replica();
		faults.add({ store: 'outbox', how: 'fails', error: 'UnknownError', times: 2 });
		await expect(alice.queue('notes', 'create', { title: 'one' })).rejects.toMatchObject({
			code: 'storage',
			message: expect.stringContaining('UnknownError'),
		});
		expect(faults.hits).toBe(2);
		expect(await titles(alice)).toEqual([]);
		const { mutationId } = await alice.queue('notes', 'create', { title: 'two' });
		expect(await queued(alice)).toEqual([mutationId]);
	});

	it('[F45][S2] the commit was made, and its news lost: nothing is queued twice', async () => {
		const alice = await replica();
		await alice.seed('notes', { id: 'a', title: 'one', n: 1 });
		faults.add({ store: 'outbox', how: 'commits-silently', error: 'UnknownError' });
		const done = await Promise.all([
			alice.queue('notes', 'create', { title: 'new' }, 'mine'),
			alice.queue('notes', 'update', { title: 'two' }, 'a'),
			alice.queue('notes', 'update', { title: 'three', n: 2 }, 'a'),
		]);
		expect(faults.hits).toBe(1);
		expect(await queued(alice)).toEqual(done.map(({ mutationId }) => mutationId));
		expect(await titles(alice)).toEqual(['new', 'three']);
		expect(await alice.aliases()).toEqual([['mine', done[0].id]]);
	});

	it('[F45][S1] the commit was not made, and that is not known: it is queued, once', async () => {
		const alice = await replica();
		faults.add({ store: 'outbox', how: 'fails-at-commit', error: 'UnknownError' });
		const done = await alice.queue('notes', 'create', { title: 'one' });
		expect(faults.hits).toBe(1);
		expect(await queued(alice)).toEqual([done.mutationId]);
		expect(await alice.rows('notes')).toEqual([{ id: done.id, title: 'one' }]);
	});

	it('[F45] a call refused for its own sake is refused in the repetition, too', async () => {
		const alice = await replica();
		await alice.seed('notes', { id: 'a', title: 'one' });
		faults.add({ store: 'outbox', how: 'commits-silently', error: 'UnknownError' });
		const [created, refused] = await Promise.allSettled([
			alice.queue('notes', 'create', { title: 'new' }),
			alice.queue('notes', 'create', { id: 'a', title: 'again' }),
		]);
		expect(created).toMatchObject({ status: 'fulfilled' });
		expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'row-exists' } });
		expect(await alice.outbox()).toHaveLength(1);
	});

	it('[F45] who cannot tell whether it was committed gets the error, and not a second run', async () => {
		const { store } = await replica();
		faults.add({ store: 'meta', how: 'commits-silently', error: 'UnknownError' });
		let runs = 0;
		const counting = store.transact('rw', [], async ({ meta }) => {
			runs++;
			await meta.put({ key: 'x', value: runs });
		});
		await expect(counting).rejects.toMatchObject({ code: 'storage' });
		expect(runs).toBe(1);
		expect(await store.transact('r', [], ({ meta }) => meta.get('x'))).toEqual({ key: 'x', value: 1 });
	});

	it('[F45] an abort of the work’s own is no lost connection', async () => {
		const { store } = await replica();
		let runs = 0;
		const aborting = store.transact('rw', [], async ({ meta }) => {
			runs++;
			await meta.put({ key: 'x', value: runs });
			throw new DOMException('no', 'AbortError');
		});
		await expect(aborting).rejects.toMatchObject({ code: 'storage' });
		expect(runs).toBe(1);
	});

	it('[F45][R4] a database that cannot be opened again: an error to each call, until it can', async () => {
		const disk = new IDBFactory();
		let isBroken = false;
		const flaky = new Proxy(disk, {
			get(target, key) {
				const value: unknown = Reflect.get(target, key);
				if (typeof value !== 'function') return value;
				return (...given: unknown[]) => {
					if (isBroken && key === 'open') throw new DOMException('no', 'NotReadableError');
					return value.apply(target, given);
				};
			},
		});
		const alice = await openReplica(undefined, { disk: flaky });
		open.push(alice.store);
		isBroken = true;
		forceClose(alice.store);
		await expect.poll(() => alice.store.dexie.isOpen()).toBe(false);
		for (const title of ['one', 'two']) {
			await expect(alice.queue('notes', 'create', { title })).rejects.toMatchObject({ code: 'storage' });
		}
		isBroken = false;
		await alice.queue('notes', 'create', { title: 'three' });
		expect(await titles(alice)).toEqual(['three']);
	});

	it('[F45][S31] a store that was closed stays closed', async () => {
		const alice = await replica();
		const { dexie } = alice.store;
		forceClose(alice.store);
		alice.store.close();
		await expect(alice.queue('notes', 'create', { title: 'x' })).rejects.toMatchObject({ code: 'closed' });
		expect(dexie.isOpen()).toBe(false);
		expect(alice.store.dexie).toBe(dexie);
	});
});

describe('data that is gone', () => {
	it('[F46] deleted under an open store: an empty database takes its place, and that is told once', async () => {
		const disk = new IDBFactory();
		const replaced = vi.fn();
		const store = await openLocalStore('db', { indexedDB: disk, IDBKeyRange }, [specOf()], {
			onReplaced: replaced,
		});
		open.push(store);
		await store.transact('rw', ['notes'], (own) => own.rows('notes').put({ id: 'a' }));
		await new Promise((resolve) => {
			disk.deleteDatabase('db').onsuccess = resolve;
		});
		expect(await store.transact('r', ['notes'], (own) => own.rows('notes').count())).toBe(0);
		await store.transact('rw', ['notes'], (own) => own.rows('notes').put({ id: 'b' }));
		expect(replaced).toHaveBeenCalledTimes(1);
	});

	it('[F46] a manager goes on with an empty replica, and its counts are those of the new one', async () => {
		const disk = new IDBFactory();
		const sync = createOfflineManager({ indexedDB: disk });
		open.push(sync);
		sync.registerTable({ table: 'notes' });
		await sync.queueAction('notes', 'create', { title: 'one' });
		await new Promise((resolve) => {
			disk.deleteDatabase('app:anon').onsuccess = resolve;
		});
		expect(await sync.getPendingCount()).toBe(0);
		await expect.poll(() => sync.getState().tables.notes).toMatchObject({ pending: 0 });
		await sync.queueAction('notes', 'create', { title: 'two' });
		await expect.poll(() => sync.getState().tables.notes).toMatchObject({ pending: 1 });
		expect(await sync.table('notes').toArray()).toMatchObject([{ title: 'two' }]);
	});
});
