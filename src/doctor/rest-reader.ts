import { type QueryParam, toQuery } from '../core/encode-filter.ts';
import { PixSyncError } from '../core/errors.ts';
import type { SupabaseAccess } from '../services/supabase-access.ts';

export interface RestAnswer {
	readonly status: number;
	/** PostgREST's or PostgreSQL's code where the answer is a refusal. */
	readonly code: string | null;
	/** JSON, whatever it is. */
	readonly body: unknown;
}

/** Reads a path below the REST origin; `''` is the origin itself. Never writes. */
export type RestReader = (path: string, query?: readonly QueryParam[]) => Promise<RestAnswer>;

export interface RestReaderOptions {
	readonly access: SupabaseAccess;
	/** The bearer token; given with each request, so that the client's fetch does not put the public key there (F1). */
	readonly token: () => Promise<string>;
	readonly schema: string;
	readonly timeoutMs: number;
}

/** @returns a reader that rejects with PixSyncError: `network`, `timeout`, `bad-reply`, and what `token` throws. */
export function createRestReader({ access, token, schema, timeoutMs }: RestReaderOptions): RestReader {
	return async (path, query = []) => {
		const bearer = await token();
		const search = query.length > 0 ? `?${toQuery(query)}` : '';
		const controller = new AbortController();
		let timer: ReturnType<typeof setTimeout> | undefined;
		const overdue = new Promise<never>((_, reject) => {
			timer = setTimeout(() => {
				controller.abort();
				reject(noAnswer('timeout', `No answer within ${timeoutMs} ms`));
			}, timeoutMs);
		});
		const ask = async (): Promise<RestAnswer> => {
			const reply = await access.fetch(`${access.restUrl}/${encodeURIComponent(path)}${search}`, {
				headers: {
					...access.headers,
					apikey: access.key,
					authorization: `Bearer ${bearer}`,
					'accept-profile': schema,
				},
				redirect: 'error',
				cache: 'no-store',
				signal: controller.signal,
			});
			return toAnswer(reply.status, await reply.text());
		};
		try {
			return await Promise.race([ask(), overdue]);
		} catch (error) {
			if (error instanceof PixSyncError) throw error;
			throw noAnswer('network', 'The server could not be reached', error);
		} finally {
			clearTimeout(timer);
		}
	};
}

function toAnswer(status: number, text: string): RestAnswer {
	let body: unknown;
	try {
		body = JSON.parse(text);
	} catch (cause) {
		throw noAnswer('bad-reply', 'The answer is not from PostgREST', cause);
	}
	const code = typeof body === 'object' && body !== null && 'code' in body ? body.code : null;
	return { status, code: status >= 400 && typeof code === 'string' ? code : null, body };
}

function noAnswer(code: 'network' | 'timeout' | 'bad-reply', message: string, cause?: unknown): PixSyncError {
	return new PixSyncError(code, message, {
		fault: 'no-answer',
		hint: 'Look again when the connection is back.',
		...(cause === undefined ? {} : { cause }),
	});
}
