import { useCallback, useMemo } from 'react';
import type { RejectedWrite, RetriedWrites } from '../core/rejected-write.ts';
import { noManager, useProvidedManager } from './provider.ts';
import { useLive } from './use-live.ts';

export interface RejectedResult {
	/** Oldest first; none while they are not known yet. */
	readonly rejected: readonly RejectedWrite[];
	readonly isLoading: boolean;
	/** `manager.retryRejected`. The same function at each render. */
	readonly retry: (id?: string, data?: unknown) => Promise<RetriedWrites>;
	/** `manager.discardRejected`. The same function at each render. */
	readonly discard: (id: string) => Promise<void>;
}

const NONE: readonly never[] = [];

/** The changes that the server refused for good, live. @param table default: all. */
export function useRejected(table?: string): RejectedResult {
	const manager = useProvidedManager();
	const found = useLive(manager, (sync) => sync.getRejected(table), [table]);
	const retry = useCallback<RejectedResult['retry']>(
		async (id, data) => {
			if (!manager) throw noManager();
			return manager.retryRejected(id, data);
		},
		[manager],
	);
	const discard = useCallback<RejectedResult['discard']>(
		async (id) => {
			if (!manager) throw noManager();
			await manager.discardRejected(id);
		},
		[manager],
	);
	return useMemo(
		() => ({ rejected: found ?? NONE, isLoading: found === undefined, retry, discard }),
		[found, retry, discard],
	);
}
