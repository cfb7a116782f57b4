import { unreachable } from '../core/errors.ts';
import type { TableSpec } from '../core/table-spec.ts';
import { SERVED_SQL, TABLE_SQL } from './catalog-sql.ts';
import {
	type ColumnFacts,
	type Command,
	type ForeignKeyFacts,
	type IndexFacts,
	NO_FACTS,
	type PolicyFacts,
	type TableFacts,
} from './table-facts.ts';
import { type TriggerFacts, tryStamp } from './try-stamp.ts';

/** Runs one statement, always on the same connection; text in, rows out. */
export type Query = (
	sql: string,
	params?: readonly string[],
) => Promise<readonly Readonly<Record<string, unknown>>[]>;

/** What `TABLE_SQL` tells. */
interface CatalogFacts {
	readonly kind: 'r' | 'p' | 'v' | 'm' | 'f';
	readonly isSchemaUsable: boolean | null;
	readonly columns: readonly ColumnFacts[];
	readonly indexes: readonly (IndexFacts & {
		readonly isPrimary: boolean;
		readonly isUnique: boolean;
		/** A B-tree. */
		readonly isOrdered: boolean;
	})[];
	readonly isRowSecurityEnabled: boolean;
	readonly policies: readonly PolicyFacts[];
	readonly grants: Readonly<Record<Command, boolean | null>>;
	readonly foreignKeys: readonly ForeignKeyFacts[];
	readonly isPublished: boolean | null;
	readonly triggers: readonly TriggerFacts[];
}

/**
 * What PostgreSQL's catalogs tell of a table, and what its triggers do to the timestamp column of an empty copy
 * that is rolled back. Leaves nothing changed. Rejects with what `query` rejects with.
 */
export async function factsFromCatalog(query: Query, schema: string, spec: TableSpec): Promise<TableFacts> {
	const { served, found } = await readCatalogs(query, schema, spec.table);
	const schemaFacts = {
		served,
		isServed: served ? served.includes(schema) : null,
		isUsable: found?.isSchemaUsable ?? null,
	};
	if (!found) return { ...NO_FACTS, schema: schemaFacts, exists: false };
	const unique = found.indexes.filter(({ isUnique, columns }) => isUnique && !columns.includes(''));
	return {
		exists: true,
		isTable: isTable(found.kind),
		schema: schemaFacts,
		columns: found.columns,
		hasAllColumns: true,
		primaryKey: found.indexes.find(({ isPrimary }) => isPrimary)?.columns ?? [],
		uniqueKeys: unique.map(({ columns }) => columns),
		indexes: found.indexes.filter(({ isOrdered }) => isOrdered),
		stamp: isTable(found.kind) ? await tryStamp(query, schema, spec, found.triggers) : null,
		rowSecurity: { isEnabled: found.isRowSecurityEnabled, policies: found.policies },
		grants: found.grants,
		foreignKeys: found.foreignKeys,
		isPublished: found.isPublished,
	};
}

async function readCatalogs(
	query: Query,
	schema: string,
	table: string,
): Promise<{ served: readonly string[] | null; found: CatalogFacts | null }> {
	await query('begin transaction isolation level repeatable read, read only');
	try {
		// Without a path PostgreSQL writes conditions and definitions with all names in full.
		await query(`set local search_path = ''`);
		const { served = null } = factsOf<{ served: string | null }>(await query(SERVED_SQL)) ?? {};
		const found = factsOf<CatalogFacts>(await query(TABLE_SQL, [schema, table]));
		return { served: served?.split(',').map(toSchemaName) ?? null, found };
	} finally {
		await query('rollback');
	}
}

function factsOf<T>(rows: Awaited<ReturnType<Query>>): T | null {
	const [row] = rows;
	return row ? (JSON.parse(String(row.facts)) as T) : null;
}

/** Of PostgREST's comma-separated list. */
function toSchemaName(text: string): string {
	return text.trim().replace(/^"(.*)"$/, '$1');
}

function isTable(kind: CatalogFacts['kind']): boolean {
	switch (kind) {
		case 'r':
		case 'p':
			return true;
		case 'v':
		case 'm':
		case 'f':
			return false;
		default:
			return unreachable(kind);
	}
}
