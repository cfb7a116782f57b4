import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** A request as the gateway hands it to its parts: body read, path split from its query. */
export interface GatewayRequest {
	readonly method: string;
	/** Without the query: `/rest/v1/todos`. */
	readonly path: string;
	/** With its question mark, or empty. */
	readonly search: string;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
	/** The token to act under: that of `Authorization`, else the API key. Not yet checked. */
	readonly bearer: string;
}

export interface GatewayReply {
	readonly status: number;
	readonly headers: OutgoingHttpHeaders;
	readonly body: Buffer;
}

/** Answers any request below its path; rejects only on a defect, which the gateway answers with 500. */
export type GatewayHandler = (request: GatewayRequest) => Promise<GatewayReply>;

/** A string is sent as it is, anything else as JSON, `undefined` as an empty body. */
export function toReply(status: number, body?: unknown, headers: OutgoingHttpHeaders = {}): GatewayReply {
	const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
	const type = text === '' ? {} : { 'content-type': 'application/json; charset=utf-8' };
	return { status, headers: { ...type, ...headers }, body: Buffer.from(text) };
}

/** Parsed when it is JSON, text otherwise, `undefined` when empty. */
export function parseBody(body: Buffer): unknown {
	if (body.length === 0) return undefined;
	const text = body.toString();
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
