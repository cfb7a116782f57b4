/**
 * The one encoder of PostgREST queries (F12, F13). Everything that reaches a URL goes through here, once:
 * values and columns are quoted by the functions below, percent-encoding is `toQuery`'s alone.
 */
import { PixSyncError } from './errors.ts';
import { textFlaw } from './json.ts';
import type { FilterOperator, RowFilter, RowId, Scalar } from './types.ts';

/** One query parameter: name and value, quoted for PostgREST, not yet percent-encoded. */
export type QueryParam = readonly [name: string, value: string];

/** A position in a table's (timestamp, id) order; the timestamp is the server's verbatim text. */
export interface KeysetPosition {
	readonly timestamp: string;
	readonly id: RowId;
}

/** A row as one of its versions; `null` is a row whose timestamp column is NULL. */
export interface VersionedId {
	readonly id: RowId;
	readonly version: string | null;
}

/** Names that PostgREST reads as something else than a column when they stand unquoted. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(
	'select columns on_conflict order limit offset and or not'.split(' '),
);

/** The operators that take one value that is not null. */
const COMPARISONS: ReadonlySet<FilterOperator> = new Set(['eq', 'neq', 'gt', 'gte', 'lt', 'lte']);

/** A value inside `in`, `or` or `and`: text is always quoted. NULL is no value there: use `is.null`. */
export function quoteInList(value: string | number | boolean): string {
	return typeof value === 'string' ? quote(value) : String(value);
}

/** Operator and value of a top-level equality. PostgREST takes the text behind `eq.` as it is: quotes would be data. */
export function eqParam(value: Scalar): string {
	return value === null ? 'is.null' : `eq.${value}`;
}

/** A column's name in any place of a query, quoted where PostgREST would read its characters as syntax. */
export function columnName(name: string): string {
	return /^[a-z_][a-z0-9_$]*$/i.test(name) && !RESERVED_NAMES.has(name) ? name : quote(name);
}

/** A row filter as top-level parameters; throws `bad-config` for a condition that PostgREST could not mean. */
export function rowFilterParams(filter: RowFilter): [string, string][] {
	return Object.entries(filter).map(([column, condition]) => {
		const isPlain = condition === null || typeof condition !== 'object';
		const { op, value } = isPlain ? { op: 'eq' as const, value: condition } : condition;
		return [columnName(column), toCondition(column, op, value)];
	});
}

/** The rows behind a position, for `order=timestampField.asc,idField.asc` (F9). */
export function keysetParam(tsField: string, idField: string, after: KeysetPosition): [string, string] {
	const ts = columnName(tsField);
	const at = quote(after.timestamp);
	const tie = `and(${ts}.eq.${at},${columnName(idField)}.gt.${quoteInList(after.id)})`;
	return ['or', `(${ts}.gt.${at},${tie})`];
}

/** The rows with one of these ids. */
export function idListParam(idField: string, ids: readonly RowId[]): [string, string] {
	return [columnName(idField), toInList(ids)];
}

/** The rows that still have the version named: a bulk compare-and-swap (R16). At least one pair. */
export function versionedIdsParam(
	idField: string,
	tsField: string,
	pairs: readonly VersionedId[],
): [string, string] {
	const [id, ts] = [columnName(idField), columnName(tsField)];
	const terms = pairs.map((pair) => {
		const version = pair.version === null ? 'is.null' : `eq.${quote(pair.version)}`;
		return `and(${id}.eq.${quoteInList(pair.id)},${ts}.${version})`;
	});
	return ['or', `(${terms.join(',')})`];
}

/** The query behind a URL's `?`. Throws `bad-id` for text that is no Unicode. */
export function toQuery(params: readonly QueryParam[]): string {
	return params.map(([name, value]) => `${percentEncode(name)}=${percentEncode(value)}`).join('&');
}

/** Bytes that a text takes in `toQuery`'s answer. */
export function encodedLength(text: string): number {
	return percentEncode(text).length;
}

