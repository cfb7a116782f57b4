import { type Actor, createActor, type Subscription } from 'xstate';
import { PixSyncError } from './core/errors.ts';
import { isSameJson } from './core/json.ts';
import { isSameSpec, type TableSpec, toTableSpec } from './core/table-spec.ts';
import { topologicalOrder } from './core/topology.ts';
import type { QueuedAction, Row, RowId, SyncAction, SyncConfig, SyncResult } from './core/types.ts';
import { createUuidV7 } from './core/uuid.ts';
import { createSyncMachine } from './machines/create-sync-machine.ts';
import type { syncMachine } from './machines/sync.machine.ts';
import { type Settings, type SyncManagerOptions, toSettings } from './options.ts';
import { type ActionInput, type CheckedAction, toCheckedAction } from './services/action.ts';
import { awaitLeadership, type Leadership } from './services/leadership.ts';
import { openLocalStore, type StorageEnvironment, toStorageEnvironment } from './services/local-store.ts';
import { type NetworkMonitor, networkMonitor } from './services/network-monitor.ts';
import { createProbe } from './services/probe.ts';
import type { ReconcileOptions } from './services/reconcile.ts';
import { createHttp } from './services/rest/http.ts';
import { createRestRemote } from './services/rest/rest-remote.ts';
import { createServerClock } from './services/server-clock.ts';
import { createSession } from './services/session.ts';
import { type SupabaseAccess, type SupabaseLike, toSupabaseAccess } from './services/supabase-access.ts';
import { readTableCounts, type TableCounts, watchTableCounts } from './services/table-counts.ts';
import { createTableServices, type LockedTableServices } from './services/table-services.ts';
import { dirtyTables, openWorkspace, takeLeadership, type Workspace } from './services/workspace.ts';
import { createWorkspaceHost, type WorkspaceHost } from './services/workspace-host.ts';
import { type SyncState, toSyncState } from './sync-state.ts';
import { createTableHandle, type TableHandle } from './table-handle.ts';

/** Longest wait for the auth client (F6): its own refresh may try for 25 s, and the app should see its data. */
const AUTH_TIMEOUT_MS = 3_000;

/** Longest delay that timers take. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;

/**
 * Makes a Supabase app offline-first: writes go to a local replica and a durable outbox, and sync when they can.
 * The engine is the statechart `actor`; this class is a thin front to it.
 */
export class SyncManager {
	/** The running root actor, for inspectors and `@xstate/react`. Send it nothing that you do not mean. */
	readonly actor: Actor<typeof syncMachine>;
	readonly #access: SupabaseAccess;
	readonly #settings: Settings;
	readonly #environment: StorageEnvironment;
	readonly #monitor: NetworkMonitor;
	readonly #specs = new Map<string, TableSpec>();
	readonly #services: LockedTableServices;
	readonly #host: WorkspaceHost;
	readonly #closing = new AbortController();
	readonly #undo: (() => void)[] = [];
	readonly #waiting = new Map<number, (result: SyncResult) => void>();
	readonly #listeners = new Set<() => void>();
	readonly #clock = createServerClock();
	#tokens = 0;
	#isShared: boolean;
	#registering: Promise<void> = Promise.resolve();
	#leadership: Leadership | null = null;
	#stopCounts: () => void = () => undefined;
	#counts: ReadonlyMap<string, TableCounts> = new Map();
	#state: SyncState | null = null;
	#childSubscriptions = new Map<string, Subscription>();
	#isClosed = false;

