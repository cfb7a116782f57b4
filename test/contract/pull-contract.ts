import { describe, expect, it } from 'vitest';
import { compareTimestamps } from '../../src/core/timestamp.ts';
import type { RowFilter } from '../../src/core/types.ts';
import {
	type ContractKit,
	contractSpec,
	idsOf,
	ODD_IDS,
	pull,
	pullAll,
	shuffled,
	uuid,
} from './contract-kit.ts';

const AT = '2026-01-02T03:04:05.000006+00:00';

/** In order of time; that is not the order of their texts, for the year 10,000 comes last. */
const TIMES = [
	...['2026-01-02T03:04:05+00:00', '2026-01-02T03:04:05.000006+00:00', '2026-01-02T03:04:05.00001+00:00'],
	...['2026-01-02T03:04:05.1+00:00', '2026-01-02T03:04:05.100001+00:00', '2026-01-02T03:04:05.12+00:00'],
	...['2026-01-02T03:04:05.999999+00:00', '2026-01-02T03:04:06+00:00', '10000-01-01T00:00:00+00:00'],
];

export function describePull(kit: () => ContractKit): void {
	const bare = contractSpec('bare');

	describe('pull', () => {
		it('[F9] [F10] [R15] rows come by instant, not by text, each once and with its verbatim version', async () => {
			for (const at of shuffled(TIMES))
				await kit().backend.put('bare', { id: uuid(99 - TIMES.indexOf(at)) }, at);
			const pages = await pullAll(kit(), bare, 3);
			expect(pages.flatMap(({ rows }) => rows.map((row) => row.updated_at))).toEqual(TIMES);
			expect(pages.flatMap(({ rows }) => rows)).toHaveLength(TIMES.length);
		});

		it('[F9] [R15] the rows of one timestamp come over several pages in id order, none twice, none missing', async () => {
			const ids = Array.from({ length: 25 }, (_, n) => uuid(n));
			for (const id of shuffled(ids)) await kit().backend.put('bare', { id }, AT);
			const pages = await pullAll(kit(), bare, 7);
			expect(pages.flatMap(({ rows }) => idsOf(rows))).toEqual(ids);
			expect(Math.max(...pages.map(({ rows }) => rows.length))).toBe(7);
		});

		it('[F12] [R15] keys of any text keep their place among the rows of one timestamp', async () => {
			const spec = contractSpec('tags');
			for (const id of ODD_IDS) await kit().backend.put('tags', { id }, AT);
			const pages = await pullAll(kit(), spec, 4);
			const pulled = pages.flatMap(({ rows }) => idsOf(rows));
			expect(pulled).toHaveLength(ODD_IDS.length);
			expect(new Set(pulled)).toEqual(new Set(ODD_IDS));
		});

		it('[R15] number keys are ordered as numbers', async () => {
			for (const id of [10, 9, 100, 1]) await kit().backend.put('counters', { id }, AT);
			const pages = await pullAll(kit(), contractSpec('counters'), 2);
			expect(pages.flatMap(({ rows }) => idsOf(rows))).toEqual([1, 9, 10, 100]);
		});

		it('[R15] a start with an id is the place behind that row; without one its timestamp is read again', async () => {
			for (const n of [1, 2, 3]) await kit().backend.put('bare', { id: uuid(n) }, AT);
			await kit().backend.put('bare', { id: uuid(0) }, TIMES[3]);
			await kit().backend.put('bare', { id: uuid(9) }, TIMES[0]);
			const behind = await pull(kit(), bare, { start: { timestamp: AT, id: uuid(2) } });
			expect(idsOf(behind.rows)).toEqual([uuid(3), uuid(0)]);
			const again = await pull(kit(), bare, { start: { timestamp: AT, id: null } });
			expect(idsOf(again.rows)).toEqual([uuid(1), uuid(2), uuid(3), uuid(0)]);
			// A start is an instant, in whatever text it stands: this one is nobody's own.
			const between = await pull(kit(), bare, {
				start: { timestamp: '2026-01-02T03:04:05.000007Z', id: null },
			});
			expect(idsOf(between.rows)).toEqual([uuid(0)]);
		});

		it('[F9] rows that move or go while pages are read make no other row skipped', async () => {
			const { backend } = kit();
			for (let n = 1; n <= 9; n++) await backend.put('notes', { id: uuid(n), n });
			let isFirst = true;
			const pages = await pullAll(kit(), contractSpec('notes'), 3, async () => {
				if (!isFirst) return;
				isFirst = false;
				await backend.remove('notes', uuid(1));
				await backend.patch('notes', uuid(2), { n: 20 });
				await backend.put('notes', { id: uuid(0), n: 0 });
			});
			const pulled = pages.flatMap(({ rows }) => rows.map((row) => [row.id, row.n]));
			expect(pulled).toEqual([
				...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [uuid(n), n]),
				...[
					[uuid(2), 20],
					[uuid(0), 0],
				],
			]);
		});

		it('[F14] a server that cuts pages below the limit is never taken for the head while rows are left', async () => {
			const ids = Array.from({ length: 11 }, (_, n) => uuid(n));
			for (const id of ids) await kit().backend.put('bare', { id }, AT);
			await kit().backend.setMaxRows(4);
			const pages = await pullAll(kit(), bare, 10);
			expect(pages.flatMap(({ rows }) => idsOf(rows))).toEqual(ids);
			expect(pages.slice(0, 2).map(({ rows, isHead }) => [rows.length, isHead])).toEqual([
				[4, false],
				[4, false],
			]);
		});

		it('[F14] the head is an empty page, or one shorter than a page seen before', async () => {
			expect(await pull(kit(), bare)).toMatchObject({ rows: [], isHead: true });
			for (const n of [1, 2, 3]) await kit().backend.put('bare', { id: uuid(n) }, AT);
			// Nothing tells yet how long a page could be.
			expect(await pull(kit(), bare)).toMatchObject({ isHead: false });
			const start = { timestamp: AT, id: uuid(1) };
			expect(await pull(kit(), bare, { start })).toMatchObject({ isHead: true });
			// As long as was asked for: there may be more.
			expect(await pull(kit(), bare, { limit: 2 })).toMatchObject({ isHead: false });
		});

		it('[R15] keysOnly names id, version and tombstone, nothing else', async () => {
			const stored = await kit().backend.put('notes', { id: uuid(1), title: 'long' });
			const hard = await pull(kit(), contractSpec('notes'), { keysOnly: true });
			expect(hard.rows).toEqual([{ id: uuid(1), updated_at: stored.updated_at }]);
			const soft = await pull(kit(), contractSpec('notes', { deletedField: 'deleted_at' }), {
				keysOnly: true,
			});
			expect(soft.rows).toEqual([{ id: uuid(1), updated_at: stored.updated_at, deleted_at: null }]);
		});

		for (const expectsNone of [false, true]) {
			it(`[R15] sentAt is no later than the request, however slow the answer${expectsNone ? ', where no row is expected' : ''}`, {
				timeout: 20_000,
			}, async () => {
				const before = await kit().backend.now();
				kit().backend.delayNext(2_500);
				const { sentAt } = await pull(kit(), bare, { expectsNone });
				const latest = new Date(Date.parse(before) + 250).toISOString();
				expect(sentAt).not.toBeNull();
				expect(compareTimestamps(sentAt ?? '', latest)).toBe(-1);
				const earliest = new Date(Date.parse(before) - 10_000).toISOString();
				expect(compareTimestamps(sentAt ?? '', earliest)).toBe(1);
			});
		}

		it('[S15] who expects no row is given those that are there all the same, and the head where there are none', async () => {
			const { backend } = kit();
			const expectsNone = true;
			expect(await pull(kit(), bare, { expectsNone })).toMatchObject({ rows: [], isHead: true });
			for (const n of [1, 2, 3]) await backend.put('bare', { id: uuid(n) }, AT);
			expect(idsOf((await pull(kit(), bare, { expectsNone })).rows)).toEqual([1, 2, 3].map(uuid));
			expect(idsOf((await pull(kit(), bare, { expectsNone, limit: 2 })).rows)).toEqual([1, 2].map(uuid));
			const start = { timestamp: AT, id: uuid(2) };
			expect(idsOf((await pull(kit(), bare, { expectsNone, start })).rows)).toEqual([uuid(3)]);
			const end = { timestamp: AT, id: uuid(3) };
			expect(await pull(kit(), bare, { expectsNone, start: end })).toMatchObject({ rows: [], isHead: true });
			const filtered = contractSpec('notes', { filter: { title: 'b' } });
			await backend.put('notes', { id: uuid(4), title: 'a' });
			expect(await pull(kit(), filtered, { expectsNone })).toMatchObject({ rows: [], isHead: true });
			await backend.put('notes', { id: uuid(5), title: 'b' });
			expect(idsOf((await pull(kit(), filtered, { expectsNone })).rows)).toEqual([uuid(5)]);
			await backend.put('secrets', { id: uuid(6), title: 'hidden' });
			const secrets = contractSpec('secrets');
			expect(await pull(kit(), secrets, { expectsNone })).toMatchObject({ rows: [], isHead: true });
		});

		it('[S22] [R22] who expects no row is refused, and called off, as everybody', async () => {
			const { backend } = kit();
			const expectsNone = true;
			backend.refuseSessions(true);
			await expect(pull(kit(), bare, { expectsNone })).rejects.toMatchObject({ fault: 'unauthorised' });
			backend.refuseSessions(false);
			const hanging = backend.hangNext();
			const controller = new AbortController();
			const called = pull(kit(), bare, { expectsNone, signal: controller.signal });
			await hanging;
			controller.abort();
			await expect(called).rejects.toMatchObject({ code: 'superseded' });
		});

		describe('filter', () => {
			const CASES: readonly [string, RowFilter, readonly number[]][] = [
				['equality', { title: 'b' }, [2]],
				['null by equality', { title: null }, [4]],
				['neq leaves NULL out', { title: { op: 'neq', value: 'b' } }, [1, 3]],
				['neq null', { title: { op: 'neq', value: null } }, [1, 2, 3]],
				['gt by number', { n: { op: 'gt', value: 2 } }, [3]],
				['gte', { n: { op: 'gte', value: 2 } }, [2, 3]],
				['lt', { n: { op: 'lt', value: 10 } }, [1, 2]],
				['lte', { n: { op: 'lte', value: 10 } }, [1, 2, 3]],
				['in', { n: { op: 'in', value: [1, 10, 11] } }, [1, 3]],
				['is null', { n: { op: 'is', value: null } }, [4]],
				['all must be true', { title: { op: 'neq', value: 'a' }, n: { op: 'lt', value: 10 } }, [2]],
				['syntax in a value', { title: 'c,(d)."e"' }, [3]],
			];

			for (const [name, filter, expected] of CASES) {
				it(`[F12] [F21] ${name}: pull and listKeys let the same rows in`, async () => {
					const { backend, remote } = kit();
					await backend.put('notes', { id: uuid(1), title: 'a', n: 1 });
					await backend.put('notes', { id: uuid(2), title: 'b', n: 2 });
					await backend.put('notes', { id: uuid(3), title: 'c,(d)."e"', n: 10 });
					await backend.put('notes', { id: uuid(4) });
					const spec = contractSpec('notes', { filter });
					const ids = expected.map((n) => uuid(n));
					expect(idsOf((await pull(kit(), spec)).rows)).toEqual(ids);
					expect(idsOf(await remote.listKeys(spec, null, 100, new AbortController().signal))).toEqual(ids);
				});
			}
		});

		it('[R15] select names the columns, under other names and as text too', async () => {
			const stored = await kit().backend.put('notes', { id: uuid(1), title: 't', n: 7 });
			const spec = contractSpec('notes', { select: 'id,updated_at,heading:title,n::text' });
			const { rows } = await pull(kit(), spec);
			expect(rows).toEqual([{ id: uuid(1), updated_at: stored.updated_at, heading: 't', n: '7' }]);
		});

		it('[R15] tombstones are rows like others', async () => {
			const stored = await kit().backend.put('notes', { id: uuid(1), deleted_at: AT });
			expect((await pull(kit(), contractSpec('notes', { deletedField: 'deleted_at' }))).rows).toEqual([
				stored,
			]);
		});

		it('[F24] rows that a policy hides are not there', async () => {
			await kit().backend.put('secrets', { id: uuid(1), title: 'hidden' });
			await kit().backend.put('secrets', { id: uuid(2), title: 'open' });
			expect(idsOf((await pull(kit(), contractSpec('secrets'))).rows)).toEqual([uuid(2)]);
		});

		it('[R15] a table with names of its own is pulled by them', async () => {
			await kit().backend.put('places', { code: 'b', name: 'B' }, TIMES[0]);
			await kit().backend.put('places', { code: 'a', name: 'A' }, TIMES[1]);
			const { rows } = await pull(kit(), contractSpec('places'), { keysOnly: true });
			expect(rows).toEqual([
				{ code: 'b', changed_at: TIMES[0], is_gone: false },
				{ code: 'a', changed_at: TIMES[1], is_gone: false },
			]);
		});

		it('[F15] what a table lacks is fatal and named: the table, its timestamp column, a timestamp', async () => {
			const absent = { ...contractSpec('notes'), table: 'nowhere' };
			await expect(pull(kit(), absent)).rejects.toMatchObject({ code: 'unknown-table', fault: 'fatal' });
			const unstamped = contractSpec('notes', { timestampField: 'changed_at' });
			await expect(pull(kit(), unstamped)).rejects.toMatchObject({
				code: 'timestamp-missing',
				fault: 'fatal',
			});
			await kit().backend.put('loose', { id: uuid(1), updated_at: null });
			await expect(pull(kit(), contractSpec('loose'))).rejects.toMatchObject({
				...{ code: 'timestamp-null', fault: 'fatal', id: uuid(1) },
			});
		});
	});
}
