import { type Check, type CheckedTable, type CheckResult, sqlNameOf, toFinding, UNKNOWN } from '../check.ts';
import type { Finding } from '../finding.ts';
import { quoteName, quoteText, runIf } from '../sql-text.ts';
import { type ColumnFacts, columnOf } from '../table-facts.ts';

const TIMESTAMPTZ = 'timestamp with time zone';

/** How the values of a column of another type are read as points in time; others need a person. */
const CONVERSIONS: Readonly<Record<string, (column: string) => string>> = {
	'timestamp without time zone': (column) => `${column} at time zone 'UTC'`,
	date: (column) => `${column}::timestamp at time zone 'UTC'`,
	text: (column) => `${column}::timestamptz`,
	'character varying': (column) => `${column}::timestamptz`,
};

/** Whether the timestamp column is there, is a `timestamptz` and holds a value in every row (F15). */
export const timestampCheck: Check = {
	name: 'timestamp',
	run(table) {
		const { spec, facts } = table;
		const column = columnOf(facts, spec.timestampField);
		if (column === null) return UNKNOWN;
		const alter = `alter table ${sqlNameOf(table)}`;
		const name = quoteName(spec.timestampField);
		if (column === undefined) {
			return [
				toFinding('error', table, 'timestamp-missing', {
					problem: `There is no column "${spec.timestampField}".`,
					why: 'It orders downloads and is the version that conflicts are found by.',
					mend: `Add it, or name yours in the table's config: timestampField.`,
					sql: `${alter} add column if not exists ${name} timestamptz not null default now();`,
				}),
			];
		}
		if (column.generated === 'stored') {
			return [
				toFinding('error', table, 'timestamp-generated', {
					problem: `"${column.name}" is computed from other columns.`,
					why: 'It does not move at each change, so that changes are not downloaded.',
					mend: 'Name a column of its own in timestampField.',
					sql: null,
				}),
			];
		}
		return [
			...typeOf(table, column),
			...(column.isNotNull === null ? (['unknown'] as const) : column.isNotNull ? [] : [nullable(table)]),
			...withoutDefault(table, column),
		];
	},
};

/** Whether the timestamp column keeps microseconds. */
export const timestampPrecisionCheck: Check = {
	name: 'timestamp-precision',
	run(table) {
		const column = columnOf(table.facts, table.spec.timestampField);
		if (column === null) return UNKNOWN;
		if (column === undefined) return [];
		if (column.type === null) return UNKNOWN;
		if (column.type !== TIMESTAMPTZ) return [];
		if (column.typmod === null) return UNKNOWN;
		if (column.typmod === -1 || column.typmod >= 6) return [];
		return [
			toFinding('error', table, 'timestamp-precision', {
				problem: `"${column.name}" keeps ${column.typmod} digits of a second, not 6.`,
				why: 'Two changes that follow each other closely share a version, and the second overwrites the first unseen.',
				mend: 'Keep microseconds: timestamptz without a precision.',
				sql: `alter table ${sqlNameOf(table)} alter column ${quoteName(column.name)} type timestamptz;`,
			}),
		];
	},
};

function typeOf(table: CheckedTable, { name, type }: ColumnFacts): CheckResult {
	if (type === null) return UNKNOWN;
	return type === TIMESTAMPTZ ? [] : [wrongType(table, name, type)];
}

function wrongType(table: CheckedTable, columnName: string, type: string): Finding {
	const tableName = sqlNameOf(table);
	const name = quoteName(columnName);
	const convert = CONVERSIONS[type];
	// Run twice, the conversion would move the values by the session's zone.
	const isOther =
		`(select atttypid from pg_attribute where attrelid = ${quoteText(tableName)}::regclass ` +
		`and attname = ${quoteText(columnName)}) <> 'timestamptz'::regtype`;
	const actions = convert && [
		`alter column ${name} drop default`,
		`alter column ${name} type timestamptz using ${convert(name)}`,
		`alter column ${name} set default now()`,
	];
	return toFinding('error', table, 'timestamp-type', {
		problem: `"${columnName}" is of type ${type}, not timestamptz.`,
		why: 'A version must be one point in time in microseconds, whatever zone the reader is in.',
		mend: actions
			? 'Change its type; values without a zone are read as UTC.'
			: 'Change its type to timestamptz, or name another column in timestampField.',
		sql: actions ? runIf(isOther, `alter table ${tableName} ${actions.join(', ')};`) : null,
	});
}

function nullable(table: CheckedTable): Finding {
	const tableName = sqlNameOf(table);
	const name = quoteName(table.spec.timestampField);
	return toFinding('error', table, 'timestamp-nullable', {
		problem: `"${table.spec.timestampField}" may be NULL.`,
		why: 'A row without a timestamp is never downloaded, and cannot be changed by comparing versions.',
		mend: 'Fill it and make it NOT NULL.',
		sql: [
			`update ${tableName} set ${name} = now() where ${name} is null;`,
			`alter table ${tableName} alter column ${name} set default now(), alter column ${name} set not null;`,
		].join('\n'),
	});
}

/** A trigger that stamps inserts makes a default superfluous. */
function withoutDefault(table: CheckedTable, column: ColumnFacts): readonly Finding[] {
	const { stamp } = table.facts;
	if (column.defaultSql !== '' || !stamp || (stamp.kind === 'tried' && stamp.onInsert)) return [];
	return [
		toFinding('warning', table, 'timestamp-default', {
			problem: `"${column.name}" has no default.`,
			why: 'A row inserted by someone else than PixSync needs one to get a timestamp at all.',
			mend: 'Give it the default now().',
			sql: `alter table ${sqlNameOf(table)} alter column ${quoteName(column.name)} set default now();`,
		}),
	];
}
