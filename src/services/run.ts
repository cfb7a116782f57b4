import type { Checkpoints } from '../core/checkpoint.ts';
import { PixSyncError } from '../core/errors.ts';
import type { RowNotice } from '../core/sync-notice.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { LocalStore } from './local-store.ts';
import type { OwnEchoes } from './own-echoes.ts';
import type { Remote } from './remote.ts';
import type { Stores } from './stores.ts';

/** Everything that one run of a service works with. It is bound to one user's replica and to one leadership. */
export interface Run {
	readonly spec: TableSpec;
	readonly store: LocalStore;
	readonly remote: Remote;
	readonly signal: AbortSignal;
	/** The leadership that the run belongs to (R9). */
	readonly epoch: number;
	/** Tables whose `dependsOn` names this one; itself, where it does. */
	readonly dependants: readonly string[];
	/** Tables whose `references` name this one; itself, where it does. */
	readonly referrers: readonly TableSpec[];
	/** Device ms. */
	readonly now: () => number;
	/** In [0, 1). */
	readonly random: () => number;
	/** A new UUID. */
	readonly createId: () => string;
	/** Server time less device time in ms; null until measured. */
	readonly clockOffset: () => number | null;
	/** Whether that was measured in this session, and no clock was set since. */
	readonly isClockSure: () => boolean;
	/** Whether somebody waits for this run to end, such as `clearSyncQueue`: what can be left for later is. */
	readonly isAwaited: () => boolean;
	readonly settings: RunSettings;
	/** What this session knows of the replica. */
	readonly session: RunSession;
	/** What the table's run just before has read of it for a pull; null: nothing. */
	readonly beginning: PullBeginning | null;
	/** Told of rows after the transaction that changed them. */
	readonly notify: (notices: readonly RowNotice[]) => void;
}

/** Lives as long as the replica is open. */
export interface RunSession {
	/** Device ms of each table's last sweep. */
	readonly reconciledAt: Map<string, number>;
	readonly echoes: OwnEchoes;
	/** Tables to which the last pull brought nothing, and to which nothing was uploaded since. */
	readonly quiet: Set<string>;
	/** By table, for its very next run: see {@link Run.beginning}. */
	readonly beginnings: Map<string, PullBeginning & { readonly epoch: number }>;
}

/** What a pull begins from. Only a run changes it. */
export interface PullBeginning {
	readonly stored: Checkpoints;
	/** Whether the replica holds no rows of the table. */
	readonly isEmpty: boolean;
	/** `LocalStore.writes` as nothing of the table waited, and nothing was owed at its head; null: something did, or nobody has looked. */
	readonly quietAt: number | null;
}

export interface RunSettings {
	readonly pageSize: number;
	readonly batchSize: number;
	readonly overlapMs: number;
	/** 0: never by itself. */
	readonly reconcileIntervalMs: number;
	/** How long a conflict resolver of the app's may take. @default 30000 */
	readonly requestTimeoutMs?: number;
	readonly backoff: { readonly baseMs: number; readonly capMs: number };
}

export const EPOCH_KEY = 'epoch';

/**
 * The fence (R9): called inside each transaction that applies something. Leaving a state does not stop a
 * promise's body, so that a run which was called off, or whose tab no longer leads, must find out here.
 * @throws PixSyncError `superseded`; the transaction then writes nothing.
 */
export async function assertCurrent(stores: Stores, run: Run): Promise<void> {
	const held = await stores.meta.get(EPOCH_KEY);
	if (run.signal.aborted || held?.value !== run.epoch) throw superseded();
}

/** For the steps between transactions: what was called off must not go on. @throws PixSyncError `superseded`. */
export function throwIfAborted(signal: AbortSignal): void {
	if (signal.aborted) throw superseded();
}

export function superseded(): PixSyncError {
	return new PixSyncError('superseded', 'The run was called off', {
		fault: 'no-answer',
		hint: 'Nothing to do: the engine goes on by itself.',
	});
}

/** Server-adjusted ms. */
export function serverNow(run: Run): number {
	return run.now() + (run.clockOffset() ?? 0);
}

/**
 * What decides a conflict: when the edit was made, by the server's clock, and never later than now, for a
 * device whose clock runs ahead must not win against the future (R21).
 */
export function editTime(run: Run, edit: { queuedAt: number; clockOffset: number | null }): number {
	return Math.min(edit.queuedAt + (edit.clockOffset ?? run.clockOffset() ?? 0), serverNow(run));
}
