import type { ActorRef, Snapshot } from 'xstate';
import type { PixSyncError } from '../core/errors.ts';
import type { ResolvedConflict, StepCounts } from '../core/run-contract.ts';

/** Facts and wishes that a table is told. */
export type TableEvent =
	/** The gate is open. What auto-sync wants now, the root asks for by `sync.request`, in the order of dependsOn. */
	| { readonly type: 'connection.restored' }
	| { readonly type: 'connection.lost'; readonly error: PixSyncError }
	/** `request` grows with each wish; a pass that begins later serves it. */
	| { readonly type: 'sync.request'; readonly request: number; readonly holdDeletes: boolean }
	/** Something changed at the server: pull soon. Carries no data (F40). */
	| { readonly type: 'poke.received' };

/** What a table reports to its parent. */
export type TableReport =
	| {
			readonly type: 'table.uploaded';
			readonly table: string;
			readonly served: number;
			readonly held: number;
	  }
	/** A round of upload and download has ended and another has begun. */
	| ({ readonly type: 'table.cycled' } & TableRound)
	/** The table came to rest: idle, in backoff, or offline. */
	| ({ readonly type: 'table.settled' } & TableRound)
	| { readonly type: 'table.unauthorised'; readonly table: string; readonly error: PixSyncError };

export interface TableRound {
	readonly table: string;
	/** The newest request that the round's upload began after. */
	readonly served: number;
	/** Deletes that wait for rows of other tables. */
	readonly held: number;
	readonly counts: StepCounts;
	/** What kept the table from coming to an end; also among `counts.errors`. */
	readonly error: PixSyncError | null;
}

/** For observers outside: `actor.on('…')`. */
export type TableEmitted =
	| {
			readonly type: 'page.applied';
			readonly table: string;
			readonly rowsRead: number;
			readonly downloaded: number;
	  }
	| {
			readonly type: 'conflicts.resolved';
			readonly table: string;
			readonly resolved: readonly ResolvedConflict[];
	  };

export type TableParent = ActorRef<Snapshot<unknown>, TableReport>;

export type TableTag = 'offline' | 'syncing' | 'settled' | 'error';

export interface TableInput {
	readonly table: string;
	/** Hears the reports. */
	readonly parent: TableParent;
	readonly backoff?: { readonly baseMs: number; readonly capMs: number };
	/** In [0, 1); for the jitter. @default Math.random */
	readonly random?: () => number;
	/** Device ms. @default Date.now */
	readonly now?: () => number;
}
