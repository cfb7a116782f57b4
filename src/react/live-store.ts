import { liveQuery } from 'dexie';
import { isPixSyncError } from '../core/errors.ts';
import type { SyncManager } from '../sync-manager.ts';
import { keepSame } from './keep-same.ts';

export type LiveSnapshot<T> =
	| { readonly kind: 'loading' }
	| { readonly kind: 'value'; readonly value: T }
	| { readonly kind: 'error'; readonly error: unknown };

/** The result of one query of local data, kept up to date while somebody listens. For `useSyncExternalStore`. */
export interface LiveStore<T> {
	readonly subscribe: (listener: () => void) => () => void;
	readonly get: () => LiveSnapshot<T>;
}

export const LOADING = { kind: 'loading' } as const;

/** Waits for the database before a query that it refused as closed is made again; at most that often in a row. */
const MAX_REOPENINGS = 5;

/**
 * Makes no query before it is subscribed to. Each opening of the local database, as another user's, starts anew:
 * what an earlier one held is not told any more from the moment on that the manager knows (S18).
 * @param query is run again whenever something that it read has changed. Its first read of the database must come
 * before its first `await` of anything else, as Dexie's liveQuery wants it.
 */
export function createLiveStore<T>(
	manager: SyncManager,
	query: () => PromiseLike<T>,
	keyOf: (element: unknown) => unknown = idOf,
): LiveStore<T> {
	const listeners = new Set<() => void>();
	let snapshot: LiveSnapshot<T> = LOADING;
	/** Which opening `snapshot` is of. */
	let replica: number | null = null;
	let stop: () => void = () => undefined;
	let leave: () => void = () => undefined;
	let reopenings = 0;

	const current = () => manager.getState().replica;

	function tell(next: LiveSnapshot<T>): void {
		if (next === snapshot) return;
		snapshot = next;
		for (const listener of listeners) listener();
	}

	function follow(): () => void {
		const running = replica;
		const subscription = liveQuery(async () => query()).subscribe({
			next(value) {
				if (running !== current()) return;
				reopenings = 0;
				const before = snapshot.kind === 'value' ? snapshot.value : undefined;
				const kept = keepSame(before, value, keyOf);
				if (snapshot.kind !== 'value' || kept !== before) tell({ kind: 'value', value: kept });
			},
			error(error: unknown) {
				if (running !== current() || listeners.size === 0) return;
				if (isClosed(error) && ++reopenings <= MAX_REOPENINGS) void reopen();
				else tell({ kind: 'error', error });
			},
		});
		return () => subscription.unsubscribe();
	}

	/** A table is being added, or the connection was lost: the database is the same, and open again in a moment. */
	async function reopen(): Promise<void> {
		try {
			await manager.ready();
		} catch (error) {
			return tell({ kind: 'error', error });
		}
		if (listeners.size > 0) restart();
	}

	function restart(): void {
		stop();
		replica = current();
		stop = replica === null ? () => undefined : follow();
	}

	function check(): void {
		if (current() === replica) return;
		restart();
		tell(LOADING);
	}

	return {
		subscribe(listener) {
			listeners.add(listener);
			if (listeners.size === 1) {
				leave = manager.subscribe(check);
				restart();
			}
			return () => {
				listeners.delete(listener);
				if (listeners.size > 0) return;
				leave();
				stop();
				stop = () => undefined;
			};
		},
		// Asked for while rendering, which may be before this store hears of another user.
		get: () => (replica === current() ? snapshot : LOADING),
	};
}

function isClosed(error: unknown): boolean {
	if (isPixSyncError(error)) return error.code === 'closed';
	return error instanceof Error && error.name === 'DatabaseClosedError';
}

function idOf(element: unknown): unknown {
	return typeof element === 'object' && element !== null && 'id' in element ? element.id : element;
}
