import { unreachable } from './errors.ts';
import type { RowExplanation } from './row-explanation.ts';
import type { Strategy } from './table-spec.ts';

/** What the engine does at the moment of asking. */
export interface EngineFacts {
	/** As `getState().connection` tells it. */
	readonly connection: 'starting' | 'open' | 'offline' | 'unauthorised' | 'not-leader';
	/** Automatic sync is on. */
	readonly isAuto: boolean;
	readonly tableState: RowExplanation['tableState'];
	/** Device ms. */
	readonly now: number;
}

/** What is known of the row beside its explanation. */
export interface NextFacts extends EngineFacts {
	readonly strategy: Strategy;
	/** The row was changed without being held (R2). */
	readonly isBaseUnknown: boolean;
	/** Its queue was dropped while a request was of unknown outcome (R10). */
	readonly isRecheckDue: boolean;
}

type Explained = Omit<RowExplanation, 'next'>;

/** Says what happens to a row next, and why. Times are ISO 8601 in UTC. Pure. */
export function whatNext(row: Explained, facts: NextFacts): string {
	switch (row.status) {
		case 'absent':
		case 'synced':
			if (facts.isRecheckDue) {
				return 'Fetched before the next upload: a change that was dropped here may have reached the server.';
			}
			return row.status === 'synced'
				? 'Nothing to do: it is what the server confirmed.'
				: 'Nothing to do: it is neither held nor queued here.';
		case 'rejected':
			return `Kept aside, and not sent again by itself: ${refusal(row)}.`;
		case 'conflicted':
			return whyParked(row.conflict);
		case 'pending':
			return [whenSent(row, facts), ...circumstances(row, facts)].join(' ');
		default:
			return unreachable(row.status);
	}
}

/** Why a conflict waits, and for what. */
function whyParked(conflict: RowExplanation['conflict']): string {
	const waits = 'it waits until somebody decides by resolveConflict(), and its later changes with it.';
	if (!conflict) return `Parked: ${waits}`;
	const { reason, error } = conflict;
	switch (reason) {
		case 'manual':
			return `Parked, as the table's rule wants it: ${waits}`;
		case 'edit-vs-delete':
			return `Parked, for one side deleted the row and the other edited it: ${waits}`;
		case 'resolver-error':
			return `Parked, for the table's resolver gave no verdict (${error?.message ?? 'it failed'}): ${waits}`;
		case 'exhausted':
			return `Parked, for another change was there first each time that it was sent: ${waits}`;
		default:
			return unreachable(reason);
	}
}

/** When the row's changes go out, as one sentence. */
function whenSent(row: Explained, { connection, isAuto, tableState }: NextFacts): string {
	switch (connection) {
		case 'starting':
			return 'Waits until the local database is open.';
		case 'offline':
			return 'Waits for the connection.';
		case 'unauthorised':
			return 'Waits for a valid session: sign in again.';
		case 'not-leader':
			return 'Waits for the tab of this app that does the syncing.';
		case 'open':
			break;
		default:
			return unreachable(connection);
	}
	const isTried = row.attempts > 0 || isSent(row);
	const verb = isTried ? 'Tried again' : 'Uploads';
	switch (tableState.state) {
		case 'offline':
			return 'Waits until its table may talk to the server.';
		case 'backoff': {
			const at = Math.max(row.nextAttemptAt ?? 0, tableState.nextRetryAt ?? 0);
			return `${verb} at ${new Date(at).toISOString()}, or with the next sync.`;
		}
		case 'uploading':
		case 'downloading':
		case 'resolving':
			if (row.nextAttemptAt !== null) return `${verb} at ${new Date(row.nextAttemptAt).toISOString()}.`;
			if (tableState.state === 'uploading' && isSent(row)) return 'Its request is on its way.';
			return 'Goes with the sync that is under way.';
		case 'idle':
			return isAuto
				? `${verb} with the next sync.`
				: `${verb} with the next call of sync(): automatic sync is off.`;
		default:
			return unreachable(tableState.state);
	}
}

/** What else there is to know of a row that waits, each a sentence. */
function circumstances(row: Explained, facts: NextFacts): string[] {
	const { connection, tableState, strategy } = facts;
	const said: string[] = [];
	const isOnItsWay = connection === 'open' && tableState.state === 'uploading';
	if (row.remote !== null) {
		const happened = row.remote === 'gone' ? 'is gone' : 'has changed';
		const judge = strategy === 'custom' ? "the table's resolver" : `'${strategy}'`;
		said.push(`The server's row ${happened} meanwhile: ${judge} decides.`);
	} else if (isSent(row) && !isOnItsWay) {
		said.push('A request of it left and no final answer is known: it is repeated before anything else.');
	} else if (facts.isBaseUnknown) {
		said.push("It is not held here: the server's row is fetched first.");
	}
	for (const { table, id, status } of row.waitsFor) {
		said.push(`It refers to row ${JSON.stringify(id)} of "${table}", which is ${status} itself.`);
	}
	// Why the gate is closed was said already.
	if (connection === 'open' && tableState.error) {
		said.push(`The last round ended with: ${tableState.error.message} (${tableState.error.code}).`);
	}
	if (row.mutations.some(({ status }) => status === 'rejected')) {
		said.push(`An earlier change is kept aside: ${refusal(row)}.`);
	}
	return said;
}

function isSent({ mutations }: Explained): boolean {
	return mutations.some((mutation) => mutation.isSent);
}

/** The newest refusal of the row. */
function refusal({ mutations }: Explained): string {
	const error = mutations.filter((mutation) => mutation.error !== null).at(-1)?.error;
	return error ? `${error.message} (${error.code})` : 'it was refused';
}
