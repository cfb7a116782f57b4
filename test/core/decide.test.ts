import { describe, expect, it } from 'vitest';
import { decide, type Resolution, type Rule } from '../../src/core/decide.ts';
import type { Base, EditTime } from '../../src/core/mutation.ts';
import type { ConflictStrategy, Row } from '../../src/core/types.ts';
import { create, remove, specOf, toMutations, update, type Word } from '../support/mutations.ts';

const STRATEGIES: readonly ConflictStrategy[] = [
	'local-wins',
	'remote-wins',
	'latest-wins',
	'merge',
	'manual',
];

/** Server ms 1000; remote rows and edits lie around it. */
const AT = 1_000;
const EARLIER = AT - 1;
const LATER = AT + 1;
const version = (ms: number, micros = '000') => new Date(ms).toISOString().replace('Z', `${micros}+00:00`);

const before: Row = { id: 'r', a: 0, b: 0, c: 0, updated_at: version(AT - 100) };
const live: Row = { ...before, a: 9, updated_at: version(AT) };
const tombstone: Row = { ...live, deleted_at: version(AT) };
const timeOf = ({ queuedAt, clockOffset }: EditTime) => queuedAt + (clockOffset ?? 0);

type Words = readonly Word[];

function outcome(
	rule: Rule,
	words: Words,
	remote: Row | null,
	{ base = { kind: 'held', row: before } }: { base?: Base } = {},
): Resolution {
	const spec = specOf({ deletedField: 'deleted_at' });
	return decide({ spec, rule, base, mutations: toMutations(...words), remote, timeOf });
}

const REMOTE: Resolution = { kind: 'remote-stands' };
const LETTER: Resolution = { kind: 'dead-letter' };
const AGREED: Resolution = { kind: 'agreed' };
const MANUAL: Resolution = { kind: 'park', reason: 'manual' };
const PARK: Resolution = { kind: 'park', reason: 'edit-vs-delete' };
/** What is merged of it is the affair of the tests of `mergeColumns`. */
const MERGED = { kind: 'merged' } as const;
const UNKNOWN: Base = { kind: 'unknown' };
const local = (...lost: number[]): Resolution => ({ kind: 'local-stands', lost });
const recreate = (...lost: number[]): Resolution => ({ kind: 'recreate', lost });

type Wanted = Resolution | typeof MERGED;

/** Situation → what local-wins, remote-wins, latest-wins, merge and manual make of it. */
const TABLE: [string, Words, Row | null, [Wanted, Wanted, Wanted, Wanted, Wanted]][] = [
	// An edit on each side
	[
		'an older edit under a remote edit',
		[update({ a: 1 }, EARLIER)],
		live,
		[local(), REMOTE, REMOTE, MERGED, MANUAL],
	],
	[
		'an edit of the same instant: ties go to the remote',
		[update({ a: 1 }, AT)],
		live,
		[local(), REMOTE, REMOTE, MERGED, MANUAL],
	],
	[
		'a newer edit over a remote edit',
		[update({ a: 1 }, LATER)],
		live,
		[local(), REMOTE, local(), MERGED, MANUAL],
	],
	[
		'each covered mutation is judged by its own time',
		[update({ a: 1 }, EARLIER), update({ b: 1 }, LATER), update({ c: 1 }, AT)],
		live,
		[local(), REMOTE, local(1, 3), MERGED, MANUAL],
	],
	['a create that met a row', [create({ a: 1 }, LATER)], live, [local(), REMOTE, local(), MERGED, MANUAL]],
	[
		'an older create that met a row',
		[create({ a: 1 }, EARLIER)],
		live,
		[local(), REMOTE, REMOTE, MERGED, MANUAL],
	],
	// A local delete under a remote edit (R20)
	['an older delete under a remote edit', [remove(EARLIER)], live, [local(), REMOTE, REMOTE, REMOTE, MANUAL]],
	['a delete at the instant of a remote edit', [remove(AT)], live, [local(), REMOTE, REMOTE, REMOTE, MANUAL]],
	['a newer delete over a remote edit', [remove(LATER)], live, [local(), REMOTE, local(), REMOTE, MANUAL]],
	[
		'a newer delete behind an older edit takes the row as a whole',
		[update({ a: 1 }, EARLIER), remove(LATER)],
		live,
		[local(), REMOTE, local(), REMOTE, MANUAL],
	],
	// A remote hard delete under a local edit (R20)
	[
		'an edit of a row that is gone',
		[update({ a: 1 }, LATER)],
		null,
		[recreate(), LETTER, LETTER, PARK, MANUAL],
	],
	[
		'a create of a row that is gone',
		[create({ a: 1 }, LATER)],
		null,
		[recreate(), LETTER, LETTER, PARK, MANUAL],
	],
	// A remote soft delete under a local edit: it has a time
	[
		'an older edit of a soft-deleted row',
		[update({ a: 1 }, EARLIER)],
		tombstone,
		[recreate(), LETTER, LETTER, PARK, MANUAL],
	],
	[
		'an edit at the instant of a soft delete',
		[update({ a: 1 }, AT)],
		tombstone,
		[recreate(), LETTER, LETTER, PARK, MANUAL],
	],
	[
		'a newer edit of a soft-deleted row',
		[update({ a: 1 }, LATER)],
		tombstone,
		[recreate(), LETTER, recreate(), PARK, MANUAL],
	],
	[
		'edits on both sides of a soft delete',
		[update({ a: 1 }, EARLIER), update({ b: 1 }, LATER)],
		tombstone,
		[recreate(), LETTER, recreate(1), PARK, MANUAL],
	],
	// Both deleted it
	['both deleted it, here for good', [remove(EARLIER)], null, [AGREED, AGREED, AGREED, AGREED, AGREED]],
	['both deleted it, there softly', [remove(LATER)], tombstone, [AGREED, AGREED, AGREED, AGREED, AGREED]],
	[
		'edited and then deleted, and gone there',
		[update({ a: 1 }), remove()],
		null,
		[AGREED, AGREED, AGREED, AGREED, AGREED],
	],
];

