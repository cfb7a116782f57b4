import { type Actor, createActor, type InspectionEvent } from 'xstate';
import { isPixSyncError, PixSyncError } from './core/errors.ts';
import type { RowNotice, UserChangedNotice } from './core/sync-notice.ts';
import type { TableSpec } from './core/table-spec.ts';
import { createUuidV7 } from './core/uuid.ts';
import type { Diagnosis } from './doctor/finding.ts';
import { createEngineTabs, type EngineTabs, type TabHooks } from './engine-tabs.ts';
import { closedGateError, closedReason } from './machines/closed-reason.ts';
import { createSyncMachine } from './machines/create-sync-machine.ts';
import type { syncMachine } from './machines/sync.machine.ts';
import { type SyncManagerOptions, toSettings } from './options.ts';
import type { AdoptResult } from './services/adopt-anonymous.ts';
import { createRemote } from './services/create-remote.ts';
import { createIdentity } from './services/identity.ts';
import { createLastUser } from './services/last-user.ts';
import { type LocalStore, toStorageEnvironment } from './services/local-store.ts';
import { type NetworkMonitor, networkMonitor } from './services/network-monitor.ts';
import { requestPersistence } from './services/persistence.ts';
import { setQuietTimer, toPlatform } from './services/platform.ts';
import { createProbe } from './services/probe.ts';
import { createRealtime, type Realtime } from './services/realtime.ts';
import type { Remote } from './services/remote.ts';
import { createHttp, type RequestEnd } from './services/rest/http.ts';
import { createServerClock } from './services/server-clock.ts';
import { createSession } from './services/session.ts';
import type { SignOutOptions, SignOutResult } from './services/sign-out.ts';
import { createStorageHealth } from './services/storage-health.ts';
import { type SupabaseLike, toSupabaseAccess } from './services/supabase-access.ts';
import { type CountsWatch, type TableCounts, watchTableCounts } from './services/table-counts.ts';
import { createTableServices, type LockedTableServices } from './services/table-services.ts';
import { watchVisibility } from './services/visibility.ts';
import { type WipeOptions, wipe } from './services/wipe.ts';
import {
	dirtyTables,
	isLeading,
	isMadeAnew,
	openWorkspace,
	takeLeadership,
	type Workspace,
} from './services/workspace.ts';
import { createWorkspaceHost } from './services/workspace-host.ts';

/** Longest wait for the auth client (F6): its own refresh may try for 25 s, and the app should see its data. */
const AUTH_TIMEOUT_MS = 3_000;

/** Longest wait for the server to be told of a sign-out: here the user is signed out already. */
const SIGN_OUT_TIMEOUT_MS = 10_000;

/** Longest wait for the probe of the REST origin (F56). */
const PROBE_TIMEOUT_MS = 10_000;

