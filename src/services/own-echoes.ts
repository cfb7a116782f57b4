import type { TableSpec } from '../core/table-spec.ts';
import { versionOf } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';

/**
 * The versions that this session's uploads have got back and stored. The next pull brings each of them once more:
 * told by this, they need no look at the replica. Lost with the session, which costs those looks.
 */
export interface OwnEchoes {
	/** Rows that are stored: after the transaction. */
	note(spec: TableSpec, rows: readonly Row[]): void;
	/** Whether this very version of the row was stored here. What is held is at least as new, then, or was removed since. */
	has(spec: TableSpec, row: Row): boolean;
	/** A pull has reached the head: they will not come again. */
	forget(table: string): void;
}

/** Rows remembered of a table: some MB. */
const MOST = 50_000;

export function createOwnEchoes(): OwnEchoes {
	const tables = new Map<string, Map<RowId, string>>();
	return {
		note(spec, rows) {
			const known = tables.get(spec.table) ?? new Map<RowId, string>();
			tables.set(spec.table, known);
			for (const row of rows) {
				const version = versionOf(spec, row);
				const id = row[spec.idField] as RowId;
				if (version === null) known.delete(id);
				else if (known.has(id) || known.size < MOST) known.set(id, version);
			}
		},
		has(spec, row) {
			const version = tables.get(spec.table)?.get(row[spec.idField] as RowId);
			return version !== undefined && version === versionOf(spec, row);
		},
		forget(table) {
			tables.delete(table);
		},
	};
}
