import type { StoredError } from './mutation.ts';
import type { Row, RowId } from './types.ts';

/**
 * Why a conflict waits for somebody:
 * - `manual`: the table's strategy, or its resolver's verdict, leaves it to a person.
 * - `edit-vs-delete`: one side deleted what the other edited, which `merge` does not decide.
 * - `resolver-error`: the table's resolver threw, answered nonsense, or took too long.
 * - `exhausted`: it was decided and sent again and again, and another change was there first each time (R13).
 */
export type ParkReason = 'manual' | 'edit-vs-delete' | 'resolver-error' | 'exhausted';

/** A conflict that waits for `resolveConflict`. In the rows `null` means deleted or unknown. */
export interface ConflictRecord<R = Row> {
	/**
	 * What `resolveConflict` takes. The same across restarts and later local changes; a newer row of the server's
	 * gives the conflict a new one, so that nobody decides on a row that they have not seen.
	 */
	readonly id: string;
	readonly table: string;
	readonly rowId: RowId;
	/** The row before the local changes, as the server had confirmed it. */
	readonly base: R | null;
	/** The row with all local changes, as it would be if they stood. */
	readonly local: R | null;
	/** The server's row, as it was last seen. */
	readonly remote: R | null;
	/** Device ms. */
	readonly since: number;
	/** The columns that differ on both sides from the base and from each other; none where one side deleted the row. */
	readonly columns: readonly string[];
	readonly reason: ParkReason;
	/** Why the table's resolver gave no verdict. */
	readonly error?: StoredError;
}
