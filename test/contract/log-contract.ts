import { describe, expect, it } from 'vitest';
import type { TableSpec } from '../../src/core/table-spec.ts';
import type { ChangeLog, LogPage } from '../../src/services/remote.ts';
import { type ContractKit, contractSpec, idsOf, ODD_IDS, SIGNAL, uuid } from './contract-kit.ts';

/** What a transport with a log of changes answers beside the rest. */
export function describeLog(kit: () => ContractKit): void {
	const notes = contractSpec('notes');
	const ids = (n: number, from = 0) => Array.from({ length: n }, (_, at) => uuid(from + at));

	function logOf(): ChangeLog {
		const { log } = kit().remote;
		if (!log) throw new Error('The transport has no log');
		return log;
	}

	const page = (spec: TableSpec, cursor: string | null, limit = 1000, from: string | null = null) =>
		logOf().pull({ spec, cursor, from, limit }, SIGNAL);

	/** Pages from a cursor to the head. */
	async function pages(spec: TableSpec, cursor: string | null = null, limit = 1000): Promise<LogPage[]> {
		const all: LogPage[] = [];
		for (let at = cursor; ; ) {
			const one = await page(spec, at, limit);
			all.push(one);
			if (one.isHead) return all;
			if (all.length > 40) throw new Error('The log does not come to its head');
			at = one.cursor;
		}
	}

	async function head(spec: TableSpec): Promise<string> {
		return String((await pages(spec)).at(-1)?.cursor);
	}

	/** Row, gone and left, each as how many. */
	const inShort = (all: readonly LogPage[]) =>
		all.map(({ rows, gone, left }) => [rows.length, gone.length, left.length]);

	describe('log', () => {
		it('[S15] all rows at first, then what was changed since, each once, with its last page known as such', async () => {
			for (const id of ids(7)) await kit().backend.put('notes', { id });
			const first = await pages(notes, null, 3);
			expect(inShort(first)).toEqual([
				[3, 0, 0],
				[3, 0, 0],
				[1, 0, 0],
			]);
			const cursor = String(first.at(-1)?.cursor);
			for (const n of [1, 2, 3]) await kit().backend.patch('notes', uuid(4), { n });
			await kit().backend.put('notes', { id: uuid(9) });
			const later = await pages(notes, cursor, 2);
			expect(later.map(({ rows }) => rows.map(({ id, n }) => [id, n]))).toEqual([
				[
					[uuid(4), 3],
					[uuid(9), null],
				],
			]);
			expect(inShort(await pages(notes, later.at(-1)?.cursor))).toEqual([[0, 0, 0]]);
		});

		it('what is changed while a pull goes on comes with the next one', async () => {
			for (const id of ids(6)) await kit().backend.put('notes', { id });
			for (const start of [null, await head(notes)]) {
				for (const id of ids(6)) await kit().backend.patch('notes', id, { n: 1 });
				const first = await page(notes, start, 2);
				await kit().backend.patch('notes', uuid(0), { n: 2 });
				await kit().backend.patch('notes', uuid(5), { n: 2 });
				const rest = await pages(notes, first.cursor, 2);
				const next = await pages(notes, rest.at(-1)?.cursor, 2);
				expect(next.flatMap(({ rows }) => rows.map(({ id, n }) => [id, n])).sort()).toEqual([
					[uuid(0), 2],
					[uuid(5), 2],
				]);
				const seen = [first, ...rest].flatMap(({ rows }) => idsOf(rows));
				expect(seen.length).toBe(new Set(seen).size);
				expect(new Set([...seen, ...next.flatMap(({ rows }) => idsOf(rows))])).toEqual(new Set(ids(6)));
			}
		});

		it('[F19] [S9] hard deletes are told, but for rows that are there again, and each once a page', async () => {
			for (const id of ids(5)) await kit().backend.put('notes', { id });
			const cursor = await head(notes);
			for (const id of ids(4)) await kit().backend.remove('notes', id);
			await kit().backend.put('notes', { id: uuid(1), title: 'again' });
			await kit().backend.put('notes', { id: uuid(2), title: 'again' });
			await kit().backend.remove('notes', uuid(2));
			const [{ gone }] = (await pages(notes, cursor)) as [LogPage];
			expect([...gone].sort()).toEqual([uuid(0), uuid(2), uuid(3)]);
			const all = await pages(notes, cursor, 2);
			expect(new Set(all.flatMap((one) => one.gone))).toEqual(new Set(gone));
			expect(all.flatMap(({ rows }) => rows.map(({ id, title }) => [id, title]))).toEqual([
				[uuid(1), 'again'],
			]);
			expect(all.at(-1)).toMatchObject({ tellsAll: true, isReset: false, isUncompared: false });
			expect(inShort(await pages(notes, all.at(-1)?.cursor))).toEqual([[0, 0, 0]]);
		});

		it('[F21] a row that the filter no longer lets in has left; one that it never let in is told by nothing', async () => {
			const spec = contractSpec('notes', {
				filter: { n: { op: 'lt', value: 5 }, title: { op: 'neq', value: 'x' } },
			});
			await kit().backend.put('notes', { id: uuid(1), n: 1, title: 'a' });
			await kit().backend.put('notes', { id: uuid(2), n: 9, title: 'a' });
			const [first] = await pages(spec);
			expect(idsOf(first?.rows ?? [])).toEqual([uuid(1)]);
			await kit().backend.patch('notes', uuid(1), { n: 7 });
			const [left] = await pages(spec, first?.cursor);
			expect([left?.rows, left?.gone, left?.left]).toEqual([[], [], [uuid(1)]]);
			await kit().backend.patch('notes', uuid(1), { n: 0 });
			expect(idsOf((await page(spec, String(left?.cursor))).rows)).toEqual([uuid(1)]);
		});

		it('[F24] [S18] what a policy hides is told to nobody; a row that it comes to hide is gone', async () => {
			const spec = contractSpec('secrets');
			await kit().backend.put('secrets', { id: uuid(1), title: 'hidden' });
			await kit().backend.put('secrets', { id: uuid(2), title: 'open' });
			const [first] = await pages(spec);
			expect(idsOf(first?.rows ?? [])).toEqual([uuid(2)]);
			await kit().backend.remove('secrets', uuid(1));
			const [nothing] = await pages(spec, first?.cursor);
			expect(inShort(nothing ? [nothing] : [])).toEqual([[0, 0, 0]]);
			await kit().backend.patch('secrets', uuid(2), { title: 'hidden' });
			const [gone] = await pages(spec, nothing?.cursor);
			expect([gone?.rows, gone?.gone]).toEqual([[], [uuid(2)]]);
		});

		it('[F12] [R3] ids of any text, and numbers as numbers; select by other names and as text', async () => {
			for (const id of ODD_IDS) await kit().backend.put('tags', { id });
			const tags = contractSpec('tags');
			const first = await pages(tags, null, 4);
			expect(new Set(first.flatMap(({ rows }) => idsOf(rows)))).toEqual(new Set(ODD_IDS));
			for (const id of ODD_IDS) await kit().backend.remove('tags', id);
			const gone = await pages(tags, first.at(-1)?.cursor, 4);
			expect(new Set(gone.flatMap((one) => one.gone))).toEqual(new Set(ODD_IDS));
			for (const id of [10, 9, 100]) await kit().backend.put('counters', { id, title: 't' });
			const counters = contractSpec('counters', { select: 'id, name:title, updated_at' });
			const [numbers] = await pages(counters);
			expect(numbers?.rows).toMatchObject([{ id: 9, name: 't' }, { id: 10 }, { id: 100 }]);
			await kit().backend.remove('counters', 9);
			expect((await page(counters, String(numbers?.cursor))).gone).toEqual([9]);
		});

		it('from a time: what is of that time and later, and that ids have to be compared', async () => {
			const times = ['2026-01-01T00:00:00+00:00', '2026-01-01T00:00:01+00:00', '2026-01-01T00:00:02+00:00'];
			for (const [n, at] of times.entries()) await kit().backend.put('bare', { id: uuid(n) }, at);
			const bare = contractSpec('bare');
			const first = await page(bare, null, 1, times[1]);
			const [second] = await pages(bare, first.cursor);
			expect([first, second].flatMap((one) => idsOf(one?.rows ?? []))).toEqual([uuid(1), uuid(2)]);
			expect(first.isUncompared).toBe(true);
			expect(await page(bare, String(second?.cursor))).toMatchObject({ isUncompared: false, rows: [] });
		});

		it('a cursor that names no place is a new start', async () => {
			await kit().backend.put('notes', { id: uuid(1) });
			const odd = await page(notes, 'odd');
			expect([odd.isReset, odd.isUncompared, idsOf(odd.rows)]).toEqual([true, true, [uuid(1)]]);
			expect(await page(notes, odd.cursor)).toMatchObject({ isReset: false, isHead: true, rows: [] });
		});

		it('[F15] what a table lacks is fatal, and named', async () => {
			const absent = { ...notes, table: 'nowhere' };
			await expect(page(absent, null)).rejects.toMatchObject({ code: 'unknown-table', fault: 'fatal' });
			const unstamped = contractSpec('notes', { timestampField: 'changed_at' });
			await expect(page(unstamped, null)).rejects.toMatchObject({ code: 'timestamp-missing' });
			const unkeyed = contractSpec('notes', { idField: 'slug' });
			await expect(page(unkeyed, null)).rejects.toMatchObject({ code: 'rpc-missing', fault: 'fatal' });
		});
	});
}
