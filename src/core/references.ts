import type { TableSpec } from './table-spec.ts';
import type { Row, RowId } from './types.ts';

/** A row's word for a row of another table. */
export interface Reference {
	readonly column: string;
	readonly table: string;
	readonly id: RowId;
}

/** The rows that some columns refer to, as the table's `references` declares them; null refers to nothing. */
export function referencesOf(spec: TableSpec, columns: Row | null): readonly Reference[] {
	if (columns === null) return [];
	return Object.entries(spec.references).flatMap(([column, table]) => {
		const id = columns[column];
		return typeof id === 'string' || typeof id === 'number' ? [{ column, table, id }] : [];
	});
}

/**
 * The columns with each reference put as `idOf` tells it; undefined: as it is.
 * @returns the same object where nothing changes.
 */
export function withReferences<T extends Row | null>(
	spec: TableSpec,
	columns: T,
	idOf: (table: string, id: RowId) => RowId | undefined,
): T {
	const changed = referencesOf(spec, columns).flatMap(({ column, table, id }) => {
		const now = idOf(table, id);
		return now === undefined || now === id ? [] : [[column, now] as const];
	});
	return changed.length === 0 ? columns : { ...columns, ...Object.fromEntries(changed) };
}
