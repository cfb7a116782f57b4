import { useProvidedManager } from './provider.ts';
import { useLive } from './use-live.ts';

/** `manager.getPendingCount(table)`, live; 0 while it is not known yet. @param table default: all. */
export function usePendingCount(table?: string): number {
	const manager = useProvidedManager();
	return useLive(manager, (sync) => sync.getPendingCount(table), [table]) ?? 0;
}
