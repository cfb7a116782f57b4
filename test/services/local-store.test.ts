import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it } from 'vitest';
import type { SyncConfig } from '../../src/core/types.ts';
import { type LocalStore, openLocalStore, toStorageEnvironment } from '../../src/services/local-store.ts';
import { OWN_STORES } from '../../src/services/schema.ts';
import { specOf } from '../support/mutations.ts';

const stores: LocalStore[] = [];

async function open(disk: IDBFactory, configs: readonly Partial<SyncConfig>[], name = 'db') {
	const store = await openLocalStore(name, { indexedDB: disk, IDBKeyRange }, configs.map(specOf));
	stores.push(store);
	return store;
}

afterEach(() => {
	for (const store of stores.splice(0)) store.close();
});

const storeNames = (store: LocalStore) => [...store.dexie.backendDB().objectStoreNames].sort();
const OWN = Object.keys(OWN_STORES);
const put = (store: LocalStore, table: string, row: Record<string, unknown>) =>
	store.transact('rw', [table], (own) => own.rows(table).put(row));
const all = (store: LocalStore, table: string) =>
	store.transact('r', [table], (own) => own.rows(table).toArray());

/** A promise and how to end it. */
function gate() {
	let release: () => void = () => undefined;
	const opened = new Promise<void>((resolve) => {
		release = resolve;
	});
	return { opened, release };
}

describe('local store: schema', () => {
	it('[R4] opens a new database with its own stores and the registered tables', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }, { table: 'tags' }]);
		expect(storeNames(store)).toEqual([...OWN, 'notes', 'tags'].sort());
	});

	it('[R4] no store is ever dropped: fewer tables registered, other tables, none at all', async () => {
		const disk = new IDBFactory();
		const first = await open(disk, [{ table: 'notes' }, { table: 'tags' }]);
		await put(first, 'notes', { id: 'a', title: 'kept' });
		await put(first, 'tags', { id: 't' });
		first.close();
		for (const configs of [[{ table: 'tags' }], [{ table: 'lists' }], []]) {
			const next = await open(disk, configs);
			expect(storeNames(next)).toEqual(expect.arrayContaining(['notes', 'tags']));
			next.close();
		}
		const last = await open(disk, [{ table: 'notes' }]);
		expect(storeNames(last)).toEqual([...OWN, 'lists', 'notes', 'tags'].sort());
		expect(await all(last, 'notes')).toEqual([{ id: 'a', title: 'kept' }]);
		expect(await all(last, 'tags')).toEqual([{ id: 't' }]);
	});

	it('[R4] an index that is added or taken away keeps the rows', async () => {
		const disk = new IDBFactory();
		const first = await open(disk, [{ table: 'notes', indexes: ['title'] }]);
		await put(first, 'notes', { id: 'a', title: 'x', n: 2 });
		first.close();
		const second = await open(disk, [{ table: 'notes', indexes: ['n', '[title+n]'] }]);
		expect(
			second.dexie
				.table('notes')
				.schema.indexes.map(({ name }) => name)
				.sort(),
		).toEqual(['[title+n]', 'n']);
		expect(await second.dexie.table('notes').where({ title: 'x', n: 2 }).toArray()).toHaveLength(1);
		second.close();
	});

	it('[R4] opening what is there already raises no version, so that no other tab is disturbed', async () => {
		const disk = new IDBFactory();
		const first = await open(disk, [{ table: 'notes', indexes: ['a', 'b'] }]);
		const second = await open(disk, [{ table: 'notes', indexes: ['b', 'a'] }]);
		expect(second.dexie.verno).toBe(first.dexie.verno);
		await put(first, 'notes', { id: 'a' });
		expect(await all(second, 'notes')).toEqual([{ id: 'a' }]);
	});

	it('a table called outbox has its rows apart from the outbox', async () => {
		const store = await open(new IDBFactory(), [{ table: 'outbox' }]);
		await put(store, 'outbox', { id: 'a' });
		expect(await store.transact('r', [], (own) => own.outbox.toArray())).toEqual([]);
		expect(await all(store, 'outbox')).toEqual([{ id: 'a' }]);
	});
});

