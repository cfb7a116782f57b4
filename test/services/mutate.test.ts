import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openReplica, type Replica } from '../support/replica.ts';

const open: Replica[] = [];

async function replica(...given: Parameters<typeof openReplica>): Promise<Replica> {
	const opened = await openReplica(...given);
	open.push(opened);
	return opened;
}

afterEach(() => {
	for (const { store } of open.splice(0)) store.close();
});

const V1 = '2024-01-01T00:00:00+00:00';
const note = (id: string | number, more = {}) => ({ id, title: 'one', done: false, updated_at: V1, ...more });
const brief = (mutations: Awaited<ReturnType<Replica['outbox']>>) =>
	mutations.map(({ action, rowId, data }) => [action, rowId, data]);

describe('mutate: one transaction', () => {
	it('[R1] writes the view and the outbox, with all that the outbox has to know', async () => {
		const alice = await replica();
		alice.now = 5_000;
		alice.clockOffset = 40;
		const queued = await alice.queue('notes', 'create', { id: 'a', title: 'one' });
		expect(queued.id).toBe('a');
		expect(await alice.rows('notes')).toEqual([{ id: 'a', title: 'one' }]);
		expect(await alice.outbox()).toEqual([
			{
				seq: 1,
				mutationId: queued.mutationId,
				table: 'notes',
				rowId: 'a',
				action: 'create',
				data: { title: 'one' },
				userId: 'alice',
				queuedAt: 5_000,
				clockOffset: 40,
				status: 'pending',
			},
		]);
		expect(await alice.bases()).toEqual([]);
	});

	it('[R1][R5] keeps the clean row as the base, once', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await alice.queue('notes', 'update', { title: 'two' }, 'a');
		await alice.queue('notes', 'update', { done: true }, 'a');
		expect(await alice.rows('notes')).toEqual([note('a', { title: 'two', done: true })]);
		expect(await alice.bases()).toEqual([
			{ table: 'notes', id: 'a', base: { kind: 'held', row: note('a') } },
		]);
		await alice.queue('notes', 'delete', null, 'a');
		expect(await alice.rows('notes')).toEqual([]);
		expect(await alice.bases()).toHaveLength(1);
		expect(brief(await alice.outbox())).toEqual([
			['update', 'a', { title: 'two' }],
			['update', 'a', { done: true }],
			['delete', 'a', null],
		]);
	});

	it.each(['outbox', 'bases', 'notes'] as const)(
		'[R1][S4][S27] an error while %s is written leaves nothing behind, and rejects',
		async (store) => {
			const alice = await replica();
			await alice.seed('notes', note('a'));
			const refusals = (['put', 'add'] as const).map((method) => {
				const original = IDBObjectStore.prototype[method];
				return vi.spyOn(IDBObjectStore.prototype, method).mockImplementation(function (
					this: IDBObjectStore,
					...given
				) {
					if (this.name === store) throw new DOMException('full', 'QuotaExceededError');
					return original.apply(this, given);
				});
			});
			await expect(alice.queue('notes', 'update', { title: 'two' }, 'a')).rejects.toMatchObject({
				code: 'storage',
			});
			for (const refusal of refusals) refusal.mockRestore();
			expect(await alice.rows('notes')).toEqual([note('a')]);
			expect(await alice.outbox()).toEqual([]);
			expect(await alice.bases()).toEqual([]);
			await alice.queue('notes', 'update', { title: 'three' }, 'a');
			expect(await alice.outbox()).toHaveLength(1);
		},
	);

	it('[R1][S4] an abort between the row and the outbox rolls the row back', async () => {
		const alice = await replica();
		const prototype = Object.getPrototypeOf(
			(
				await new Promise<IDBDatabase>((resolve, reject) => {
					const request = new IDBFactory().open('probe', 1);
					request.onupgradeneeded = () => request.result.createObjectStore('x');
					request.onsuccess = () => resolve(request.result);
					request.onerror = () => reject(request.error);
				})
			)
				.transaction('x', 'readwrite')
				.objectStore('x'),
		) as IDBObjectStore;
		const { add, put } = prototype;
		let aborts = 0;
		const abortAtOutbox = (original: typeof add) =>
			function (this: IDBObjectStore, value: unknown, key?: IDBValidKey) {
				const request = key === undefined ? original.call(this, value) : original.call(this, value, key);
				if (this.name === 'outbox') {
					aborts++;
					this.transaction.abort();
				}
				return request;
			};
		prototype.add = abortAtOutbox(add);
		prototype.put = abortAtOutbox(put);
		try {
			await expect(alice.queue('notes', 'create', { id: 'a', title: 'one' })).rejects.toMatchObject({
				code: 'storage',
				fault: 'fatal',
			});
		} finally {
			prototype.add = add;
			prototype.put = put;
		}
		expect(aborts).toBeGreaterThan(0);
		expect(await alice.rows('notes')).toEqual([]);
		expect(await alice.outbox()).toEqual([]);
	});

	it('[S12] what was resolved is there, also for another connection to the same disk', async () => {
		const disk = new IDBFactory();
		const alice = await replica(undefined, { disk });
		await Promise.all(['a', 'b', 'c'].map((id) => alice.queue('notes', 'create', { id })));
		const again = await replica(undefined, { disk });
		expect((await again.rows('notes')).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
		expect(brief(await again.outbox()).map(([, id]) => id)).toEqual(['a', 'b', 'c']);
	});
});

