import type { Fault, PixSyncErrorCode } from '../core/errors.ts';
import type { EntryError } from './inspection-entry.ts';

/** PixSync's own codes. An answer may carry any text as its code, which must not get into a log. */
const OWN_CODES: Readonly<Record<PixSyncErrorCode, true>> = {
	'bad-client': true,
	'bad-config': true,
	'duplicate-table': true,
	'unregistered-table': true,
	'cyclic-dependency': true,
	'no-provider': true,
	'bad-action': true,
	'missing-data': true,
	'bad-data': true,
	'missing-id': true,
	'bad-id': true,
	'id-change': true,
	'alias-in-use': true,
	'row-exists': true,
	'bad-interval': true,
	'unknown-conflict': true,
	'resolver-error': true,
	'no-indexeddb': true,
	storage: true,
	blocked: true,
	'reload-needed': true,
	closed: true,
	'user-changed': true,
	'unsynced-changes': true,
	'sign-out-unconfirmed': true,
	'not-provided': true,
	superseded: true,
	offline: true,
	'not-leader': true,
	network: true,
	timeout: true,
	'bad-reply': true,
	unauthorised: true,
	'unknown-table': true,
	'rpc-missing': true,
	'timestamp-missing': true,
	'timestamp-null': true,
	'not-found': true,
	denied: true,
	'not-visible': true,
	'remote-deleted': true,
	'reconcile-shrink': true,
};

const FAULTS: Readonly<Record<Fault, true>> = {
	input: true,
	'no-answer': true,
	retryable: true,
	unauthorised: true,
	rejected: true,
	fatal: true,
};

/** The codes that PostgreSQL and PostgREST give, and the one made of a bare status. */
const SERVER_CODE = /^(?:[0-9A-Z]{5}|PGRST[0-9A-Z]{1,3}|http-\d{3})$/;

/** Of any error its code and fault, and nothing else. */
export function toEntryError(error: unknown): EntryError {
	const { code, fault } =
		typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
	const isKnown = typeof code === 'string' && (Object.hasOwn(OWN_CODES, code) || SERVER_CODE.test(code));
	return {
		code: isKnown ? code : 'other',
		fault: typeof fault === 'string' && Object.hasOwn(FAULTS, fault) ? fault : 'unknown',
	};
}
