import { compareTimestamps, toMicros, toTimestampText } from './timestamp.ts';
import type { RowId } from './types.ts';

/** A row's place in the pull's order. The timestamp is the server's verbatim text. */
export interface Position {
	readonly timestamp: string;
	readonly id: RowId;
}

/** How a table is pulled: by its rows' timestamps, or by the server's log of changes. */
export type Transport = 'rest' | 'rpc';

/** How far a table's pull has come; stored with the page that it belongs to, in one transaction. */
export interface Checkpoint {
	readonly table: string;
	readonly transport: Transport;
	/** Of a pull by the server's log: where the next page starts, in the server's words. It has no `position`. */
	readonly cursor?: string;
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
	/** The server has told to start over, and that is under way. */
	readonly isResetting?: true;
	/** Device ms of the last head reached. */
	readonly syncedAt: number | null;
}

/** A table's checkpoints, one a transport. A place of one is none of the other. */
export type Checkpoints = { readonly [transport in Transport]?: Checkpoint };

export interface PullPlan {
	/**
	 * `first`: nothing was ever pulled; `reselected`: what the app selects has changed, so that all is read anew (F21);
	 * `reset`: the server has told to start over.
	 */
	readonly kind: 'first' | 'reselected' | 'reset' | 'next';
	/** Where to go on; null: at the beginning. */
	readonly checkpoint: Checkpoint | null;
	/** With no place in the log yet: what the other transport has not brought. */
	readonly other: Checkpoint | null;
}

/** What a pull is to be, by what was pulled so far, by whatever transport. */
export function planPull(transport: Transport, stored: Checkpoints, selection: string): PullPlan {
	const ofSelection = (one: Checkpoint | undefined) => (one?.selection === selection ? one : null);
	const own = ofSelection(stored[transport]);
	const other = ofSelection(stored[transport === 'rest' ? 'rpc' : 'rest']);
	// Rows that the other was to write whatever is held may not have come.
	const helper = other && !other.isReselecting && !other.isResetting ? other : null;
	const checkpoint = transport === 'rest' ? laterOf(own, helper) : own;
	if (own?.isReselecting) return { kind: 'reselected', checkpoint: own, other: null };
	if (own?.isResetting) return { kind: 'reset', checkpoint: own, other: null };
	if (checkpoint || helper) return { kind: 'next', checkpoint, other: helper };
	const isFirst = stored.rest === undefined && stored.rpc === undefined;
	return { kind: isFirst ? 'first' : 'reselected', checkpoint: null, other: null };
}

/** Of a position that is a time alone. No row has it. */
const NO_ID = '';

/** The log's place is no place in the order of timestamps, but the time of its head is as good as one. */
function laterOf(rest: Checkpoint | null, rpc: Checkpoint | null): Checkpoint | null {
	const at = rpc?.headAt ?? null;
	if (!rpc || at === null || (rest?.headAt && compareTimestamps(rest.headAt, at) >= 0)) return rest;
	const { cursor: _, ...known } = rpc;
	return { ...known, transport: 'rest', position: { timestamp: at, id: NO_ID }, scanStartedAt: null };
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
	const stored = checkpoint?.position;
	if (!checkpoint || !stored) return null;
	// A time alone is no row's place: what lies at it is read again.
	const position = stored.id === NO_ID ? { ...stored, id: null } : stored;
	if (checkpoint.scanStartedAt !== null) return position;
	const reference = checkpoint.headAt ?? position.timestamp;
	const overlapStart = minusMs(reference, overlapMs);
	if (overlapStart === null) return position;
	// Rows before the overlap are settled, so that the position itself, id included, is a safe start.
	return compareTimestamps(position.timestamp, overlapStart) < 0
		? position
		: { timestamp: overlapStart, id: null };
}

/**
 * From which timestamp on the server's log brings what a pull by timestamps may not have. A scan that was cut off has
 * read up to its position what was committed before it began; what was committed since may lie behind the position.
 */
export function logStart(checkpoint: Checkpoint | null, overlapMs: number): string | null {
	const start = pullStart(checkpoint, overlapMs)?.timestamp ?? null;
	const scanStartedAt = checkpoint?.scanStartedAt ?? null;
	const reach = scanStartedAt === null ? null : minusMs(scanStartedAt, overlapMs);
	return start !== null && reach !== null && compareTimestamps(reach, start) < 0 ? reach : start;
}

function minusMs(timestamp: string, ms: number): string | null {
	const micros = toMicros(timestamp);
	return micros === null ? null : toTimestampText(micros - BigInt(Math.round(ms)) * 1000n);
}