describe('mutate: what is queued', () => {
	it('[R1] an update with the values of the view queues nothing, and is acknowledged', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a', { meta: { x: 1, y: [2] } }));
		const queued = await alice.queue('notes', 'update', { title: 'one', meta: { y: [2], x: 1 } }, 'a');
		expect(queued).toMatchObject({ id: 'a', mutationId: expect.any(String) });
		expect(await alice.outbox()).toEqual([]);
		expect(await alice.bases()).toEqual([]);
	});

	it('[R1] update(id, wholeRow) sends only what changed, never the timestamp', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await alice.queue('notes', 'update', { ...note('a'), done: true, updated_at: 'now' });
		expect(brief(await alice.outbox())).toEqual([['update', 'a', { done: true }]]);
		expect(await alice.rows('notes')).toEqual([note('a', { done: true })]);
	});

	it.each([1, 40])('[R1] a row that was only created here has no base, of %i', async (count) => {
		const alice = await replica();
		const ids = Array.from({ length: count }, (_, n) => `k${n}`);
		await alice.queueAll(ids.map((id) => ['notes', 'create', { id }]));
		await alice.queueAll(ids.map((id) => ['notes', 'update', { title: 'two' }, id]));
		expect(await alice.bases()).toEqual([]);
		expect(await alice.outbox()).toHaveLength(2 * count);
	});

	it('[R1] a value set back is still queued: the former one may be on its way', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await alice.queue('notes', 'update', { title: 'two' }, 'a');
		await alice.queue('notes', 'update', { title: 'one' }, 'a');
		expect(await alice.outbox()).toHaveLength(2);
	});

	it('[R1] a create of an existing row is refused: clean, dirty, or created in the same call', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await alice.queue('notes', 'create', { id: 'b' });
		for (const id of ['a', 'b']) {
			await expect(alice.queue('notes', 'create', { id })).rejects.toMatchObject({
				code: 'row-exists',
				table: 'notes',
				id,
			});
		}
		await expect(
			alice.queueAll([
				['notes', 'create', { id: 'c' }],
				['notes', 'create', { id: 'c' }],
			]),
		).rejects.toMatchObject({ code: 'row-exists' });
		expect(await alice.outbox()).toHaveLength(1);
	});

	it('[R1] after a local delete: an update is refused, a second delete is nothing, a create is queued', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await alice.queue('notes', 'delete', null, 'a');
		await expect(alice.queue('notes', 'update', { title: 'two' }, 'a')).rejects.toMatchObject({
			code: 'not-found',
			id: 'a',
		});
		await alice.queue('notes', 'delete', null, 'a');
		expect(await alice.outbox()).toHaveLength(1);
		await alice.queue('notes', 'create', { id: 'a', title: 'new' });
		expect(await alice.rows('notes')).toEqual([{ id: 'a', title: 'new' }]);
		expect(brief(await alice.outbox())).toEqual([
			['delete', 'a', null],
			['create', 'a', { title: 'new' }],
		]);
		expect((await alice.bases())[0]?.base).toEqual({ kind: 'held', row: note('a') });
	});

	it('[R2] an update or delete of a row that is not held is queued on an unknown base, and shows nothing', async () => {
		const alice = await replica();
		await alice.queue('notes', 'update', { title: 'x' }, 'far');
		await alice.queue('notes', 'update', { done: true }, 'far');
		await alice.queue('notes', 'delete', null, 'gone');
		expect(await alice.rows('notes')).toEqual([]);
		expect(await alice.outbox()).toHaveLength(3);
		expect(await alice.bases()).toEqual([
			{ table: 'notes', id: 'far', base: { kind: 'unknown' } },
			{ table: 'notes', id: 'gone', base: { kind: 'unknown' } },
		]);
	});

	it('[R1] two different ids in one action are an error', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await expect(alice.queue('notes', 'update', { id: 'b' }, 'a')).rejects.toMatchObject({
			code: 'id-change',
		});
		expect(await alice.outbox()).toEqual([]);
	});

	it('[S5] calls made without awaiting one another keep their order, per row and over all', async () => {
		const alice = await replica();
		await Promise.all([
			alice.queue('notes', 'create', { id: 'a', n: 0 }),
			...Array.from({ length: 20 }, (_, n) => alice.queue('notes', 'update', { n: n + 1 }, 'a')),
			alice.queue('tags', 'create', { id: 't' }),
		]);
		const outbox = await alice.outbox();
		expect(outbox.map(({ data }) => data?.n)).toEqual([
			...Array.from({ length: 21 }, (_, n) => n),
			undefined,
		]);
		expect(await alice.rows('notes')).toEqual([{ id: 'a', n: 20 }]);
		expect(new Set(outbox.map(({ mutationId }) => mutationId)).size).toBe(22);
	});
});

