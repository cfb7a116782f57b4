import { RETRY_AFTER_CAP_MS } from '../../core/backoff.ts';
import { isAnswerOf, toServerError } from '../../core/classify.ts';
import { toQuery } from '../../core/encode-filter.ts';
import { PixSyncError } from '../../core/errors.ts';
import { isRow } from '../../core/is-record.ts';
import type { Row } from '../../core/types.ts';
import { withoutValues } from '../../core/without-values.ts';
import { throwIfAborted } from '../run.ts';
import type { Session } from '../session.ts';
import type { SupabaseAccess } from '../supabase-access.ts';

export interface HttpRequest {
	readonly table: string;
	/** Below the REST root. @default the table's name */
	readonly path?: string;
	readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'DELETE';
	readonly query: readonly (readonly [string, string])[];
	readonly body?: unknown;
	readonly prefer?: readonly string[];
	readonly signal: AbortSignal;
}

export interface HttpReply extends HttpTiming {
	/** None of a HEAD. */
	readonly rows: readonly Row[];
	/** Of a HEAD: whether there is a row; null: the answer does not tell, whoever gave it. */
	readonly isAny: boolean | null;
}

export interface HttpTiming {
	/** Device ms. */
	readonly sentAt: number;
	readonly receivedAt: number;
	/** Ms between the two by the monotonic clock, which nobody sets. */
	readonly tookMs: number;
	/** The `Date` header in ms, floored to seconds by its format; null where it cannot be read. */
	readonly serverDateMs: number | null;
}

/** How a request ended. It tells nothing of what was sent or came back: no address, no header, no body. */
export interface RequestEnd {
	/** Whether the data plane, or a proxy with a final word, spoke. */
	readonly answered: boolean;
	readonly reply: HttpTiming;
	readonly table: string;
	readonly method: HttpRequest['method'];
	/** null: nobody answered. */
	readonly status: number | null;
	/** How many rows came back; null: the answer was none of rows. */
	readonly rows: number | null;
}

/** One PostgREST request with identity, time limit and classified errors. Knows no table's meaning. */
export type Http = (request: HttpRequest) => Promise<HttpReply>;

export interface HttpOptions {
	readonly access: SupabaseAccess;
	readonly session: Session;
	/** For whom requests are made; compared with the session before each of them (F3). */
	readonly userId: string | null;
	readonly schema: string;
	readonly timeoutMs: number;
	readonly now: () => number;
	/** Ms that only ever go forward. */
	readonly monotonic: () => number;
	/**
	 * Called as a request is sent; what it returns hears of the end, but of those called off: what the network monitor and
	 * the server clock live on.
	 */
	readonly onSend: () => (end: RequestEnd) => void;
	/** Awaited before whatever writes; a rejection keeps it from being sent. @default nothing */
	readonly beforeWrite?: () => Promise<void>;
}

/** @returns a function that rejects with PixSyncError only; `signal`'s abort rejects with `superseded`. */
export function createHttp(options: HttpOptions): Http {
	const { access, session, userId, schema, timeoutMs, now, monotonic, onSend, beforeWrite } = options;

	return async (request) => {
		const token = await session.authorise(userId);
		if (!isReading(request)) await beforeWrite?.();
		throwIfAborted(request.signal);
		const limit = createLimit(request.signal, timeoutMs);
		const sentAt = now();
		const since = monotonic();
		const times = () => ({ sentAt, receivedAt: now(), tookMs: monotonic() - since });
		const { table, method } = request;
		const onEnd = onSend();
		const end = (told: Omit<RequestEnd, 'table' | 'method'>) => onEnd({ table, method, ...told });
		const url = toUrl(access, request);
		try {
			const sending = access.fetch(url, {
				method,
				headers: toHeaders(request, access, token, schema),
				signal: limit.signal,
				// A redirect is a captive portal's, never PostgREST's (F56).
				redirect: 'error',
				// Nothing but a GET brings rows that are stored; and Chromium asks leave anew (CORS) for each request that
				// bypasses the cache.
				...(method === 'GET' ? { cache: 'no-store' as const } : {}),
				...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
			});
			const reply = await limit.race(sending);
			const text = await limit.race(reply.text());
			const timing = { ...times(), serverDateMs: toDateMs(reply.headers.get('date')) };
			const { status } = reply;
			// Too many requests, and out of service: to ask again at once would make it worse.
			if (method === 'HEAD' && status !== 429 && status !== 503) {
				const isAny = reply.ok ? toIsAny(reply.headers.get('content-range')) : null;
				// What it does not tell, a request with a body will.
				if (isAny !== null) end({ answered: true, reply: timing, status, rows: null });
				return { rows: [], isAny, ...timing };
			}
			const parsed = parseJson(text);
			// A 401 without a JSON body is a login page's: it says nothing about our session (F56).
			const isStranger = reply.ok ? !isRows(parsed) : status === 401 && !isRow(parsed);
			if (!reply.ok && !isStranger) throw toError(request, userId, reply, parsed, timing, end);
			if (isStranger || !isRows(parsed)) {
				end({ answered: false, reply: timing, status, rows: null });
				throw new PixSyncError('bad-reply', 'The answer is not from PostgREST', {
					fault: 'no-answer',
					table,
					hint: 'A captive portal or a proxy may stand between; sync goes on when the project answers.',
				});
			}
			end({ answered: true, reply: timing, status, rows: parsed.length });
			return { rows: parsed, isAny: null, ...timing };
		} catch (error) {
			if (error instanceof PixSyncError) throw error;
			throwIfAborted(request.signal);
			const timing = { ...times(), serverDateMs: null };
			end({ answered: false, reply: timing, status: null, rows: null });
			throw toNetworkError(table, error, limit.signal.aborted ? timeoutMs : null);
		} finally {
			limit.end();
		}
	};
}

