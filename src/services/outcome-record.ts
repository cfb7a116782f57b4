import type { Mutation } from '../core/mutation.ts';
import type { ConflictOutcome } from '../core/row-explanation.ts';
import { versionOf } from '../core/table-spec.ts';
import type { BaseRecord, OutcomeRecord } from './local-store.ts';
import type { Run } from './run.ts';

/** What is told of a conflict that has just ended. */
export interface EndedConflict {
	readonly record: BaseRecord;
	/** The row's mutations before the end. */
	readonly mutations: readonly Mutation[];
	readonly outcome: ConflictOutcome['outcome'];
	/** Seqs of those that fell away. */
	readonly dropped: readonly number[];
	/** Device ms. */
	readonly at: number;
}

/** The record of a conflict's end, to be written with what it changes, in one transaction. */
export function toOutcomeRecord({ spec }: Run, ended: EndedConflict): OutcomeRecord {
	const { record, mutations, outcome, at } = ended;
	const seqs = new Set(ended.dropped);
	const dropped = mutations.filter(({ seq }) => seqs.has(seq));
	return {
		table: record.table,
		id: record.id,
		outcome,
		strategy: spec.strategy,
		at,
		version: record.remote ? versionOf(spec, record.remote) : null,
		droppedMutations: dropped.map(({ mutationId }) => mutationId),
		droppedColumns: [...new Set(dropped.flatMap(({ data }) => Object.keys(data ?? {})))],
	};
}
