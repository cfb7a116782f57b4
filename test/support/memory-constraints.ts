import { isSameJson, ownValue } from '../../src/core/json.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import type { Refusal } from './memory-errors.ts';
import type { Change, MemoryTable, MemoryTableDefinition } from './memory-table.ts';

/** A table as a statement has left it, with its neighbours. */
interface State {
	readonly definition: MemoryTableDefinition;
	readonly rows: ReadonlyMap<string, Row>;
	readonly tables: ReadonlyMap<string, MemoryTable>;
}

/** What the table's constraints say to a statement's changes, as PostgreSQL checks them at its end; null: nothing. */
export function firstRefusal(state: State, changes: readonly Change[]): Refusal | null {
	for (const { id, row } of changes) {
		const refused = row ? rowRefusal(state, row) : orphans(state, id);
		if (refused) return refused;
	}
	return null;
}

function rowRefusal(state: State, row: Row): Refusal | null {
	return state.definition.reject?.(row) ?? duplicate(state, row) ?? missingParent(state, row);
}

function duplicate({ definition, rows }: State, row: Row): Refusal | null {
	const taken = (definition.unique ?? []).find((column) => {
		const value = ownValue(row, column) ?? null;
		if (value === null) return false;
		return [...rows.values()].some((other) => other !== row && isSameJson(other[column], value));
	});
	if (taken === undefined) return null;
	return { code: '23505', message: `duplicate key value violates unique constraint on "${taken}"` };
}

function missingParent({ definition, tables }: State, row: Row): Refusal | null {
	for (const [column, parent] of Object.entries(definition.references ?? {})) {
		const value = ownValue(row, column) ?? null;
		if (value === null || tables.get(parent)?.get(value as RowId)) continue;
		return { code: '23503', message: `"${column}" refers to no row of "${parent}"` };
	}
	return null;
}

/** Rows that still refer to a removed one. */
function orphans({ definition, tables }: State, id: RowId): Refusal | null {
	const child = [...tables.values()].find((table) => table.refersTo(definition.spec.table, id));
	if (!child) return null;
	return { code: '23503', message: `row is still referred to from "${child.definition.spec.table}"` };
}
