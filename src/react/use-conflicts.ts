import { useCallback, useMemo } from 'react';
import type { ConflictRecord } from '../core/conflict-record.ts';
import type { Row } from '../core/types.ts';
import { noManager, useProvidedManager } from './provider.ts';
import { useLive } from './use-live.ts';

export interface ConflictsResult<R> {
	/** Longest waiting first; none while they are not known yet. */
	readonly conflicts: readonly ConflictRecord<R>[];
	readonly isLoading: boolean;
	/** `manager.resolveConflict`. The same function at each render. */
	readonly resolve: (id: string, decision: 'local' | 'remote' | R) => Promise<void>;
}

const NONE: readonly never[] = [];

/** The conflicts that wait for somebody's decision, live. @param table default: all. */
export function useConflicts<R extends object = Row>(table?: string): ConflictsResult<R> {
	const manager = useProvidedManager();
	const found = useLive(manager, (sync) => sync.getConflicts<R>(table), [table]);
	const resolve = useCallback<ConflictsResult<R>['resolve']>(
		async (id, decision) => {
			if (!manager) throw noManager();
			await manager.resolveConflict<R>(id, decision);
		},
		[manager],
	);
	return useMemo(
		() => ({ conflicts: found ?? NONE, isLoading: found === undefined, resolve }),
		[found, resolve],
	);
}
