import { isDeepStrictEqual } from 'node:util';
import type { Row } from '../../src/index.ts';

/** What a replica or the server holds: table → rows, each with an `id`. */
export interface Holding {
	readonly holder: string;
	readonly tables: Readonly<Record<string, readonly Row[]>>;
}

/** Each difference as a line; none: both hold the same rows, equal in every column, however deep. */
export function diffHoldings(left: Holding, right: Holding): string[] {
	return union(left.tables, right.tables).flatMap((table) => {
		const [leftRows, rightRows] = [byId(left.tables[table]), byId(right.tables[table])];
		return union(leftRows, rightRows).flatMap((id) => {
			const [leftRow, rightRow] = [leftRows[id], rightRows[id]];
			if (!leftRow || !rightRow) {
				return `${table} ${id}: only at ${leftRow ? left.holder : right.holder}`;
			}
			return diffRows(leftRow, rightRow).map(
				({ column, values: [ours, theirs] }) =>
					`${table} ${id}.${column}: ${left.holder} has ${ours}, ${right.holder} has ${theirs}`,
			);
		});
	});
}

/** How `actual` differs from `expected`, as lines; an object's or array's members are compared deeply. */
export function diffFrom(expected: unknown, actual: unknown): string[] {
	if (isDeepStrictEqual(expected, actual)) return [];
	return [`expected ${show(expected)}, found ${show(actual)}`];
}

function diffRows(left: Row, right: Row): { column: string; values: [string, string] }[] {
	return union(left, right)
		.filter((column) => !isDeepStrictEqual(left[column], right[column]))
		.map((column) => ({ column, values: [show(left[column]), show(right[column])] }));
}

function byId(rows: readonly Row[] = []): Record<string, Row> {
	return Object.fromEntries(rows.map((row) => [String(row.id), row]));
}

function union(left: object, right: object): string[] {
	return [...new Set([...Object.keys(left), ...Object.keys(right)])];
}

function show(value: unknown): string {
	return JSON.stringify(value) ?? String(value);
}
