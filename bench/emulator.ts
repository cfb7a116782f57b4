import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Row {
	readonly id: string;
	readonly updated_at: string;
	readonly [column: string]: unknown;
}

/** What the server was asked for since it was last cleared. */
export interface Traffic {
	requests: number;
	preflights: number;
	/** Bodies, both ways. */
	bytes: number;
}

/**
 * As much of PostgREST as a download and an upload of one table ask for, in memory: so fast that it is not what a
 * benchmark measures. It checks versions, stamps each change and knows the function of the RPC transport.
 */
export interface Emulator {
	readonly url: string;
	readonly traffic: Traffic;
	/** Added to each request. @default 0 */
	latencyMs: number;
	/** Empties the table and fills it with so many rows. */
	fill(rows: number): void;
	/** Somebody else changes the first so many rows. */
	change(rows: number): void;
	row(id: string): Row | undefined;
	readonly size: number;
	clearTraffic(): void;
	stop(): Promise<void>;
}

interface Stamped {
	readonly at: string;
	readonly id: string;
}

interface Mutation {
	readonly kind: 'create' | 'update';
	readonly id: string;
	readonly base: string | null;
	readonly body: Record<string, unknown>;
}

const START_US = Date.parse('2026-01-01T00:00:00Z') * 1000;

export async function startEmulator(): Promise<Emulator> {
	const rows = new Map<string, { row: Row; json: string }>();
	/** Every change in the order of its stamp; all but a row's last are stale. */
	let changes: Stamped[] = [];
	let clockUs = START_US;
	const traffic: Traffic = { requests: 0, preflights: 0, bytes: 0 };

	function put(columns: Record<string, unknown> & { id: string }): Row {
		const at = toTimestamp(++clockUs);
		const row: Row = { ...columns, updated_at: at };
		rows.set(row.id, { row, json: JSON.stringify(row) });
		changes.push({ at, id: row.id });
		return row;
	}

	function after(timestamp: string, isInclusive: boolean, limit: number): string[] {
		let [low, high] = [0, changes.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			const at = changes[middle]?.at ?? '';
			if (isInclusive ? at < timestamp : at <= timestamp) low = middle + 1;
			else high = middle;
		}
		const found: string[] = [];
		for (let at = low; at < changes.length && found.length < limit; at++) {
			const change = changes[at];
			const held = change && rows.get(change.id);
			if (held && held.row.updated_at === change.at) found.push(held.row.id);
		}
		return found;
	}

	function read({ searchParams }: URL): string {
		const limit = Math.min(1_000, Number(searchParams.get('limit') ?? 1_000));
		const among = /^in\.\((.*)\)$/.exec(searchParams.get('id') ?? '')?.[1];
		const from =
			/updated_at\.gt\."([^"]+)"/.exec(searchParams.get('or') ?? '')?.[1] ??
			/^gte\.(.*)$/.exec(searchParams.get('updated_at') ?? '')?.[1];
		const ids = among
			? among.split(',').map((id) => id.replaceAll('"', ''))
			: after(from ?? '', !searchParams.has('or'), limit);
		const isKeys = searchParams.get('select') === 'id,updated_at';
		const told = ids.flatMap((id) => {
			const held = rows.get(id);
			if (!held) return [];
			return isKeys ? JSON.stringify({ id, updated_at: held.row.updated_at }) : held.json;
		});
		return `[${told.join(',')}]`;
	}

	function apply({ kind, id, base, body }: Mutation): { is: string; row: Row | null } {
		const held = rows.get(id)?.row;
		if (kind === 'create' ? held : !held || held.updated_at !== base)
			return { is: 'missed', row: held ?? null };
		return { is: 'applied', row: put({ ...held, ...body, id }) };
	}

	function write(method: string, { pathname, searchParams }: URL, body: unknown): unknown {
		if (pathname.endsWith('/rpc/pixsync_push')) {
			return (body as { request: { mutations: Mutation[] } }).request.mutations.map(apply);
		}
		if (method === 'POST') {
			const creates = body as (Record<string, unknown> & { id: string })[];
			return creates.filter(({ id }) => !rows.has(id)).map((one) => put(one));
		}
		const id = searchParams.get('id')?.slice(3) ?? '';
		const base = searchParams.get('updated_at')?.slice(3) ?? null;
		const { is, row } = apply({ kind: 'update', id, base, body: body as Record<string, unknown> });
		return is === 'applied' ? [row] : [];
	}

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		const headers = {
			'access-control-allow-origin': '*',
			'access-control-allow-headers': '*, authorization',
			'access-control-allow-methods': 'GET, POST, PATCH, DELETE',
			'access-control-expose-headers': 'Date',
			'access-control-max-age': '86400',
			'content-type': 'application/json',
		};
		if (emulator.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, emulator.latencyMs));
		if (request.method === 'OPTIONS') {
			traffic.preflights++;
			response.writeHead(204, headers).end();
			return;
		}
		traffic.requests++;
		const sent = await textOf(request);
		const url = new URL(request.url ?? '/', emulator.url);
		const method = request.method ?? 'GET';
		const text = method === 'GET' ? read(url) : JSON.stringify(write(method, url, JSON.parse(sent)));
		traffic.bytes += sent.length + text.length;
		response.writeHead(200, headers).end(text);
	}

	const server = createServer((request, response) => {
		answer(request, response).catch((error: unknown) => {
			response.writeHead(500).end(String(error));
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	const emulator: Emulator = {
		url: `http://127.0.0.1:${port}`,
		traffic,
		latencyMs: 0,
		fill(count) {
			rows.clear();
			changes = [];
			for (let n = 0; n < count; n++) put(newRow(n));
		},
		change(count) {
			let left = count;
			for (const [id, { row }] of [...rows]) {
				if (left-- === 0) return;
				put({ ...row, id, title: `changed ${left}` });
			}
		},
		row: (id) => rows.get(id)?.row,
		get size() {
			return rows.size;
		},
		clearTraffic() {
			Object.assign(traffic, { requests: 0, preflights: 0, bytes: 0 });
		},
		stop: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	return emulator;
}

/** The id of a row that {@link Emulator.fill} makes. */
export function idOf(n: number): string {
	return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** About 320 bytes of JSON. */
function newRow(n: number): Record<string, unknown> & { id: string } {
	return {
		id: idOf(n),
		title: `Note ${n}`,
		body: 'lorem ipsum dolor sit amet '.repeat(7),
		n,
		done: n % 2 === 0,
	};
}

function toTimestamp(us: number): string {
	return `${new Date(Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}+00:00`;
}

async function textOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString();
}
