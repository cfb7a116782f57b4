import { toServerError } from '../../src/core/classify.ts';
import { PixSyncError } from '../../src/core/errors.ts';

/** What a database says no with: an SQLSTATE, or a code of PostgREST's. */
export interface Refusal {
	readonly code: string;
	readonly message: string;
}

/** A refusal as the REST transport reports it: classified by its code. */
export function toRefused(table: string, { code, message }: Refusal): PixSyncError {
	return toServerError({ ...NO_DETAILS, status: statusOf(code), code, message }, table);
}

/** Nobody answered: thrown by `before` the request is lost, thrown by `after` the reply. */
export function connectionLost(table?: string): PixSyncError {
	return new PixSyncError('network', 'The server could not be reached', {
		fault: 'no-answer',
		hint: 'Sync goes on by itself when the connection is back.',
		...(table === undefined ? {} : { table }),
	});
}

/** A 401, as for an expired token. */
export function sessionRefused(table: string): PixSyncError {
	return toServerError({ ...NO_DETAILS, status: 401, code: 'PGRST301', message: 'JWT expired' }, table);
}

/** A gateway that answers for a server which is down or too busy. */
export function unavailable(
	table: string,
	status: 429 | 503,
	retryAfterMs: number | null = null,
): PixSyncError {
	return toServerError({ ...NO_DETAILS, status, code: null, message: null, retryAfterMs }, table);
}

const NO_DETAILS = { hint: null, retryAfterMs: null } as const;

/** The status that PostgREST gives an error of this code. */
export function statusOf(code: string): number {
	return STATUS[code] ?? 400;
}

const STATUS: Readonly<Record<string, number>> = {
	...{ '23503': 409, '23505': 409, '42501': 403, '42P01': 404 },
	PGRST202: 404,
};
