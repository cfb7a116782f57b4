import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Merged } from '../../src/core/merge-columns.ts';
import { mergeColumns } from '../../src/core/merge-columns.ts';
import type { Base, EditTime } from '../../src/core/mutation.ts';
import { replay } from '../../src/core/replay.ts';
import type { Row } from '../../src/core/types.ts';
import { create, remove, specOf, toMutations, update, type Word } from '../support/mutations.ts';

const AT = 1_000;
const EARLIER = AT - 1;
const LATER = AT + 1;
const version = (ms: number) => new Date(ms).toISOString().replace('Z', '000+00:00');
const timeOf = ({ queuedAt }: EditTime) => queuedAt;
const spec = specOf({ deletedField: 'deleted_at' });
const before: Row = { id: 'r', a: 0, b: 0, c: 0, updated_at: version(0) };
const held: Base = { kind: 'held', row: before };
const theirs = (columns: Row): Row => ({ ...before, ...columns, updated_at: version(AT) });

function merge(words: readonly Word[], remote: Row | null, base: Base = held): Merged | null {
	return mergeColumns({ spec, base, mutations: toMutations(...words), remote }, timeOf);
}

/** Seq → columns of what goes on. */
const sent = (merged: Merged | null) => merged?.remaining.map(({ seq, action, data }) => [seq, action, data]);

describe('merge by column', () => {
	it('[R19] disjoint columns both survive, whatever the times', () => {
		for (const at of [EARLIER, LATER]) {
			const merged = merge([update({ a: 1 }, at)], theirs({ b: 2 }));
			expect(merged).toMatchObject({ local: ['a'], remote: ['b'], dropped: [], removed: [] });
			expect(sent(merged)).toEqual([[1, 'update', { a: 1 }]]);
		}
	});

	it.each([
		['earlier: the server’s', EARLIER, [], ['a'], [1]],
		['at the same instant: the server’s', AT, [], ['a'], [1]],
		['later: ours', LATER, ['a'], [], []],
	] as const)('[R19] the same column, %s', (_, at, local, dropped, removed) => {
		expect(merge([update({ a: 1 }, at)], theirs({ a: 2 }))).toMatchObject({ local, dropped, removed });
	});

	it('[R19] each column is judged by the time of the mutation that set it last', () => {
		const merged = merge(
			[update({ a: 1, b: 1 }, EARLIER), update({ b: 2 }, LATER)],
			theirs({ a: 8, b: 8, c: 8 }),
		);
		expect(merged).toMatchObject({ local: ['b'], dropped: ['a'], remote: ['c', 'a'], removed: [] });
		expect(sent(merged)).toEqual([
			[1, 'update', { b: 1 }],
			[2, 'update', { b: 2 }],
		]);
	});

	it('[R19] a mutation that loses all its columns falls away, the others go on', () => {
		const merged = merge([update({ a: 1 }, EARLIER), update({ c: 1 }, EARLIER)], theirs({ a: 8 }));
		expect(merged?.removed).toEqual([1]);
		expect(sent(merged)).toEqual([[2, 'update', { c: 1 }]]);
	});

	it('[R19] what was set here and taken back does not undo the other side’s change', () => {
		const merged = merge([update({ a: 1 }, LATER), update({ a: 0, c: 1 }, LATER)], theirs({ a: 8 }));
		expect(merged).toMatchObject({ local: ['c'], remote: ['a'], dropped: [], removed: [1] });
		expect(sent(merged)).toEqual([[2, 'update', { c: 1 }]]);
	});

	it('[R17] neither the id nor the timestamp is ever sent', () => {
		const row = { id: 'r', a: 1, updated_at: version(5) };
		expect(sent(merge([create(row, LATER)], theirs({}), { kind: 'absent' }))).toEqual([
			[1, 'update', { a: 1 }],
		]);
	});

	it('[R2] without a known base every column set here counts as changed on both sides', () => {
		const words = [update({ a: 1, b: 0 }, EARLIER)];
		expect(merge(words, theirs({ b: 0 }), { kind: 'unknown' })).toMatchObject({ local: [], dropped: ['a'] });
		expect(merge(words, theirs({ b: 0 }))).toMatchObject({ local: ['a'], dropped: [] });
	});

	it('[R20] a row deleted here and made anew is an edit of the server’s row', () => {
		const merged = merge([update({ b: 1 }), remove(), create({ a: 1 }, LATER)], theirs({ c: 8 }));
		expect(merged).toMatchObject({ local: ['a'], remote: ['c'], removed: [1, 2] });
		expect(sent(merged)).toEqual([[3, 'update', { a: 1 }]]);
	});

	it('[R20] a row that one side deleted is no matter of columns', () => {
		expect(merge([update({ a: 1 }, LATER)], null)).toBeNull();
		expect(merge([update({ a: 1 }, LATER)], theirs({ deleted_at: version(AT) }))).toBeNull();
		expect(merge([remove(LATER)], theirs({ a: 2 }))).toBeNull();
	});

	it('[F15] a server row of unknown version keeps the columns that clash', () => {
		const remote = { ...theirs({ a: 2, b: 2 }), updated_at: null };
		expect(merge([update({ a: 1, c: 1 }, LATER)], remote)).toMatchObject({ local: ['c'], dropped: ['a'] });
	});
});

