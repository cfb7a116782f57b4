import { type GatewayReply, type GatewayRequest, toReply } from './gateway-exchange.ts';

export interface AuthReply {
	readonly status: number;
	readonly body: unknown;
	readonly failure?: { readonly code: string; readonly message: string };
}

/** From this version of the API on, errors are `{code, message}`; a client names the version it speaks. */
const VERSION_HEADER = 'x-supabase-api-version';
const VERSION = '2024-01-01';

/** @param code one of GoTrue's error codes, which clients classify by. */
export function authFailure(status: number, code: string, message: string): AuthReply {
	return { status, body: undefined, failure: { code, message } };
}

/** Errors in the shape of the API version that the client asked for. */
export function toAuthReply(request: GatewayRequest, { status, body, failure }: AuthReply): GatewayReply {
	if (!failure) return toReply(status, body);
	const { code, message } = failure;
	const version = request.headers[VERSION_HEADER]?.toString() ?? '';
	if (version >= VERSION) return toReply(status, { code, message }, { [VERSION_HEADER]: VERSION });
	return toReply(status, { code: status, error_code: code, msg: message });
}
