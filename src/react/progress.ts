import type { SyncState } from '../sync-state.ts';
import { tablesOf } from './status.ts';

export interface SyncProgress {
	readonly isDownloading: boolean;
	/** Rows read by the downloads under way. How many are to come no cheap question tells. */
	readonly rowsRead: number;
}

export const NO_PROGRESS: SyncProgress = { isDownloading: false, rowsRead: 0 };

/** Pure. @param table one table alone; default: all. */
export function toSyncProgress(state: SyncState, table?: string): SyncProgress {
	const running = tablesOf(state, table).flatMap(({ progress }) => (progress ? [progress] : []));
	if (running.length === 0) return NO_PROGRESS;
	return { isDownloading: true, rowsRead: running.reduce((sum, { rowsRead }) => sum + rowsRead, 0) };
}
