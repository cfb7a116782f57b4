import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BenchServer, Traffic } from '../server.ts';
import { type Couch, createCouch } from './couch.ts';
import { askPostgrest, type Reply } from './postgrest.ts';
import { createEmulatedTable } from './table.ts';

const NONE: Traffic = { requests: 0, preflights: 0 };

const HEADERS = {
	'access-control-allow-origin': '*',
	'access-control-allow-headers': '*, authorization',
	'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
	'access-control-expose-headers': 'Content-Range, Date',
	'access-control-max-age': '86400',
	'content-type': 'application/json',
};

/** A project in memory: so fast that it is not what a benchmark measures. */
export async function startEmulator(): Promise<BenchServer> {
	const table = createEmulatedTable();
	let couch: Couch = createCouch(table);
	let traffic: Traffic = NONE;
	let visitors = 0;

	function reply(request: IncomingMessage, sent: string): Reply {
		const [method, url] = [request.method ?? 'GET', new URL(request.url ?? '/', origin)];
		const body: unknown = sent ? JSON.parse(sent) : undefined;
		if (url.pathname.includes('/couch/')) return couch({ method, url, body });
		const prefer = request.headers.prefer?.toString() ?? '';
		return askPostgrest(table, { method, url, body, prefer, maxRows: server.maxRows });
	}

	async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		if (server.latencyMs > 0) await new Promise((resolve) => setTimeout(resolve, server.latencyMs));
		if (request.method === 'OPTIONS') {
			traffic = { ...traffic, preflights: traffic.preflights + 1 };
			response.writeHead(204, HEADERS).end();
			return;
		}
		traffic = { ...traffic, requests: traffic.requests + 1 };
		const sent = await textOf(request);
		const { status, text, found } = reply(request, sent);
		response.writeHead(status, { ...HEADERS, ...contentRange(found) });
		response.end(request.method === 'HEAD' ? undefined : text);
	}

	const http = createServer((request, response) => {
		answer(request, response).catch((error: unknown) => {
			response.writeHead(500, HEADERS).end(JSON.stringify({ message: String(error) }));
		});
	});
	await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
	const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
	const server: BenchServer = {
		freshUrl: () => `${origin}/${++visitors}`,
		key: 'key',
		latencyMs: 0,
		maxRows: 1_000,
		traffic: () => traffic,
		clearTraffic() {
			traffic = NONE;
		},
		async fill(rows) {
			table.fill(rows);
			couch = createCouch(table);
		},
		async change(rows, title) {
			table.change(rows, title);
		},
		count: async () => table.size,
		numberOf: async (id) => table.get(id)?.n,
		stop: () =>
			new Promise((resolve) => {
				http.close(() => resolve());
				http.closeAllConnections();
			}),
	};
	return server;
}

async function textOf(request: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString();
}

/** The header by which PostgREST tells which rows of all that there are the answer has. */
function contentRange(found: number | undefined): Readonly<Record<string, string>> {
	if (found === undefined) return {};
	return { 'content-range': found === 0 ? '*/*' : `0-${found - 1}/*` };
}
