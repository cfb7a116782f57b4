import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AUTH_PATH } from './auth-handler.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import type { FaultEffect, FaultPlanner } from './faults.ts';
import {
	type GatewayHandler,
	type GatewayReply,
	type GatewayRequest,
	parseBody,
	toReply,
} from './gateway-exchange.ts';
import { REALTIME_PATH, type Realtime } from './realtime.ts';
import type { RequestLog } from './request-log.ts';
import { REST_PATH } from './rest-handler.ts';

/** The one address that clients know, as a project's URL: `/rest/v1`, `/auth/v1`, `/realtime/v1`, CORS, API keys, faults. */
export interface Gateway {
	/** `http://127.0.0.1:<port>` */
	readonly url: string;
	/** Destroys all connections. */
	stop(): Promise<void>;
}

export interface GatewayOptions {
	readonly rest: GatewayHandler;
	readonly auth: GatewayHandler;
	/** The accepted values of the `apikey` header. */
	readonly apiKeys: readonly string[];
	readonly faults: FaultPlanner;
	readonly log: RequestLog;
	readonly realtime: Pick<Realtime, 'upgrade'>;
}

/** Long: a client must not find a kept-alive connection closed because a test blocked the event loop. */
const KEEP_ALIVE_MS = 75_000;

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
	const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (incoming, outgoing) => {
		respond(options, incoming, outgoing).catch((error: unknown) => {
			if (incoming.destroyed || outgoing.destroyed) return;
			send(incoming, outgoing, toReply(500, { message: `gateway: ${error}` }));
		});
	});
	// Sockets are in no log of requests; what cuts requests cuts them.
	server.on('upgrade', (incoming, socket, head) => {
		const [path] = (incoming.url ?? '').split('?');
		if (path !== REALTIME_PATH || options.faults.isCut) socket.destroy();
		else options.realtime.upgrade(incoming, socket, head);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the gateway has no port');
	return {
		url: `http://127.0.0.1:${address.port}`,
		async stop() {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}

async function respond(
	options: GatewayOptions,
	incoming: IncomingMessage,
	outgoing: ServerResponse,
): Promise<void> {
	const { faults, log } = options;
	const request = await readRequest(incoming);
	const complete = log.open(request);
	if (faults.isCut) return void incoming.socket.destroy();
	const finish = (reply: GatewayReply) => {
		if (outgoing.destroyed) return;
		complete(reply);
		send(incoming, outgoing, reply);
	};
	if (request.method === 'OPTIONS')
		return finish({ ...toReply(204), headers: preflightHeaders(incoming.headers) });

	const { latencyMs, effect } = faults.plan({ ...request, body: parseBody(request.body) });
	if (latencyMs > 0) await sleep(latencyMs);
	if (outgoing.destroyed) return;
	const reply = await applyEffect(effect, () => handle(options, request));
	if (reply === 'destroy') incoming.socket.destroy();
	else if (reply !== 'hang') finish(reply);
}

async function applyEffect(
	effect: Exclude<FaultEffect, { kind: 'latency' }> | undefined,
	passOn: () => Promise<GatewayReply>,
): Promise<GatewayReply | 'destroy' | 'hang'> {
	if (effect === undefined) return passOn();
	switch (effect.kind) {
		case 'hang':
			return 'hang';
		case 'drop-before':
			return 'destroy';
		case 'drop-after':
			await passOn();
			return 'destroy';
		case 'reply':
			await passOn();
			return toReply(effect.status, effect.body, effect.headers);
		case 'status':
			return toReply(effect.status, effect.body, effect.headers);
		default:
			return unreachable(effect);
	}
}

async function handle(
	{ rest, auth, apiKeys }: GatewayOptions,
	request: GatewayRequest,
): Promise<GatewayReply> {
	const isBelow = (prefix: string) => request.path === prefix || request.path.startsWith(`${prefix}/`);
	const handler = isBelow(REST_PATH) ? rest : isBelow(AUTH_PATH) ? auth : undefined;
	if (!handler) return toReply(404, { message: 'no Route matched with those values' });
	const key = request.headers.apikey?.toString() ?? new URLSearchParams(request.search).get('apikey');
	if (!key) {
		const hint = 'No `apikey` request header or url param was found.';
		return toReply(401, { message: 'No API key found in request', hint });
	}
	if (apiKeys.includes(key)) return handler(request);
	const hint = 'Double check your Supabase `anon` or `service_role` API key.';
	return toReply(401, { message: 'Invalid API key', hint });
}

async function readRequest(incoming: IncomingMessage): Promise<GatewayRequest> {
	const chunks: Buffer[] = [];
	for await (const chunk of incoming) chunks.push(chunk);
	const { method = 'GET', url = '/', headers } = incoming;
	const [path = '/', ...query] = url.split('?');
	const search = query.length > 0 ? `?${query.join('?')}` : '';
	const bearer = headers.authorization?.replace(/^bearer /i, '') ?? headers.apikey?.toString() ?? '';
	return { method, path, search, headers, body: Buffer.concat(chunks), bearer };
}

/** PostgREST's own `Date` is passed through; Node adds one to the other answers. */
function send(incoming: IncomingMessage, outgoing: ServerResponse, reply: GatewayReply): void {
	const length =
		incoming.method === 'HEAD' || reply.status === 204 ? {} : { 'content-length': reply.body.length };
	outgoing.writeHead(reply.status, { ...corsHeaders, ...reply.headers, ...length });
	outgoing.end(reply.body);
}

function unreachable(value: never): never {
	throw new Error(`unhandled: ${JSON.stringify(value)}`);
}
