import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compact, type Intent } from '../../src/core/compact.ts';
import type { Base, Mutation } from '../../src/core/mutation.ts';
import { replay } from '../../src/core/replay.ts';
import { isTombstone, type TableSpec } from '../../src/core/table-spec.ts';
import type { Row } from '../../src/core/types.ts';
import { create, remove, specOf, toMutations, update } from '../support/mutations.ts';

const spec = specOf();
const soft = specOf({ deletedField: 'deleted_at' });
const flagged = specOf({ deletedField: { field: 'is_deleted', type: 'boolean' } });

const ABSENT: Base = { kind: 'absent' };
const held = (row: Row): Base => ({ kind: 'held', row: { id: 'r', updated_at: 'v1', ...row } });

describe('compact: kinds', () => {
	it('[R16] create+update → one create of the newest values', () => {
		const mutations = toMutations(create({ a: 1, b: 1 }), update({ b: 2 }), update({ c: 3 }));
		expect(compact(spec, mutations, ABSENT)).toEqual({
			cancelled: [],
			intent: { kind: 'create', seqs: [1, 2, 3], columns: { a: 1, b: 2, c: 3 } },
		});
	});

	it('[R16] update+update → one patch of the changed columns, the last value of each', () => {
		const mutations = toMutations(update({ a: 1 }), update({ b: 2 }), update({ a: 3 }));
		expect(compact(spec, mutations, held({ a: 0, b: 0, c: 0 }))).toEqual({
			cancelled: [],
			intent: { kind: 'update', seqs: [1, 2, 3], columns: { a: 3, b: 2 } },
		});
	});

	it('[R16] update+delete → delete, covering both', () => {
		expect(compact(spec, toMutations(update({ a: 1 }), remove()), held({ a: 0 }))).toEqual({
			cancelled: [],
			intent: { kind: 'delete', seqs: [1, 2], columns: {} },
		});
	});

	it('[R16][F30] create+…+delete → nothing, when the server holds nothing', () => {
		const mutations = toMutations(create({ a: 1 }), update({ a: 2 }), remove());
		expect(compact(spec, mutations, ABSENT)).toEqual({ cancelled: [1, 2, 3], intent: null });
	});

	it('[R16] what follows a cancelled pair is sent', () => {
		const mutations = toMutations(create({ a: 1 }), remove(), create({ a: 2 }), update({ b: 3 }));
		expect(compact(spec, mutations, ABSENT)).toEqual({
			cancelled: [1, 2],
			intent: { kind: 'create', seqs: [3, 4], columns: { a: 2, b: 3 } },
		});
	});

	it('[R7][R16] create+delete is a delete where the server holds the row: nothing cancels', () => {
		expect(compact(spec, toMutations(create({ a: 1 }), remove()), held({ a: 0 }))).toEqual({
			cancelled: [],
			intent: { kind: 'delete', seqs: [1, 2], columns: {} },
		});
	});

	it('[R16] create+delete over a tombstone cancels: the row is as gone as it was', () => {
		const mutations = toMutations(create({ a: 1 }), remove());
		expect(compact(soft, mutations, held({ deleted_at: '2024-01-01' }))).toEqual({
			cancelled: [1, 2],
			intent: null,
		});
	});

	it('[R16] delete+create → the delete alone now; the create stays for the next request', () => {
		const mutations = toMutations(remove(), create({ a: 1 }), update({ a: 2 }));
		expect(compact(spec, mutations, held({ a: 0 }))).toEqual({
			cancelled: [],
			intent: { kind: 'delete', seqs: [1], columns: {} },
		});
		expect(compact(spec, mutations.slice(1), ABSENT).intent).toEqual({
			kind: 'create',
			seqs: [2, 3],
			columns: { a: 2 },
		});
	});

	it('[R16] a create over a soft-deleted row is a patch that clears the mark', () => {
		const timestamp = compact(
			soft,
			toMutations(create({ id: 'r', a: 2, b: 1 })),
			held({ a: 1, b: 1, deleted_at: '2024-01-01' }),
		);
		expect(timestamp.intent).toEqual({ kind: 'update', seqs: [1], columns: { a: 2, deleted_at: null } });
		const boolean = compact(flagged, toMutations(create({ a: 1 })), held({ a: 1, is_deleted: true }));
		expect(boolean.intent).toEqual({ kind: 'update', seqs: [1], columns: { is_deleted: false } });
	});

	it('[S9] an update of a soft-deleted row does not bring it back', () => {
		const { intent } = compact(soft, toMutations(update({ a: 2 })), held({ a: 1, deleted_at: '2024-01-01' }));
		expect(intent).toEqual({ kind: 'update', seqs: [1], columns: { a: 2 } });
	});

	it('[R16] an update that clears the mark itself is sent as it is', () => {
		const mutations = toMutations(update({ deleted_at: null }));
		expect(compact(soft, mutations, held({ deleted_at: '2024-01-01' })).intent).toEqual({
			kind: 'update',
			seqs: [1],
			columns: { deleted_at: null },
		});
	});

	it('[R16][F31] none: the base holds every column already, JSON compared deep', () => {
		const mutations = toMutations(update({ meta: { a: 1, b: [2] } }), update({ t: 'x' }));
		expect(compact(spec, mutations, held({ meta: { b: [2], a: 1 }, t: 'x' })).intent).toEqual({
			kind: 'none',
			seqs: [1, 2],
			columns: {},
		});
		expect(compact(spec, toMutations(update({ a: 1 }), update({ a: 0 })), held({ a: 0 })).intent?.kind).toBe(
			'none',
		);
	});

	it('[R2] an update on a row that is not held keeps all its columns', () => {
		expect(compact(spec, toMutations(update({ a: 1 })), { kind: 'unknown' }).intent).toEqual({
			kind: 'update',
			seqs: [1],
			columns: { a: 1 },
		});
	});

	it('nothing pending → nothing', () => {
		expect(compact(spec, [], ABSENT)).toEqual({ cancelled: [], intent: null });
	});
});

