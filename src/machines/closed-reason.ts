import { PixSyncError, toErrorLine } from '../core/errors.ts';

/** The facts that the gate looks at. */
export interface GateFacts {
	readonly isHydrated: boolean;
	readonly isOnline: boolean;
	readonly isAuthorised: boolean;
	readonly isLeader: boolean;
}

export type ClosedReason = 'closed' | 'offline' | 'unauthorised' | 'not-leader';

/** Why the tables may not talk; null: they may. */
export function closedReason(facts: GateFacts): ClosedReason | null {
	if (!facts.isHydrated) return 'closed';
	if (!facts.isLeader) return 'not-leader';
	if (!facts.isOnline) return 'offline';
	return facts.isAuthorised ? null : 'unauthorised';
}

const TEXTS: Readonly<Record<ClosedReason, { readonly message: string; readonly hint: string }>> = {
	closed: { message: 'The local database is not open', hint: 'Await sync.ready() first.' },
	offline: {
		message: 'There is no connection',
		hint: 'The queue is kept; sync again when the connection is back.',
	},
	unauthorised: {
		message: 'There is no valid session',
		hint: 'Sign in again; nothing of the queue is lost.',
	},
	'not-leader': {
		message: 'Another tab of this app does the syncing',
		hint: 'What is queued here is synced by that tab.',
	},
};

/** The closed gate as a table's error, and as a line of `SyncResult.errors`. */
export function closedGateError(facts: GateFacts, table: string): { error: PixSyncError; line: string } {
	const reason = closedReason(facts) ?? 'offline';
	const { message, hint } = TEXTS[reason];
	const fault = reason === 'unauthorised' ? 'unauthorised' : 'no-answer';
	const error = new PixSyncError(reason, message, { fault, hint, table });
	return { error, line: toErrorLine(table, error) };
}