	/**
	 * @param supabase the app's client, made with `createClient` of `@supabase/supabase-js` 2.
	 * @throws PixSyncError `bad-client`, `bad-config`, `no-indexeddb`, `not-supported`.
	 */
	constructor(supabase: SupabaseLike, options: SyncManagerOptions = {}) {
		this.#access = toSupabaseAccess(supabase);
		this.#settings = toSettings(options, this.#access.url);
		this.#environment = toStorageEnvironment(options);
		this.#isShared = this.#environment.indexedDB === globalThis.indexedDB;
		this.#monitor = options.networkMonitor ?? networkMonitor;
		const now = () => Date.now();
		const session = createSession({
			access: this.#access,
			serverNow: () => now() + (this.#clock.offset() ?? 0),
			timeoutMs: AUTH_TIMEOUT_MS,
		});
		this.#services = createTableServices({
			workspace: () => this.#host.current(),
			specs: this.#specs,
			now,
			clockOffset: () => this.#clock.offset(),
			settings: this.#settings,
		});
		this.actor = createActor(
			createSyncMachine({ ...this.#services, refreshSession: () => session.refresh() }),
			{
				input: { backoff: this.#settings.backoff, liveUpload: this.#settings.liveUpload },
				...(options.inspect ? { inspect: options.inspect } : {}),
			},
		);
		this.#host = createWorkspaceHost({
			session,
			lastUser: this.#lastUser(),
			open: (userId) =>
				openWorkspace({
					databaseName: this.#settings.databaseName,
					environment: this.#environment,
					userId,
					specs: [...this.#specs.values()],
					remote: createRestRemote({
						batchSize: this.#settings.batchSize,
						http: createHttp({
							access: this.#access,
							session,
							userId,
							schema: this.#settings.schema,
							timeoutMs: this.#settings.requestTimeoutMs,
							now,
							onEnd: ({ answered, reply }) => {
								this.#clock.observe(reply);
								this.#monitor.report(
									answered ? { answered, rttMs: reply.receivedAt - reply.sentAt } : { answered },
								);
							},
						}),
					}),
					now,
					clockOffset: () => this.#clock.offset(),
					createId,
				}),
			opened: (workspace) => this.#opened(workspace),
			closing: () => this.#leaveWorkspace(),
			sessionChanged: (isValid) => this.actor.send({ type: 'session.changed', isValid }),
		});
		this.#watchActor();
		this.actor.start();
		// Whether this tab leads is not known yet; a tab alone learns it as its replica opens.
		this.actor.send({ type: 'leadership.changed', isLeader: false });
		this.#watchNetwork();
	}

