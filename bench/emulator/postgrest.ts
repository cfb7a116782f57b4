import type { Columns, EmulatedTable, Row } from './table.ts';

export interface Question {
	readonly method: string;
	readonly url: URL;
	readonly body: unknown;
	/** The header `Prefer`. */
	readonly prefer: string;
	/** The most rows that an answer has. */
	readonly maxRows: number;
}

export interface Reply {
	readonly status: number;
	/** JSON. */
	readonly text: string;
	/** The rows that a look at a table has found. */
	readonly found?: number;
}

interface Mutation {
	readonly kind: 'create' | 'update';
	readonly id: string;
	readonly base: string | null;
	readonly body: Record<string, unknown>;
}

/** As much of PostgREST as a download and an upload of one table ask for, and the functions of the RPC transport. */
export function askPostgrest(table: EmulatedTable, question: Question): Reply {
	const { method, url, body, prefer } = question;
	if (method === 'GET' || method === 'HEAD') {
		const rows = read(table, url, question.maxRows);
		return { status: 200, text: `[${rows.join(',')}]`, found: rows.length };
	}
	if (url.pathname.endsWith('/rpc/pixsync_push')) {
		const { mutations } = (body as { request: { mutations: Mutation[] } }).request;
		return { status: 200, text: JSON.stringify(mutations.map((mutation) => apply(table, mutation))) };
	}
	if (url.pathname.endsWith('/rpc/pixsync_pull'))
		return { status: 200, text: pull(table, body, question.maxRows) };
	const rows = method === 'POST' ? insert(table, body, prefer) : update(table, url, body);
	if (!rows) return { status: 409, text: '{"code":"23505","message":"duplicate key"}' };
	return { status: 200, text: prefer.includes('return=representation') ? JSON.stringify(rows) : '' };
}

function read(table: EmulatedTable, { searchParams }: URL, maxRows: number): readonly string[] {
	const limit = Math.min(maxRows, Number(searchParams.get('limit') ?? maxRows));
	const isKeys = searchParams.get('select') === 'id,updated_at';
	return idsAskedFor(table, searchParams, limit).flatMap((id) => {
		if (!isKeys) return table.json(id) ?? [];
		const row = table.get(id);
		return row ? JSON.stringify({ id, updated_at: row.updated_at }) : [];
	});
}

function idsAskedFor(table: EmulatedTable, params: URLSearchParams, limit: number): string[] {
	const [, operator, operand = ''] = /^(in|eq)\.(.*)$/.exec(params.get('id') ?? '') ?? [];
	if (operator === 'eq') return [operand];
	if (operator === 'in') return operand.slice(1, -1).replaceAll('"', '').split(',');
	// A keyset page: stamps are unique here, so that what is equal in the stamp needs no look.
	const keyset = /updated_at"?\.gt\."?([^",)]+)/.exec(params.get('or') ?? '')?.[1];
	const [, comparison, bound] = /^(gte?)\.(.*)$/.exec(params.get('updated_at') ?? '') ?? [];
	const isInclusive = keyset === undefined && comparison !== 'gt';
	return table.after(toMicroseconds(keyset ?? bound ?? ''), isInclusive, limit);
}

/** @returns null: one of them is there already. */
function insert(table: EmulatedTable, body: unknown, prefer: string): Row[] | null {
	const creates = (Array.isArray(body) ? body : [body]) as Columns[];
	const fresh = creates.filter(({ id }) => !table.get(id));
	if (fresh.length < creates.length && !prefer.includes('resolution=')) return null;
	return fresh.map((one) => table.put(one));
}

/** One table's page of the log: nothing is ever deleted here, and nobody sees only a part. */
function pull(table: EmulatedTable, body: unknown, maxRows: number): string {
	const { request } = body as { request: { limit: number; pulls: readonly { cursor?: string }[] } };
	const limit = Math.min(request.limit, maxRows);
	const pages = request.pulls.map(({ cursor }) => {
		const found = table.since(Number(cursor ?? 0), limit + 1);
		const told = found.slice(0, limit);
		const next = String(told.at(-1)?.position ?? cursor ?? 0);
		const rest = {
			gone: [],
			left: [],
			cursor: next,
			more: found.length > limit,
			at: new Date().toISOString(),
		};
		const flags = JSON.stringify({ ...rest, reset: false, compare: false, tellsAll: true }).slice(1);
		return `{"rows":[${told.map(({ id }) => table.json(id)).join(',')}],${flags}`;
	});
	return `[${pages.join(',')}]`;
}

/** The row that the filters name, if it is as they say. */
function update(table: EmulatedTable, { searchParams }: URL, body: unknown): Row[] {
	const id = searchParams.get('id')?.slice(3) ?? '';
	const held = table.get(id);
	if (!held) return [];
	for (const [column, filter] of searchParams) {
		if (column !== 'select' && !isMet(filter, held[column])) return [];
	}
	return [table.put({ ...held, ...(body as Record<string, unknown>), id })];
}

function isMet(filter: string, value: unknown): boolean {
	const [, operator, operand = ''] = /^(eq|is)\.(.*)$/.exec(filter) ?? [];
	// A table that knows soft deletes has a column which says that a row is not deleted.
	if (value === undefined) return operand === 'false' || operand === 'null';
	return operator !== undefined && String(value) === operand;
}

function apply(table: EmulatedTable, { kind, id, base, body }: Mutation): { is: string; row: Row | null } {
	const held = table.get(id);
	if (kind === 'create' ? held : !held || held.updated_at !== base)
		return { is: 'missed', row: held ?? null };
	return { is: 'applied', row: table.put({ ...held, ...body, id }) };
}

/** `…00.123Z` as the stamps here are written, for they are compared as text. */
function toMicroseconds(timestamp: string): string {
	return timestamp.replace(/(\.\d{3})Z$/, '$1000+00:00');
}
