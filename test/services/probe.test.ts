import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createProbe, type ProbeOptions } from '../../src/services/probe.ts';

const json = 'application/json; charset=utf-8';
const portal =
	'<!doctype html><html><body>Accept our terms to use "code", "message" and the Wi-Fi</body></html>';

const replies: Readonly<Record<string, readonly [status: number, type: string, body: string]>> = {
	'/rows': [200, json, '[{"id":1}]'],
	'/empty-list': [200, json, '[]'],
	'/openapi': [200, json, '{"swagger":"2.0","info":{},"paths":{}}'],
	'/no-key': [401, json, '{"message":"No API key found in request"}'],
	'/expired': [401, json, '{"code":"PGRST303","details":null,"hint":null,"message":"JWT expired"}'],
	'/gotrue': [403, json, '{"code":403,"error_code":"bad_jwt","msg":"invalid JWT"}'],
	'/broken': [
		503,
		json,
		'{"code":"PGRST002","message":"Could not query the database for the schema cache."}',
	],
	'/portal': [200, 'text/html', portal],
	'/lying-portal': [200, json, portal],
	'/portal-api': [200, 'application/captive+json', '{"captive":true,"user-portal-url":"https://x.example"}'],
	'/empty': [204, json, ''],
	'/null': [200, json, 'null'],
	'/text': [200, json, '"message"'],
	'/number': [200, json, '1'],
	'/bad-gateway': [502, 'text/html', '<h1>502 Bad Gateway</h1>'],
};

let server: Server;
let origin: string;
const seen: IncomingMessage[] = [];

beforeAll(async () => {
	server = createServer((request, response) => {
		seen.push(request);
		answer(request.url ?? '/', response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
});

function answer(path: string, response: ServerResponse) {
	if (path === '/hang') return;
	if (path === '/hang-in-body') {
		response.writeHead(200, { 'content-type': json });
		response.write('[{"id":');
		return;
	}
	if (path === '/redirect') {
		response.writeHead(302, { location: '/portal' }).end();
		return;
	}
	const [status, type, body] = replies[path] ?? [404, 'text/plain', 'no such page'];
	response.writeHead(status, { 'content-type': type }).end(body);
}

function ask(path: string, options: Partial<ProbeOptions> = {}, signal = new AbortController().signal) {
	const probe = createProbe({
		fetch: globalThis.fetch,
		url: () => `${origin}${path}`,
		headers: () => ({ apikey: 'anon' }),
		timeoutMs: 2_000,
		...options,
	});
	return probe(signal);
}

describe('probe', () => {
	it.each(['/rows', '/empty-list', '/openapi', '/no-key', '/expired', '/gotrue', '/broken'])(
		'[F56] %s comes from the server, whatever its status',
		async (path) => {
			expect(await ask(path)).toBe(true);
		},
	);

	it.each([
		'/portal',
		'/lying-portal',
		'/portal-api',
		'/redirect',
		'/empty',
		'/null',
		'/text',
		'/number',
		'/bad-gateway',
		'/missing',
	])('[F56] %s proves nothing', async (path) => {
		expect(await ask(path)).toBe(false);
	});

	it.each(['/hang', '/hang-in-body'])('[F56] %s ends in time', async (path) => {
		const before = performance.now();
		expect(await ask(path, { timeoutMs: 100 })).toBe(false);
		expect(performance.now() - before).toBeLessThan(1_500);
	});

	it('[F56] a fetch that ignores its signal ends in time too', async () => {
		expect(await ask('/', { timeoutMs: 20, fetch: () => new Promise(() => {}) })).toBe(false);
	});

	it('[F56] connection refused', async () => {
		const closed = createServer();
		await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
		const { port } = closed.address() as AddressInfo;
		await new Promise((resolve) => closed.close(resolve));
		expect(await ask('/', { url: () => `http://127.0.0.1:${port}/` })).toBe(false);
	});

	it('[F56] DNS failure', async () => {
		expect(await ask('/', { url: () => 'http://pixsync.invalid/' })).toBe(false);
	});

	it.each<[string, Partial<ProbeOptions>]>([
		['url', { url: fail }],
		['headers', { headers: fail }],
		['fetch', { fetch: fail }],
		['address', { url: () => 'not an address' }],
	])('never rejects: a bad %s', async (_, options) => {
		expect(await ask('/rows', options)).toBe(false);
	});

	it('obeys the caller’s signal, before and during', async () => {
		const count = seen.length;
		expect(await ask('/rows', {}, AbortSignal.abort())).toBe(false);
		expect(seen.length).toBe(count);

		const controller = new AbortController();
		const asking = ask('/hang', { timeoutMs: 20_000 }, controller.signal);
		controller.abort();
		expect(await asking).toBe(false);
	});

	it('asks past every cache, with the headers and the address of the moment', async () => {
		const requests: { readonly url: unknown; readonly init: RequestInit | undefined }[] = [];
		let turn = 0;
		const probe = createProbe({
			fetch: async (url, init) => {
				requests.push({ url, init });
				return new Response('[]');
			},
			url: () => `https://x.example/${turn}`,
			headers: () => ({ apikey: `key ${turn}` }),
			timeoutMs: 1_000,
		});
		for (turn = 1; turn <= 2; turn++) await probe(new AbortController().signal);
		expect(requests).toMatchObject([
			{ url: 'https://x.example/1', init: { cache: 'no-store', headers: { apikey: 'key 1' } } },
			{ url: 'https://x.example/2', init: { cache: 'no-store', headers: { apikey: 'key 2' } } },
		]);
	});

	it('calls fetch on no object: browsers throw "Illegal invocation" otherwise', async () => {
		const receivers: unknown[] = [];
		function fetch(this: unknown) {
			receivers.push(this);
			return Promise.resolve(new Response('[]'));
		}
		expect(await ask('/', { fetch })).toBe(true);
		expect(receivers).toEqual([undefined]);
	});

	it('[S31] leaves no timer and no listener behind, however it ends', async () => {
		const timers = { set: vi.spyOn(globalThis, 'setTimeout'), clear: vi.spyOn(globalThis, 'clearTimeout') };
		const own = 54_321;
		for (const fetch of [async () => new Response('[]'), async () => new Response('<html>'), fail]) {
			const { signal } = new AbortController();
			const added = vi.spyOn(signal, 'addEventListener');
			const removed = vi.spyOn(signal, 'removeEventListener');
			await ask('/', { fetch, timeoutMs: own }, signal);
			expect(removed.mock.calls).toEqual(added.mock.calls);
		}
		const ids = timers.set.mock.results.filter((_, i) => timers.set.mock.calls[i]?.[1] === own);
		const cleared = timers.clear.mock.calls.map(([id]) => id);
		expect(ids).toHaveLength(3);
		for (const { value } of ids) expect(cleared).toContain(value);
		vi.restoreAllMocks();
	});
});

function fail(): never {
	throw new Error('boom');
}
