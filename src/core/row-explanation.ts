import type { ConflictRecord } from './conflict-record.ts';
import type { StoredError } from './mutation.ts';
import type { ResolvedConflict } from './run-contract.ts';
import type { Strategy } from './table-spec.ts';
import type { Row, RowId, SyncAction } from './types.ts';

/**
 * What happened to a row and what will: everything that is stored about it, read in one transaction.
 *
 * What cannot be told: when a change was acknowledged. That is not recorded, for it would cost a further write a
 * row; an acknowledged change shows in `base`, whose version is the server's time of it.
 */
export interface RowExplanation {
	readonly table: string;
	/** The row's id, also where it was asked for by its localId. */
	readonly id: RowId;
	/** As `table(name).state(id)` tells it. */
	readonly status: 'absent' | 'synced' | 'pending' | 'conflicted' | 'rejected';
	/** The row as the app sees it; null: the app sees none. */
	readonly row: Row | null;
	/** The row as the server last confirmed it, a tombstone included; null: it has none, or it was never held here. */
	readonly base: Row | null;
	/** The newer server row that was seen while the row had unconfirmed changes; `'gone'`: removed there; null: none. */
	readonly remote: Row | 'gone' | null;
	/** The conflict that waits until somebody decides it; null: none does. */
	readonly conflict: ConflictRecord | null;
	/** Unconfirmed changes and dead letters, in queue order. */
	readonly mutations: readonly ExplainedMutation[];
	/** Rows of `dependsOn` tables that an unconfirmed change refers to and that are not synced themselves: they go first. */
	readonly waitsFor: readonly AwaitedRow[];
	/** How often the request under way or put off was tried and got no final answer. */
	readonly attempts: number;
	/** Device ms before which it is not tried by itself; null: nothing is put off. */
	readonly nextAttemptAt: number | null;
	/** How the row's last conflict ended, of earlier sessions, too. It may be older than `base`. */
	readonly lastConflict: ConflictOutcome | null;
	/** The newest outcome that is known; null: the server never told anything of the row. */
	readonly lastOutcome: RowOutcome | null;
	readonly tableState: TableStanding;
	/** What happens next and why, in plain English. */
	readonly next: string;
}

export interface ExplainedMutation {
	readonly mutationId: string;
	readonly action: SyncAction;
	/** create: the whole row; update: the changed columns; delete: null. */
	readonly data: Row | null;
	/** Device ms. */
	readonly queuedAt: number;
	/** `conflicted`: parked until somebody decides; `rejected`: a dead letter. */
	readonly status: 'pending' | 'conflicted' | 'rejected';
	/** Its request may have reached the server, and no final answer is known. */
	readonly isSent: boolean;
	/** Why it was refused, and when by the device's clock; null: it was not. */
	readonly error: StoredError | null;
}

export interface AwaitedRow {
	readonly table: string;
	readonly id: RowId;
	readonly status: ExplainedMutation['status'];
}

/** How a conflict ended. */
export interface ConflictOutcome {
	/**
	 * `local`: the local changes were sent anew, but for those dropped · `remote`: all were dropped · `merged`: each
	 * column from the side that `merged` names · `deleted`: a resolver had the row deleted · `recreated`: the row was
	 * gone and was made anew · `dead-letter`: it was gone and the local changes were kept aside · `deferred`: nothing
	 * was decided yet, for too many rounds had gone by · `parked`: it waits until somebody decides.
	 */
	readonly outcome: ResolvedConflict['outcome'];
	/** The table's strategy at that time. */
	readonly strategy: Strategy;
	/** Device ms. */
	readonly at: number;
	/** The local changes that fell away, in queue order. */
	readonly droppedMutations: readonly string[];
	/** The columns whose local value fell away, by name; a delete sets none. */
	readonly droppedColumns: readonly string[];
	/** Of `merged`: the columns sent, and those that the other side had changed and that stay as it left them. */
	readonly merged?: { readonly local: readonly string[]; readonly remote: readonly string[] };
}

export type RowOutcome =
	/** The server's row is held, by an acknowledgement or a download. When that was is not recorded. */
	| { readonly kind: 'confirmed'; readonly at: null }
	/** A conflict ended, and the server's row was the same ever since; `lastConflict` tells more. */
	| { readonly kind: 'conflict'; readonly at: number; readonly outcome: ConflictOutcome['outcome'] }
	/** A change was refused and is kept aside. A later change may have been confirmed: that cannot be told. */
	| { readonly kind: 'rejected'; readonly at: number; readonly code: string };

/** What the row's table does, as `getState().tables[table]` tells it. */
export interface TableStanding {
	readonly state: 'offline' | 'idle' | 'uploading' | 'downloading' | 'resolving' | 'backoff';
	/** Device ms; null: no retry is planned. */
	readonly nextRetryAt: number | null;
	/** What kept the last round from ending well. */
	readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
}
