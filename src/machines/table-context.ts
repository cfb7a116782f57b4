import type { PixSyncError } from '../core/errors.ts';
import { NO_COUNTS, type StepCounts } from '../core/run-contract.ts';
import type { TableInput, TableParent, TableRound } from './table-protocol.ts';

/** What a table machine remembers beside its state. */
export interface TableContext extends Required<TableInput> {
	/** The newest wish, and the newest that the running round serves. */
	readonly requested: number;
	readonly served: number;
	/** Whether the next pass tries what waits, too. */
	readonly isForced: boolean;
	readonly holdDeletes: boolean;
	readonly held: number;
	readonly isPoked: boolean;
	/** Whether the running pull began because of a poke. */
	readonly isPokedPull: boolean;
	/** The last mutation that the running upload covers; null: not yet known. */
	readonly upTo: number | null;
	/** Which pull the next page belongs to. */
	readonly pull: number;
	readonly rowsRead: number;
	/** Rounds of resolving since the table last came to rest. */
	readonly resolvings: number;
	/** Steps in a row that found no answer. */
	readonly attempts: number;
	readonly retryInMs: number;
	/** Device ms; null: not in backoff. */
	readonly nextRetryAt: number | null;
	/** Whether the session was refreshed since the last success. */
	readonly isReauthorised: boolean;
	/** Offline only until the session is refreshed; the round goes on then. */
	readonly awaitsSession: boolean;
	readonly counts: StepCounts;
	readonly error: PixSyncError | null;
	/** Device ms of the last round that ended well. */
	readonly lastSyncedAt: number | null;
}

const DEFAULT_BACKOFF = { baseMs: 1_000, capMs: 60_000 };

export function toTableContext(input: TableInput): TableContext {
	return {
		table: input.table,
		parent: input.parent,
		backoff: input.backoff ?? DEFAULT_BACKOFF,
		random: input.random ?? Math.random,
		now: input.now ?? Date.now,
		requested: 0,
		served: 0,
		isForced: false,
		holdDeletes: false,
		held: 0,
		isPoked: false,
		isPokedPull: false,
		upTo: null,
		pull: 0,
		rowsRead: 0,
		resolvings: 0,
		attempts: 0,
		retryInMs: 0,
		nextRetryAt: null,
		isReauthorised: false,
		awaitsSession: false,
		counts: NO_COUNTS,
		error: null,
		lastSyncedAt: null,
	};
}

/** For `sendTo`. */
export function parentOf({ context }: { context: TableContext }): TableParent {
	return context.parent;
}

/** What a report says of the round under way. */
export function toRound({ table, served, held, counts, error }: TableContext): TableRound {
	return { table, served, held, counts, error };
}
