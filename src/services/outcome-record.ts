import type { Mutation } from '../core/mutation.ts';
import type { ConflictOutcome } from '../core/row-explanation.ts';
import type { ParkedNotice, RowNotice } from '../core/sync-notice.ts';
import { type TableSpec, versionOf } from '../core/table-spec.ts';
import type { BaseRecord, OutcomeRecord } from './stores.ts';

/** What is told of a conflict that has just ended. */
export interface EndedConflict {
	readonly record: BaseRecord;
	/** The row's mutations before the end. */
	readonly mutations: readonly Mutation[];
	readonly outcome: ConflictOutcome['outcome'];
	/** Seqs of those that fell away. */
	readonly dropped: readonly number[];
	/** Columns whose local value fell away; default: all that the dropped mutations had set. */
	readonly droppedColumns?: readonly string[];
	readonly merged?: ConflictOutcome['merged'];
	readonly resends?: number;
	/** Device ms. */
	readonly at: number;
}

/** The record of a conflict's end, to be written with what it changes, in one transaction. */
export function toOutcomeRecord(spec: TableSpec, ended: EndedConflict): OutcomeRecord {
	const { record, mutations, outcome, at, merged, resends } = ended;
	const seqs = new Set(ended.dropped);
	const dropped = mutations.filter(({ seq }) => seqs.has(seq));
	const columns = ended.droppedColumns ?? dropped.flatMap(({ data }) => Object.keys(data ?? {}));
	return {
		table: record.table,
		id: record.id,
		outcome,
		strategy: spec.strategy,
		at,
		version: record.remote ? versionOf(spec, record.remote) : null,
		droppedMutations: dropped.map(({ mutationId }) => mutationId),
		droppedColumns: [...new Set(columns)],
		...(merged ? { merged } : {}),
		...(resends ? { resends } : {}),
	};
}

export function toConflictOutcome(record: OutcomeRecord): ConflictOutcome {
	const { outcome, strategy, at, droppedMutations, droppedColumns, merged } = record;
	return { outcome, strategy, at, droppedMutations, droppedColumns, ...(merged ? { merged } : {}) };
}

export function toConflictNotice(record: OutcomeRecord, parked?: ParkedNotice): RowNotice {
	return {
		type: 'conflict',
		table: record.table,
		id: record.id,
		...toConflictOutcome(record),
		...(parked ? { parked } : {}),
	};
}

/** How often in a row the row's local change was decided to be sent anew, before the conflict at hand (R13). */
export function resendsBefore(
	spec: TableSpec,
	{ base }: BaseRecord,
	before: OutcomeRecord | undefined,
): number {
	if (!before?.resends) return 0;
	// It was put off: nothing was sent since.
	if (before.outcome === 'deferred') return before.resends;
	// Had one of them been acknowledged, the base would be its echo.
	const version = base.kind === 'held' ? versionOf(spec, base.row) : null;
	return base.kind !== 'unknown' && version === before.version ? before.resends : 0;
}