describe('mutate: groups', () => {
	it('[R1] a bad call fails alone; those beside it in the same transaction commit', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		const results = await Promise.allSettled([
			alice.queue('notes', 'create', { id: 'b' }),
			alice.queue('notes', 'create', { id: 'a' }),
			alice.queue('notes', 'update', { title: 'two' }, 'a'),
			alice.queue('notes', 'update', { id: 'x' }, 'a'),
			alice.queue('tags', 'create', { id: 't' }),
		]);
		expect(results.map(({ status }) => status)).toEqual([
			'fulfilled',
			'rejected',
			'fulfilled',
			'rejected',
			'fulfilled',
		]);
		expect(brief(await alice.outbox()).map(([, id]) => id)).toEqual(['b', 'a', 't']);
	});

	it('[R1] queueActions is all or none, across tables', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'));
		await expect(
			alice.queueAll([
				['tags', 'create', { id: 't' }, 'local-t'],
				['notes', 'update', { title: 'two' }, 'a'],
				['notes', 'delete', null, 'b'],
				['notes', 'create', { id: 'a' }],
			]),
		).rejects.toMatchObject({ code: 'row-exists' });
		expect(await alice.outbox()).toEqual([]);
		expect(await alice.rows('notes')).toEqual([note('a')]);
		expect(await alice.rows('tags')).toEqual([]);
		expect(await alice.bases()).toEqual([]);
		expect(await alice.aliases()).toEqual([]);
	});

	it('[R1] what a failed group did to a row is not seen by the next one of the same transaction', async () => {
		const alice = await replica();
		const results = await Promise.allSettled([
			alice.queueAll([
				['notes', 'create', { id: 'a', title: 'lost' }],
				['notes', 'create', { id: 'a' }],
			]),
			alice.queue('notes', 'create', { id: 'a', title: 'kept' }),
		]);
		expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
		expect(await alice.rows('notes')).toEqual([{ id: 'a', title: 'kept' }]);
	});

	it('actions of one group build on one another', async () => {
		const alice = await replica();
		const queued = await alice.queueAll([
			['notes', 'create', { title: 'one' }, 'draft-1'],
			['notes', 'update', { title: 'two' }, 'draft-1'],
			['tags', 'create', { note: 'x' }, 'draft-1'],
			['tags', 'delete', null, 'draft-1'],
		]);
		expect(queued[0]?.id).toBe(queued[1]?.id);
		expect(queued[2]?.id).toBe(queued[3]?.id);
		expect(queued[0]?.id).not.toBe(queued[2]?.id);
		expect(await alice.rows('notes')).toMatchObject([{ title: 'two' }]);
		expect(await alice.rows('tags')).toEqual([]);
	});

	it('a call that comes while a transaction runs is committed by the next one', async () => {
		const alice = await replica();
		const first = alice.queue('notes', 'create', { id: 'a' });
		await Promise.resolve();
		await Promise.resolve();
		await Promise.resolve();
		const second = alice.queue('notes', 'update', { title: 'x' }, 'a');
		await Promise.all([first, second]);
		expect(await alice.outbox()).toHaveLength(2);
		await alice.queue('notes', 'update', { title: 'y' }, 'a');
		expect(await alice.outbox()).toHaveLength(3);
	});
});

