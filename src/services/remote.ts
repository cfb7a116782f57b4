import type { PullStart } from '../core/checkpoint.ts';
import type { PushMutation, PushOutcome } from '../core/mutation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';

/**
 * The server as sync sees it: a port with one contract whatever the transport. Every method rejects with
 * PixSyncError only, ends when `signal` aborts, and knows nothing of the replica or the outbox.
 */
export interface Remote {
	/** Whether what is pushed to a table is applied once however often it is sent, as far as it carries a `pushId`. */
	isExactlyOnce(spec: TableSpec): boolean;
	/**
	 * Finds out by which way a table's changes go, where that is worth a request: before attempts are stored, for
	 * whether they get a `pushId` depends on it. Rejects as `push`. Without it: there is one way.
	 */
	prepare?(spec: TableSpec, signal: AbortSignal): Promise<void>;
	/** The server's own log of changes, where the transport reads one; null: tables are pulled by their timestamps. */
	readonly log: ChangeLog | null;
	/** Rows after `start` in (timestamp, id) order, at most `limit`. Fewer than `limit` is not the end (F14). */
	pull(request: PullRequest, signal: AbortSignal): Promise<PullPage>;
	/** One outcome per mutation, in the order given. Rejects only where nothing is known of any of them. */
	push(
		spec: TableSpec,
		mutations: readonly PushMutation[],
		signal: AbortSignal,
	): Promise<readonly PushOutcome[]>;
	/**
	 * The rows that exist and are visible; the others are missing from the map. Keys are the ids asked for.
	 * `selected`: those alone that the table's filter lets in.
	 */
	fetch(
		spec: TableSpec,
		ids: readonly RowId[],
		signal: AbortSignal,
		scope: 'visible' | 'selected',
	): Promise<ReadonlyMap<RowId, Row>>;
	/** Ids and versions after `after` in id order; an empty page is the end. */
	listKeys(spec: TableSpec, after: RowId | null, limit: number, signal: AbortSignal): Promise<readonly Row[]>;
}

/** A gap-free way to pull, which also tells what is gone. Of several tables asked at once it may make one request. */
export interface ChangeLog {
	/** Finds out whether the project has it, where that is not known; before `covers`. Rejects as `pull`. Without it: it has. */
	prepare?(spec: TableSpec, signal: AbortSignal): Promise<void>;
	/** Whether the table can be pulled by it; else it is by `Remote.pull`. */
	covers(spec: TableSpec): boolean;
	pull(request: LogRequest, signal: AbortSignal): Promise<LogPage>;
}

export interface LogRequest {
	readonly spec: TableSpec;
	/** Of the last page written; null: from the beginning. */
	readonly cursor: string | null;
	/** At the beginning: leave out rows of before this timestamp, which are held already; null: none. */
	readonly from: string | null;
	/** At most so many rows and ids. */
	readonly limit: number;
}

export interface LogPage {
	readonly rows: readonly Row[];
	/** Ids that are gone at the server, or out of sight. */
	readonly gone: readonly RowId[];
	/** Ids of rows that are there, but that the table's filter no longer lets in. */
	readonly left: readonly RowId[];
	/** Where the next page, or the next pull, starts; text that only the server reads. */
	readonly cursor: string;
	readonly isHead: boolean;
	/** The cursor given names no place any more: this is the first page of all rows. */
	readonly isReset: boolean;
	/** What was deleted before is told by nobody: ids have to be compared once. */
	readonly isUncompared: boolean;
	/** Whether everything that goes, or goes out of sight, is told: ids need not be compared again and again. */
	readonly tellsAll: boolean;
	/** As of `PullPage`. */
	readonly sentAt: string | null;
}

export interface PullRequest {
	readonly spec: TableSpec;
	readonly start: PullStart | null;
	readonly limit: number;
	/** Ask for id, version and tombstone columns alone. */
	readonly keysOnly: boolean;
	/** There is likely no row: what tells that at less cost may be asked first. @default false */
	readonly expectsNone?: boolean;
}

export interface PullPage {
	readonly rows: readonly Row[];
	/** Server time, as timestamp text, no later than the request's arrival; null where the server tells no time. */
	readonly sentAt: string | null;
	/** Whether the head was certainly reached. */
	readonly isHead: boolean;
}