const value = fc.constantFrom<unknown>(null, 0, { k: [1] });
const data = fc.dictionary(fc.constantFrom('a', 'b'), value, { minKeys: 1 });
const word = fc.oneof(
	data.map((row) => create(row)),
	data.map((row) => update(row)),
	fc.constant(remove()),
);

const base: fc.Arbitrary<{ spec: TableSpec; base: Base }> = fc.oneof(
	fc.constant({ spec, base: ABSENT }),
	data.map((row) => ({ spec, base: held(row) })),
	data.map((row) => ({ spec: soft, base: held({ ...row, deleted_at: null }) })),
	data.map((row) => ({ spec: soft, base: held({ ...row, deleted_at: '2024-01-01' }) })),
	data.map((row) => ({ spec: flagged, base: held({ ...row, is_deleted: true }) })),
);

/** Only what an outbox can hold: no create of a live row, no update or delete of a gone one. */
function toProgram(start: Base, own: TableSpec, words: readonly ReturnType<typeof remove>[]): Mutation[] {
	const kept: ReturnType<typeof remove>[] = [];
	let isLive = start.kind === 'held' && !isTombstone(own, start.row);
	for (const next of words) {
		if ((next.action === 'create') === isLive) continue;
		isLive = next.action !== 'delete';
		kept.push(next);
	}
	return toMutations(...kept);
}

/** The server, which does what it is asked. */
function applyIntent(own: TableSpec, from: Base, { kind, columns }: Intent): Base {
	switch (kind) {
		case 'none':
			return from;
		case 'delete':
			if (!own.deleted || from.kind !== 'held') return ABSENT;
			return held({ ...from.row, [own.deleted.field]: own.deleted.type === 'boolean' ? true : '2024-02-02' });
		case 'create':
			return held(columns);
		case 'update':
			return from.kind === 'held' ? held({ ...from.row, ...columns }) : ABSENT;
	}
}

/** What the app sees of the columns that it wrote last; a row made anew over a tombstone keeps the tombstone's others. */
function seen(row: Row | null, columns: ReadonlySet<string>): Row | null {
	return row && Object.fromEntries([...columns].sort().map((column) => [column, row[column]]));
}

describe('compact: against replay', () => {
	it('[R16][S4] sent intent by intent, the server ends where the view is; each mutation is covered once', () => {
		const kinds = new Map<string, number>();
		fc.assert(
			fc.property(base, fc.array(word, { maxLength: 8 }), (start, words) => {
				const { spec: own } = start;
				const mutations = toProgram(start.base, own, words);
				const lastCreate = mutations.findLastIndex(({ action }) => action === 'create');
				const since = mutations.slice(Math.max(0, lastCreate));
				const columns = new Set(since.flatMap(({ data }) => Object.keys(data ?? {})));
				const wanted = seen(replay(own, start.base, mutations), columns);
				let remaining: readonly Mutation[] = mutations;
				let server = start.base;
				const covered: number[] = [];
				for (let request = 0; remaining.length > 0; request++) {
					expect(request).toBeLessThan(10);
					const { cancelled, intent } = compact(own, remaining, server);
					const done = new Set([...cancelled, ...(intent?.seqs ?? [])]);
					expect(done.size).toBeGreaterThan(0);
					covered.push(...done);
					// What is sent is a prefix of the queue: nothing overtakes (S5).
					expect(remaining.slice(0, done.size).every(({ seq }) => done.has(seq))).toBe(true);
					if (intent) {
						server = applyIntent(own, server, intent);
						kinds.set(intent.kind, (kinds.get(intent.kind) ?? 0) + 1);
					} else kinds.set('cancelled', (kinds.get('cancelled') ?? 0) + 1);
					remaining = remaining.filter(({ seq }) => !done.has(seq));
					// The view does not move as its mutations are confirmed (R6).
					expect(seen(replay(own, server, remaining), columns)).toEqual(wanted);
				}
				expect(covered.sort((a, b) => a - b)).toEqual(mutations.map(({ seq }) => seq));
			}),
			{ numRuns: 3_000 },
		);
		// [M2]
		for (const kind of ['create', 'update', 'delete', 'none', 'cancelled']) {
			expect(kinds.get(kind) ?? 0).toBeGreaterThan(0);
		}
	});
});
