import type { ResolvedConflict } from '../core/run-contract.ts';

/** The machines whose doings are recorded; those of an app's own are not. */
export type MachineName = 'sync' | 'table' | 'network';

export type ServiceName = 'upload' | 'download' | 'resolve' | 'refreshSession' | 'probe';

/**
 * One entry of the log: plain JSON, and free of what is private. It holds names, states, counts, codes and times, the
 * ids of rows that were in conflict, and nothing else: no text of the server's, no column of a row, no address.
 */
export type InspectionEntry = EntryBody & {
	/** Grows by one with each entry of an inspector. */
	readonly seq: number;
	/** Device ms. */
	readonly at: number;
};

/** The table that an entry is about; null: the root, or the network. */
interface OfTable {
	readonly table: string | null;
}

export type EntryBody =
	/** A machine went from one state to another, or into the same one anew (`from` equals `to`). */
	| (OfTable & {
			readonly kind: 'transition';
			readonly machine: MachineName;
			/** Paths from the machine's root, such as 'idle' or 'gate.open.steady'. */
			readonly from: string;
			readonly to: string;
			/** The event's type; '(unknown)' where the chart does not know it. */
			readonly event: string;
	  })
	/** A machine was told something and stayed where it was. */
	| (OfTable & {
			readonly kind: 'event';
			readonly machine: MachineName;
			readonly event: string;
			/** `noted`: it remembered or did something; `ignored`: it has no answer to that in its state. */
			readonly effect: 'noted' | 'ignored';
	  })
	| (OfTable & { readonly kind: 'service.begun'; readonly service: ServiceName })
	| (OfTable & {
			readonly kind: 'service.done';
			readonly service: ServiceName;
			readonly ms: number;
			/** A step's share of the `SyncResult`, `errors` as their number; null: the service counts nothing. */
			readonly counts: EntryCounts | null;
	  })
	| (OfTable & {
			readonly kind: 'service.failed';
			readonly service: ServiceName;
			readonly ms: number;
			readonly error: EntryError;
	  })
	/** Called off before its end: the state was left. */
	| (OfTable & { readonly kind: 'service.stopped'; readonly service: ServiceName; readonly ms: number })
	/** An HTTP request has ended. */
	| (OfTable & {
			readonly kind: 'request';
			readonly method: string;
			/** null: nobody answered. */
			readonly status: number | null;
			/** How many rows came back; null: none can have. */
			readonly rows: number | null;
			readonly ms: number;
	  })
	/** A table waits for its next attempt. */
	| (OfTable & {
			readonly kind: 'retry';
			/** Device ms. */
			readonly retryAt: number;
			/** Steps in a row that found no answer; 0: rows wait for their own time. */
			readonly attempts: number;
	  })
	/** How a conflict ended. */
	| (OfTable & {
			readonly kind: 'conflict';
			readonly id: string | number;
			readonly outcome: ResolvedConflict['outcome'];
	  })
	/** What keeps a table's round from ending well; `getState()` shows it, too. */
	| (OfTable & { readonly kind: 'error'; readonly error: EntryError });

export interface EntryCounts {
	readonly uploaded: number;
	readonly downloaded: number;
	readonly conflicts: number;
	readonly errors: number;
}

export interface EntryError {
	/** A code of PixSync's, an SQLSTATE, `PGRST…` or `http-<status>`; 'other' for any other text. */
	readonly code: string;
	/** What the chart does about it, as `PixSyncError.fault`; 'unknown' for an error of another kind. */
	readonly fault: string;
}