describe('mutate: ids', () => {
	const UUID = '6f1f4a2e-5d3c-4b2a-9a71-0c9f1a2b3c4d';

	it('[R3] the id comes from the data, else from a UUID localId, else it is made', async () => {
		const alice = await replica();
		expect((await alice.queue('notes', 'create', { id: 'mine' }, 'x')).id).toBe('mine');
		expect((await alice.queue('notes', 'create', {}, UUID)).id).toBe(UUID);
		const made = (await alice.queue('notes', 'create', {}, 'draft')).id;
		expect(made).toMatch(/^[0-9a-f]{8}-/);
		expect((await alice.queue('notes', 'create', {})).id).not.toBe(made);
		expect(await alice.aliases()).toEqual(
			expect.arrayContaining([
				['x', 'mine'],
				['draft', made],
			]),
		);
		expect(await alice.aliases()).toHaveLength(2);
	});

	it('[R3] a localId goes on naming its row, and cannot name a second one', async () => {
		const alice = await replica();
		const { id } = await alice.queue('notes', 'create', { title: 'one' }, 'draft');
		await alice.queue('notes', 'update', { title: 'two' }, 'draft');
		expect(await alice.rows('notes')).toEqual([{ id, title: 'two' }]);
		for (const localId of ['draft']) {
			await expect(alice.queue('notes', 'create', {}, localId)).rejects.toMatchObject({
				code: 'alias-in-use',
			});
		}
		await alice.queue('notes', 'delete', null, 'draft');
		expect(await alice.rows('notes')).toEqual([]);
	});

	it('[R3] the alias and the id of one row may be given together', async () => {
		const alice = await replica();
		const { id } = await alice.queue('notes', 'create', { title: 'one' }, 'draft');
		await alice.queue('notes', 'update', { id, title: 'two' }, 'draft');
		await expect(alice.queue('notes', 'update', { id: 'other' }, 'draft')).rejects.toMatchObject({
			code: 'id-change',
		});
		expect(await alice.rows('notes')).toEqual([{ id, title: 'two' }]);
	});

	it('[R3] a string that names a number key is converted; one that merely looks alike is not', async () => {
		const alice = await replica();
		await alice.seed('notes', note(7), note(8));
		const queued = await alice.queue('notes', 'update', { title: 'two' }, '7');
		expect(queued.id).toBe(7);
		await alice.queue('notes', 'delete', null, '8');
		expect(await alice.rows('notes')).toEqual([note(7, { title: 'two' })]);
		expect((await alice.outbox()).map(({ rowId }) => rowId)).toEqual([7, 8]);
		expect((await alice.queue('notes', 'update', { title: 'x' }, '07')).id).toBe('07');
	});

	it('[R3] where keys are text, digits stay text', async () => {
		const alice = await replica();
		await alice.seed('notes', note('7'));
		expect((await alice.queue('notes', 'update', { title: 'two' }, '7')).id).toBe('7');
		expect(await alice.rows('notes')).toEqual([note('7', { title: 'two' })]);
	});

	it.each(['NaN', 'Infinity', '-Infinity'])(
		'[R3] %s names no number key, and spoils no call beside it',
		async (text) => {
			const alice = await replica();
			await alice.seed('notes', note(7));
			const [odd, good] = await Promise.allSettled([
				alice.queue('notes', 'update', { title: 'x' }, text),
				alice.queue('notes', 'update', { title: 'two' }, 7),
			]);
			expect(odd).toMatchObject({ status: 'fulfilled', value: { id: text } });
			expect(good).toMatchObject({ status: 'fulfilled', value: { id: 7 } });
		},
	);

	it('[R3] a UUID in capitals means the row that PostgreSQL writes in lower case', async () => {
		const alice = await replica();
		await alice.seed('notes', note(UUID));
		expect((await alice.queue('notes', 'update', { title: 'two' }, UUID.toUpperCase())).id).toBe(UUID);
		expect(await alice.rows('notes')).toEqual([note(UUID, { title: 'two' })]);
		await expect(alice.queue('notes', 'create', { id: UUID.toUpperCase() })).rejects.toMatchObject({
			code: 'row-exists',
		});
	});

	it('row 1 and row "1" of one table are two rows', async () => {
		const alice = await replica();
		await alice.queue('notes', 'create', { id: '1', title: 'text' });
		await alice.queue('notes', 'create', { id: 1, title: 'number' });
		expect(await alice.rows('notes')).toEqual([
			{ id: 1, title: 'number' },
			{ id: '1', title: 'text' },
		]);
	});

	it('a key column of another name', async () => {
		const alice = await replica([{ table: 'notes', idField: 'key' }]);
		await alice.queue('notes', 'create', { key: 'a', id: 5 });
		await alice.queue('notes', 'update', { id: 6 }, 'a');
		expect(await alice.rows('notes')).toEqual([{ key: 'a', id: 6 }]);
	});
});

describe('mutate: soft deletes', () => {
	it('[R5] the base of a row is what the server holds, and a deleted row leaves the view', async () => {
		const alice = await replica([{ table: 'notes', deletedField: 'deleted_at' }]);
		await alice.seed('notes', note('a', { deleted_at: null }));
		await alice.queue('notes', 'delete', null, 'a');
		expect(await alice.rows('notes')).toEqual([]);
		expect((await alice.bases())[0]?.base).toEqual({ kind: 'held', row: note('a', { deleted_at: null }) });
	});
});
