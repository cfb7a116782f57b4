import { PixSyncError } from '../../core/errors.ts';
import type { PushMutation } from '../../core/mutation.ts';
import { type TableSpec, versionOf } from '../../core/table-spec.ts';
import { compareTimestamps } from '../../core/timestamp.ts';
import type { Row, RowId } from '../../core/types.ts';

/** The beginning of every timestamp's text: enough to tell it from another, at a hundredth of the cost of reading it. */
const TIMESTAMP = /^(?:[+-]?\d{4,6}-\d\d-\d\d|-?infinity$)/;

/**
 * Checks rows that were asked for with their key and version. A timestamp that is NULL is a row's own fault and
 * passes; one that is missing, or is another text, shows that the answer is not what was asked for.
 * @param limit rows that may have come; default: any number.
 * @throws PixSyncError `bad-reply`: nothing of the answer may be used.
 */
export function assertWhole(spec: TableSpec, rows: readonly Row[], limit = Number.POSITIVE_INFINITY): void {
	if (rows.length > limit) throw badRows(spec, `${rows.length} rows where ${limit} were asked for`);
	for (const row of rows) {
		if (!isKey(row[spec.idField])) throw badRows(spec, `a row without "${spec.idField}"`);
		const version = row[spec.timestampField];
		if (version === undefined || (typeof version === 'string' && !TIMESTAMP.test(version))) {
			throw badRows(spec, `a row without "${spec.timestampField}"`);
		}
	}
}

/** @throws PixSyncError `timestamp-null`: the row cannot be told from another version of it. */
export function assertVersioned(spec: TableSpec, row: Row): void {
	if (versionOf(spec, row) !== null) return;
	throw new PixSyncError('timestamp-null', `A row has no "${spec.timestampField}"`, {
		fault: 'fatal',
		table: spec.table,
		id: row[spec.idField] as RowId,
		hint: `Fill the column, make it NOT NULL, and let a trigger set it; see "What a table needs" in the README.`,
	});
}

/** Whether a row can be the echo of a write: it tells its key and its version. */
export function isEcho(spec: TableSpec, row: Row): boolean {
	return isKey(row[spec.idField]) && TIMESTAMP.test(versionOf(spec, row) ?? '');
}

/** Whether an echo shows a version older than the one that the write was based on: it is of another time. */
export function isStale(spec: TableSpec, { base }: PushMutation, row: Row): boolean {
	const version = versionOf(spec, row);
	return base !== null && version !== null && compareTimestamps(version, base) < 0;
}

export function badRows(spec: TableSpec, what: string): PixSyncError {
	return new PixSyncError('bad-reply', `The answer holds ${what}`, {
		fault: 'no-answer',
		table: spec.table,
		hint: 'A proxy or a cache may stand between; sync asks again by itself.',
	});
}

function isKey(value: unknown): boolean {
	return (typeof value === 'string' && value !== '') || typeof value === 'number';
}
