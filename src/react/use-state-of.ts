import { useMemo, useSyncExternalStore } from 'react';
import { isSameJson } from '../core/json.ts';
import type { SyncManager } from '../sync-manager.ts';
import type { SyncState } from '../sync-state.ts';

const NEVER = () => () => undefined;

/** A part of the manager's state; a render only where that part changes. @param table what `select` is given. */
export function useStateOf<T>(
	manager: SyncManager | null,
	select: (state: SyncState, table?: string) => T,
	{ table, initial }: { readonly table: string | undefined; readonly initial: T },
): T {
	const get = useMemo(() => {
		let state: SyncState | null = null;
		let selected = initial;
		return () => {
			const next = manager?.getState() ?? null;
			if (next === null || next === state) return selected;
			state = next;
			const value = select(next, table);
			if (!isSameJson(selected, value)) selected = value;
			return selected;
		};
	}, [manager, select, table, initial]);
	return useSyncExternalStore(manager?.subscribe ?? NEVER, get, () => initial);
}
