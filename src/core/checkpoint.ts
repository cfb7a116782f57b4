import { compareTimestamps, toMicros, toTimestampText } from './timestamp.ts';
import type { RowId } from './types.ts';

/** A row's place in the pull's order. The timestamp is the server's verbatim text. */
export interface Position {
	readonly timestamp: string;
	readonly id: RowId;
}

/** How far a table's pull has come; stored with the page that it belongs to, in one transaction. */
export interface Checkpoint {
	readonly table: string;
	readonly transport: 'rest' | 'rpc';
	/** The last row of the last page written; null: no row yet. */
	readonly position: Position | null;
	/** Server time of the running scan's first request; null: the last scan reached the head, or the server told no time. */
	readonly scanStartedAt: string | null;
	/** Server time of the first request of the last scan that reached the head. */
	readonly headAt: string | null;
	/** What the rows were selected by; another selection starts over. */
	readonly selection: string;
	/** Such a new start is under way: rows are written whatever version is held. */
	readonly isReselecting?: true;
	/** Device ms of the last head reached. */
	readonly syncedAt: number | null;
}

/** Where a pull starts. Without `id` the rows at `timestamp` itself are read again. */
export interface PullStart {
	readonly timestamp: string;
	readonly id: RowId | null;
}

/**
 * Where the next pull starts (R15). A row's timestamp is set when its transaction begins or writes and becomes
 * visible when it commits, so a row may appear *behind* the position. Hence: the earlier of the position and the
 * last scan's first request less `overlapMs`. A scan that was cut off goes on at its position, for its own start
 * is what the next one will reach back from.
 */
export function pullStart(checkpoint: Checkpoint | null, overlapMs: number): PullStart | null {
	const position = checkpoint?.position;
	if (!checkpoint || !position) return null;
	if (checkpoint.scanStartedAt !== null) return position;
	const reference = checkpoint.headAt ?? position.timestamp;
	const overlapStart = minusMs(reference, overlapMs);
	if (overlapStart === null) return position;
	// Rows before the overlap are settled, so that the position itself, id included, is a safe start.
	return compareTimestamps(position.timestamp, overlapStart) < 0
		? position
		: { timestamp: overlapStart, id: null };
}

function minusMs(timestamp: string, ms: number): string | null {
	const micros = toMicros(timestamp);
	return micros === null ? null : toTimestampText(micros - BigInt(Math.round(ms)) * 1000n);
}
