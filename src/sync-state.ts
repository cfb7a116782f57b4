import type { Subscription } from 'xstate';
import type { PixSyncError } from './core/errors.ts';
import { isSameJson } from './core/json.ts';
import { reportUncaught } from './core/report-uncaught.ts';
import type { Engine } from './engine.ts';
import { withLeaderState } from './leader-state.ts';
import { closedReason } from './machines/closed-reason.ts';
import { NO_TABLE_COUNTS } from './services/table-counts.ts';

export type TableStateName = 'offline' | 'idle' | 'uploading' | 'downloading' | 'resolving' | 'backoff';

export interface TableState {
	readonly state: TableStateName;
	readonly pending: number;
	readonly rejected: number;
	readonly conflicts: number;
	/** Device ms; null: never. */
	readonly lastSyncedAt: number | null;
	/** Rows read so far by the pull under way; null: none is. */
	readonly progress: { readonly rowsRead: number } | null;
	/** Device ms; null: no retry is planned. */
	readonly nextRetryAt: number | null;
	/** What kept the last round from ending well. */
	readonly error: ErrorSummary | null;
}

export interface ErrorSummary {
	readonly code: string;
	readonly message: string;
	readonly hint: string;
}

export interface SyncState {
	/** `starting`: the local database is opening; `open`: requests may be made; else why not. */
	readonly connection: 'starting' | 'open' | 'offline' | 'unauthorised' | 'not-leader';
	/** The user whose replica is open; null: signed out. */
	readonly user: string | null;
	/** Counts the openings of the local database: with another number it holds other data. null: none is open. */
	readonly replica: number | null;
	/** Whether this tab does the syncing; another tab's `connection` and progress are told where it does not. */
	readonly isLeader: boolean;
	readonly storage: {
		/** Whether the browser keeps local data when space runs out; null: it does not say, or not yet. */
		readonly persisted: boolean | null;
		/** What keeps the local database from being used; null: nothing. */
		readonly error: ErrorSummary | null;
	};
	readonly tables: Readonly<Record<string, TableState>>;
}

/** The engine's state as one snapshot that keeps its identity while nothing changes. */
export interface StateStore {
	get(): SyncState;
	subscribe(listener: () => void): () => void;
	/** Looks anew, and tells the listeners if something changed. */
	refresh(): void;
	close(): void;
}

export function createStateStore(engine: Engine): StateStore {
	const listeners = new Set<() => void>();
	const children = new Map<string, Subscription>();
	let state = toSyncState(engine);

	function get(): SyncState {
		const next = toSyncState(engine);
		if (!isSameJson(state, next)) state = next;
		return state;
	}

	function refresh(): void {
		const before = state;
		if (get() === before) return;
		for (const listener of listeners) {
			try {
				listener();
			} catch (error) {
				reportUncaught(error);
			}
		}
	}

	const root = engine.actor.subscribe(({ context }) => {
		for (const [table, { ref }] of Object.entries(context.tables)) {
			if (!children.has(table)) children.set(table, ref.subscribe(refresh));
		}
		refresh();
	});

	return {
		get,
		refresh,
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		close() {
			root.unsubscribe();
			for (const child of children.values()) child.unsubscribe();
		},
	};
}

function toSyncState(engine: Engine): SyncState {
	const { context } = engine.actor.getSnapshot();
	const reason = closedReason(context);
	const counts = engine.counts();
	const storage = engine.storage();
	const isOfThisUser = (at: number | null) => at !== null && at >= engine.openedAt();
	const tables: Record<string, TableState> = {};
	for (const [table, { ref }] of Object.entries(context.tables)) {
		const { value, context: own } = ref.getSnapshot();
		const count = counts.get(table) ?? NO_TABLE_COUNTS;
		tables[table] = {
			state: value,
			...count,
			lastSyncedAt: isOfThisUser(own.lastSyncedAt) ? own.lastSyncedAt : count.lastSyncedAt,
			progress: value === 'downloading' ? { rowsRead: own.rowsRead } : null,
			nextRetryAt: own.nextRetryAt,
			error: toSummary(own.error),
		};
	}
	const own: SyncState = {
		connection: reason === null ? 'open' : reason === 'closed' ? 'starting' : reason,
		user: engine.current()?.userId ?? null,
		replica: engine.replica(),
		isLeader: engine.tabs.current()?.isLeading ?? false,
		storage: { persisted: storage.persisted, error: toSummary(storage.trouble) },
		tables,
	};
	return withLeaderState(own, engine.tabs.leaderState());
}

function toSummary(error: PixSyncError | null): ErrorSummary | null {
	return error && { code: error.code, message: error.message, hint: error.hint };
}