/**
 * Cuts a list into runs of at most `maxBytes` and `maxItems`, in order; one that is too large for any run
 * is a run by itself. `sizeOf` counts the separator too.
 */
export function chunkByBytes<T>(
	items: readonly T[],
	sizeOf: (item: T) => number,
	maxBytes: number,
	maxItems: number,
): T[][] {
	const chunks: T[][] = [];
	let current: T[] = [];
	let bytes = 0;
	for (const item of items) {
		const size = sizeOf(item);
		if (current.length > 0 && (bytes + size > maxBytes || current.length >= maxItems)) {
			chunks.push(current);
			current = [];
			bytes = 0;
		}
		current.push(item);
		bytes += size;
	}
	if (current.length > 0) chunks.push(current);
	return chunks;
}

function toCondition(column: string, op: FilterOperator, value: unknown): string {
	if (op === 'in') return toInCondition(column, value);
	if (op === 'is') {
		if (value === null || typeof value === 'boolean' || value === 'unknown') return `is.${value}`;
		throw badFilter(column, '`is` takes null, true, false or "unknown"; compare other values with `eq`.');
	}
	if (!COMPARISONS.has(op)) {
		throw badFilter(
			column,
			'Give a plain value or { op, value } with op eq, neq, gt, gte, lt, lte, in or is.',
		);
	}
	if (Array.isArray(value)) throw badFilter(column, `A list needs { op: 'in' }, not '${op}'.`);
	if (value === null) {
		if (op === 'eq') return 'is.null';
		if (op === 'neq') return 'not.is.null';
		throw badFilter(column, `null is neither more nor less than anything: '${op}' would match no row.`);
	}
	if (!isListable(value)) throw badFilter(column, 'Give text, a finite number, a boolean or null.');
	assertText(column, value);
	return `${op}.${value}`;
}

function toInCondition(column: string, value: unknown): string {
	if (!Array.isArray(value)) throw badFilter(column, "`in` takes a list: { op: 'in', value: [1, 2] }.");
	const values: unknown[] = value;
	if (!values.every(isListable)) {
		throw badFilter(
			column,
			'The list may hold text, finite numbers and booleans; null is never `in` a list.',
		);
	}
	for (const value of values) assertText(column, value);
	return toInList(values);
}

/** Text that no row can hold would match nothing, or be refused at each pull. */
function assertText(column: string, value: unknown): void {
	const flaw = typeof value === 'string' ? textFlaw(value) : null;
	if (flaw !== null) throw badFilter(column, `Its text has ${flaw.found}. ${flaw.hint}`);
}

function toInList(values: readonly (string | number | boolean)[]): string {
	// PostgREST reads a list of one empty text as the empty list; two of them are the same set.
	const members = values.length === 1 && values[0] === '' ? ['', ''] : values;
	return `in.(${members.map(quoteInList).join(',')})`;
}

function isListable(value: unknown): value is string | number | boolean {
	return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
}

function quote(text: string): string {
	return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

/**
 * `encodeURIComponent`, but `:` and `,` stay (RFC 3986 allows them in a query), and `'` goes,
 * for a browser's URL parser would encode it anyhow and the length counted would be wrong.
 */
function percentEncode(text: string): string {
	try {
		return encodeURIComponent(text).replace(/%3A|%2C|'/g, (found) => UNESCAPED[found] ?? '%27');
	} catch (cause) {
		throw new PixSyncError('bad-id', `${JSON.stringify(text)} is not valid Unicode`, {
			hint: 'It holds half a surrogate pair, often from cutting text in the middle of an emoji. Use another id or filter value.',
			cause,
		});
	}
}

const UNESCAPED: Readonly<Record<string, string>> = { '%3A': ':', '%2C': ',' };

function badFilter(column: string, hint: string): PixSyncError {
	return new PixSyncError('bad-config', `filter on "${column}" cannot be sent`, { hint });
}
