/**
 * What a refusal means: by code first, then by status, never by message text.
 */
import { type Fault, PixSyncError } from './errors.ts';

/**
 * - `transient`: not now; the same request may pass later. 57014 (statement timeout) wants a smaller batch.
 * - `pause`: not until somebody pays, restores the project or ends read-only mode.
 * - `auth`: the session.
 * - `order`: a foreign key: the parent is not there yet, or a child still is.
 * - `unique`: the row, or another with the same unique value, exists.
 * - `row`: permanent for this row. In a bulk it says nothing about the others.
 * - `split`: the request is too large; halve the batch. At a batch of one it is `row`.
 * - `schema`: the server's schema is not what this client speaks to (F36).
 * - `server-bug`: a policy, trigger, function or request that is broken for every row.
 * - `foreign`: neither PostgREST nor PostgreSQL spoke, for each of their refusals has a code: a proxy, a firewall or a
 *   captive portal did (F56). It says nothing about the row, which waits.
 */
export type FailureClass =
	| 'transient'
	| 'pause'
	| 'auth'
	| 'order'
	| 'unique'
	| 'row'
	| 'split'
	| 'schema'
	| 'server-bug'
	| 'foreign';

/**
 * A refusal as it came over the wire; `code` is the body's, `null` if the body had none. The body's `details` are
 * left behind: they quote rows (S33).
 */
export interface ServerReply {
	readonly status: number;
	readonly code: string | null;
	readonly message: string | null;
	readonly hint: string | null;
	/** `Retry-After` in ms from now, where it could be read (F38). */
	readonly retryAfterMs: number | null;
}

/** Whole codes: PostgREST's and SQLSTATEs. They go before {@link BY_GROUP}. */
const BY_CODE: Readonly<Record<string, FailureClass>> = {
	'23503': 'order',
	'23505': 'unique',
	'25006': 'pause', // a read-only database
	'25P03': 'transient', // idle-in-transaction and transaction timeout
	'25P04': 'transient',
	'42501': 'row', // refused by a policy or a grant; with status 401 it is the session
	'42703': 'schema',
	'42704': 'schema',
	'42883': 'schema',
	'42P01': 'schema',
	'42P05': 'transient', // a pooler mixing up prepared statements
	'428C9': 'row', // a generated column was sent
	'55006': 'transient',
	'55P03': 'transient',
	P0001: 'row', // RAISE EXCEPTION: the app's own refusal
	PGRST106: 'schema',
	PGRST300: 'server-bug', // no JWT secret
};

/** The first two characters of a SQLSTATE, the first six of a PostgREST code. */
const BY_GROUP: Readonly<Record<string, FailureClass>> = {
	'08': 'transient',
	'0A': 'server-bug',
	'21': 'row',
	'22': 'row',
	'23': 'row',
	'26': 'transient', // a pooler again
	'3F': 'schema',
	'40': 'transient',
	'42': 'server-bug',
	'44': 'row', // WITH CHECK OPTION of a view
	'53': 'transient',
	'54': 'row',
	'57': 'transient',
	P0: 'server-bug',
	PGRST0: 'transient',
	PGRST1: 'server-bug',
	PGRST2: 'schema',
	PGRST3: 'auth',
	PGRSTX: 'server-bug',
};

/** Statuses that mean the same whoever says them; 540 and 544 are Supabase's. Cloudflare's 520–530 bring no code. */
const BY_STATUS: Readonly<Record<number, FailureClass>> = {
	402: 'pause',
	408: 'transient',
	413: 'split',
	414: 'split',
	425: 'transient',
	429: 'transient',
	502: 'transient',
	503: 'transient',
	504: 'transient',
	540: 'pause',
	544: 'transient',
};

/** Codes of a connection lost between PostgREST and PostgreSQL: a COMMIT under way may have passed. */
const OUTCOME_UNKNOWN = /^(?:08...|40003|PGRST001)$/;

