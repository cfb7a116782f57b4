import type { ParkReason } from './conflict-record.ts';
import type { PixSyncError } from './errors.ts';
import type { StoredError } from './mutation.ts';
import type { ConflictOutcome } from './row-explanation.ts';
import type { RowId } from './types.ts';

/** What `sync.on(…)` tells, by name. Told after it is durable; nothing is told of what a restart finds. */
export interface SyncNotices {
	/** A conflict was met: how it ended, or that it waits for somebody to decide. */
	readonly conflict: ConflictNotice;
	/** A change was refused for good, and is kept as a dead letter. */
	readonly rejected: RejectedNotice;
	/** A table's round of upload and download ended without an error. */
	readonly synced: SyncedNotice;
	/** What kept a table's round from ending well, tried again as its `fault` says; or what ails the local database. */
	readonly error: ErrorNotice;
	/** Another user's replica is open, or the session of its user has ended or is back. */
	readonly userChanged: UserChangedNotice;
}

export interface ConflictNotice extends ConflictOutcome {
	readonly table: string;
	readonly id: RowId;
	/** Of `parked`, and of it alone. It is told again when a newer row of the server's gives the conflict a new id. */
	readonly parked?: ParkedNotice;
}

export interface ParkedNotice {
	/** What `resolveConflict` takes. */
	readonly conflict: string;
	readonly reason: ParkReason;
	/** Why the table's resolver gave no verdict. */
	readonly error?: StoredError;
}

export interface RejectedNotice {
	readonly table: string;
	readonly id: RowId;
	/** What `retryRejected` and `discardRejected` take. */
	readonly letter: string;
	readonly error: StoredError;
}

export interface SyncedNotice {
	readonly table: string;
	readonly uploaded: number;
	readonly downloaded: number;
	readonly conflicts: number;
}

export interface ErrorNotice {
	/** Null: it is about the local database as a whole. */
	readonly table: string | null;
	readonly error: PixSyncError;
}

export interface UserChangedNotice {
	/** Whose replica is open; null: nobody's, what is written goes to the signed-out replica. */
	readonly user: string | null;
	/** Whether that user is signed in; false: the session has ended and the data stays, or nobody is. */
	readonly isSignedIn: boolean;
	/** Changes made signed out that wait for `adoptAnonymous()`; 0 while nobody is signed in. */
	readonly anonymous: number;
}

export type SyncNoticeName = keyof SyncNotices;

/** Notices that the services themselves give: of a row. */
export type RowNotice =
	| ({ readonly type: 'conflict' } & ConflictNotice)
	| ({ readonly type: 'rejected' } & RejectedNotice);
