import Dexie, { liveQuery, type ObservabilitySet, RangeSet } from 'dexie';
import { IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type DirectTransaction, putDirectly, runDirect } from '../../src/services/direct-transaction.ts';
import { openReplica, type Replica } from '../support/replica.ts';

const open: Replica[] = [];

afterEach(() => {
	for (const { store } of open.splice(0)) store.close();
});

const NOTES = { table: 'notes', indexes: ['list', '*tags', '[list+n]', 'meta.rank', '&slug'] };

async function replica(name = 'replica'): Promise<Replica> {
	const opened = await openReplica([NOTES], { name });
	open.push(opened);
	return opened;
}

/** Behind all keys; where Dexie finds no IDBKeyRange of the platform's, it takes a text for it. */
const END = [[]];
const isEnd = (key: unknown) => key === '\uffff' || (Array.isArray(key) && Array.isArray(key[0]));

/** What Dexie's live queries are told while `work` runs, as ranges by part, with the database's name left out. */
async function toldBy({ store }: Replica, work: () => PromiseLike<unknown>) {
	const told: ObservabilitySet[] = [];
	const listen = (parts: ObservabilitySet) => void told.push(parts);
	Dexie.on.storagemutated.subscribe(listen);
	await work();
	Dexie.on.storagemutated.unsubscribe(listen);
	const ranges = (part: unknown) =>
		[...(part as Iterable<{ from: unknown; to: unknown }>)].map(({ from, to }) => [
			from,
			isEnd(to) ? END : to,
		]);
	return told.map((parts) =>
		Object.fromEntries(
			Object.entries(parts)
				.map(([part, tree]) => [part.replace(`idb://${store.name}/`, ''), ranges(RangeSet(tree))] as const)
				.filter(([, all]) => all.length > 0),
		),
	);
}

const direct = ({ store }: Replica, work: (transaction: DirectTransaction) => void) =>
	runDirect({ dexie: store.dexie, IDBKeyRange, stores: ['notes', 'outbox'] }, async (given) => work(given));

const rows = (count: number) =>
	Array.from({ length: count }, (_, n) => ({
		...{ id: `id ${n}`, list: n % 2 ? 'odd' : 'even', n, tags: ['a', `b${n}`], slug: `s${n}` },
		// Indexes leave out what is no key.
		...(n % 3 ? { meta: { rank: n } } : { meta: { rank: true }, list: null }),
	}));
const mutations = (count: number) =>
	rows(count).map(({ id }) => ({ table: 'notes', status: 'pending', rowId: id }));

