import type { Resolution } from '../core/decide.ts';
import { PixSyncError, unreachable } from '../core/errors.ts';
import type { Base, EditTime, Mutation } from '../core/mutation.ts';
import { changedColumns } from '../core/row-diff.ts';
import type { ConflictOutcome } from '../core/row-explanation.ts';
import type { ResolvedConflict } from '../core/run-contract.ts';
import { isTombstone, type TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { toDeadLetter } from './apply-push.ts';
import type { ConflictedRow } from './park.ts';
import type { RowChange } from './settle-row.ts';
import type { BaseRecord } from './stores.ts';

/** What a resolution comes to for its row. */
export interface Resolved {
	readonly change: RowChange;
	/** Null: both sides agreed, and there was no conflict. */
	readonly outcome: ResolvedConflict['outcome'] | null;
	/** As in `EndedConflict`. */
	readonly droppedColumns?: readonly string[];
	readonly merged?: ConflictOutcome['merged'];
}

/**
 * @param time when the resolution was made: the time of what it puts in place of the local changes.
 */
export function toResolved(
	spec: TableSpec,
	conflict: ConflictedRow,
	resolution: Exclude<Resolution, { kind: 'park' }>,
	time: EditTime,
): Resolved {
	const { record, mutations } = conflict;
	const { id } = record;
	const remote = record.remote ?? null;
	const base: Base = remote ? { kind: 'held', row: remote } : { kind: 'absent' };
	const all = mutations.map(({ seq }) => seq);
	const none = { id, base, remaining: [], removed: all };
	switch (resolution.kind) {
		case 'agreed':
			return { change: none, outcome: null };
		case 'remote-stands':
			return { change: none, outcome: 'remote' };
		case 'local-stands': {
			const { lost } = resolution;
			return { change: { id, base, remaining: without(mutations, lost), removed: lost }, outcome: 'local' };
		}
		case 'merged': {
			const { remaining, removed, local, remote: theirs, dropped } = resolution.merged;
			const change = { id, base, remaining, removed, rewritten: remaining };
			if (remaining.length === 0) return { change, outcome: 'remote', droppedColumns: dropped };
			return { change, outcome: 'merged', droppedColumns: dropped, merged: { local, remote: theirs } };
		}
		case 'replaced':
			return replaced(spec, conflict, resolution.row, time);
		case 'deleted': {
			const last = { ...lastOf(mutations), ...time, action: 'delete' as const, data: null };
			return { change: standFor(conflict, base, last), outcome: 'deleted' };
		}
		case 'recreate': {
			const remaining = asCreate(spec, record, without(mutations, resolution.lost));
			const change = { id, base, remaining, removed: resolution.lost, rewritten: remaining.slice(0, 1) };
			return { change, outcome: 'recreated' };
		}
		case 'dead-letter': {
			const rewritten = toDeadLetter(mutations, remoteDeleted(spec, id), time.queuedAt);
			return { change: { id, base, remaining: [], removed: [], rewritten }, outcome: 'dead-letter' };
		}
		default:
			return unreachable(resolution);
	}
}

export function remoteDeleted({ table }: TableSpec, id: RowId): PixSyncError {
	return new PixSyncError(
		'remote-deleted',
		`Row ${JSON.stringify(id)} was deleted elsewhere; the local edit is kept aside`,
		{
			fault: 'rejected',
			table,
			id,
			hint: 'Create the row anew from the kept edit, or let it go.',
		},
	);
}

/** One change in place of all: what of `row` differs from the server's, or the whole row where that is gone. */
function replaced(spec: TableSpec, conflict: ConflictedRow, row: Row, time: EditTime): Resolved {
	const { record, mutations } = conflict;
	const remote = record.remote ?? null;
	const last = { ...lastOf(mutations), ...time };
	if (remote === null || isTombstone(spec, remote)) {
		const base: Base = remote ? { kind: 'held', row: remote } : { kind: 'absent' };
		const [created] = asCreate(spec, record, [{ ...last, action: 'update', data: row }]);
		return { change: standFor(conflict, base, created ?? last), outcome: 'recreated', droppedColumns: [] };
	}
	const base: Base = { kind: 'held', row: remote };
	const columns = changedColumns(remote, row, new Set());
	const taken = new Set(Object.keys(row));
	const droppedColumns = mutations
		.flatMap(({ data }) => Object.keys(data ?? {}))
		.filter((column) => !columns.includes(column) && taken.has(column));
	if (columns.length === 0) {
		const change = { id: record.id, base, remaining: [], removed: mutations.map(({ seq }) => seq) };
		return { change, outcome: 'remote', droppedColumns };
	}
	const data = Object.fromEntries(columns.map((column) => [column, row[column]]));
	const change = standFor(conflict, base, { ...last, action: 'update', data });
	return { change, outcome: 'merged', droppedColumns, merged: { local: columns, remote: [] } };
}

/** One mutation in the place of all that the row had. */
function standFor({ record, mutations }: ConflictedRow, base: Base, mutation: Mutation): RowChange {
	const removed = mutations.map(({ seq }) => seq).filter((seq) => seq !== mutation.seq);
	return { id: record.id, base, remaining: [mutation], removed, rewritten: [mutation] };
}

function lastOf(mutations: readonly Mutation[]): Mutation {
	const last = mutations.at(-1);
	if (!last) throw new Error('unreachable: a conflict has a local change');
	return last;
}

function without(mutations: readonly Mutation[], lost: readonly number[]): readonly Mutation[] {
	return mutations.filter(({ seq }) => !lost.includes(seq));
}

/** The first mutation as a create of the whole row: what the server lost, with the edit on it. */
function asCreate(spec: TableSpec, record: BaseRecord, mutations: readonly Mutation[]): readonly Mutation[] {
	const [first, ...rest] = mutations;
	if (!first || first.action === 'create') return mutations;
	const known: Row = record.base.kind === 'held' ? record.base.row : (record.remote ?? {});
	const data: Record<string, unknown> = { ...known, ...first.data };
	delete data[spec.idField];
	const { deleted } = spec;
	if (deleted) data[deleted.field] = deleted.type === 'boolean' ? false : null;
	return [{ ...first, action: 'create', data }, ...rest];
}
