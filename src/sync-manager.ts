import type { Actor } from 'xstate';
import type { ConflictRecord } from './core/conflict-record.ts';
import { isPixSyncError, PixSyncError, unreachable } from './core/errors.ts';
import type { RejectedWrite, RetriedWrites } from './core/rejected-write.ts';
import type { RowExplanation, TableStanding } from './core/row-explanation.ts';
import type { RowNotice, SyncNoticeName, SyncNotices } from './core/sync-notice.ts';
import { isSameSpec, type TableSpec, toTableSpec } from './core/table-spec.ts';
import { topologicalOrder } from './core/topology.ts';
import type { QueuedAction, Row, RowId, SyncAction, SyncConfig, SyncResult } from './core/types.ts';
import type { Diagnosis } from './doctor/finding.ts';
import { createEngine, type Engine } from './engine.ts';
import { toLeaderState } from './leader-state.ts';
import type { syncMachine } from './machines/sync.machine.ts';
import { createNoticeHub } from './notice-hub.ts';
import type { SyncManagerOptions } from './options.ts';
import { type ActionInput, type CheckedAction, toCheckedAction, toRowId } from './services/action.ts';
import type { AdoptResult } from './services/adopt-anonymous.ts';
import { lastSeq } from './services/clear.ts';
import { toDecision } from './services/conflict-inbox.ts';
import { explainRow } from './services/explain.ts';
import { exportUnsynced, type UnsyncedExport } from './services/export-unsynced.ts';
import { toLetterDraft } from './services/letter-edit.ts';
import type { NetworkMonitor } from './services/network-monitor.ts';
import type { ReconcileOptions } from './services/reconcile.ts';
import type { SignOutOptions, SignOutResult } from './services/sign-out.ts';
import type { SupabaseLike } from './services/supabase-access.ts';
import { fromPlainNotice, type TabCallName, toPlainNotice } from './services/tab-message.ts';
import { countUnconfirmed } from './services/table-counts.ts';
import type { WipeOptions } from './services/wipe.ts';
import type { Workspace } from './services/workspace.ts';
import { createStateStore, type StateStore, type SyncState } from './sync-state.ts';
import { createTableHandle, type TableHandle } from './table-handle.ts';

/** Of a table that the chart is only just being told of. */
const NO_STANDING: TableStanding = { state: 'offline', nextRetryAt: null, error: null };

/** Why the leading tab did not do what it was asked; this tab then says what it can. */
const NOT_ASKED: ReadonlySet<string> = new Set(['not-leader', 'closed', 'unregistered-table']);

/** Longest delay that timers take. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;

/**
 * Makes a Supabase app offline-first: writes go to a local replica and a durable outbox, and sync when they can.
 * The engine is the statechart `actor`; this class is a thin front to it.
 */
export class SyncManager {
	/** The running root actor, for inspectors and `@xstate/react`. Send it nothing that you do not mean. */
	readonly actor: Actor<typeof syncMachine>;
	/** What tells whether the server is within reach: the one given as an option, or the shared one. */
	readonly networkMonitor: NetworkMonitor;
	readonly #engine: Engine;
	readonly #state: StateStore;
	readonly #notices = createNoticeHub();
	readonly #waiting = new Map<number, (result: SyncResult) => void>();
	#tokens = 0;
	#isClosed = false;

