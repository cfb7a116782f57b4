import { isPutOff } from '../core/backoff.ts';
import { isAgreed } from '../core/conflict-sides.ts';
import { isOurs } from '../core/is-ours.ts';
import { isSameJson } from '../core/json.ts';
import type { PushMutation } from '../core/mutation.ts';
import { isTombstone, versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import { acknowledge, isChangedSince } from './apply-push.ts';
import { dirtyOfRows } from './outbox.ts';
import { type ConflictedRow, sidesOf } from './park.ts';
import type { Run } from './run.ts';
import { readServerMade } from './server-made.ts';
import type { RowChange } from './settle-row.ts';
import type { Stores } from './stores.ts';
import { seenRecords } from './upload-plan.ts';

/** One row that is dirty while the server holds something newer, which nobody has looked at yet. */
export interface OpenConflict extends ConflictedRow {
	readonly attempt: PushMutation | null;
	/** Of its table, as of {@link readServerMade}. */
	readonly serverMade: ReadonlySet<string>;
}

/** All that wait now, those put off left out, in a caller's transaction. */
export async function readConflicts(stores: Stores, run: Run): Promise<OpenConflict[]> {
	const { table } = run.spec;
	const records = (await seenRecords(stores, table)).filter(
		({ deferredUntil }) => !isPutOff(deferredUntil, run.now()),
	);
	const [dirty, attempts, serverMade] = await Promise.all([
		dirtyOfRows(
			stores,
			table,
			records.map(({ id }) => id),
		),
		stores.attempts.where('table').equals(table).toArray(),
		readServerMade(stores, run.spec),
	]);
	const attemptOf = new Map(
		attempts.flatMap(({ mutations }) => mutations.map((mutation) => [mutation.id, mutation])),
	);
	return records.map((record) => ({
		record,
		mutations: dirty.get(record.id) ?? [],
		attempt: attemptOf.get(record.id) ?? null,
		serverMade,
	}));
}

/** Whether two looks at a row have shown the same. */
export function isSameConflict(a: ConflictedRow, b: ConflictedRow): boolean {
	return isSameJson(
		[a.record.base, a.record.remote ?? null, a.mutations],
		[b.record.base, b.record.remote ?? null, b.mutations],
	);
}

/**
 * What is no conflict: the newer row is our own write whose reply was lost (F28), or nothing new at all, or what a
 * parked row's local version has become equal to.
 */
export function settleWithoutConflict(run: Run, conflict: OpenConflict): RowChange | null {
	const { spec } = run;
	const { record, mutations, attempt, serverMade } = conflict;
	const remote = record.remote ?? null;
	const { id, base } = record;
	if (mutations.length === 0 || (record.parked && isAgreed(sidesOf(spec, conflict)))) {
		return {
			id,
			base: remote ? { kind: 'held', row: remote } : { kind: 'absent' },
			remaining: [],
			removed: mutations.map(({ seq }) => seq),
		};
	}
	if (record.parked) return null;
	if (base.kind === 'held' && remote && !record.isNews) {
		const [held, seen] = [versionOf(spec, base.row), versionOf(spec, remote)];
		if (held && seen && compareTimestamps(seen, held) <= 0)
			return { id, base, remaining: mutations, removed: [] };
	}
	if (!attempt || !remote) return null;
	const isOurDelete = attempt.kind === 'delete' && isTombstone(spec, remote);
	if (!isOurDelete && !isOurs(spec, attempt, remote)) return null;
	const covered = new Set(attempt.seqs);
	const remaining = mutations.filter(({ seq }) => !covered.has(seq));
	const changed = { mutation: attempt, remaining, base, serverMade };
	if (!isOurDelete && isChangedSince(spec, changed, remote)) return null;
	const { remote: _, ...settled } = acknowledge(
		run,
		attempt,
		mutations,
		{ record: undefined, serverMade },
		{ row: remote },
	);
	return settled;
}
