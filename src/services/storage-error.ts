import { PixSyncError } from '../core/errors.ts';

/** The connection to the database has gone, and a new one may do: nothing says that the data has (F45). */
const LOST = new Set([
	'UnknownError',
	'InvalidStateError',
	'DatabaseClosedError',
	'OpenFailedError',
	'NoSuchDatabaseError',
]);

/** @returns the error as it is if it is PixSync's own, else one of code `storage`. */
export function toStorageError(error: unknown): PixSyncError {
	if (error instanceof PixSyncError) return error;
	const { name, message } = innermost(error);
	return new PixSyncError('storage', `The local database refused: ${name}: ${message}`, {
		fault: 'fatal',
		cause: error,
		hint:
			name === 'QuotaExceededError'
				? 'This site is out of space on the device, and nothing was written: free space, and try again.'
				: 'Nothing was written. If it stays, close other tabs of this app and reload.',
	});
}

export function closedError(
	message = 'The local database is closed',
	hint = 'Create a new SyncManager; the queue is kept in the local database.',
): PixSyncError {
	return new PixSyncError('closed', message, { fault: 'no-answer', hint });
}

/** Another tab of the app does not let go of the database, so that it cannot be opened yet (F51). */
export function blockedError(): PixSyncError {
	return new PixSyncError('blocked', 'Another tab of this app keeps the local database from being opened', {
		fault: 'no-answer',
		hint: 'Close the other tabs of this app; it goes on by itself then.',
	});
}

/** Another tab, of a newer version of the app, has changed the database (F51). */
export function reloadNeeded(): PixSyncError {
	return new PixSyncError('reload-needed', 'A newer version of this app has changed the local database', {
		fault: 'fatal',
		hint: 'Reload the page. What was queued is kept.',
	});
}

/**
 * Whether the connection failed, and not what was asked of it.
 * @param isOpen whether it still is, as of now.
 */
export function isConnectionLost(error: unknown, isOpen: boolean): boolean {
	for (const { name } of chainOf(error)) {
		if (LOST.has(name)) return true;
		// A connection that is closed by force aborts what runs on it. So does the app's own abort.
		if (name === 'AbortError' && !isOpen) return true;
	}
	return false;
}

function innermost(error: unknown): Error {
	let last = error instanceof Error ? error : new Error(String(error));
	for (const inner of chainOf(error)) last = inner;
	return last;
}

/** Dexie wraps the platform's error as `inner`, and those of a bulk request as `failures`. */
function* chainOf(error: unknown): Generator<Error> {
	let current: unknown = error;
	for (let depth = 0; depth < 10 && isErrorLike(current); depth++) {
		yield current;
		const { inner, failures } = current as { inner?: unknown; failures?: readonly unknown[] };
		current = inner ?? failures?.[0];
	}
}

/** A DOMException of some platforms is no `Error`. */
function isErrorLike(value: unknown): value is Error {
	return typeof value === 'object' && value !== null && 'name' in value && 'message' in value;
}
