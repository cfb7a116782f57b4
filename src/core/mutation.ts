import type { PixSyncError } from './errors.ts';
import type { Row, RowId, SyncAction } from './types.ts';

/** Device time in ms, and the estimated server time minus device time, null until it was first measured. */
export interface EditTime {
	readonly queuedAt: number;
	readonly clockOffset: number | null;
}

/**
 * One unconfirmed local change, as the outbox holds it. The base that it was made on is not repeated here:
 * the row's record in `bases` holds it once for all of the row's mutations.
 */
export interface Mutation extends EditTime {
	/** Place in the outbox; grows with each mutation of this device. */
	readonly seq: number;
	readonly mutationId: string;
	readonly table: string;
	readonly rowId: RowId;
	readonly action: SyncAction;
	/** create: the whole row; update: the changed columns; delete: null. */
	readonly data: Row | null;
	/** Whose change it is; null: made signed out. */
	readonly userId: string | null;
	/** `conflicted`: parked until somebody decides; `rejected`: a dead letter. */
	readonly status: MutationStatus;
	/** Of a dead letter: the id of its first mutation, shared by all that it holds, and why it was refused. */
	readonly letter?: string;
	readonly error?: StoredError;
}

export type MutationStatus = 'pending' | 'conflicted' | 'rejected';

export interface StoredError {
	readonly code: string;
	readonly message: string;
	/** What to do about it. */
	readonly hint?: string;
	/** Device ms. */
	readonly at: number;
}

/** What the server is known to hold of a row, apart from this device's unconfirmed changes. */
export type Base =
	| { readonly kind: 'absent' }
	/** The row was never held here, so that nothing is known of it. */
	| { readonly kind: 'unknown' }
	| { readonly kind: 'held'; readonly row: Row };

/**
 * One request's share for one row: all that the covered mutations (`seqs`) come to. It is stored before it is
 * sent, and a retry repeats it to the letter (R7).
 */
export interface PushMutation {
	readonly kind: 'create' | 'update' | 'delete';
	readonly id: RowId;
	readonly seqs: readonly number[];
	/** Columns to send, the stamp among them; null: a hard delete. */
	readonly body: Row | null;
	/** The base's version, verbatim, for the compare-and-swap; null for a create. */
	readonly base: string | null;
	/** What the timestamp column is set to (R17): the time of the sending under way. */
	readonly stamp: string;
	/** Names the change to a server that keeps a ledger, so that a repetition is known. */
	readonly pushId?: string;
	/** Stamps of earlier sendings, any of which may have been committed. */
	readonly earlierStamps?: readonly string[];
}

/** What became of one {@link PushMutation}. */
export type PushOutcome =
	/**
	 * `row` is the server's echo; null: the row is gone. `isRepeated`: an earlier sending did it, and `row` is what has
	 * become of it since.
	 */
	| { readonly kind: 'acknowledged'; readonly row: Row | null; readonly isRepeated?: true }
	/** The compare-and-swap was lost to `remote`; null: the row is gone. */
	| { readonly kind: 'conflict'; readonly remote: Row | null }
	| { readonly kind: 'rejected'; readonly error: PixSyncError }
	| { readonly kind: 'retryable'; readonly error: PixSyncError };
