/**
 * - `error`: sync loses, leaks or refuses something.
 * - `warning`: it does so under some conditions, or is slow.
 * - `info`: worth knowing; nothing is wrong.
 */
export type Severity = 'error' | 'warning' | 'info';

export type FindingCode =
	// the project
	| 'unreachable'
	| 'signed-out'
	// the table
	| 'table-missing'
	| 'not-a-table'
	| 'schema-hidden'
	| 'schema-usage'
	// its key
	| 'key-missing'
	| 'key-not-unique'
	| 'key-nullable'
	| 'key-generated'
	| 'key-unmade'
	| 'key-serial'
	| 'key-rounds'
	| 'key-type'
	// its timestamp column
	| 'timestamp-missing'
	| 'timestamp-type'
	| 'timestamp-precision'
	| 'timestamp-nullable'
	| 'timestamp-default'
	| 'timestamp-generated'
	// the trigger that stamps it
	| 'stamp-missing'
	| 'stamp-insert'
	| 'stamp-partial'
	| 'stamp-stands-still'
	| 'stamp-transaction-time'
	| 'stamp-untried'
	| 'index-missing'
	// soft deletes
	| 'deleted-missing'
	| 'deleted-type'
	| 'policy-hides-tombstones'
	// who may do what
	| 'rls-disabled'
	| 'policy-select'
	| 'policy-insert'
	| 'policy-update'
	| 'policy-delete'
	| 'grant-missing'
	// other columns
	| 'column-rounds'
	| 'column-generated'
	| 'foreign-key-order'
	| 'realtime-missing';

/** One thing that a table lacks. */
export interface Finding {
	readonly severity: Severity;
	/** null: it is about the project, not about one table. */
	readonly table: string | null;
	readonly code: FindingCode;
	readonly problem: string;
	/** Why it matters, in one sentence. */
	readonly why: string;
	/** What to do, in one sentence; where `sql` is null, in the app or by hand. */
	readonly mend: string;
	/** Mends it, and may be run twice; null where no SQL can. */
	readonly sql: string | null;
}

export type CheckName =
	| 'table'
	| 'schema'
	| 'key'
	| 'timestamp'
	| 'timestamp-precision'
	| 'stamp'
	| 'index'
	| 'deleted-column'
	| 'grants'
	| 'row-security'
	| 'tombstones'
	| 'columns'
	| 'foreign-keys'
	| 'realtime';

/** What looking at a project's tables found. */
export interface Diagnosis {
	/** Whether there is no finding of severity `error`. What could not be seen counts for nothing. */
	readonly ok: boolean;
	/** In the order of the tables; within one, in the order in which their SQL is to be run. */
	readonly findings: readonly Finding[];
	/** What could not be looked at from here; tables without anything unknown are left out. */
	readonly unknown: readonly { readonly table: string; readonly checks: readonly CheckName[] }[];
}

export function toDiagnosis(findings: readonly Finding[], unknown: Diagnosis['unknown']): Diagnosis {
	return { ok: findings.every(({ severity }) => severity !== 'error'), findings, unknown };
}
