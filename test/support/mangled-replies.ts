import type { RandomSource } from './random-source.ts';

type Rows = readonly Record<string, unknown>[];

/** One way for an answer to be wrong. */
export interface Mangling {
	readonly name: string;
	/** Without it the request reaches the server, which does as it was told, and the answer is spoilt. */
	readonly isUnsent?: true;
	/** Throws what `fetch` would reject with. */
	readonly reply: (right: RightReply, random: RandomSource) => Response;
}

/** What the server answered; `rows` is empty where it was not asked. */
export interface RightReply {
	readonly status: number;
	readonly text: string;
	readonly rows: Rows;
}

const HTML = '<!doctype html><html><body>Please sign in to use this network: 400 401 PGRST301</body></html>';
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

const plain = (status: number, body: string | null, type = 'text/html') =>
	new Response(body, { status, headers: { 'content-type': type } });

const rowsOf = (rows: readonly unknown[], status = 200) =>
	new Response(JSON.stringify(rows), { status, headers: JSON_TYPE });

/** Each row changed by `change`. */
const changed =
	(change: (row: Record<string, unknown>, at: number) => unknown): Mangling['reply'] =>
	({ rows, status }) =>
		rowsOf(rows.map(change), status);

const without = (row: Record<string, unknown>, column: string) => {
	const { [column]: _, ...rest } = row;
	return rest;
};

/** What stands between a device and its server, and answers for it. The answer owes nothing to the request. */
const STRANGERS: readonly (readonly [string, () => Response])[] = [
	['HTML with 200', () => plain(200, HTML)],
	['HTML with 200 that says it is JSON', () => plain(200, HTML, 'application/json')],
	['HTML with 400', () => plain(400, HTML)],
	['HTML with 401', () => plain(401, HTML)],
	['HTML with 403', () => plain(403, HTML)],
	['HTML with 404', () => plain(404, HTML)],
	['HTML with 405', () => plain(405, HTML)],
	['HTML with 409', () => plain(409, HTML)],
	['HTML with 451', () => plain(451, HTML)],
	['HTML with 502', () => plain(502, HTML)],
	['an empty 200', () => plain(200, '', 'application/json')],
	['204', () => plain(204, null)],
	['an empty 404', () => plain(404, '', 'application/json')],
	['404 with an empty list', () => rowsOf([], 404)],
	['an empty 400', () => plain(400, '', 'application/json')],
	['304', () => plain(304, null)],
	['300 with JSON', () => rowsOf([], 300)],
	[
		'a redirect',
		() => {
			throw new TypeError('fetch failed: unexpected redirect');
		},
	],
	['null', () => plain(200, 'null', 'application/json')],
	['an object', () => plain(200, '{"message":"ok"}', 'application/json')],
	['a text', () => plain(200, '"ok"', 'application/json')],
	['a list of nulls', () => rowsOf([null])],
	['a list of numbers', () => rowsOf([1, 2])],
	['a list of lists', () => rowsOf([[{ id: 'x' }]])],
	['a list of texts', () => rowsOf(['a'])],
	['3 MB of HTML', () => plain(200, HTML.repeat(30_000))],
	['a NUL', () => plain(200, '\0', 'application/json')],
	['an error with 200', () => plain(200, '{"code":"23514","message":"no"}', 'application/json')],
	[
		'an error of a stranger with 400',
		() => plain(400, '{"code":"blocked","message":"no"}', 'application/json'),
	],
	['an error without a code', () => plain(400, '{"message":"Bad Request"}', 'application/json')],
	['an error whose code is a number', () => plain(400, '{"code":23514,"message":"no"}', 'application/json')],
];

