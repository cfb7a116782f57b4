import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { type GatewayHandler, toReply } from './gateway-exchange.ts';
import { sendHttp } from './http-client.ts';

export const REST_PATH = '/rest/v1';

/** Of one connection only, or remade by the gateway. */
const NOT_PASSED_ON = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host', 'apikey'];

/** Passes requests on to PostgREST: same query, headers and body, the path without its prefix. */
export function createRestHandler(port: number): GatewayHandler {
	return async ({ method, path, search, headers, body, bearer }) => {
		const outgoing = {
			...passOn(headers),
			authorization: `Bearer ${bearer}`,
			...(body.length > 0 && { 'content-length': body.length }),
		};
		const target = `${path.slice(REST_PATH.length) || '/'}${search}`;
		try {
			const answer = await sendHttp({ port, method, path: target, headers: outgoing, body });
			return { ...answer, headers: passOn(answer.headers) };
		} catch {
			return toReply(502, { message: 'An invalid response was received from the upstream server' });
		}
	};
}

function passOn(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
	const kept = Object.entries(headers).filter(
		([name]) => !NOT_PASSED_ON.includes(name) && !name.startsWith('access-control-'),
	);
	return Object.fromEntries(kept);
}
