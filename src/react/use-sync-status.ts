import { useCallback, useMemo } from 'react';
import type { SyncResult } from '../core/types.ts';
import { NO_PROGRESS, type SyncProgress, toSyncProgress } from './progress.ts';
import { noManager, useProvidedManager } from './provider.ts';
import { STARTING, type SyncStatus, toSyncStatus } from './status.ts';
import { useStateOf } from './use-state-of.ts';

export interface SyncStatusResult extends SyncStatus {
	/** `manager.sync()`, of the table where one was named. The same function at each render. */
	readonly sync: () => Promise<SyncResult>;
}

/**
 * How sync stands, in one word and in numbers; see {@link SyncStatus}.
 * @param table one table alone; default: all.
 */
export function useSyncStatus(table?: string): SyncStatusResult {
	const manager = useProvidedManager();
	const status = useStateOf(manager, toSyncStatus, { table, initial: STARTING });
	const sync = useCallback(async () => {
		if (!manager) throw noManager();
		return manager.sync(table === undefined ? undefined : [table]);
	}, [manager, table]);
	return useMemo(() => ({ ...status, sync }), [status, sync]);
}

/** The downloads under way. @param table one table alone; default: all. */
export function useSyncProgress(table?: string): SyncProgress {
	const manager = useProvidedManager();
	return useStateOf(manager, toSyncProgress, { table, initial: NO_PROGRESS });
}
