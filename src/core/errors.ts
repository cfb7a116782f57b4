import type { RowId } from './types.ts';

/** The codes that PixSync gives itself. A refusal by the server keeps the server's own code, such as `23505`. */
export type PixSyncErrorCode =
	// the caller's input
	| 'bad-client'
	| 'bad-config'
	| 'duplicate-table'
	| 'unregistered-table'
	| 'cyclic-dependency'
	| 'no-provider'
	| 'bad-action'
	| 'missing-data'
	| 'bad-data'
	| 'missing-id'
	| 'bad-id'
	| 'id-change'
	| 'alias-in-use'
	| 'row-exists'
	| 'bad-interval'
	| 'unknown-conflict'
	| 'resolver-error'
	// this device
	| 'no-indexeddb'
	| 'storage'
	| 'blocked'
	| 'reload-needed'
	| 'closed'
	| 'user-changed'
	| 'unsynced-changes'
	| 'sign-out-unconfirmed'
	| 'not-provided'
	| 'superseded'
	// the connection
	| 'offline'
	| 'not-leader'
	| 'network'
	| 'timeout'
	| 'bad-reply'
	| 'unauthorised'
	// the server's answer
	| 'unknown-table'
	| 'rpc-missing'
	| 'timestamp-missing'
	| 'timestamp-null'
	| 'not-found'
	| 'denied'
	| 'not-visible'
	| 'remote-deleted'
	| 'reconcile-shrink';

/**
 * What the chart does about an error. It travels with the error, so that nobody has to read messages.
 * - `input`: the caller's mistake; nothing was written.
 * - `no-answer`: nobody answered, or only a proxy did; retry with backoff, the outcome is uncertain.
 * - `retryable`: the server answered "not now"; retry with backoff.
 * - `unauthorised`: the session is missing, expired or refused.
 * - `rejected`: the server refused this row for good.
 * - `fatal`: the table cannot sync until somebody changes something.
 */
export type Fault = 'input' | 'no-answer' | 'retryable' | 'unauthorised' | 'rejected' | 'fatal';

export interface PixSyncErrorOptions {
	readonly hint: string;
	readonly fault?: Fault;
	readonly cause?: unknown;
	readonly table?: string;
	readonly id?: RowId;
	/** The server's own wish for the next attempt, in ms from now. */
	readonly retryAfterMs?: number;
}

/** The one error class of PixSync: branch on `code`, show `message`, follow `hint`. */
export class PixSyncError extends Error {
	override readonly name = 'PixSyncError';
	readonly code: string;
	/** What to do about it. */
	readonly hint: string;
	readonly fault: Fault;
	readonly table?: string;
	readonly id?: RowId;
	readonly retryAfterMs?: number;

	/** `code` is a {@link PixSyncErrorCode}, or the server's own code (SQLSTATE, `PGRST…`). */
	constructor(code: PixSyncErrorCode | (string & {}), message: string, options: PixSyncErrorOptions) {
		super(message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = code;
		this.hint = options.hint;
		this.fault = options.fault ?? 'input';
		if (options.table !== undefined) this.table = options.table;
		if (options.id !== undefined) this.id = options.id;
		if (options.retryAfterMs !== undefined) this.retryAfterMs = options.retryAfterMs;
	}
}

export function isPixSyncError(error: unknown): error is PixSyncError {
	return error instanceof PixSyncError;
}

/** Anything thrown as a {@link PixSyncError}; what PixSync does not know is fatal, for it is a bug or a broken store. */
export function toPixSyncError(error: unknown, table?: string): PixSyncError {
	if (isPixSyncError(error)) return error;
	const cause = error instanceof Error ? error : new Error(String(error));
	return new PixSyncError('storage', `${cause.name}: ${cause.message}`, {
		fault: 'fatal',
		hint: 'The local database or the engine failed; the queue is kept. See `cause`.',
		cause: error,
		...(table === undefined ? {} : { table }),
	});
}

/** The form of an entry of `SyncResult.errors`. */
export function toErrorLine(table: string, error: PixSyncError): string {
	return `${table}: ${error.message} (${error.code})`;
}

/** Ends a switch: does not compile while a case is unanswered. */
export function unreachable(value: never): never {
	throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
