import { describe, expect, it } from 'vitest';
import { type ContractKit, contractSpec, idsOf, listAll, ODD_IDS, SIGNAL, uuid } from './contract-kit.ts';

export function describeReads(kit: () => ContractKit): void {
	describe('fetch', () => {
		it('[R2] rows that exist are there under the ids asked for, whole; missing ids are absent', async () => {
			const one = await kit().backend.put('notes', { id: uuid(1), title: 'a', meta: { deep: [1, null] } });
			const two = await kit().backend.put('notes', { id: uuid(2) });
			const found = await kit().remote.fetch(
				contractSpec('notes'),
				[uuid(2), uuid(3), uuid(1)],
				SIGNAL,
				'visible',
			);
			expect(new Map(found)).toEqual(
				new Map([
					[uuid(1), one],
					[uuid(2), two],
				]),
			);
		});

		it('[F12] keys of any text are found, and nothing else is', async () => {
			const spec = contractSpec('tags');
			for (const id of ODD_IDS) await kit().backend.put('tags', { id, title: `<${id}>` });
			const absent = ODD_IDS.map((id) => `${id} `);
			const found = await kit().remote.fetch(spec, [...ODD_IDS, ...absent], SIGNAL, 'visible');
			expect(new Set(found.keys())).toEqual(new Set(ODD_IDS));
			for (const [id, row] of found) expect(row).toMatchObject({ id, title: `<${id}>` });
		});

		it('[R3] number keys are found under the number asked for', async () => {
			const row = await kit().backend.put('counters', { id: 7 });
			const found = await kit().remote.fetch(contractSpec('counters'), [7, 8], SIGNAL, 'visible');
			expect([...found]).toEqual([[7, row]]);
		});

		it('[F21] [R18] `selected` asks by the filter too, `visible` by the policies alone', async () => {
			const spec = contractSpec('notes', { filter: { title: 'in' } });
			await kit().backend.put('notes', { id: uuid(1), title: 'in' });
			await kit().backend.put('notes', { id: uuid(2), title: 'out' });
			const ids = [uuid(1), uuid(2)];
			const selected = await kit().remote.fetch(spec, ids, SIGNAL, 'selected');
			expect([...selected.keys()]).toEqual([uuid(1)]);
			const visible = await kit().remote.fetch(spec, ids, SIGNAL, 'visible');
			expect(new Set(visible.keys())).toEqual(new Set(ids));
			await kit().backend.put('secrets', { id: uuid(3), title: 'hidden' });
			expect((await kit().remote.fetch(contractSpec('secrets'), [uuid(3)], SIGNAL, 'visible')).size).toBe(0);
		});

		it('[F14] a server that cuts answers short hides none of the rows', async () => {
			const ids = Array.from({ length: 9 }, (_, n) => uuid(n));
			for (const id of ids) await kit().backend.put('notes', { id });
			await kit().backend.setMaxRows(4);
			const found = await kit().remote.fetch(contractSpec('notes'), [...ids, uuid(50)], SIGNAL, 'visible');
			expect(new Set(found.keys())).toEqual(new Set(ids));
		});

		it('[R2] no ids are no rows; select holds here too', async () => {
			expect((await kit().remote.fetch(contractSpec('notes'), [], SIGNAL, 'visible')).size).toBe(0);
			const { updated_at } = await kit().backend.put('notes', { id: uuid(1), title: 't', n: 1 });
			const spec = contractSpec('notes', { select: 'id,updated_at,n' });
			const found = await kit().remote.fetch(spec, [uuid(1)], SIGNAL, 'visible');
			expect(found.get(uuid(1))).toEqual({ id: uuid(1), updated_at, n: 1 });
		});
	});

	describe('listKeys', () => {
		it('[R18] keys come in id order, each once, page by page; an empty page is the end', async () => {
			const ids = Array.from({ length: 11 }, (_, n) => uuid(n));
			const stored = [];
			for (const id of [...ids].reverse()) stored.unshift(await kit().backend.put('notes', { id }));
			const spec = contractSpec('notes');
			const first = await kit().remote.listKeys(spec, null, 4, SIGNAL);
			expect(idsOf(first)).toEqual(ids.slice(0, 4));
			expect(await listAll(kit(), spec, 4)).toEqual(stored.map(({ id, updated_at }) => ({ id, updated_at })));
			expect(await kit().remote.listKeys(spec, uuid(10), 4, SIGNAL)).toEqual([]);
		});

		it('[F14] [R18] a server that cuts pages below the limit hides none of the keys', async () => {
			const ids = Array.from({ length: 9 }, (_, n) => uuid(n));
			for (const id of ids) await kit().backend.put('notes', { id });
			await kit().backend.setMaxRows(4);
			expect(idsOf(await listAll(kit(), contractSpec('notes'), 100))).toEqual(ids);
		});

		it('[F12] [R18] keys of any text are listed each once', async () => {
			for (const id of ODD_IDS) await kit().backend.put('tags', { id });
			const listed = idsOf(await listAll(kit(), contractSpec('tags'), 4));
			expect(listed).toHaveLength(ODD_IDS.length);
			expect(new Set(listed)).toEqual(new Set(ODD_IDS));
		});

		it('[R18] number keys are ordered as numbers; tombstones tell that they are some', async () => {
			for (const id of [10, 9, 100]) await kit().backend.put('counters', { id });
			expect(idsOf(await listAll(kit(), contractSpec('counters'), 2))).toEqual([9, 10, 100]);
			await kit().backend.put('places', { code: 'x', is_gone: true });
			expect(await listAll(kit(), contractSpec('places'), 2)).toMatchObject([{ code: 'x', is_gone: true }]);
		});
	});
}
