import type { PullStart } from '../../core/checkpoint.ts';
import { columnName, keysetParam, rowFilterParams } from '../../core/encode-filter.ts';
import type { TableSpec } from '../../core/table-spec.ts';

export type Param = readonly [string, string];

/**
 * Bytes of a request's query. Common gateways refuse URLs past 8 kB (F34); the path and the host need the rest.
 */
export const MAX_QUERY_BYTES = 6_500;

/** The `select` of a table's rows, as the app asked for them. */
export function rowColumns(spec: TableSpec): Param {
	return ['select', spec.select];
}

/** The `select` of what identifies a row's state: id, version and, with soft deletes, the tombstone column. */
export function keyColumns(spec: TableSpec): Param {
	const columns = [spec.idField, spec.timestampField, ...(spec.deleted ? [spec.deleted.field] : [])];
	return ['select', columns.map(columnName).join(',')];
}

/** Keyset paging on (timestamp, id): an offset would skip rows that move while it pages (F9). */
export function pullParams(spec: TableSpec, start: PullStart | null, limit: number): Param[] {
	const order = `${columnName(spec.timestampField)}.asc,${columnName(spec.idField)}.asc`;
	return [
		...rowFilterParams(spec.filter),
		...startParams(spec, start),
		['order', order],
		['limit', String(limit)],
	];
}

function startParams(spec: TableSpec, start: PullStart | null): Param[] {
	if (start === null) return [];
	if (start.id === null) return [[columnName(spec.timestampField), `gte.${start.timestamp}`]];
	return [keysetParam(spec.timestampField, spec.idField, { timestamp: start.timestamp, id: start.id })];
}
