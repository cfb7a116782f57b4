import { PixSyncError } from '../../src/core/errors.ts';
import { toMicros } from '../../src/core/timestamp.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import { statusOf, toRefused } from './memory-errors.ts';
import { toRowTest, unquote } from './memory-filter.ts';
import { assertMayBecome, isVisible, type RowPolicies } from './memory-policies.ts';
import { columnsOf, compareIds, copyOf, project } from './memory-query.ts';
import type { MemoryTable } from './memory-table.ts';

/** One HTTP request to `/rest/v1/<table>`. */
export interface RestRequest {
	readonly table: string;
	readonly method: string;
	readonly query: URLSearchParams;
	/** The parsed JSON. */
	readonly body?: unknown;
	readonly prefer: string;
	/** Whose token it carries; null: nobody's. */
	readonly userId: string | null;
	/** The device's name, for the log. */
	readonly by: string;
}

export interface RestReply {
	readonly status: number;
	/** Rows, or PostgREST's error. */
	readonly body: readonly Row[] | { readonly code: string; readonly message: string };
	readonly headers?: Readonly<Record<string, string>>;
}

export interface RestContext {
	readonly tables: ReadonlyMap<string, MemoryTable>;
	readonly policies: Readonly<Record<string, RowPolicies>>;
	readonly maxRows: () => number;
}

/** Answers as PostgREST does, as far as PixSync asks it. Each request is one transaction. */
export function answerRest(context: RestContext, request: RestRequest): RestReply {
	const { table: name, method } = request;
	const table = context.tables.get(name);
	try {
		if (!table) throw toRefused(name, { code: '42P01', message: `relation "${name}" does not exist` });
		switch (method) {
			case 'GET':
			case 'HEAD': {
				const body = read(context, table, request);
				return { status: 200, body, headers: { 'content-range': placesOf(body) } };
			}
			case 'POST':
				return { status: 201, body: insert(context, table, request) };
			case 'PATCH':
				return { status: 200, body: patch(context, table, request) };
			case 'DELETE':
				return { status: 200, body: remove(context, table, request) };
			default:
				return { status: 405, body: { code: 'PGRST117', message: `Unsupported HTTP method: ${method}` } };
		}
	} catch (error) {
		if (!(error instanceof PixSyncError)) throw error;
		return { status: statusOf(error.code), body: { code: error.code, message: error.message } };
	}
}

function read(context: RestContext, table: MemoryTable, request: RestRequest): readonly Row[] {
	const { query } = request;
	const limit = Number(query.get('limit') ?? Number.POSITIVE_INFINITY);
	const found = matching(context, table, request);
	const rows = inOrder(table, found, query.get('order'));
	return answer(table, query, rows.slice(0, Math.min(limit, context.maxRows())));
}

/** Which of all rows the answer has, and that nobody has counted them all. */
function placesOf({ length }: readonly Row[]): string {
	return length === 0 ? '*/*' : `0-${length - 1}/*`;
}

function insert(context: RestContext, table: MemoryTable, request: RestRequest): readonly Row[] {
	const rows = request.body as readonly Row[];
	const { idField } = table.definition.spec;
	for (const row of rows) {
		table.assertColumns(row);
		assertMayBecome({ ...context, ...request }, table, row);
	}
	const isIgnoring = request.prefer.includes('resolution=ignore-duplicates');
	if (!isIgnoring && rows.some((row) => row[idField] !== undefined && table.get(row[idField] as RowId))) {
		throw toRefused(request.table, {
			code: '23505',
			message: 'duplicate key value violates the primary key',
		});
	}
	const inserted = table.insert(rows, { by: request.by });
	// RETURNING shows only what may be seen.
	return answer(
		table,
		request.query,
		inserted.filter((row) => isVisible({ ...context, ...request }, table, row)),
	);
}

function patch(context: RestContext, table: MemoryTable, request: RestRequest): readonly Row[] {
	const body = request.body as Row;
	table.assertColumns(body);
	const rows = changeable(context, table, request);
	for (const row of rows) assertMayBecome({ ...context, ...request }, table, { ...row, ...body });
	const { idField } = table.definition.spec;
	// PixSync names one row; several would have to be undone together.
	if (rows.length > 1) throw new Error('The in-memory server patches one row at a time');
	const changed = rows.map((row) => table.update(row[idField] as RowId, body, { by: request.by }) ?? row);
	return answer(table, request.query, changed);
}

function remove(context: RestContext, table: MemoryTable, request: RestRequest): readonly Row[] {
	const rows = changeable(context, table, request);
	const gone = answer(table, request.query, rows);
	const { idField } = table.definition.spec;
	table.remove(
		rows.map((row) => row[idField] as RowId),
		{ by: request.by },
	);
	return gone;
}

function changeable(context: RestContext, table: MemoryTable, request: RestRequest): readonly Row[] {
	const { isReadOnly } = table.definition;
	return matching(context, table, request).filter((row) => !isReadOnly?.(row));
}

function matching(context: RestContext, table: MemoryTable, request: RestRequest): readonly Row[] {
	const test = toRowTest(request.query, (column) => assertKnown(table, column));
	const caller = { ...context, ...request };
	return table.inOrder.filter((row) => isVisible(caller, table, row) && test(row));
}

function answer(table: MemoryTable, query: URLSearchParams, rows: readonly Row[]): readonly Row[] {
	const select = query.get('select') ?? '*';
	for (const column of columnsOf(select)) assertKnown(table, column);
	return rows.map((row) => project(select, row));
}

/** As PostgREST orders: `column.asc`, several by comma; without an order as the rows lie. */
function inOrder(table: MemoryTable, rows: readonly Row[], order: string | null): readonly Row[] {
	if (order === null) return rows;
	const columns = order.split(',').map((term) => unquote(term.replace(/\.asc$/, '')));
	for (const column of columns) assertKnown(table, column);
	return [...rows].sort((a, b) => {
		for (const column of columns) {
			const sign = compareValues(a[column], b[column]);
			if (sign !== 0) return sign;
		}
		return 0;
	});
}

/** NULL last. */
function compareValues(a: unknown, b: unknown): number {
	if (a === b) return 0;
	if (a === null || b === null) return a === null ? 1 : -1;
	const [left, right] = [toMicros(a), toMicros(b)];
	if (left !== null && right !== null) return left === right ? 0 : left < right ? -1 : 1;
	return compareIds(a as RowId, b as RowId);
}

function assertKnown({ definition: { columns, spec } }: MemoryTable, column: string): void {
	if (!columns || Object.hasOwn(columns, column)) return;
	throw toRefused(spec.table, { code: '42703', message: `column ${spec.table}.${column} does not exist` });
}

/** Serialised and read again, as by the network: nobody shares an object with the server. */
export function overTheWire(body: RestReply['body']): string {
	return JSON.stringify(copyOf(body));
}