	/**
	 * Names a table to sync; at any time, also after the start.
	 * @throws PixSyncError `bad-config`, `not-supported`, `duplicate-table` (registered before with another config).
	 */
	registerTable(config: SyncConfig): void {
		this.#assertOpen();
		const spec = toTableSpec(config);
		const known = this.#specs.get(spec.table);
		if (known && isSameSpec(known, spec)) return;
		if (known) {
			throw new PixSyncError('duplicate-table', `Table "${spec.table}" is registered with another config`, {
				table: spec.table,
				hint: 'Register each table once.',
			});
		}
		this.#specs.set(spec.table, spec);
		this.#registering = this.#registering.then(() => this.#addToReplica(spec));
		this.#registering.catch(() => undefined);
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
		const opening = this.#host.ready();
		const workspace = await opening;
		await this.#registering;
		if (this.#host.current() !== workspace) throw userChanged();
		const queued = await workspace.mutate(checked);
		const tables = [...new Set(checked.map(({ spec }) => spec.table))];
		if (!this.#isClosed) this.actor.send({ type: 'mutation.queued', tables });
		return queued;
	}

	/**
	 * Uploads and downloads; tables with something pending that others depend on come along. It reports what went
	 * wrong instead of rejecting.
	 * @param tables default: all.
	 * @throws PixSyncError (as a rejection) `unregistered-table`, `cyclic-dependency`, `closed`.
	 */
	async sync(tables?: string[]): Promise<SyncResult> {
		this.#assertOpen();
		for (const table of tables ?? []) this.#spec(table);
		topologicalOrder(new Map([...this.#specs.values()].map((spec) => [spec.table, spec.dependsOn])));
		await this.ready();
		// A wish of the user's is worth a look whether the server is back, and whether somebody is signed in again.
		if (!this.#monitor.isOnline()) this.#monitor.recheck();
		await this.#host.recheck();
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
		const workspace = await this.#readyWorkspace();
		const names = table === undefined ? [...this.#specs.keys()] : [table];
		const counts = await readTableCounts(workspace.store, names);
		return [...counts.values()].reduce((sum, { pending, conflicts }) => sum + pending + conflicts, 0);
	}

	/** Drops all that waits; rows go back to what the server last confirmed. Dead letters stay. */
	async clearSyncQueue(): Promise<void> {
		await this.#readyWorkspace();
		for (const table of this.#specs.keys()) await this.#services.clearQueue(table);
	}

	/**
	 * Compares the ids of a table with the server's, completely, and removes rows that are gone there.
	 * @returns how many local rows changed.
	 * @throws PixSyncError (as a rejection) `reconcile-shrink` when more than half would go, unless `allowShrink`.
	 */
	async reconcile(table: string, options: Partial<ReconcileOptions> = {}): Promise<{ changed: number }> {
		this.#spec(table);
		await this.#readyWorkspace();
		const allowShrink = options.allowShrink ?? false;
		const changed = await this.#services.reconcile(table, { allowShrink }, this.#closing.signal);
		return { changed };
	}

	/** The local rows of a table, for reading and writing. @throws PixSyncError `unregistered-table`. */
	table<R extends object = Row>(name: string): TableHandle<R> {
		const spec = this.#spec(name);
		return createTableHandle<R>(spec, {
			workspace: () => this.#readyWorkspace(),
			current: () => this.#host.current(),
			queue: (action, data, id) => this.queueAction(name, action, data, id),
		});
	}

	/** A snapshot; the same object as long as nothing changed, as `useSyncExternalStore` wants it. */
	getState(): SyncState {
		const next = toSyncState(this.actor, this.#counts, this.#host.current()?.userId ?? null);
		if (!this.#state || !isSameJson(this.#state, next)) this.#state = next;
		return this.#state;
	}

	/** Calls `listener` after each change of `getState()`. @returns unsubscribe */
	subscribe(listener: () => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Resolves when the local database of the current user is open. @throws PixSyncError `storage`, `closed`. */
	async ready(): Promise<void> {
		await this.#readyWorkspace();
	}

	/** Stops everything; what is queued stays in the local database. Running `sync()` calls end with an error. */
	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.#closing.abort();
		this.#host.close();
		for (const undo of this.#undo) undo();
		for (const subscription of this.#childSubscriptions.values()) subscription.unsubscribe();
		this.actor.stop();
		for (const [token] of this.#waiting) this.#answer(token, closedResult([...this.#specs.keys()]));
	}

	async #readyWorkspace(): Promise<Workspace> {
		this.#assertOpen();
		const workspace = await this.#host.ready();
		await this.#registering;
		return workspace;
	}

	async #addToReplica(spec: TableSpec): Promise<void> {
		// Before the first opening there is nothing to add to: it takes the tables registered by then.
		const workspace = this.#host.current();
		if (workspace) {
			await workspace.store.ensure([...this.#specs.values()]);
			this.#watchCounts(workspace);
		}
		if (!this.#isClosed) {
			this.actor.send({ type: 'table.register', spec: { table: spec.table, dependsOn: spec.dependsOn } });
		}
	}

	async #opened(workspace: Workspace): Promise<void> {
		await this.#registering;
		await workspace.store.ensure([...this.#specs.values()]);
		await this.#clock.attach(workspace.store);
		this.#watchCounts(workspace);
		const dirty = await dirtyTables(workspace, [...this.#specs.keys()]);
		const locks = this.#settings.multiTab && this.#isShared ? (globalThis.navigator?.locks ?? null) : null;
		this.#leadership = awaitLeadership(workspace.store.name, locks, async () => {
			if (this.#host.current() !== workspace) return;
			await takeLeadership(workspace);
			this.actor.send({ type: 'leadership.changed', isLeader: true });
		});
		await this.#leadership.decided;
		this.actor.send({ type: 'storage.hydrated', dirty });
	}

	#leaveWorkspace(): void {
		this.#stopCounts();
		this.#leadership?.release();
		this.actor.send({ type: 'storage.closed' });
		this.actor.send({ type: 'leadership.changed', isLeader: false });
	}

	#watchActor(): void {
		const completed = this.actor.on('sync.completed', ({ waiters }) => {
			for (const { token, result } of waiters) if (token !== null) this.#answer(token, result);
		});
		const snapshots = this.actor.subscribe(({ context }) => {
			for (const [table, { ref }] of Object.entries(context.tables)) {
				if (!this.#childSubscriptions.has(table)) {
					this.#childSubscriptions.set(
						table,
						ref.subscribe(() => this.#changed()),
					);
				}
			}
			this.#changed();
		});
		this.#undo.push(
			() => completed.unsubscribe(),
			() => snapshots.unsubscribe(),
		);
	}

	#watchNetwork(): void {
		const tell = () => this.actor.send({ type: 'network.changed', isOnline: this.#monitor.isOnline() });
		this.#undo.push(this.#monitor.subscribe(tell));
		this.#undo.push(
			this.#monitor.useProbe(
				createProbe({
					fetch: (input, init) => this.#access.fetch(input, init),
					url: () => this.#probeUrl(),
					headers: () => ({ apikey: this.#access.key, authorization: `Bearer ${this.#access.key}` }),
					timeoutMs: Math.min(10_000, this.#settings.requestTimeoutMs),
				}),
			),
		);
		tell();
		const { document } = globalThis;
		if (!document) return;
		const onVisible = () => {
			if (document.visibilityState === 'visible') this.actor.send({ type: 'visibility.gained' });
		};
		document.addEventListener('visibilitychange', onVisible);
		this.#undo.push(() => document.removeEventListener('visibilitychange', onVisible));
	}

	/** The cheapest question that only PostgREST answers: no rows of a table of ours. */
	#probeUrl(): string {
		const [spec] = this.#specs.values();
		return `${this.#access.restUrl}/${spec ? `${encodeURIComponent(spec.table)}?limit=0` : ''}`;
	}

	#watchCounts(workspace: Workspace): void {
		this.#stopCounts();
		this.#stopCounts = watchTableCounts(workspace.store, [...this.#specs.keys()], (counts) => {
			this.#counts = counts;
			this.#changed();
		});
	}

	#lastUser() {
		const name = `${this.#settings.databaseName}:control`;
		const withControl = async <T>(
			work: (store: Awaited<ReturnType<typeof openLocalStore>>) => Promise<T>,
		) => {
			const store = await openLocalStore(name, this.#environment, []);
			try {
				return await work(store);
			} finally {
				store.close();
			}
		};
		return {
			read: () =>
				withControl((store) =>
					store.transact('r', [], async (stores) => {
						const record = await stores.meta.get('lastUser');
						return typeof record?.value === 'string' ? record.value : null;
					}),
				),
			write: (userId: string) =>
				withControl(async (store) => {
					await store.transact('rw', [], (stores) => stores.meta.put({ key: 'lastUser', value: userId }));
				}),
		};
	}

	#spec(table: string): TableSpec {
		const spec = this.#specs.get(table);
		if (spec) return spec;
		throw new PixSyncError('unregistered-table', `Table ${JSON.stringify(table)} is not registered`, {
			hint: `Call registerTable({ table: ${JSON.stringify(table)} }) first. Registered: ${[...this.#specs.keys()].join(', ') || 'none'}.`,
		});
	}

	#answer(token: number, result: SyncResult): void {
		this.#waiting.get(token)?.(result);
		this.#waiting.delete(token);
	}

	#changed(): void {
		if (this.#isClosed) return;
		const before = this.#state;
		if (this.getState() === before) return;
		for (const listener of this.#listeners) listener();
	}

	#assertOpen(): void {
		if (!this.#isClosed) return;
		throw new PixSyncError('closed', 'This SyncManager is closed', { hint: 'Create a new SyncManager.' });
	}
}

function createId(): string {
	return createUuidV7(Date.now(), (bytes) => crypto.getRandomValues(bytes));
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
