import { PixSyncError } from './errors.ts';
import type { RowId } from './types.ts';

/**
 * What the table machine asks of the services, and what they answer. One call is one step; the machine decides
 * what comes next. A rejection is a PixSyncError whose `fault` says which transition to take; a {@link StepError} where
 * something had been done before.
 */
export interface TableServices {
	/** One batch of the outbox to the server. */
	upload(input: UploadInput, signal: AbortSignal): Promise<UploadOutput>;
	/** One page of the server's changes to the replica. */
	download(input: DownloadInput, signal: AbortSignal): Promise<DownloadOutput>;
	/** Decides the conflicts that wait. */
	resolve(input: ResolveInput, signal: AbortSignal): Promise<ResolveOutput>;
	/** Ends the prefetch of a pull that is left (R11). */
	endPull(input: { readonly table: string }): void;
}

export interface UploadInput {
	readonly table: string;
	/** The last mutation that this upload covers; null: all that is queued when it begins. */
	readonly upTo: number | null;
	/** Try what waits for its next attempt, too. */
	readonly force: boolean;
	/** Leave deletes queued: rows of other tables that refer to them go first (R14). */
	readonly holdDeletes: boolean;
	/** Device ms of the next attempt, should this one find no answer. */
	readonly retryAt: number;
}

export interface UploadOutput extends StepCounts {
	/** Conflicts that wait to be resolved. */
	readonly waitingConflicts: number;
	/** More up to `upTo` can be sent at once. */
	readonly more: boolean;
	/** Deletes held back. */
	readonly held: number;
	readonly upTo: number;
}

export interface DownloadInput {
	readonly table: string;
	/** Which pull the page belongs to; another number starts over from the checkpoint. */
	readonly pull: number;
	/** Whether the pull began because somebody told of a change. */
	readonly isPoked: boolean;
	readonly holdDeletes: boolean;
}

export interface DownloadOutput extends StepCounts {
	/** Rows read so far in this pull. */
	readonly rowsRead: number;
	readonly more: boolean;
	/** At the head: something can be uploaded at once. */
	readonly due: boolean;
	/** At the head: device ms of the earliest next attempt of what waits; null: nothing waits. */
	readonly waitUntil: number | null;
}

export interface ResolveInput {
	readonly table: string;
	/** Too many rounds: put off, or park, what would be sent anew (R13). */
	readonly isExhausted: boolean;
	readonly retryAt: number;
}

export interface ResolveOutput extends StepCounts {
	/** Something can be sent at once. */
	readonly due: boolean;
	readonly resolved: readonly ResolvedConflict[];
}

/** How one conflict ended. */
export interface ResolvedConflict {
	readonly id: RowId;
	readonly outcome:
		| 'local'
		| 'remote'
		| 'merged'
		| 'deleted'
		| 'recreated'
		| 'dead-letter'
		| 'deferred'
		| 'parked';
}

/** A step's share of the {@link SyncResult}. */
export interface StepCounts {
	readonly uploaded: number;
	readonly downloaded: number;
	readonly conflicts: number;
	/** As in `SyncResult.errors`. */
	readonly errors: readonly string[];
}

export const NO_COUNTS: StepCounts = { uploaded: 0, downloaded: 0, conflicts: 0, errors: [] };

export function addCounts(a: StepCounts, b: StepCounts): StepCounts {
	return {
		uploaded: a.uploaded + b.uploaded,
		downloaded: a.downloaded + b.downloaded,
		conflicts: a.conflicts + b.conflicts,
		errors: b.errors.length === 0 ? a.errors : [...a.errors, ...b.errors],
	};
}

/** The error that ended a step, with what the step had done until then. */
export class StepError extends PixSyncError {
	constructor(
		error: PixSyncError,
		readonly counts: StepCounts,
	) {
		super(error.code, error.message, error);
	}
}

/** What was done by the step that ended so. */
export function countsOf(error: unknown): StepCounts {
	return error instanceof StepError ? error.counts : NO_COUNTS;
}