	/**
	 * @param supabase the app's client, made with `createClient` of `@supabase/supabase-js` 2.
	 * @throws PixSyncError `bad-client`, `bad-config`, `no-indexeddb`.
	 */
	constructor(supabase: SupabaseLike, options: SyncManagerOptions = {}) {
		this.#engine = createEngine(supabase, options, {
			countsChanged: () => this.#state?.refresh(),
			userChanged: (notice) => this.#notices.tell('userChanged', notice),
			storageChanged: (error) => {
				this.#state?.refresh();
				if (error) this.#notices.tell('error', { table: null, error });
			},
			rowsNoticed: (notices) => this.#tellRows(notices),
			leaderState: () => toLeaderState(this.#state.get()),
			leaderStateChanged: () => this.#state?.refresh(),
			called: (name, args) => this.#answerTab(name, args),
			noticed: (name, notice) => this.#hearTab(name, notice),
		});
		this.actor = this.#engine.actor;
		this.networkMonitor = this.#engine.monitor;
		this.#state = createStateStore(this.#engine);
		this.actor.on('sync.completed', ({ waiters }) => {
			for (const { token, result } of waiters) if (token !== null) this.#answer(token, result);
		});
		this.actor.on('round.ended', ({ table, error, counts: { uploaded, downloaded, conflicts, errors } }) => {
			if (error) this.#tell('error', { table, error });
			else if (errors.length === 0) this.#tell('synced', { table, uploaded, downloaded, conflicts });
		});
		this.#state.subscribe(() => this.#engine.tabs.current()?.tellState());
	}

	/**
	 * Names a table to sync; at any time, also after the start.
	 * @throws PixSyncError `bad-config`, `duplicate-table` (registered before with another config).
	 */
	registerTable(config: SyncConfig): void {
		this.#assertOpen();
		const spec = toTableSpec(config);
		const known = this.#engine.specs.get(spec.table);
		if (known && isSameSpec(known, spec)) return;
		if (known) {
			throw new PixSyncError('duplicate-table', `Table "${spec.table}" is registered with another config`, {
				table: spec.table,
				hint: 'Register each table once.',
			});
		}
		this.#engine.addTable(spec);
	}

	/**
	 * Queues one change; resolves when row and outbox are durable.
	 * @param table a registered table.
	 * @param action 'create' | 'update' | 'delete'.
	 * @param data create: the row; update: the columns to change; delete: null.
	 * @param localId the row's id, or on create a name of the app's own, which later calls may use.
	 * @throws PixSyncError (as a rejection) for any bad input, before anything is written.
	 */
	async queueAction(
		table: string,
		action: SyncAction,
		data: unknown,
		localId?: RowId | null,
	): Promise<QueuedAction> {
		const [queued] = await this.queueActions([{ table, action, data, localId }]);
		if (!queued) throw new Error('unreachable: one action was queued');
		return queued;
	}

	/** Queues several changes, of any tables, in one transaction: all or none. */
	async queueActions(actions: readonly ActionInput[]): Promise<readonly QueuedAction[]> {
		this.#assertOpen();
		// Checked and copied as the call is made, and bound to whoever is signed in now (R23).
		const checked = actions.map((input): CheckedAction => toCheckedAction(this.#spec(input.table), input));
		const queued = await this.#write(({ mutate }) => mutate(checked));
		this.#tellQueued([...new Set(checked.map(({ spec }) => spec.table))]);
		return queued;
	}

	/**
	 * Uploads and downloads; tables with something pending that others depend on come along. It reports what went
	 * wrong instead of rejecting.
	 * @param tables default: all.
	 * @throws PixSyncError (as a rejection) `unregistered-table`, `cyclic-dependency`, `closed`.
	 */
	async sync(tables?: string[]): Promise<SyncResult> {
		const result = await this.#sync(tables);
		// Whoever asks for the state next finds what this sync has left.
		await this.#engine.lookAtCounts();
		return result;
	}

	async #sync(tables?: string[]): Promise<SyncResult> {
		this.#assertOpen();
		for (const table of tables ?? []) this.#spec(table);
		topologicalOrder(new Map([...this.#engine.specs.values()].map((spec) => [spec.table, spec.dependsOn])));
		await this.ready();
		// A wish of the user's is worth a look whether the server is back, and whether somebody is signed in again.
		await this.#engine.recheck();
		this.#assertOpen();
		const answer = await this.#askLeader('sync', [tables]).catch((error: unknown) => {
			if (this.#isClosed) return { value: closedResult(tables ?? [...this.#engine.specs.keys()]) };
			throw error;
		});
		if (answer) return answer.value as SyncResult;
		// Those that come along are known by what waits in them.
		if (tables) await this.#engine.lookForQueued();
		this.#assertOpen();
		const token = ++this.#tokens;
		return new Promise((resolve) => {
			this.#waiting.set(token, resolve);
			this.actor.send({ type: 'sync.request', token, ...(tables ? { tables } : {}) });
		});
	}

	/**
	 * Syncs now, every `intervalMs`, on regaining the connection, on becoming visible, and soon after local writes.
	 * @param intervalMs a positive number of ms, at most 2^31 - 1.
	 * @throws PixSyncError `bad-interval`.
	 */
	enableAutoSync(intervalMs: number): void {
		this.#assertOpen();
		if (typeof intervalMs !== 'number' || !(intervalMs > 0) || intervalMs > MAX_INTERVAL_MS) {
			throw new PixSyncError('bad-interval', `This is not an interval: ${String(intervalMs)}`, {
				hint: 'Pass milliseconds, such as 30_000.',
			});
		}
		this.actor.send({ type: 'schedule.enable', intervalMs });
	}

	disableAutoSync(): void {
		this.#assertOpen();
		this.actor.send({ type: 'schedule.disable' });
	}

	/** Mutations that wait to be confirmed, those parked in a conflict included; dead letters are not. */
	async getPendingCount(table?: string): Promise<number> {
		if (table !== undefined) this.#spec(table);
		const { store } = this.#engine.settled() ?? (await this.#ready());
		return countUnconfirmed(store, table === undefined ? [...this.#engine.specs.keys()] : [table]);
	}

	/**
	 * The changes that the server refused for good, oldest first. They are kept until retried or discarded.
	 * @param table default: all.
	 */
	async getRejected(table?: string): Promise<readonly RejectedWrite[]> {
		const specs = table === undefined ? this.#engine.specs.values() : [this.#spec(table)];
		const { letters } = this.#engine.settled() ?? (await this.#ready());
		return letters.list([...specs]);
	}

	/**
	 * Queues refused changes again, as if they had only waited: on the row as it is confirmed now, before later
	 * changes of it that wait. The change counts as made now.
	 * @param id of `getRejected()`; default: all, but for those whose row is deleted here by a change that waits.
	 * @param data columns to send in place of the refused ones, or besides them; undefined: do not send the column.
	 * @throws PixSyncError (as a rejection) `not-found`, `bad-data`, `bad-action`, `missing-data`, `missing-id`,
	 * `id-change`, before anything is written.
	 */
	async retryRejected(id?: string, data?: unknown): Promise<RetriedWrites> {
		this.#assertOpen();
		const edit = data === undefined ? null : toLetterDraft(id, data);
		const { tables, ...retried } = await this.#write(({ letters }) =>
			letters.retry(this.#engine.specs, { letter: id, edit }),
		);
		this.#tellQueued(tables);
		return retried;
	}

	/**
	 * Drops a refused change for good. Of a create it frees the localId; rows that waited for it are refused
	 * themselves at their next upload.
	 * @throws PixSyncError (as a rejection) `not-found`.
	 */
	async discardRejected(id: string): Promise<void> {
		this.#assertOpen();
		const { tables } = await this.#write(({ letters }) => letters.discard(this.#engine.specs, id));
		this.#tellQueued(tables);
	}

	/**
	 * The conflicts that wait for `resolveConflict`, longest waiting first. Each holds its row alone.
	 * @param table default: all.
	 */
	async getConflicts<R extends object = Row>(table?: string): Promise<readonly ConflictRecord<R>[]> {
		const specs = table === undefined ? this.#engine.specs.values() : [this.#spec(table)];
		const { conflicts } = this.#engine.settled() ?? (await this.#ready());
		return (await conflicts.list([...specs])) as unknown as readonly ConflictRecord<R>[];
	}

	/**
	 * Ends a conflict as somebody decided. Should the server's row have changed again by the time that the decision
	 * is sent, that is a new conflict.
	 * @param id of `getConflicts()`.
	 * @param decision 'local': the local version, also where the server's row is gone; 'remote': the server's, also
	 * where it is gone; or the row as it should be: its columns that differ from the server's are sent.
	 * @throws PixSyncError (as a rejection) `unknown-conflict`, `bad-action`, `bad-data`, `id-change`, before anything
	 * is written.
	 */
	async resolveConflict<R extends object = Row>(id: string, decision: 'local' | 'remote' | R): Promise<void> {
		this.#assertOpen();
		const decided = toDecision(decision);
		const { table, notices } = await this.#write(({ conflicts }) =>
			conflicts.decide(this.#engine.specs, id, decided),
		);
		this.#tellRows(notices);
		this.#tellQueued([table]);
	}

	/**
	 * Drops all that waits as the call is made; rows go back to what the server last confirmed. Dead letters stay.
	 */
	async clearSyncQueue(): Promise<void> {
		const { store } = await this.#ready();
		await this.#clearQueue(await lastSeq(store));
	}

	async #clearQueue(upTo: number): Promise<void> {
		if (await this.#askLeader('clearSyncQueue', [upTo])) return;
		for (const table of this.#engine.specs.keys()) await this.#engine.services.clearQueue(table, upTo);
	}

	/**
	 * Compares the ids of a table with the server's, completely, and removes rows that are gone there.
	 * @returns how many local rows changed.
	 * @throws PixSyncError (as a rejection) `reconcile-shrink` when more than half would go, unless `allowShrink`;
	 * `offline`, `unauthorised`; `superseded` where the connection is lost meanwhile.
	 */
	async reconcile(table: string, options: Partial<ReconcileOptions> = {}): Promise<{ changed: number }> {
		this.#spec(table);
		await this.#ready();
		const allowShrink = options.allowShrink ?? false;
		const answer = await this.#askLeader('reconcile', [table, { allowShrink }]);
		if (answer) return answer.value as { changed: number };
		const { services } = this.#engine;
		return this.#engine.whileOpen(table, async (signal) => ({
			changed: await services.reconcile(table, { allowShrink }, signal),
		}));
	}

	/** The local rows of a table, for reading and writing. @throws PixSyncError `unregistered-table`. */
	table<R extends object = Row>(name: string): TableHandle<R> {
		return createTableHandle<R>(this.#spec(name), {
			workspace: () => this.#ready(),
			current: () => this.#engine.settled(),
			queue: (action, data, id) => this.queueAction(name, action, data, id),
		});
	}

	/**
	 * What happened to a row and what will: its changes, what the server confirmed, its last conflict and refusal,
	 * and in `next` what happens now and why. Nothing is sent. A row that nobody knows is `absent`, and no error.
	 * @param id the row's id, or the localId that it was created with.
	 * @throws PixSyncError (as a rejection) `unregistered-table`, `bad-id`, `closed`.
	 */
	async explain(table: string, id: RowId): Promise<RowExplanation> {
		const spec = this.#spec(table);
		const rowId = toRowId(spec, id, 'id');
		const { store } = await this.#ready();
		// In the same tick as the workspace: the engine's state and the rows are those of one user.
		const { connection, tables } = this.#state.get();
		const { state, nextRetryAt, error } = tables[table] ?? NO_STANDING;
		return explainRow(store, spec, rowId, {
			connection,
			isAuto: this.actor.getSnapshot().matches({ schedule: 'auto' }),
			tableState: { state, nextRetryAt, error },
			now: this.#engine.now(),
		});
	}

	/**
	 * Compares the registered tables with what sync needs, as far as the app's client can see them, and says how to
	 * mend what is wrong. Sends nothing that writes; what it cannot see or reach is unknown, and no error.
	 * @throws PixSyncError (as a rejection) `closed`.
	 */
	async diagnose(): Promise<Diagnosis> {
		this.#assertOpen();
		return this.#engine.diagnose();
	}

	/**
	 * Calls `listener` whenever it happens, once it is durable. See {@link SyncNotices} for what each tells.
	 * @param name 'conflict' | 'rejected' | 'synced' | 'error' | 'userChanged'.
	 * @returns unsubscribe
	 */
	on<N extends SyncNoticeName>(name: N, listener: (notice: SyncNotices[N]) => void): () => void {
		return this.#notices.on(name, listener);
	}

	/**
	 * Signs the user out: the local data is closed first, then `supabase.auth.signOut()` is called. What the server
	 * does not have yet is told to `onUnsynced`, and nothing is discarded that the app was not told of.
	 * With a client made with `accessToken` it does the local part alone: end the app's own session after it.
	 * @throws PixSyncError (as a rejection) `unsynced-changes`, `user-changed`, `bad-config`, `storage`; nothing has
	 * changed then.
	 */
	async signOut(options: SignOutOptions = {}): Promise<SignOutResult> {
		this.#assertOpen();
		return this.#engine.signOut(options, () => this.sync());
	}

	/**
	 * Makes what was written signed out the current user's: rows, queue and localIds. It may be called again at any
	 * time, also after a crash in the middle: nothing is lost or doubled.
	 * @throws PixSyncError (as a rejection) `unauthorised` while nobody is signed in.
	 */
	async adoptAnonymous(): Promise<AdoptResult> {
		this.#assertOpen();
		const { tables, ...result } = await this.#write((workspace) => this.#engine.adopt(workspace));
		this.#tellQueued(tables);
		return result;
	}

	/** A snapshot; the same object as long as nothing changed, as `useSyncExternalStore` wants it. */
	readonly getState = (): SyncState => this.#state.get();

	/** Calls `listener` after each change of `getState()`. @returns unsubscribe */
	readonly subscribe = (listener: () => void): (() => void) => this.#state.subscribe(listener);

	/**
	 * Everything that the server has not confirmed, of the current user and of all tables, as plain JSON: changes that
	 * wait, refused ones, and those parked in a conflict. For support, and for rescue.
	 */
	async exportUnsynced(): Promise<UnsyncedExport> {
		const { store, userId } = await this.#ready();
		return exportUnsynced(store, userId, this.#engine.now());
	}

	/**
	 * Deletes the current user's local database, whole. The engine goes on with an empty one: the next sync downloads
	 * everything. Requests under way are called off.
	 * @throws PixSyncError (as a rejection) `unsynced-changes` unless `discardUnsynced`, `user-changed`, `storage`.
	 */
	async wipe(options: WipeOptions = {}): Promise<void> {
		this.#assertOpen();
		await this.#engine.wipe(options);
	}

	/**
	 * Resolves when the local database of the current user is open.
	 * @throws PixSyncError (as a rejection) `storage`, `blocked`, `reload-needed`, `closed`.
	 */
	async ready(): Promise<void> {
		await this.#ready();
	}

	/** Stops everything; what is queued stays in the local database. Running `sync()` calls end with an error. */
	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#state.close();
		this.#notices.close();
		this.#engine.close();
		for (const [token] of this.#waiting) this.#answer(token, closedResult([...this.#engine.specs.keys()]));
	}

	/** Writes for whoever is signed in as the call is made, or for nobody (R23). */
	async #write<T>(work: (workspace: Workspace) => Promise<T>): Promise<T> {
		const workspace = await this.#engine.ready();
		if (this.#engine.current() !== workspace) throw userChanged();
		return work(workspace).catch((error: unknown) => {
			throw this.#engine.current() === workspace || this.#isClosed ? error : userChanged();
		});
	}

	#tellQueued(tables: readonly string[]): void {
		if (tables.length === 0 || this.#isClosed) return;
		this.actor.send({ type: 'mutation.queued', tables });
		this.#engine.tabs.current()?.tellQueued(tables);
	}

	#tellRows(notices: readonly RowNotice[]): void {
		for (const { type, ...notice } of notices) this.#tell(type, notice as never);
	}

	/** Tells this tab's listeners, and the other tabs' where this one leads. */
	#tell<N extends SyncNoticeName>(name: N, notice: SyncNotices[N]): void {
		this.#notices.tell(name, notice);
		this.#engine.tabs.current()?.tellNotice(name, toPlainNotice(notice));
	}

	#hearTab(name: SyncNoticeName, notice: unknown): void {
		this.#notices.tell(name, fromPlainNotice(notice) as never);
	}

	/** @returns null: this tab leads, or no tab does that could be asked; do it here. */
	async #askLeader(name: TabCallName, args: readonly unknown[]): Promise<{ value: unknown } | null> {
		const tabs = this.#engine.tabs.current();
		if (!tabs || tabs.isLeading) return null;
		try {
			return { value: await tabs.call(name, args) };
		} catch (error) {
			// Nobody leads, another user signed in meanwhile, or the leader's page knows no such table.
			if (isPixSyncError(error) && NOT_ASKED.has(error.code) && !this.#isClosed) return null;
			throw error;
		}
	}

	/** Another tab asks this one. What it names may be wrong here: the apps in the two may be of different releases. */
	async #answerTab(name: TabCallName, [first, second]: readonly unknown[]): Promise<unknown> {
		switch (name) {
			case 'sync':
				return this.sync(first as string[] | undefined);
			case 'reconcile':
				return this.reconcile(first as string, second as Partial<ReconcileOptions>);
			case 'clearSyncQueue':
				return this.#clearQueue(typeof first === 'number' ? first : Number.POSITIVE_INFINITY);
			default:
				return unreachable(name);
		}
	}

	#ready(): Promise<Workspace> {
		this.#assertOpen();
		return this.#engine.ready();
	}

	#spec(table: string): TableSpec {
		const spec = this.#engine.specs.get(table);
		if (spec) return spec;
		const name = JSON.stringify(table);
		throw new PixSyncError('unregistered-table', `Table ${name} is not registered`, {
			hint: `Call registerTable({ table: ${name} }) first. Registered: ${[...this.#engine.specs.keys()].join(', ') || 'none'}.`,
		});
	}

	#answer(token: number, result: SyncResult): void {
		this.#waiting.get(token)?.(result);
		this.#waiting.delete(token);
	}

	#assertOpen(): void {
		if (!this.#isClosed) return;
		throw new PixSyncError('closed', 'This SyncManager is closed', { hint: 'Create a new SyncManager.' });
	}
}

function userChanged(): PixSyncError {
	return new PixSyncError('user-changed', 'Another user signed in while the call was under way', {
		hint: 'Nothing was written. Make the call again for the current user.',
	});
}

function closedResult(tables: readonly string[]): SyncResult {
	const errors = tables.map((table) => `${table}: The SyncManager was closed (closed)`);
	return { success: errors.length === 0, uploaded: 0, downloaded: 0, conflicts: 0, errors };
}