describe('[S12] what live queries are told of a direct transaction', () => {
	it.each([1, 3, 49, 50])('is what Dexie tells of the same changes, of %i rows', async (count) => {
		const [ours, theirs] = [await replica('ours'), await replica('theirs')];
		const wanted = await toldBy(theirs, () =>
			theirs.store.dexie.transaction('rw', ['notes', 'outbox'], async (all) => {
				await all.table('notes').bulkPut(rows(count));
				await all.table('outbox').bulkAdd(mutations(count));
				await all.table('notes').bulkDelete(['id 0', 'elsewhere']);
			}),
		);
		const told = await toldBy(ours, () =>
			direct(ours, (transaction) => {
				transaction.put('notes', rows(count));
				transaction.add('outbox', mutations(count));
				transaction.delete('notes', ['id 0', 'elsewhere']);
			}),
		);
		expect(Object.keys(wanted[0] ?? {}).length).toBeGreaterThan(5);
		expect(told).toEqual(wanted);
		expect(await ours.rows('notes')).toEqual(await theirs.rows('notes'));
		expect(await ours.outbox()).toEqual(await theirs.outbox());
	});

	it.each([1, 49, 50])('nor of puts past Dexie in a transaction of Dexie’s, of %i rows', async (count) => {
		const [ours, theirs] = [await replica('ours'), await replica('theirs')];
		const page = ({ store }: Replica, put: () => unknown) =>
			store.dexie.transaction('rw', ['notes', 'outbox'], async () => {
				await put();
			});
		const wanted = await toldBy(theirs, () =>
			page(theirs, () => theirs.store.dexie.table('notes').bulkPut(rows(count))),
		);
		const told = await toldBy(ours, () =>
			page(ours, () => putDirectly(ours.store.dexie, 'notes', rows(count))),
		);
		expect(Object.keys(wanted[0] ?? {}).length).toBeGreaterThan(3);
		expect(told).toEqual(wanted);
		expect(await ours.rows('notes')).toEqual(await theirs.rows('notes'));
	});

	it('is nothing of puts past Dexie whose transaction fails', async () => {
		const alice = await replica();
		const told = await toldBy(alice, async () => {
			const failing = alice.store.transact('rw', ['notes'], async (stores) => {
				stores.putRows('notes', rows(3));
				await stores.meta.put({ key: 'beside', value: 1 });
				stores.putRows('notes', [{ id: 'elsewhere', slug: 's0' }]);
			});
			await expect(failing).rejects.toMatchObject({ code: 'storage' });
			await expect(failing).rejects.toThrow(/ConstraintError/);
		});
		expect(told).toEqual([]);
		expect(await alice.rows('notes')).toEqual([]);
	});

	it('is nothing where it is not committed', async () => {
		const alice = await replica();
		const told = await toldBy(alice, async () => {
			const failing = direct(alice, (transaction) => {
				transaction.put('notes', rows(1));
				throw new Error('on the way');
			});
			await expect(failing).rejects.toThrow('on the way');
		});
		expect(told).toEqual([]);
		expect(await alice.rows('notes')).toEqual([]);
	});

	it('is nothing where there is nothing to write', async () => {
		const alice = await replica();
		await alice.seed('notes', { id: 'a', n: 1 });
		const told = await toldBy(alice, async () => {
			await alice.queue('notes', 'update', { n: 1 }, 'a');
			await expect(alice.queue('notes', 'create', { id: 'a' })).rejects.toThrow('exists');
		});
		expect(told).toEqual([]);
	});

	it('ends no write where a listener throws', async () => {
		const { queue, outbox } = await replica();
		const reported = vi.fn();
		vi.stubGlobal('reportError', reported);
		const bad = () => {
			throw new Error('of a listener');
		};
		Dexie.on.storagemutated.subscribe(bad);
		await queue('notes', 'create', { id: 'a' });
		Dexie.on.storagemutated.unsubscribe(bad);
		vi.unstubAllGlobals();
		expect(reported.mock.calls).toEqual([[new Error('of a listener')]]);
		expect(await outbox()).toHaveLength(1);
	});

	it('shows in queries by key, by index, and in counts', async () => {
		const { store, queue } = await replica();
		const notes = store.dexie.table('notes');
		const seen: unknown[] = [];
		const subscription = liveQuery(async () => [
			await notes.get('a'),
			(await notes.where('list').equals('x').toArray()).map(({ id }) => id),
			await notes.where('tags').equals('t').count(),
			await notes.toCollection().primaryKeys(),
		]).subscribe((result) => void seen.push(result));
		const shows = async (expected: unknown) => expect.poll(() => seen.at(-1)).toEqual(expected);
		await shows([undefined, [], 0, []]);
		await queue('notes', 'create', { id: 'a', list: 'x', tags: ['t'] });
		await shows([{ id: 'a', list: 'x', tags: ['t'] }, ['a'], 1, ['a']]);
		await queue('notes', 'create', { id: 'b', list: 'x', tags: [] });
		await shows([{ id: 'a', list: 'x', tags: ['t'] }, ['a', 'b'], 1, ['a', 'b']]);
		await queue('notes', 'update', { list: 'y' }, 'b');
		await shows([{ id: 'a', list: 'x', tags: ['t'] }, ['a'], 1, ['a', 'b']]);
		await queue('notes', 'delete', null, 'a');
		await shows([undefined, [], 0, ['b']]);
		subscription.unsubscribe();
	});
});

describe('[R1] [S4] [S27] a direct transaction', () => {
	it('writes nothing where a request fails that the commit has not waited for', async () => {
		const alice = await replica();
		await alice.queue('notes', 'create', { id: 'a', slug: 'same' });
		const failing = alice.queue('notes', 'create', { id: 'b', slug: 'same' });
		await expect(failing).rejects.toMatchObject({ code: 'storage' });
		await expect(failing).rejects.toThrow(/ConstraintError/);
		expect((await alice.rows('notes')).map(({ id }) => id)).toEqual(['a']);
		expect(await alice.outbox()).toHaveLength(1);
		await alice.queue('notes', 'create', { id: 'b', slug: 'other' });
		expect(await alice.outbox()).toHaveLength(2);
	});

	it('tells what had ended it, and not what that led to', async () => {
		const { store } = await replica();
		const failing = runDirect(
			{ dexie: store.dexie, IDBKeyRange, stores: ['notes', 'outbox'] },
			async (transaction) => {
				transaction.put('notes', [
					{ id: 'a', slug: 'same' },
					{ id: 'b', slug: 'same' },
				]);
				await transaction.get('notes', ['a']);
				await transaction.get('notes', ['a']);
			},
		);
		await expect(failing).rejects.toMatchObject({ name: 'ConstraintError' });
	});

	it('[F55] needs no DOMException of the platform', async () => {
		const alice = await replica();
		vi.stubGlobal('DOMException', undefined);
		const failing = direct(alice, () => {
			throw new Error('on the way');
		});
		await expect(failing).rejects.toThrow('on the way');
		await new Promise((resolve) => setTimeout(resolve, 10));
		vi.unstubAllGlobals();
	});

	it('says so where the connection is closed', async () => {
		const { store } = await replica();
		store.dexie.close();
		const closed = runDirect({ dexie: store.dexie, IDBKeyRange, stores: ['notes'] }, async () => {});
		await expect(closed).rejects.toMatchObject({ name: 'DatabaseClosedError' });
	});
});
