import type { FilterOperator, Row, Scalar } from '../../src/core/types.ts';
import { isSelected } from './memory-query.ts';

/** Whether a row is among those that a request's filters name. */
export type RowTest = (row: Row) => boolean;

/** Parameters that are no filters. */
const OTHERS: ReadonlySet<string> = new Set(['select', 'columns', 'on_conflict', 'order', 'limit']);

const OPERATORS: ReadonlySet<string> = new Set<FilterOperator>([
	...(['eq', 'neq', 'gt', 'gte', 'lt', 'lte', 'in', 'is'] as const),
]);

/**
 * The filters of a PostgREST query, as far as PixSync sends them: `column=op.value`, `in` lists, `not.is.null`, and
 * trees of `and` and `or`.
 * @param columns hears of each column that is named.
 * @throws Error for what this stand-in does not know.
 */
export function toRowTest(query: URLSearchParams, columns: (name: string) => void): RowTest {
	const tests = [...query]
		.filter(([name]) => !OTHERS.has(name))
		.map(([name, value]) => {
			if (name === 'or' || name === 'and') return readTree(`${name}${value}`, columns);
			const column = unquote(name);
			columns(column);
			return toTest(column, value, false);
		});
	return (row) => tests.every((test) => test(row));
}

/** A name as a query writes it, without the quotes that keep it from being read as something else. */
export function unquote(text: string): string {
	return /^".*"$/s.test(text) ? text.slice(1, -1).replace(/\\(.)/gs, '$1') : text;
}

function toTest(column: string, text: string, isInTree: boolean): RowTest {
	const [, not, op, value] = /^(not\.)?([a-z]+)\.(.*)$/s.exec(text) ?? [];
	if (op === undefined || value === undefined || !OPERATORS.has(op)) throw unknown(text);
	if (not && (op !== 'is' || value !== 'null')) throw unknown(text);
	if (not) return (row) => isSelected({ [column]: { op: 'neq', value: null } }, row);
	const condition = { op: op as FilterOperator, value: toValue(op, value, isInTree) };
	return (row) => isSelected({ [column]: condition }, row);
}

function toValue(op: string, text: string, isInTree: boolean): Scalar | readonly Scalar[] {
	if (op === 'in') return splitList(text.slice(1, -1)).map(unquote);
	if (op === 'is') return text === 'null' ? null : text === 'unknown' ? text : text === 'true';
	return isInTree ? unquote(text) : text;
}

function readTree(text: string, columns: (name: string) => void): RowTest {
	const [, kind, inner] = /^(and|or)\((.*)\)$/s.exec(text) ?? [];
	if (inner !== undefined) {
		const tests = splitList(inner).map((term) => readTree(term, columns));
		return (row) => (kind === 'and' ? tests.every((test) => test(row)) : tests.some((test) => test(row)));
	}
	const [, name, rest] = /^("(?:[^"\\]|\\.)*"|[^.]+)\.(.*)$/s.exec(text) ?? [];
	if (name === undefined || rest === undefined) throw unknown(text);
	const column = unquote(name);
	columns(column);
	return toTest(column, rest, true);
}

/** Cuts at commas that stand in no quotes and in no brackets. */
function splitList(text: string): string[] {
	const parts: string[] = [];
	let depth = 0;
	let from = 0;
	for (let at = 0; at < text.length; at++) {
		const char = text[at];
		if (char === '"') at = endOfQuote(text, at);
		else if (char === '(') depth++;
		else if (char === ')') depth--;
		else if (char === ',' && depth === 0) {
			parts.push(text.slice(from, at));
			from = at + 1;
		}
	}
	return [...parts, text.slice(from)];
}

function endOfQuote(text: string, start: number): number {
	for (let at = start + 1; at < text.length; at++) {
		if (text[at] === '\\') at++;
		else if (text[at] === '"') return at;
	}
	throw unknown(text);
}

function unknown(text: string): Error {
	return new Error(`The in-memory server does not know the filter ${JSON.stringify(text)}`);
}
