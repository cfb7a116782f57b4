import { overTheWire, type RestReply } from '../support/memory-rest.ts';
import { createMemoryServer } from '../support/memory-server.ts';
import { toServerText } from '../support/memory-table.ts';
import { connectRest } from '../support/rest-remote.ts';
import { CONTRACT_TABLE_NAMES, CONTRACT_TABLES } from './contract-tables.ts';
import { hasKind, type RemoteBackend } from './remote-backend.ts';

const URL_OF_NOWHERE = 'http://memory.test';
const METHODS = { create: 'POST', patch: 'PATCH', delete: 'DELETE' } as const;

type Kind = keyof typeof METHODS;

/** A transport before the in-memory server's HTTP: the same bytes as to PostgREST, without a network. */
export function startMemoryRestBackend(transport: 'rest' | 'rpc' = 'rest'): Promise<RemoteBackend> {
	const start = () => {
		const started = createMemoryServer({
			now: () => Date.now(),
			tables: CONTRACT_TABLE_NAMES.map((name) => CONTRACT_TABLES[name].memory),
		});
		if (transport === 'rpc') started.migrate(CONTRACT_TABLE_NAMES);
		return started;
	};
	let server = start();
	let losses: { readonly what: 'request' | 'reply'; readonly kind: Kind }[] = [];
	let delayMs = 0;
	let isRefusing = false;
	let onHang: (() => void) | null = null;

	const loseIf = (what: 'request' | 'reply', method: string, body: unknown) => {
		const loss = losses.find(({ kind }) =>
			transport === 'rpc' ? hasKind(body, kind) : METHODS[kind] === method,
		);
		if (loss?.what !== what) return;
		losses = losses.filter((one) => one !== loss);
		throw new TypeError('fetch failed');
	};

	const fetchFrom: typeof fetch = async (input, init = {}) => {
		const { pathname, searchParams } = new URL(String(input));
		const method = init.method ?? 'GET';
		const headers = new Headers(init.headers);
		if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
		delayMs = 0;
		if (onHang) {
			onHang();
			onHang = null;
			await new Promise(() => undefined);
		}
		const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
		loseIf('request', method, body);
		const name = decodeURIComponent(pathname.split('/').at(-1) ?? '');
		const caller = { userId: null, by: 'device' };
		const prefer = headers.get('prefer') ?? '';
		const reply: RestReply = isRefusing
			? { status: 401, body: { code: 'PGRST301', message: 'JWT expired' } }
			: pathname.includes('/rpc/')
				? server.rpc({ ...caller, name, body })
				: server.rest({ ...caller, table: name, method, query: searchParams, body, prefer });
		loseIf('reply', method, body);
		return new Response(method === 'HEAD' ? null : overTheWire(reply.body), {
			status: reply.status,
			headers: { 'content-type': 'application/json', date: new Date().toUTCString(), ...reply.headers },
		});
	};

	return Promise.resolve({
		isOneRequest: transport === 'rpc',
		connect: () => connectRest({ url: URL_OF_NOWHERE, anonKey: 'anon' }, { fetch: fetchFrom, transport }),
		now: async () => toServerText(BigInt(Date.now()) * 1000n),
		put: async (table, row, stampedAt) =>
			server.put(table, row, stampedAt === undefined ? {} : { stampedAt }),
		patch: async (table, id, changes) => server.patch(table, id, changes),
		async remove(table, id) {
			server.remove(table, id);
		},
		rows: async (table) => server.rows(table),
		async setMaxRows(rows) {
			server.setMaxRows(rows);
		},
		loseNext(what, kind) {
			losses.push({ what, kind });
		},
		hangNext: () =>
			new Promise<void>((resolve) => {
				onHang = resolve;
			}),
		delayNext(ms) {
			delayMs = ms;
		},
		refuseSessions(isOn) {
			isRefusing = isOn;
		},
		async reset() {
			losses = [];
			delayMs = 0;
			isRefusing = false;
			onHang = null;
			server = start();
		},
		stop: () => Promise.resolve(),
	});
}