describe('decide', () => {
	const cases = TABLE.flatMap(([situation, words, remote, wanted]) =>
		STRATEGIES.map((strategy, at) => [situation, strategy, words, remote, wanted[at]] as const),
	);

	it.each(cases)('[R19][R20] %s · %s', (_, strategy, words, remote, wanted) => {
		const resolution = outcome(strategy, words, remote);
		if (wanted?.kind === 'merged') expect(resolution.kind).toBe('merged');
		else expect(resolution).toEqual(wanted);
	});

	it.each([
		['local-wins', LETTER],
		['remote-wins', LETTER],
		['latest-wins', LETTER],
	] as const)(
		'[R2][R20] %s: an edit of a row never held and now gone cannot be made anew',
		(strategy, wanted) => {
			expect(outcome(strategy, [update({ a: 1 }, LATER)], null, { base: UNKNOWN })).toEqual(wanted);
		},
	);

	it('[R2][R20] a tombstone or a create of our own is something to make the row anew from', () => {
		expect(outcome('local-wins', [update({ a: 1 })], tombstone, { base: UNKNOWN })).toEqual(recreate());
		expect(outcome('local-wins', [create({ a: 1 }), update({ a: 2 })], null, { base: UNKNOWN })).toEqual(
			recreate(),
		);
	});

	it('[R19] microseconds count: 1 µs behind the edit loses, the same or 1 µs ahead wins', () => {
		const remoteAt = (micros: string) => ({ ...live, updated_at: version(AT, micros) });
		expect(outcome('latest-wins', [update({ a: 1 }, AT)], remoteAt('001'))).toEqual(REMOTE);
		expect(outcome('latest-wins', [update({ a: 1 }, AT + 0.001)], remoteAt('001'))).toEqual(REMOTE);
		expect(outcome('latest-wins', [update({ a: 1 }, AT + 0.002)], remoteAt('001'))).toEqual(local());
	});

	it('[R19][F15] a remote row whose version cannot be read stands under latest-wins', () => {
		for (const updated_at of [null, 'soon', 7]) {
			expect(outcome('latest-wins', [update({ a: 1 }, LATER)], { ...live, updated_at })).toEqual(REMOTE);
			expect(outcome('local-wins', [update({ a: 1 }, LATER)], { ...live, updated_at })).toEqual(local());
		}
	});

	it('[R21] the time asked for is the one that counts, not the device’s', () => {
		const spec = specOf({ conflictResolution: 'latest-wins' });
		const mutations = toMutations(update({ a: 1 }, LATER));
		const behind = decide({
			spec,
			rule: 'latest-wins',
			base: UNKNOWN,
			mutations,
			remote: live,
			timeOf: () => EARLIER,
		});
		expect(behind).toEqual(REMOTE);
	});

	it('[R20] without deletedField a mark is a column like any other', () => {
		const spec = specOf({ conflictResolution: 'latest-wins' });
		const mutations = toMutations(update({ a: 1 }, LATER));
		expect(
			decide({ spec, rule: 'latest-wins', base: UNKNOWN, mutations, remote: tombstone, timeOf }),
		).toEqual(local());
	});

	it('[R20] a row deleted and made anew here is judged as an edit', () => {
		expect(outcome('latest-wins', [remove(EARLIER), create({ a: 1 }, LATER)], live)).toEqual(local(1));
		expect(outcome('local-wins', [remove(EARLIER), create({ a: 1 }, LATER)], null)).toEqual(recreate());
	});

	it('[R19] merge and manual: both sides made the same change, so that there is nothing to decide', () => {
		for (const rule of ['merge', 'manual'] as const) {
			expect(outcome(rule, [update({ a: 9 }, EARLIER)], live)).toEqual(AGREED);
			expect(outcome(rule, [update({ a: 1 }), update({ a: 9 })], live)).toEqual(AGREED);
			// Set and taken back: nothing was changed here.
			expect(outcome(rule, [update({ b: 1 }), update({ b: 0 })], live)).toEqual(AGREED);
			expect(outcome(rule, [update({ a: 9, b: 1 })], live)).not.toEqual(AGREED);
			// Made anew without what the server's row holds besides.
			expect(outcome(rule, [remove(), create({ a: 9 })], live)).not.toEqual(AGREED);
		}
	});

	it('[R20] a row or a deletion that somebody made of it: sent, whatever the times', () => {
		const row = { title: 'ours' };
		const edit = [update({ a: 1 }, EARLIER)];
		for (const remote of [live, tombstone, null]) {
			expect(outcome({ row }, edit, remote)).toEqual({ kind: 'replaced', row });
		}
		expect(outcome({ delete: true }, edit, live)).toEqual({ kind: 'deleted' });
		for (const gone of [tombstone, null]) expect(outcome({ delete: true }, edit, gone)).toEqual(REMOTE);
		for (const gone of [tombstone, null]) expect(outcome({ row }, [remove()], gone)).toEqual(AGREED);
	});
});
