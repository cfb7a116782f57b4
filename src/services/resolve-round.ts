import { type PixSyncError, toErrorLine } from '../core/errors.ts';
import { isSameJson } from '../core/json.ts';
import type { ResolvedConflict, ResolveOutput } from '../core/run-contract.ts';
import type { ParkedNotice, RowNotice } from '../core/sync-notice.ts';
import type { Row, RowId } from '../core/types.ts';
import { toRejectedNotices } from './apply-push.ts';
import { toConflictNotice, toOutcomeRecord } from './outcome-record.ts';
import {
	type ConflictedRow,
	type ParkCause,
	parkedChange,
	toParked,
	toParkedNotice,
	unpark,
} from './park.ts';
import { type Resolved, remoteDeleted } from './resolution-change.ts';
import type { Run } from './run.ts';
import { createRowWriter, type RowChange, viewOf } from './settle-row.ts';
import type { AttemptRecord, BaseRecord, OutcomeRecord, ParkedRecord, Stores } from './stores.ts';

/** What one round of resolving comes to: collected conflict by conflict, then written in one go. */
export interface ResolveRound {
	/** It was no conflict. */
	agree(change: RowChange): void;
	/** It is decided. `view`: the row as the app sees it so far; `resends`: as in `OutcomeRecord`, of before. */
	end(conflict: ConflictedRow, resolved: Resolved, before: { view: Row | null; resends: number }): void;
	/** It waits for somebody. `error` goes to the run's errors. */
	park(conflict: ConflictedRow, cause: ParkCause, error?: PixSyncError): void;
	/** It is parked already, and the server's row is another one by now. */
	parkAnew(conflict: ConflictedRow, cause: ParkCause): void;
	/** It is not decided before `until` (device ms). */
	defer(conflict: ConflictedRow, until: number, resends: number): void;
	write(stores: Stores): Promise<void>;
	result(): Omit<ResolveOutput, 'due'>;
	notices(): readonly RowNotice[];
}

export function createResolveRound(run: Run): ResolveRound {
	const { spec } = run;
	const at = run.now();
	const writer = createRowWriter(spec);
	const counts = { uploaded: 0, downloaded: 0, conflicts: 0 };
	const errors: string[] = [];
	const rejected: RowNotice[] = [];
	const outcomes: OutcomeRecord[] = [];
	const deferred: BaseRecord[] = [];
	const parked = new Map<RowId, ParkedRecord>();
	const waiting = new Map<RowId, ParkedNotice>();
	const settled = new Set<RowId>();

	function settle(change: RowChange): void {
		settled.add(change.id);
		writer.change(change);
	}

	function note(
		conflict: ConflictedRow,
		told: Omit<Parameters<typeof toOutcomeRecord>[1], 'at' | keyof ConflictedRow>,
	) {
		const { record, mutations } = conflict;
		outcomes.push(toOutcomeRecord(spec, { record, mutations, at, ...told }));
	}

	function parkAnew(conflict: ConflictedRow, cause: ParkCause): void {
		const { id } = conflict.record;
		const record = toParked(conflict, cause);
		parked.set(id, record);
		waiting.set(id, toParkedNotice(spec, record, conflict));
		settle(parkedChange(conflict));
		note(conflict, { outcome: 'parked', dropped: [] });
	}

	return {
		agree(change) {
			counts.uploaded += change.removed.length;
			settle(change);
		},

		end(conflict, { change, outcome, ...told }, { view, resends }) {
			if (outcome === null) {
				this.agree(change);
				return;
			}
			settle(change);
			counts.conflicts++;
			const isResent = change.remaining.length > 0;
			note(conflict, { ...told, outcome, dropped: change.removed, resends: isResent ? resends + 1 : 0 });
			if (!isSameJson(view, viewOf(spec, change))) counts.downloaded++;
			if (outcome !== 'dead-letter') return;
			rejected.push(...toRejectedNotices(change.rewritten ?? []));
			errors.push(toErrorLine(spec.table, remoteDeleted(spec, change.id)));
		},

		park(conflict, cause, error) {
			counts.conflicts++;
			if (error) errors.push(toErrorLine(spec.table, error));
			parkAnew(conflict, cause);
		},

		parkAnew,

		defer(conflict, until, resends) {
			deferred.push({ ...conflict.record, deferredUntil: until });
			note(conflict, { outcome: 'deferred', dropped: [], resends });
		},

		async write(stores) {
			const freed = [...settled].filter((id) => !parked.has(id));
			await Promise.all([
				writer.write(stores),
				dropAttempts(stores, spec.table, settled),
				unpark(stores, spec.table, freed),
				parked.size > 0 ? stores.conflicts.bulkPut([...parked.values()]) : undefined,
				deferred.length > 0 ? stores.bases.bulkPut(deferred) : undefined,
				outcomes.length > 0 ? stores.outcomes.bulkPut(outcomes) : undefined,
			]);
		},

		result: () => ({
			...counts,
			errors,
			resolved: outcomes.map(({ id, outcome }): ResolvedConflict => ({ id, outcome })),
		}),

		notices: () => [
			...rejected,
			...outcomes.map((outcome) => toConflictNotice(outcome, waiting.get(outcome.id))),
		],
	};
}

/** A row whose conflict is decided has no uncertain request any more. */
async function dropAttempts(stores: Stores, table: string, settled: ReadonlySet<RowId>): Promise<void> {
	if (settled.size === 0) return;
	const attempts = await stores.attempts.where('table').equals(table).toArray();
	const changed: AttemptRecord[] = attempts
		.map((attempt) => ({ ...attempt, mutations: attempt.mutations.filter(({ id }) => !settled.has(id)) }))
		.filter((attempt, at) => attempt.mutations.length !== attempts[at]?.mutations.length);
	await Promise.all(
		changed.map((attempt) =>
			attempt.mutations.length === 0
				? stores.attempts.delete(attempt.id ?? -1)
				: stores.attempts.put(attempt),
		),
	);
}