const SPOILT: readonly Mangling[] = [
	{
		name: 'cut JSON',
		reply: ({ text }, random) => plain(200, text.slice(0, random.below(text.length)), 'application/json'),
	},
	{
		name: 'a body that breaks off',
		reply: ({ text }) => {
			const body = new ReadableStream({
				start(controller) {
					controller.enqueue(new TextEncoder().encode(text.slice(0, text.length / 2)));
					controller.error(new TypeError('terminated'));
				},
			});
			return new Response(body, { status: 200, headers: JSON_TYPE });
		},
	},
	{ name: 'two documents', reply: ({ text }) => plain(200, `${text}\n${text}`, 'application/json') },
	{
		name: 'a line a row',
		reply: ({ rows }) => plain(200, `${rows.map((row) => JSON.stringify(row)).join('\n')}\n\n;`),
	},
	{
		name: 'a NUL in its midst',
		reply: ({ text }) => plain(200, text.replace('"', '"\0'), 'application/json'),
	},
	{
		name: 'wrapped rows',
		reply: ({ rows }) => plain(200, JSON.stringify({ data: rows }), 'application/json'),
	},
	{ name: 'the right body with 500', reply: ({ rows }) => rowsOf(rows, 500) },
	{ name: 'the right body with 503', reply: ({ rows }) => rowsOf(rows, 503) },
	{ name: 'the right body with 400', reply: ({ rows }) => rowsOf(rows, 400) },
	{ name: 'the right body with 404', reply: ({ rows }) => rowsOf(rows, 404) },
	{ name: 'the right body with 207', reply: ({ rows }) => rowsOf(rows, 207) },
	{ name: 'the right body as text/html', reply: ({ text, status }) => plain(status, text) },
	{ name: 'rows without an id', reply: changed((row) => without(row, 'id')) },
	{ name: 'one row without an id', reply: changed((row, at) => (at === 0 ? without(row, 'id') : row)) },
	{ name: 'rows without a timestamp', reply: changed((row) => without(row, 'updated_at')) },
	{ name: 'timestamps that are none', reply: changed((row) => ({ ...row, updated_at: 'yesterday' })) },
	{ name: 'ids that are null', reply: changed((row) => ({ ...row, id: null })) },
	{ name: 'ids that are objects', reply: changed((row) => ({ ...row, id: { value: row.id } })) },
	{ name: 'empty ids', reply: changed((row) => ({ ...row, id: '' })) },
	{ name: 'empty rows', reply: changed(() => ({})) },
	{ name: 'a row that is null', reply: ({ rows }) => rowsOf([...rows, null]) },
	{ name: 'doubled rows', reply: ({ rows, status }) => rowsOf([...rows, ...rows], status) },
	{
		name: 'rows of another key',
		reply: changed((row) => ({
			...row,
			id: String(row.id).replace(/.$/, (last) => (last === '0' ? '1' : '0')),
		})),
	},
	{
		name: 'one row of another key',
		reply: changed((row, at) => (at === 0 ? { ...row, id: '00000000-0000-4000-8000-00000000dead' } : row)),
	},
	{ name: 'a row less', reply: ({ rows, status }, random) => rowsOf(dropped(rows, random), status) },
	{ name: 'no rows', reply: ({ status }) => rowsOf([], status) },
	{
		name: 'the version of long ago',
		reply: changed((row) => ({ ...row, updated_at: '2001-02-03T04:05:06.789+00:00' })),
	},
	{
		name: 'more rows than anybody asked for',
		reply: ({ rows, status }) =>
			rowsOf(
				Array.from({ length: 3_000 }, (_, at) => rows[at % rows.length] ?? {}),
				status,
			),
	},
];

/** Answers that come although the server never saw the request, and answers that were right before they were spoilt. */
export const MANGLINGS: readonly Mangling[] = [
	...STRANGERS.map(([name, reply]): Mangling => ({ name: `${name}, unsent`, isUnsent: true, reply })),
	...STRANGERS.map(([name, reply]): Mangling => ({ name, reply })),
	...SPOILT,
];

/** A device's `fetch` that can be told to spoil answers. */
export interface Mangler {
	readonly fetch: typeof fetch;
	/** Spoils the answers to the next `times` requests that match. @returns how many it has spoilt so far. */
	arm(
		match: (method: string, url: URL) => boolean,
		mangling: Mangling,
		times: number,
		random: RandomSource,
	): () => number;
	disarm(): void;
}

export function createMangler(): Mangler {
	let armed: ((method: string, url: URL) => Mangling | null) | null = null;
	let source: RandomSource | null = null;
	return {
		fetch: async (input, init) => {
			const mangling = armed?.(init?.method ?? 'GET', new URL(String(input)));
			if (!mangling || !source) return fetch(input, init);
			if (mangling.isUnsent) return mangling.reply({ status: 200, text: '', rows: [] }, source);
			const reply = await fetch(input, init);
			const text = await reply.text();
			const rows: unknown = text === '' ? [] : JSON.parse(text);
			return mangling.reply({ status: reply.status, text, rows: Array.isArray(rows) ? rows : [] }, source);
		},
		arm(match, mangling, times, random) {
			let hits = 0;
			source = random;
			armed = (method, url) => (hits < times && match(method, url) && ++hits > 0 ? mangling : null);
			return () => hits;
		},
		disarm() {
			armed = null;
		},
	};
}

function dropped(rows: Rows, random: RandomSource): Rows {
	const at = random.below(Math.max(1, rows.length));
	return rows.filter((_, index) => index !== at);
}
