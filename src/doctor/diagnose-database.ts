import type { TableSpec } from '../core/table-spec.ts';
import type { CheckedTable } from './check.ts';
import { diagnoseTables } from './diagnose-table.ts';
import { factsFromCatalog, type Query } from './facts-from-catalog.ts';
import type { Diagnosis } from './finding.ts';

/** What a direct connection to PostgreSQL shows of some tables. Leaves nothing changed. Rejects as `query` does. */
export async function diagnoseDatabase(
	query: Query,
	schema: string,
	specs: readonly TableSpec[],
): Promise<Diagnosis> {
	const tables: CheckedTable[] = [];
	const names = specs.map(({ table }) => table);
	for (const spec of specs) {
		tables.push({ spec, schema, tables: names, facts: await factsFromCatalog(query, schema, spec) });
	}
	return diagnoseTables(tables);
}
