import { IDBObjectStore } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RowId } from '../../src/core/types.ts';
import { deleteBases } from '../../src/services/bases.ts';
import { createRandomSource } from '../support/random-source.ts';
import { openReplica, type Replica } from '../support/replica.ts';

const seed = Number(process.env.PIXSYNC_SEED ?? Math.floor(Math.random() * 2 ** 31));
const opened: Replica[] = [];
afterEach(() => {
	for (const { store } of opened.splice(0)) store.close();
});

/** A replica that has a base record of each id, and of other tables before and after it. */
async function holding(ids: readonly RowId[]): Promise<Replica> {
	const replica = await openReplica();
	opened.push(replica);
	const all: [string, RowId][] = [
		...ids.map((id): [string, RowId] => ['notes', id]),
		...ids.map((id): [string, RowId] => ['tags', id]),
		['aaa', 'z'],
	];
	await replica.store.transact('rw', [], ({ bases }) =>
		bases.bulkPut(all.map(([table, id]) => ({ table, id, base: { kind: 'unknown' } }))),
	);
	return replica;
}

/** @returns how many deletes were asked for. */
async function remove({ store }: Replica, ids: readonly RowId[]): Promise<number> {
	const deletes = vi.spyOn(IDBObjectStore.prototype, 'delete');
	await store.transact('rw', [], (stores) => deleteBases(stores, 'notes', ids));
	const { length } = deletes.mock.calls;
	deletes.mockRestore();
	return length;
}

const left = async (replica: Replica) =>
	(await replica.bases()).map(({ table, id }) => `${table}/${String(id)}`);
const expected = (held: readonly RowId[], gone: readonly RowId[]) => {
	const wanted = new Set(gone);
	return [
		'aaa/z',
		...held.filter((id) => !wanted.has(id)).map((id) => `notes/${String(id)}`),
		...held.map((id) => `tags/${String(id)}`),
	].sort();
};

describe('records of many rows are deleted', () => {
	it('as one range where they are neighbours', async () => {
		const held = Array.from({ length: 500 }, (_, n) => n);
		const replica = await holding(held);
		expect(await remove(replica, held.slice(100, 300))).toBe(1);
		expect((await left(replica)).sort()).toEqual(expected(held, held.slice(100, 300)));
	});

	it('with no request at all where there are none', async () => {
		const replica = await holding([]);
		expect(
			await remove(
				replica,
				Array.from({ length: 500 }, (_, n) => `id-${n}`),
			),
		).toBe(0);
	});

	it(`and no others, whichever they are: seed ${seed}`, async () => {
		console.log(`dense-range: repeat with PIXSYNC_SEED=${seed}`);
		const random = createRandomSource(seed);
		for (let run = 0; run < 40; run++) {
			// Numbers and texts lie in ranges of their own.
			const all = Array.from(
				{ length: 10 + random.below(120) },
				(_, n): RowId => (random.chance(0.5) ? n : `t${n}`),
			);
			const chance = random.pick([0.3, 0.9, 1]);
			const held = all.filter(() => random.chance(chance));
			const [from, size] = [random.below(all.length), random.below(all.length)];
			const share = random.pick([0.05, 0.5, 1]);
			const gone = all.filter((_, n) => n >= from && n < from + size && random.chance(share));
			const replica = await holding(held);
			await remove(replica, gone);
			expect((await left(replica)).sort()).toEqual(expected(held, gone));
		}
	});
});