describe('local store: late registration', () => {
	it('[R4] ensure adds the store and keeps the rows; the database is another object then', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }]);
		await put(store, 'notes', { id: 'a' });
		const before = store.dexie;
		await store.ensure([specOf({ table: 'notes' }), specOf({ table: 'late' })]);
		expect(store.dexie).not.toBe(before);
		expect(await all(store, 'notes')).toEqual([{ id: 'a' }]);
		await put(store, 'late', { id: 'b' });
		expect(await all(store, 'late')).toEqual([{ id: 'b' }]);
	});

	it('[R4] ensure of what is there does nothing', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }]);
		const before = store.dexie;
		await store.ensure([specOf({ table: 'notes' })]);
		expect(store.dexie).toBe(before);
	});

	it('[R4] waits for transactions under way, and lets none in before it has ended', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }]);
		const order: string[] = [];
		const started = gate();
		const running = store
			.transact('rw', ['notes'], async (own) => {
				started.release();
				for (let n = 0; n < 20; n++) await own.rows('notes').put({ id: `row ${n}` });
			})
			.then(() => order.push('running'));
		await started.opened;
		const ensured = store.ensure([specOf({ table: 'late' })]).then(() => order.push('ensured'));
		const later = store
			.transact('rw', ['late'], (own) => own.rows('late').put({ id: 'x' }))
			.then(() => order.push('later'));
		await Promise.all([running, ensured, later]);
		expect(order).toEqual(['running', 'ensured', 'later']);
		expect(await all(store, 'notes')).toHaveLength(20);
		expect(await all(store, 'late')).toEqual([{ id: 'x' }]);
	});

	it('[R4] a call made just before it is not cut off', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }]);
		const calls = Array.from({ length: 5 }, (_, n) => put(store, 'notes', { id: `row ${n}` }));
		const nested = store.transact('rw', ['notes'], async (own) => {
			await own.outbox.count();
			await own.rows('notes').put({ id: 'slow' });
			return own.rows('notes').count();
		});
		await store.ensure([specOf({ table: 'late' })]);
		await Promise.all(calls);
		expect(await nested).toBe(6);
		expect(await all(store, 'notes')).toHaveLength(6);
	});

	it('[R4] several at once: each has its store at its end', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }]);
		const names = ['one', 'two', 'three'];
		await Promise.all(
			names.map(async (table) => {
				await store.ensure([specOf({ table })]);
				await put(store, table, { id: table });
			}),
		);
		for (const table of names) expect(await all(store, table)).toEqual([{ id: table }]);
		expect(storeNames(store)).toEqual(expect.arrayContaining(['notes', ...names]));
	});

	it('[S31] closed during a reopening, nothing is left open', async () => {
		const disk = new IDBFactory();
		const store = await open(disk, [{ table: 'notes' }]);
		const ensuring = store.ensure([specOf({ table: 'late' })]).catch(() => undefined);
		store.close();
		await ensuring;
		await expect(put(store, 'notes', { id: 'a' })).rejects.toMatchObject({ code: 'closed' });
		expect(store.dexie.isOpen()).toBe(false);
	});
});

describe('local store: transactions', () => {
	it('[S4] an error in the work writes nothing, and passes on as it is if it is PixSync’s', async () => {
		const store = await open(new IDBFactory(), [{ table: 'notes' }]);
		const own = new TypeError('a bug');
		await expect(
			store.transact('rw', ['notes'], async (inside) => {
				await inside.rows('notes').put({ id: 'a' });
				throw own;
			}),
		).rejects.toMatchObject({ code: 'storage', fault: 'fatal', cause: own });
		expect(await all(store, 'notes')).toEqual([]);
	});

	it('[F47] a full disk is a storage error that says so', async () => {
		const store = await open(new IDBFactory(), []);
		await expect(
			store.transact('rw', [], () => {
				throw new DOMException('full', 'QuotaExceededError');
			}),
		).rejects.toMatchObject({ code: 'storage', hint: expect.stringContaining('out of space') });
	});

	it.each(['transact', 'write'] as const)(
		'[S1] a %s asked for just before a look is seen by it, or counted after it',
		async (how) => {
			const store = await open(new IDBFactory(), []);
			const record = { key: 'mine', value: 1 };
			const writing =
				how === 'write'
					? store.write(
							[],
							async (transaction) => transaction.put('meta', [record]),
							async () => false,
						)
					: store.transact('rw', [], ({ meta }) => meta.put(record));
			const { writes } = store;
			const [seen] = await store.read([], async (records) => records.get('meta', ['mine']));
			await writing;
			expect(seen !== undefined || store.writes > writes).toBe(true);
		},
	);

	it('a closed store refuses calls instead of opening itself again', async () => {
		const disk = new IDBFactory();
		const store = await open(disk, [{ table: 'notes' }]);
		store.close();
		await expect(all(store, 'notes')).rejects.toMatchObject({ code: 'closed', fault: 'no-answer' });
		await store.ensure([specOf({ table: 'late' })]);
		expect(store.dexie.isOpen()).toBe(false);
		const again = await open(disk, []);
		expect(storeNames(again)).not.toContain('late');
	});
});

describe('toStorageEnvironment', () => {
	it('[F55] takes what is given; without any IndexedDB it says what to install', () => {
		const disk = new IDBFactory();
		expect(toStorageEnvironment({ indexedDB: disk, IDBKeyRange })).toEqual({ indexedDB: disk, IDBKeyRange });
		expect(() => toStorageEnvironment({})).toThrow(
			expect.objectContaining({ code: 'no-indexeddb', hint: expect.stringContaining('fake-indexeddb') }),
		);
		expect(() => toStorageEnvironment({ indexedDB: disk })).toThrow();
	});
});
