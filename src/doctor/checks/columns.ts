import { columnName } from '../../core/encode-filter.ts';
import { type Check, type CheckedTable, toFinding, UNKNOWN } from '../check.ts';
import type { Finding } from '../finding.ts';
import { selectedAs } from '../selected-as.ts';
import type { ColumnFacts } from '../table-facts.ts';

/** Digits that a JSON number keeps for certain. */
const SAFE_DIGITS = 15;

/** Whether all columns survive JSON (F18), and which of them the app must not write. */
export const columnsCheck: Check = {
	name: 'columns',
	run(table) {
		const { facts, spec } = table;
		if (facts.columns === null || !facts.hasAllColumns) return UNKNOWN;
		const own = [spec.idField, spec.timestampField];
		const others = facts.columns.filter(({ name }) => !own.includes(name));
		const rounding = others.filter(
			(column) => isRounded(column) && selectedAs(spec.select, column.name) === 'number',
		);
		const generated = others.filter(
			(column) => column.generated === 'stored' || column.generated === 'identity-always',
		);
		return [
			...(rounding.length > 0 ? [rounds(table, facts.columns, rounding)] : []),
			...(generated.length > 0 ? [isGenerated(table, generated)] : []),
			...(others.some((column) => column.generated === null) ? (['unknown'] as const) : []),
		];
	},
};

function rounds(table: CheckedTable, all: readonly ColumnFacts[], rounding: readonly ColumnFacts[]): Finding {
	const names = rounding.map(({ name }) => name);
	const select = all
		.map(({ name }) => (names.includes(name) ? `${columnName(name)}::text` : columnName(name)))
		.join(', ');
	return toFinding('warning', table, 'column-rounds', {
		problem: `${rounding.map(({ name, type }) => `"${name}" (${type})`).join(', ')} may hold more digits than JSON numbers keep.`,
		why: 'Beyond 2^53 a number is rounded when it is read, and the rounded one is written back.',
		mend:
			table.spec.select === '*'
				? `Read and write such columns as text, in the table's config: select: '${select}'.`
				: `Read and write such columns as text: ${names.map((name) => `${columnName(name)}::text`).join(', ')} in the table's \`select\`.`,
		sql: null,
	});
}

function isGenerated(table: CheckedTable, generated: readonly ColumnFacts[]): Finding {
	return toFinding('info', table, 'column-generated', {
		problem: `The server alone makes ${generated.map(({ name }) => `"${name}"`).join(', ')}.`,
		why: 'A create that names such a column is refused (428C9).',
		mend: 'Leave the column out of what the app writes.',
		sql: null,
	});
}

function isRounded({ type, typmod }: ColumnFacts): boolean {
	if (type === 'bigint') return true;
	if (type !== 'numeric') return false;
	return typmod === null || typmod === -1 || (typmod - 4) >> 16 > SAFE_DIGITS;
}
