import type { Check, CheckedTable } from './check.ts';
import { columnsCheck } from './checks/columns.ts';
import { deletedColumnCheck } from './checks/deleted-column.ts';
import { foreignKeysCheck } from './checks/foreign-keys.ts';
import { grantsCheck } from './checks/grants.ts';
import { indexCheck } from './checks/index-order.ts';
import { keyCheck } from './checks/key.ts';
import { realtimeCheck } from './checks/realtime.ts';
import { rowSecurityCheck } from './checks/row-security.ts';
import { stampCheck } from './checks/stamp.ts';
import { schemaCheck, tableCheck } from './checks/table.ts';
import { timestampCheck, timestampPrecisionCheck } from './checks/timestamp.ts';
import { tombstonesCheck } from './checks/tombstones.ts';
import { type Diagnosis, type Finding, toDiagnosis } from './finding.ts';

/** In the order in which their SQL is to be run: a column before what is made on it. */
export const CHECKS: readonly Check[] = [
	tableCheck,
	schemaCheck,
	keyCheck,
	timestampCheck,
	timestampPrecisionCheck,
	deletedColumnCheck,
	stampCheck,
	indexCheck,
	grantsCheck,
	rowSecurityCheck,
	tombstonesCheck,
	columnsCheck,
	foreignKeysCheck,
	realtimeCheck,
];

/** What follows from what is known of some tables. Pure. */
export function diagnoseTables(tables: readonly CheckedTable[]): Diagnosis {
	const results = tables.map((table) => ({
		table,
		results: applicable(table).map((check) => run(check, table)),
	}));
	return toDiagnosis(
		results.flatMap(({ results }) => results.flatMap(({ findings }) => findings)),
		results.flatMap(({ table, results }) => {
			const checks = results.flatMap(({ name, isUnknown }) => (isUnknown ? [name] : []));
			return checks.length > 0 ? [{ table: table.spec.table, checks }] : [];
		}),
	);
}

/** Of what is not there, or is no table, nothing more is to be said. */
function applicable({ facts }: CheckedTable): readonly Check[] {
	return facts.exists === false || facts.isTable === false ? [tableCheck] : CHECKS;
}

function run({ name, run }: Check, table: CheckedTable) {
	const result = run(table);
	const findings = result.filter((part): part is Finding => part !== 'unknown');
	return { name, findings, isUnknown: findings.length < result.length };
}
