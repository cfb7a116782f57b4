import type { TableSpec } from '../core/table-spec.ts';
import type { CheckName, Finding, FindingCode, Severity } from './finding.ts';
import { qualifiedName } from './sql-text.ts';
import type { TableFacts } from './table-facts.ts';

/** A table as the app registered it, and what is known of it. */
export interface CheckedTable {
	readonly spec: TableSpec;
	readonly schema: string;
	/** All tables that the app syncs. */
	readonly tables: readonly string[];
	readonly facts: TableFacts;
}

/** What one check says; `'unknown'` among it: part of it, or all, cannot be seen. */
export type CheckResult = readonly (Finding | 'unknown')[];

/** Pure. Runs only for a table that exists, or may. */
export interface Check {
	readonly name: CheckName;
	readonly run: (table: CheckedTable) => CheckResult;
}

export const UNKNOWN: CheckResult = ['unknown'];

/** Its name as SQL. */
export function sqlNameOf({ schema, spec }: CheckedTable): string {
	return qualifiedName(schema, spec.table);
}

export function toFinding(
	severity: Severity,
	{ spec }: CheckedTable,
	code: FindingCode,
	told: Pick<Finding, 'problem' | 'why' | 'mend' | 'sql'>,
): Finding {
	return { severity, table: spec.table, code, ...told };
}
