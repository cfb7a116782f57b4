import { PULL_FUNCTION } from '../../src/sql/migration.ts';
import type { PullCall } from '../support/memory-pull.ts';
import type { PushCall } from '../support/memory-rpc.ts';

/** A request as the server reads it. */
export interface ParsedRequest {
	/** The table; of a call of a function, the function. */
	readonly name: string;
	readonly query: URLSearchParams;
	/** The JSON. */
	readonly body: unknown;
	/** What the push function is asked; null: REST. */
	readonly call: PushCall | null;
	/** What the pull function is asked; null: something else is. */
	readonly pull: PullCall | null;
}

export function parseRequest(url: string, body: string | null): ParsedRequest {
	const { pathname, searchParams: query } = new URL(url);
	const name = decodeURIComponent(pathname.split('/').at(-1) ?? '');
	const parsed: unknown = body === null ? undefined : JSON.parse(body);
	const given = pathname.includes('/rpc/') ? (parsed as { readonly request: unknown }).request : null;
	const isPull = name === PULL_FUNCTION;
	const call = isPull ? null : (given as PushCall | null);
	return { name, query, body: parsed, call, pull: isPull ? (given as PullCall) : null };
}

/**
 * The table to which a request sends creates that no ledger knows by a name, so that they may be made anew where the
 * request arrives twice; null: none.
 */
export function namelessCreatesOf(method: string, url: string, body: string | null): string | null {
	if (method !== 'POST') return null;
	const { name, call, pull } = parseRequest(url, body);
	if (pull) return null;
	if (!call) return name;
	return call.mutations.some(({ kind, push }) => kind === 'create' && push === null) ? call.table : null;
}
