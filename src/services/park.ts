import Dexie from 'dexie';
import type { ConflictRecord, ParkReason } from '../core/conflict-record.ts';
import { columnDiff, rowsOf, type Sides } from '../core/conflict-sides.ts';
import type { PixSyncError } from '../core/errors.ts';
import type { Mutation } from '../core/mutation.ts';
import type { ParkedNotice } from '../core/sync-notice.ts';
import { type TableSpec, versionOf } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import type { RowChange } from './settle-row.ts';
import type { BaseRecord, ParkedRecord, Stores } from './stores.ts';

/** A row with its record and its dirty mutations, in queue order. */
export interface ConflictedRow {
	readonly record: BaseRecord;
	readonly mutations: readonly Mutation[];
}

/** Why a conflict is parked, and since when (device ms). */
export interface ParkCause {
	readonly reason: ParkReason;
	readonly since: number;
	readonly error?: ParkedRecord['error'];
}

/** A new parked conflict; all of the row's mutations wait with it. */
export function toParked(
	{ record, mutations }: ConflictedRow,
	{ reason, since, error }: ParkCause,
): ParkedRecord {
	const [first] = mutations;
	if (!first) throw new Error('unreachable: a conflict has a local change');
	return {
		table: record.table,
		id: record.id,
		mutationId: first.mutationId,
		since,
		reason,
		...(error ? { error } : {}),
	};
}

/**
 * The id that the app knows a conflict by. Another row of the server's makes it another conflict: who has seen
 * this one decides on this one.
 */
export function conflictIdOf(spec: TableSpec, { mutationId }: ParkedRecord, remote: Row | null): string {
	return `${mutationId}@${remote ? (versionOf(spec, remote) ?? 'unknown') : 'gone'}`;
}

/** The mutation that a conflict's id begins with. */
export function mutationIdOf(conflict: string): string {
	return conflict.slice(0, conflict.indexOf('@'));
}

/** What parking does to the row: it shows its local version still. */
export function parkedChange({ record, mutations }: ConflictedRow): RowChange {
	const remaining = mutations.map((mutation) => ({ ...mutation, status: 'conflicted' as const }));
	const { id, base } = record;
	return {
		id,
		base,
		remaining,
		removed: [],
		rewritten: remaining,
		remote: record.remote ?? null,
		parked: true,
	};
}

export function toParkedNotice(
	spec: TableSpec,
	parked: ParkedRecord,
	{ record }: ConflictedRow,
): ParkedNotice {
	const { reason, error } = parked;
	const conflict = conflictIdOf(spec, parked, record.remote ?? null);
	return { conflict, reason, ...(error ? { error } : {}) };
}

/** As the error of a record. */
export function toStoredError({ code, message, hint }: PixSyncError, at: number): ParkedRecord['error'] {
	return { code, message, hint, at };
}

/** What is known of a conflict, for `core`. */
export function sidesOf(spec: TableSpec, { record, mutations }: ConflictedRow): Sides {
	return { spec, base: record.base, mutations, remote: record.remote ?? null };
}

/** The conflict as the app sees it. */
export function toConflictRecord(spec: TableSpec, parked: ParkedRecord, row: ConflictedRow): ConflictRecord {
	const sides = sidesOf(spec, row);
	const { table, id, since, reason, error } = parked;
	const { base, local, remote } = rowsOf(sides);
	return {
		id: conflictIdOf(spec, parked, sides.remote),
		table,
		rowId: id,
		base: base && copyOf(base),
		local: local && copyOf(local),
		remote: remote && copyOf(remote),
		since,
		columns: columnDiff(sides)?.both ?? [],
		reason,
		...(error ? { error } : {}),
	};
}

/** JSON values, no part of which is shared. */
export function copyOf(row: Row): Row {
	return structuredClone(row);
}

/** A list comes after every text and number. */
const AFTER_ALL_IDS: readonly never[] = [];

/** A table's parked conflicts, as a Dexie collection in row order. */
export function parkedOf(stores: Stores, table: string) {
	return stores.conflicts.where('[table+id]').between([table, Dexie.minKey], [table, AFTER_ALL_IDS]);
}

/** Forgets that rows are parked; what becomes of their mutations is the caller's to write. */
export async function unpark(stores: Stores, table: string, ids: readonly RowId[]): Promise<void> {
	if (ids.length > 0) await stores.conflicts.bulkDelete(ids.map((id) => [table, id]));
}