const ANSWERS = {
	transient: { fault: 'retryable', hint: 'Nothing to do: it is tried again by itself.' },
	pause: {
		fault: 'retryable',
		hint: 'The project is paused, over its quota or read-only: see the Supabase dashboard. Nothing is lost; it is tried again.',
	},
	auth: { fault: 'unauthorised', hint: 'The session is missing, expired or refused: sign in again.' },
	order: {
		fault: 'retryable',
		hint: 'A row that this one refers to is not on the server, or one that refers to it still is. Name the parent table in dependsOn.',
	},
	unique: {
		fault: 'rejected',
		hint: 'Another row has the same unique value. The refused change is kept aside; make it anew with another value.',
	},
	row: {
		fault: 'rejected',
		hint: 'The server refused this row for good: a type, a constraint, a policy or a trigger. The refused change is kept aside; make it anew, corrected.',
	},
	split: {
		fault: 'retryable',
		hint: 'The request is too large; it is sent in smaller parts. Lower batchSize to avoid it.',
	},
	schema: {
		fault: 'fatal',
		hint: "The table, a column or a function is not in the API's schema. Check the name and the migrations, then reload the schema cache: notify pgrst, 'reload schema'.",
	},
	'server-bug': {
		fault: 'fatal',
		hint: "A policy, trigger or function fails on the server, or the request is one that it does not understand: see the project's Postgres logs. The queue is kept.",
	},
	foreign: {
		fault: 'retryable',
		hint: 'A proxy, a firewall or a login page between this device and the project refuses the request. Nothing is lost; it is tried again.',
	},
} as const satisfies Record<FailureClass, { readonly fault: Fault; readonly hint: string }>;

/** The class of a reply that is not a success. Codes that only the app's own triggers know are judged by status. */
export function classifyReply(reply: {
	readonly status: number;
	readonly code: string | null;
}): FailureClass {
	const { status, code } = reply;
	// Before the code: 42501 with 401 says that the request was anonymous, not that the row is refused.
	if (status === 401) return 'auth';
	const isFromServer = isServerCode(code);
	const byCode = isFromServer ? (BY_CODE[code] ?? BY_GROUP[toGroup(code)]) : undefined;
	const known = byCode ?? BY_STATUS[status];
	if (known !== undefined) return known;
	if (status >= 500) return isFromServer ? 'server-bug' : 'transient';
	if (isFromServer) return 'row';
	// A bare 404 is a path that nobody serves; PostgREST never says it about a row.
	return status === 404 ? 'schema' : 'foreign';
}

/** What the chart does about a class; `order`, `unique` and `split` are refined by whoever knows the row. */
export function faultOf(failure: FailureClass): Fault {
	return ANSWERS[failure].fault;
}

/**
 * Whether the outcome of the request is known from its reply: the data plane answered, or a proxy refused to pass it on.
 * `false`: a bare 3xx, 408, 425, 429 or 5xx, or PostgREST lost its database meanwhile; the change may have been
 * committed.
 */
export function isAnswerOf(status: number, code: string | null): boolean {
	if (isServerCode(code)) return !OUTCOME_UNKNOWN.test(code);
	// Neither a redirect nor a 304 is an answer to a question about rows.
	if (status >= 300 && status < 400) return false;
	return status < 500 && BY_STATUS[status] !== 'transient';
}

/** A refusal as an error: the server's code (or `http-<status>`), its message, our hint; the reply is the `cause`. */
export function toServerError(reply: ServerReply, table: string): PixSyncError {
	const failure = classifyReply(reply);
	const { hint } = ANSWERS[failure];
	return new PixSyncError(
		reply.code || `http-${reply.status}`,
		reply.message || `HTTP status ${reply.status}`,
		{
			fault: isAnswerOf(reply.status, reply.code) ? faultOf(failure) : 'no-answer',
			hint: reply.hint ? `${hint} The server adds: ${reply.hint}` : hint,
			cause: reply,
			table,
			...(reply.retryAfterMs === null ? {} : { retryAfterMs: reply.retryAfterMs }),
		},
	);
}

function toGroup(code: string): string {
	return code.slice(0, code.startsWith('PGRST') ? 6 : 2);
}

/** PostgREST's own code or a SQLSTATE; a gateway's codes look otherwise. */
function isServerCode(code: string | null): code is string {
	return code !== null && /^(?:PGRST[0-9A-Z]+|[0-9A-Z]{5})$/.test(code);
}
