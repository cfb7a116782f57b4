import { isSameJson, ownValue } from '../../src/core/json.ts';
import { toMicros } from '../../src/core/timestamp.ts';
import type { FilterOperator, Row, RowFilter, RowId, Scalar } from '../../src/core/types.ts';

/** Whether a row is let in by a table's filter, with SQL's NULL: it is equal to nothing and unequal to nothing. */
export function isSelected(filter: RowFilter, row: Row): boolean {
	return Object.entries(filter).every(([column, condition]) => {
		const isPlain = condition === null || typeof condition !== 'object';
		const { op, value } = isPlain ? { op: 'eq' as const, value: condition } : condition;
		return isTrue(ownValue(row, column) ?? null, op, value);
	});
}

/**
 * A row's columns as a PostgREST `select` names them: `*`, `a`, `b:a`, `a::text`.
 * @throws Error for what this stand-in does not know: embedding, JSON paths, other casts.
 */
export function project(select: string, row: Row): Row {
	const answer: Record<string, unknown> = {};
	for (const part of select.split(',').map((text) => text.trim())) {
		if (part === '*') Object.assign(answer, row);
		else {
			const match = /^(?:(\w+):)?(\w+)(::text)?$/.exec(part);
			if (!match?.[2])
				throw new Error(`The in-memory server does not know the select ${JSON.stringify(part)}`);
			const value = ownValue(row, match[2]) ?? null;
			answer[match[1] ?? match[2]] = match[3] && value !== null ? String(value) : value;
		}
	}
	return copyOf(answer);
}

/** Columns that a `select` names; empty for `*`. */
export function columnsOf(select: string): string[] {
	const parts = select.split(',').map((part) => part.trim());
	return parts
		.filter((part) => part !== '*')
		.map((part) => part.replace(/^\w+:(?!:)/, '').replace(/::.*$/, ''));
}

/** Orders ids as the database does: numbers by value, text by its code units (collation "C"). */
export function compareIds(a: RowId, b: RowId): number {
	if (a === b) return 0;
	return a < b ? -1 : 1;
}

/** What is stored and what is answered went through JSON and is nobody else's object. */
export function copyOf<T>(value: T): T {
	return JSON.parse(JSON.stringify(value)) as T;
}

function isTrue(held: unknown, op: FilterOperator, value: Scalar | readonly Scalar[]): boolean {
	if (op === 'in')
		return Array.isArray(value) && held !== null && value.some((one) => order(held, one) === 0);
	if (op === 'is') return value === 'unknown' ? held === null : held === value;
	if (value === null) return op === 'eq' ? held === null : held !== null;
	if (held === null) return false;
	const sign = order(held, value);
	switch (op) {
		case 'eq':
			return sign === 0;
		case 'neq':
			return sign !== 0;
		case 'gt':
			return sign > 0;
		case 'gte':
			return sign >= 0;
		case 'lt':
			return sign < 0;
		case 'lte':
			return sign <= 0;
	}
}

/** The filter's value reaches the database as text, which reads it as the column's type. */
function order(held: unknown, given: unknown): number {
	if (typeof held === 'number') return held - Number(given);
	if (typeof held === 'boolean') return Number(held) - Number(String(given) === 'true');
	if (typeof held !== 'string') return isSameJson(held, given) ? 0 : 1;
	const [left, right] = [toMicros(held), toMicros(given)];
	if (left !== null && right !== null) return left === right ? 0 : left < right ? -1 : 1;
	return compareIds(held, String(given));
}