/** What the server holds once a device has merged its edit into it and sent what is left, at the time of the edit. */
function deliver(base: Row, server: Row, { at, columns }: Edit): Row {
	const mutations = toMutations(update(columns, at));
	if (server === base) return { ...base, ...columns, updated_at: version(at) };
	const merged = mergeColumns({ spec, base: { kind: 'held', row: base }, mutations, remote: server }, timeOf);
	if (!merged) throw new Error('nobody deleted the row');
	const row = replay(spec, { kind: 'held', row: server }, merged.remaining);
	return { ...row, updated_at: version(Math.max(at, Date.parse(String(server.updated_at)))) };
}

interface Edit {
	readonly at: number;
	readonly columns: Row;
}

const names = ['a', 'b', 'c', 'd'] as const;
const values: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(0, 1, 2, null, 'x', [1], { deep: true });
const rows = fc.record({ a: values, b: values, c: values, d: values });
const patches = fc
	.dictionary(fc.constantFrom(...names), values, { minKeys: 1 })
	.map((columns): Row => ({ ...columns }));
const withoutVersion = ({ updated_at: _, ...row }: Row) => row;

describe('merge, over random edits', () => {
	it('[S8] disjoint edits of two devices both survive, in either order of delivery', () => {
		fc.assert(
			fc.property(
				rows,
				rows,
				fc.subarray([...names]),
				fc.nat(2_000),
				fc.nat(2_000),
				(base, edited, mine, s, t) => {
					const start: Row = { id: 'r', ...base, updated_at: version(0) };
					const pick = (isMine: boolean) =>
						Object.fromEntries(names.filter((n) => mine.includes(n) === isMine).map((n) => [n, edited[n]]));
					const alice = { at: s + 1, columns: pick(true) };
					const bob = { at: t + 1, columns: pick(false) };
					const inOrder = deliver(start, deliver(start, start, alice), bob);
					const inReverse = deliver(start, deliver(start, start, bob), alice);
					expect(withoutVersion(inOrder)).toEqual({ id: 'r', ...edited });
					expect(withoutVersion(inReverse)).toEqual({ id: 'r', ...edited });
				},
			),
		);
	});

	it('[S8] edits of the same columns: the order of delivery does not matter, the later edit stands', () => {
		fc.assert(
			fc.property(
				rows,
				patches,
				patches,
				fc.nat(500),
				fc.integer({ min: 1, max: 500 }),
				(base, mine, hers, at, gap) => {
					const start: Row = { id: 'r', ...base, updated_at: version(0) };
					const first = { at: at + 1, columns: mine };
					const second = { at: at + 1 + gap, columns: hers };
					const inOrder = deliver(start, deliver(start, start, first), second);
					const inReverse = deliver(start, deliver(start, start, second), first);
					expect(withoutVersion(inReverse)).toEqual(withoutVersion(inOrder));
					for (const name of names) {
						const isHers = Object.hasOwn(hers, name) && !isSame(hers[name], base[name]);
						const isMine = Object.hasOwn(mine, name) && !isSame(mine[name], base[name]);
						expect(inOrder[name]).toEqual(isHers ? hers[name] : isMine ? mine[name] : base[name]);
					}
				},
			),
		);
	});

	it('[S7] every column that was set here either stands, or is told as dropped, or is what the server holds', () => {
		const edits = fc.array(fc.record({ at: fc.nat(2_000), columns: patches }), {
			minLength: 1,
			maxLength: 4,
		});
		fc.assert(
			fc.property(rows, rows, edits, (base, remoteColumns, local) => {
				const start: Row = { id: 'r', ...base, updated_at: version(0) };
				const remote: Row = { id: 'r', ...remoteColumns, updated_at: version(AT) };
				const mutations = toMutations(...local.map(({ at, columns }) => update(columns, at)));
				const merged = mergeColumns({ spec, base: { kind: 'held', row: start }, mutations, remote }, timeOf);
				const result = merged && replay(spec, { kind: 'held', row: remote }, merged.remaining);
				const view = replay(spec, { kind: 'held', row: start }, mutations);
				for (const name of names) {
					const isChanged = !isSame(view?.[name], start[name]);
					const isTold = merged?.dropped.includes(name);
					if (isChanged && !isTold) expect(result?.[name]).toEqual(view?.[name]);
					else expect(result?.[name]).toEqual(remote[name]);
				}
				const seqs = [...(merged?.removed ?? []), ...(merged?.remaining.map(({ seq }) => seq) ?? [])];
				expect(seqs.sort()).toEqual(mutations.map(({ seq }) => seq));
			}),
		);
	});
});

function isSame(a: unknown, b: unknown): boolean {
	return JSON.stringify(a) === JSON.stringify(b);
}