/** All the parts, running: the chart, the replica of the current user, and what tells them about the world. */
export interface Engine {
	readonly monitor: NetworkMonitor;
	readonly actor: Actor<typeof syncMachine>;
	readonly services: LockedTableServices;
	readonly specs: ReadonlyMap<string, TableSpec>;
	addTable(spec: TableSpec): void;
	readonly tabs: Pick<EngineTabs, 'current' | 'leaderState'>;
	/** The workspace of whoever is current as this is called, with all tables registered by then. */
	ready(): Promise<Workspace>;
	current(): Workspace | null;
	/** As `current`, but null while a table is being added. */
	settled(): Workspace | null;
	/** Looks whether the server and the session are back, after they had been missing. */
	recheck(): Promise<void>;
	/** Takes up what other tabs have queued, whose word of it may still be on its way. */
	lookForQueued(): Promise<void>;
	counts(): ReadonlyMap<string, TableCounts>;
	/** Brings the counts up to this moment. */
	lookAtCounts(): Promise<void>;
	storage(): StorageStanding;
	/**
	 * Runs `work` while the gate is open; its signal ends as the gate closes (S11).
	 * @throws PixSyncError why it is closed.
	 */
	whileOpen<T>(table: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
	/** Deletes the current user's replica, and opens an empty one. */
	wipe(options: WipeOptions): Promise<void>;
	/** What the client can see of the tables registered, compared with what sync needs. */
	diagnose(): Promise<Diagnosis>;
	/** Device ms. */
	now(): number;
	/** Counts the openings of the local database; null: none is open. */
	replica(): number | null;
	/** Device ms at which the open replica was opened; what the chart remembers from before is another user's. */
	openedAt(): number;
	/** @param flush one sync of all tables. */
	signOut(options: SignOutOptions, flush: () => Promise<unknown>): Promise<SignOutResult>;
	/** Moves what was written signed out into `workspace`, the current user's. */
	adopt(workspace: Workspace): Promise<AdoptResult & { readonly tables: readonly string[] }>;
	close(): void;
}

/** How the local database stands. */
export interface StorageStanding {
	/** Whether the browser keeps it when space runs out; null: it does not say, or not yet. */
	readonly persisted: boolean | null;
	/** What keeps it from being used; null: nothing. */
	readonly trouble: PixSyncError | null;
}

/** What the façade hears of. */
export interface EngineHooks extends TabHooks {
	/** `counts()` has changed. */
	readonly countsChanged: () => void;
	readonly rowsNoticed: (notices: readonly RowNotice[]) => void;
	/** `storage()` has changed. @param trouble a new one; null: none. */
	readonly storageChanged: (trouble: PixSyncError | null) => void;
	readonly userChanged: (notice: UserChangedNotice) => void;
}

/**
 * Wires the parts together; the only place that knows them all.
 * @throws PixSyncError `bad-client`, `bad-config`, `no-indexeddb`.
 */
export function createEngine(
	supabase: SupabaseLike,
	options: SyncManagerOptions,
	hooks: EngineHooks,
): Engine {
	const access = toSupabaseAccess(supabase);
	const settings = toSettings(options, access.url);
	const environment = toStorageEnvironment(options);
	const monitor = options.networkMonitor ?? networkMonitor;
	const specs = new Map<string, TableSpec>();
	// A database of the app's own making is not shared with other tabs.
	const isShared = environment.indexedDB === globalThis.indexedDB;
	const platform = toPlatform(options.platform, isShared);
	const { now, random } = platform;
	const createId = () => createUuidV7(now(), platform.randomBytes);
	const clock = createServerClock(platform);
	const clockOffset = () => clock.offset();
	const session = createSession({
		access,
		now,
		serverNow: () => {
			const offset = clockOffset();
			return offset === null ? null : now() + offset;
		},
		distrust: () => clock.forget(),
		timeoutMs: AUTH_TIMEOUT_MS,
		signOutTimeoutMs: SIGN_OUT_TIMEOUT_MS,
	});
	const services = createTableServices({
		workspace: () => host.current(),
		specs,
		now,
		random,
		createId,
		clockOffset,
		isClockSure: () => clock.isSure(),
		settings,
		notify: hooks.rowsNoticed,
	});
	const actor = createActor(createSyncMachine({ ...services, refreshSession: () => session.refresh() }), {
		logger: (text: string) => console.warn(text),
		input: { backoff: settings.backoff, liveUpload: settings.liveUpload, random, now },
		clock: platform.clock,
		...(options.inspect ? { inspect: options.inspect } : {}),
	});
	const locks = settings.multiTab ? platform.locks : null;
	let registering: Promise<void> = Promise.resolve();
	let registrations = 0;
	const refused = new Set<TableSpec>();
	const tabs = createEngineTabs({
		actor,
		locks,
		isCurrent: (workspace) => host.current() === workspace && !isClosed,
		isRegistered: (table) => specs.has(table),
		hooks,
		platform,
		createId,
	});
	let counts: ReadonlyMap<string, TableCounts> = new Map();
	let watchedCounts: CountsWatch | null = null;
	let openedAt = 0;
	let openings = 0;
	let persisted: boolean | null = null;
	let isClosed = false;
	/** What the app asked for beside the chart. */
	const running = new Set<AbortController>();
	const health = createStorageHealth((trouble) => {
		if (!isClosed) hooks.storageChanged(trouble);
	});

	/** @param store the user's database, once it is open. */
	function connect(userId: string | null, store: () => LocalStore | null): Remote {
		const http = createHttp({
			access,
			session,
			userId,
			schema: settings.schema,
			timeoutMs: settings.requestTimeoutMs,
			now,
			monotonic: platform.monotonic,
			onSend() {
				const report = monitor.begin();
				return (end) => {
					const { answered, reply } = end;
					if (answered || reply.serverDateMs !== null) clock.observe(reply);
					report(answered ? { answered, rttMs: reply.tookMs } : { answered });
					options.inspect?.(toInspectionEvent(actor, end));
				};
			},
			beforeWrite: async () => tabs.current()?.confirm(),
		});
		const asksLeave = platform.asksLeave(access.restUrl);
		return createRemote({ ...settings, http, tables: () => specs.size, store, now, asksLeave });
	}

	const lastUser = createLastUser(settings.databaseName, environment);
	const identity = createIdentity({
		databaseName: settings.databaseName,
		environment,
		locks,
		lastUser,
		session,
		host: () => host,
		specs,
		policy: settings.onSignOut,
		createId,
	});
	const host = createWorkspaceHost({
		session,
		lastUser,
		open: async (userId, last) => {
			let store: LocalStore | null = null;
			const remote = connect(userId, () => store);
			const open = () =>
				openWorkspace({
					databaseName: settings.databaseName,
					environment,
					userId,
					specs: [...specs.values()],
					remote,
					now,
					clockOffset,
					createId,
					storage: {
						health,
						onReplaced: () => beginAnew(userId),
						// Later: this may be told in a live query's own zone, where nothing can be written.
						onRestored: () => void setQuietTimer(platform, () => void checkIdentity(userId), 0),
					},
				});
			const workspace = await identity.enter(userId, last, open);
			store = workspace.store;
			return workspace;
		},
		opened,
		closing: leave,
		sessionChanged: (isValid) => actor.send({ type: 'session.changed', isValid }),
		async userChanged(user, isSignedIn) {
			const notice = await identity.noticeOf(user, isSignedIn);
			if (!isClosed) hooks.userChanged(notice);
		},
	});

	/** Another tab may have wiped the database, and made it anew before this one looked. */
	async function checkIdentity(userId: string | null): Promise<void> {
		const workspace = host.current();
		const isGone = workspace && (await isMadeAnew(workspace).catch(() => false));
		if (isGone) beginAnew(userId);
	}

	/** Leadership and checkpoints are gone with the data: all begins anew, with a full download. */
	function beginAnew(userId: string | null): void {
		const workspace = host.current();
		if (workspace?.userId === userId) host.reopen(workspace, async () => {}).catch(() => undefined);
	}

	async function opened(workspace: Workspace): Promise<void> {
		openedAt = now();
		openings++;
		await registering;
		await workspace.store.ensure([...specs.values()]);
		const [dirty] = await Promise.all([
			dirtyTables(workspace, [...specs.keys()]),
			clock.attach(workspace.store),
		]);
		await tabs.join(workspace);
		// Last, as a look holds up whoever would write.
		if (host.current() === workspace) watchCounts(workspace);
		actor.send({ type: 'storage.hydrated', dirty });
	}

	async function ready(): Promise<Workspace> {
		// Bound to whoever is current now (R23).
		if (access.accessToken && host.current()) await host.recheck();
		const workspace = await health.guard(host.ready());
		for (const spec of [...refused]) register(spec);
		await health.guard(registering);
		return workspace;
	}

	/** Without Web Locks whoever syncs last leads: another opening of the same database may have taken the lead. */
	async function reclaim(): Promise<void> {
		const workspace = host.current();
		if (workspace && !locks && !(await isLeading(workspace)))
			workspace.epoch = await takeLeadership(workspace);
	}

	function leave(): void {
		watchedCounts?.stop();
		watchedCounts = null;
		counts = new Map();
		tabs.leave();
		actor.send({ type: 'storage.closed' });
		actor.send({ type: 'leadership.changed', isLeader: false });
	}

	function register(spec: TableSpec): void {
		registrations++;
		refused.delete(spec);
		registering = registering
			.catch(() => undefined)
			.then(() => addToReplica(spec))
			.catch((error: unknown) => {
				// A full disk, perhaps: whoever asks makes it try anew.
				if (isPixSyncError(error) && error.code === 'storage') refused.add(spec);
				throw error;
			})
			.finally(() => {
				registrations--;
			});
		// Whoever awaits `ready` gets the error.
		registering.catch(() => undefined);
	}

	async function addToReplica(spec: TableSpec): Promise<void> {
		// Before the first opening there is nothing to add to: it takes the tables registered by then.
		const workspace = host.current();
		if (workspace) {
			await workspace.store.ensure([...specs.values()]);
			if (!isClosed && host.current() === workspace) watchCounts(workspace);
		}
		if (isClosed) return;
		realtime?.tablesChanged();
		actor.send({ type: 'table.register', spec: { table: spec.table, dependsOn: spec.dependsOn } });
		// Left over from an earlier session.
		await tellDirty(workspace, [spec.table]);
	}

	async function tellDirty(workspace: Workspace | null, tables: readonly string[]): Promise<void> {
		const dirty = workspace ? await dirtyTables(workspace, tables) : [];
		if (dirty.length > 0 && !isClosed) actor.send({ type: 'mutation.queued', tables: dirty });
	}

	function watchCounts(workspace: Workspace): void {
		watchedCounts?.stop();
		watchedCounts = watchTableCounts({ store: workspace.store, platform }, [...specs.keys()], (next) => {
			counts = next;
			hooks.countsChanged();
		});
	}

	function createOwnRealtime(): Realtime | null {
		if (options.realtime === true && !access.realtime) {
			throw new PixSyncError('bad-client', 'The client has no Realtime', {
				hint: "Pass a client of '@supabase/supabase-js', or leave `realtime` out: enableAutoSync polls.",
			});
		}
		if (!access.realtime || options.realtime === false) return null;
		return createRealtime({
			access: access.realtime,
			schema: settings.schema,
			tables: () => [...specs.keys()],
			poke: (tables) => actor.send({ type: 'poke.received', ...(tables ? { tables } : {}) }),
			backoff: settings.backoff,
			random,
			warn: (text) => console.warn(text),
		});
	}

	/** The cheapest question that only PostgREST answers: no rows of a table of ours. */
	function probeUrl(): string {
		const [spec] = specs.values();
		return `${access.restUrl}/${spec ? `${encodeURIComponent(spec.table)}?limit=0` : ''}`;
	}

	const tellNetwork = () => actor.send({ type: 'network.changed', isOnline: monitor.isOnline() });
	const realtime = createOwnRealtime();
	const undo = [
		() => realtime?.close(),
		monitor.subscribe(tellNetwork),
		monitor.lendProbe(
			createProbe({
				fetch: (input, init) => access.fetch(input, init),
				url: probeUrl,
				headers: () => ({ apikey: access.key, authorization: `Bearer ${access.key}` }),
				timeoutMs: Math.min(PROBE_TIMEOUT_MS, settings.requestTimeoutMs),
			}),
		),
		watchVisibility(() => actor.send({ type: 'visibility.gained' })),
	];
	// A database of the app's own making is not the browser's to keep.
	if (settings.persistStorage && isShared) {
		void requestPersistence(globalThis.navigator?.storage).then((answer) => {
			persisted = answer;
			if (!isClosed) hooks.storageChanged(null);
		});
	}
	if (realtime) {
		actor.subscribe((snapshot) => realtime.follow(snapshot.matches({ gate: 'open', schedule: 'auto' })));
	}
	actor.start();
	// Whether this tab leads is not known yet; a tab alone learns it as its replica opens.
	actor.send({ type: 'leadership.changed', isLeader: false });
	tellNetwork();

	return {
		actor,
		monitor,
		services,
		specs,
		addTable(spec) {
			specs.set(spec.table, spec);
			register(spec);
		},
		tabs,
		ready,
		current: () => host.current(),
		settled: () => (registrations === 0 ? host.current() : null),
		async recheck() {
			await reclaim();
			if (!monitor.isOnline()) monitor.recheck();
			// A client with `accessToken` tells no changes: who is signed in shows only when asked.
			if (access.accessToken || !actor.getSnapshot().context.isAuthorised) await host.recheck();
		},
		async lookAtCounts() {
			// What the leading tab has done may not have been told here yet.
			await (tabs.current()?.isLeading ? watchedCounts?.settle() : watchedCounts?.look());
		},
		async lookForQueued() {
			// A tab that is alone has heard of all.
			// Where the database cannot be read, the sync itself says so.
			if (locks) await tellDirty(host.current(), [...specs.keys()]).catch(() => undefined);
		},
		async whileOpen(table, work) {
			const { context } = actor.getSnapshot();
			if (closedReason(context) !== null) throw closedGateError(context, table).error;
			const ended = new AbortController();
			const watching = actor.subscribe({
				next: (snapshot) => closedReason(snapshot.context) !== null && ended.abort(),
			});
			running.add(ended);
			try {
				return await work(ended.signal);
			} finally {
				watching.unsubscribe();
				running.delete(ended);
			}
		},
		counts: () => counts,
		storage: () => ({ persisted, trouble: health.trouble }),
		async wipe(given) {
			await wipe({ workspace: await ready(), host, environment }, given);
		},
		async diagnose() {
			// Apart, so that apps that never ask do not load it.
			const { diagnoseClient } = await import('./doctor/diagnose-client.ts');
			const { schema, requestTimeoutMs: timeoutMs } = settings;
			return diagnoseClient({ access, session, specs: [...specs.values()], schema, timeoutMs });
		},
		now,
		replica: () => (host.current() ? openings : null),
		openedAt: () => openedAt,
		signOut: async (given, flush) => identity.signOut(await ready(), given, flush),
		adopt: (workspace) => identity.adopt(workspace),
		close() {
			isClosed = true;
			for (const ended of running) ended.abort();
			host.close();
			for (const end of undo) end();
			actor.stop();
		},
	};
}

/** An HTTP request's end in the form of XState's own events; the chart itself is not told. */
function toInspectionEvent(actor: Engine['actor'], end: RequestEnd): InspectionEvent {
	const { table, method, status, rows, reply } = end;
	const ms = reply.tookMs;
	return {
		type: '@xstate.event',
		rootId: actor.sessionId,
		actorRef: actor,
		sourceRef: undefined,
		event: { type: 'request.ended', table, method, status, rows, ms },
	};
}
