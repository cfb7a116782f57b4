import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';

export interface HttpRequest {
	/** Of 127.0.0.1. */
	readonly port: number;
	readonly method: string;
	readonly path: string;
	readonly headers?: OutgoingHttpHeaders;
	readonly body?: Buffer;
}

export interface HttpAnswer {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

/** An idle connection is closed here well before PostgREST closes it (30 s), so none dies under a request. */
const IDLE_MS = 10_000;

const agent = new Agent({ keepAlive: true, timeout: IDLE_MS });

/**
 * One HTTP exchange on 127.0.0.1 over kept-alive connections, answer read to its end. Rejects when the
 * connection fails. Unlike the global `fetch` no test replaces it.
 */
export function sendHttp({ port, method, path, headers = {}, body }: HttpRequest): Promise<HttpAnswer> {
	return new Promise((resolve, reject) => {
		const outgoing = request({ agent, host: '127.0.0.1', port, method, path, headers }, (incoming) => {
			const chunks: Buffer[] = [];
			incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
			incoming.on('error', reject);
			incoming.on('end', () => {
				const { statusCode: status = 502 } = incoming;
				resolve({ status, headers: incoming.headers, body: Buffer.concat(chunks) });
			});
		});
		outgoing.on('error', reject);
		outgoing.end(body);
	});
}