function toUrl({ restUrl }: SupabaseAccess, { table, path, query }: HttpRequest): string {
	const url = `${restUrl}/${path ?? encodeURIComponent(table)}`;
	return query.length > 0 ? `${url}?${toQuery(query)}` : url;
}

interface Limit {
	readonly signal: AbortSignal;
	/** Rejects on abort or time-out even where an app's own fetch takes no notice of its signal (F37). */
	race<T>(work: Promise<T>): Promise<T>;
	end(): void;
}

/** The caller's signal and a time limit in one; `AbortSignal.any` is younger than browsers that apps still serve. */
function createLimit(outer: AbortSignal, timeoutMs: number): Limit {
	const controller = new AbortController();
	const abort = () => controller.abort();
	outer.addEventListener('abort', abort, { once: true });
	const timer = setTimeout(abort, timeoutMs);
	const aborted = new Promise<never>((_, reject) => {
		controller.signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
	});
	aborted.catch(() => undefined);
	return {
		signal: controller.signal,
		race: (work) => Promise.race([work, aborted]),
		end() {
			clearTimeout(timer);
			outer.removeEventListener('abort', abort);
		},
	};
}

function toHeaders(
	request: HttpRequest,
	access: SupabaseAccess,
	token: string,
	schema: string,
): Record<string, string> {
	return {
		...access.headers,
		apikey: access.key,
		// Given by us, the client's fetch cannot fall back to the anon key (F1).
		authorization: `Bearer ${token}`,
		prefer: ['timezone=UTC', ...(request.prefer ?? [])].join(','),
		...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
		[isReading(request) ? 'accept-profile' : 'content-profile']: schema,
	};
}

function toError(
	{ table, body: sent, query }: HttpRequest,
	userId: string | null,
	reply: Response,
	parsed: unknown,
	timing: HttpTiming,
	end: (told: Omit<RequestEnd, 'table' | 'method'>) => void,
): PixSyncError {
	const body = isRow(parsed) ? parsed : {};
	const code = typeof body.code === 'string' && body.code !== '' ? body.code : null;
	// 42501 with 401 says "not while signed out". To who is signed out on purpose it is a policy's no, as 403 is.
	const status = reply.status === 401 && code === '42501' && userId === null ? 403 : reply.status;
	end({ answered: isAnswerOf(status, code), reply: timing, status: reply.status, rows: null });
	const filters = query.filter(([name]) => name !== 'select' && name !== 'columns').map(([, value]) => value);
	const textOf = (value: unknown) =>
		typeof value === 'string' ? withoutValues(value, { body: sent, filters }) : null;
	return toServerError(
		{
			status,
			code,
			message: textOf(body.message),
			hint: textOf(body.hint),
			retryAfterMs: toRetryAfterMs(reply.headers.get('retry-after'), timing.receivedAt),
		},
		table,
	);
}

function toNetworkError(table: string, cause: unknown, timedOutAfterMs: number | null): PixSyncError {
	return timedOutAfterMs === null
		? new PixSyncError('network', 'The server could not be reached', {
				fault: 'no-answer',
				table,
				cause,
				hint: 'Sync goes on by itself when the connection is back.',
			})
		: new PixSyncError('timeout', `No answer within ${timedOutAfterMs} ms`, {
				fault: 'no-answer',
				table,
				cause,
				hint: 'Sync retries by itself; raise requestTimeoutMs on very slow links.',
			});
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

function isRows(value: unknown): value is readonly Row[] {
	return Array.isArray(value) && value.every(isRow);
}

function isReading({ method }: HttpRequest): boolean {
	return method === 'GET' || method === 'HEAD';
}

/** PostgREST's `Content-Range`: the rows' places, or a star for none, and behind a slash how many there are, if known. */
function toIsAny(header: string | null): boolean | null {
	const [, places] = /^(\*|\d+-\d+)\//.exec(header ?? '') ?? [];
	return places === undefined ? null : places !== '*';
}

function toDateMs(header: string | null): number | null {
	const ms = header === null ? Number.NaN : Date.parse(header);
	return Number.isNaN(ms) ? null : ms;
}

/** Seconds or an HTTP date. */
function toRetryAfterMs(header: string | null, nowMs: number): number | null {
	if (header === null) return null;
	const seconds = Number(header);
	if (Number.isFinite(seconds)) return Math.min(RETRY_AFTER_CAP_MS, Math.max(0, seconds * 1000));
	const at = Date.parse(header);
	return Number.isNaN(at) ? null : Math.min(RETRY_AFTER_CAP_MS, Math.max(0, at - nowMs));
}
