import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedColumns, isSameOnServer, threeWayDiff } from '../../src/core/row-diff.ts';
import type { Row } from '../../src/core/types.ts';

const column = fc.constantFrom('a', 'b', 'c', 'd', 'toString');
const row: fc.Arbitrary<Row> = fc.dictionary(
	column,
	fc.constantFrom<unknown>(null, 0, 1, 'x', [1], { k: 1 }),
);

describe('changedColumns', () => {
	it('[R1] names what differs and nothing else', () => {
		const from = { id: 1, title: 'a', tags: ['x'], meta: { a: 1, b: 2 } };
		const to = { id: 2, title: 'b', tags: ['x'], meta: { b: 2, a: 1 }, done: false, note: undefined };
		expect(changedColumns(from, to, new Set(['id']))).toEqual(['title', 'done']);
		expect(changedColumns({}, { toString: 'x' }, new Set())).toEqual(['toString']);
	});

	it('[R1] is empty from a row to itself, and its columns carry one row into the other', () => {
		fc.assert(
			fc.property(row, row, (from, to) => {
				expect(changedColumns(from, { ...from }, new Set())).toEqual([]);
				const changed = changedColumns(from, to, new Set());
				const patched = { ...from, ...Object.fromEntries(changed.map((name) => [name, to[name]])) };
				expect(changedColumns(patched, to, new Set())).toEqual([]);
				expect(changedColumns(from, to, new Set(changed))).toEqual([]);
			}),
		);
	});
});

describe('threeWayDiff', () => {
	it('[R19] tells disjoint columns, clashes and agreement apart', () => {
		const base = { a: 1, b: 1, c: 1, d: 1, e: 1, at: '2024-01-01T00:00:00+00:00' };
		const local = { ...base, b: 2, d: 2, e: 2, at: '2024-02-01T00:00:00.000Z' };
		const remote = { ...base, c: 3, d: 3, e: 2, at: '2024-02-01T00:00:00+00:00' };
		expect(threeWayDiff(base, local, remote)).toEqual({
			localOnly: ['b'],
			remoteOnly: ['c'],
			both: ['d'],
			same: ['e', 'at'],
		});
	});

	it('[R19] a side that lacks a column did not change it', () => {
		expect(threeWayDiff({ a: 1, b: 1 }, { a: 2 }, { b: 2, c: 3 })).toEqual({
			localOnly: ['a'],
			remoteOnly: ['b', 'c'],
			both: [],
			same: [],
		});
	});

	it('[R2] without a base all that is there counts as changed', () => {
		expect(threeWayDiff(null, { a: 1, b: 2 }, { b: 3, c: 4 })).toEqual({
			localOnly: ['a'],
			remoteOnly: ['c'],
			both: ['b'],
			same: [],
		});
	});

	it('[R19] is symmetric, and puts a column in one list at most', () => {
		fc.assert(
			fc.property(fc.option(row), row, row, (base, local, remote) => {
				const diff = threeWayDiff(base, local, remote);
				const mirrored = threeWayDiff(base, remote, local);
				expect([...mirrored.localOnly].sort()).toEqual([...diff.remoteOnly].sort());
				expect([...mirrored.both].sort()).toEqual([...diff.both].sort());
				const all = [...diff.localOnly, ...diff.remoteOnly, ...diff.both, ...diff.same];
				expect(new Set(all).size).toBe(all.length);
				const changed = [local, remote].flatMap((side) => changedColumns(base ?? {}, side, new Set()));
				expect(new Set(all)).toEqual(new Set(changed));
			}),
		);
	});
});

describe('isSameOnServer', () => {
	it.each([
		['2024-01-01T00:00:00.120Z', '2024-01-01T00:00:00.12+00:00'],
		['2024-01-01 05:00:00+05', '2024-01-01T00:00:00+00:00'],
		[1.5, '1.50'],
		['1.50', 1.5],
		[100, '1e2'],
		[-0.001, '-0.0010'],
		[1e21, '1000000000000000000000'],
		[0, '-0.00'],
		[5, '+5.'],
		['9007199254740993', '9007199254740993'],
		['A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
		[
			{ a: [1], b: null },
			{ b: null, a: [1] },
		],
	])('[R7] %j comes back as %j', (sent, got) => {
		expect(isSameOnServer(sent, got)).toBe(true);
	});

	it.each([
		['2024-01-01T00:00:00.123456Z', '2024-01-01T00:00:00.123457Z'],
		['2024-01-01', '2024-01-01T00:00:00+00:00'],
		['2024-01-01', '2024-01-02'],
		[9007199254740992, '9007199254740993'],
		[1, 'x'],
		[0, ''],
		[0, '.'],
		[1, '0x1'],
		[1, ' 1'],
		[1, true],
		['1.5', '1.50'],
		[null, 'null'],
		['a', 'A'],
		[{ a: 1 }, { a: '1' }],
		[[1], [2]],
	])('[R7] %j is not %j', (sent, got) => {
		expect(isSameOnServer(sent, got)).toBe(false);
	});

	it('[R7] takes every spelling of a number, and no other number', () => {
		const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
		fc.assert(
			fc.property(finite, fc.nat(20), (value, digits) => {
				expect(isSameOnServer(value, value.toExponential())).toBe(true);
				if (Math.abs(value) < 1e20 && Number(value.toFixed(digits)) !== value) {
					expect(isSameOnServer(value, value.toFixed(digits))).toBe(false);
				}
			}),
		);
		fc.assert(
			fc.property(
				fc.maxSafeInteger(),
				fc.maxSafeInteger(),
				(a, b) => isSameOnServer(a, `${b}.0`) === (a === b),
			),
		);
	});
});
