import { type DependencyList, useMemo, useSyncExternalStore } from 'react';
import type { SyncManager } from '../sync-manager.ts';
import { createLiveStore, type LiveSnapshot, LOADING } from './live-store.ts';

const LOADING_STORE = { subscribe: () => () => undefined, get: (): LiveSnapshot<never> => LOADING };

/**
 * The result of a query of local data; undefined while it is not known yet. Throws what the query throws, to the
 * nearest error boundary.
 * @param deps what the query depends on, beside the manager: with others it is another query, and not known yet.
 */
export function useLive<T>(
	manager: SyncManager | null,
	query: (manager: SyncManager) => PromiseLike<T>,
	deps: DependencyList,
	keyOf?: (element: unknown) => unknown,
): T | undefined {
	// A query given inline is a new function at each render; `deps` say when it is another query.
	// biome-ignore lint/correctness/useExhaustiveDependencies: see above
	const store = useMemo(
		() => (manager ? createLiveStore(manager, () => query(manager), keyOf) : LOADING_STORE),
		[manager, ...deps],
	);
	const snapshot: LiveSnapshot<T> = useSyncExternalStore(store.subscribe, store.get, LOADING_STORE.get);
	if (snapshot.kind === 'error') throw snapshot.error;
	return snapshot.kind === 'value' ? snapshot.value : undefined;
}
