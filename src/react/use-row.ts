import type { Row, RowId } from '../core/types.ts';
import type { RowState } from '../services/row-lookup.ts';
import { useProvidedManager } from './provider.ts';
import { useLive } from './use-live.ts';

/**
 * One row, live.
 * @param id the row's id, or the localId that it was created with.
 * @returns undefined while it is not known yet; null: there is no such row.
 */
export function useRow<R extends object = Row>(table: string, id: RowId): R | null | undefined {
	const manager = useProvidedManager();
	return useLive<R | null>(manager, async (sync) => (await sync.table<R>(table).get(id)) ?? null, [
		table,
		id,
	]);
}

/** How a row stands with the server, live: see `manager.table(name).state(id)`. @returns undefined as `useRow`. */
export function useRowState(table: string, id: RowId): RowState | undefined {
	const manager = useProvidedManager();
	return useLive(manager, (sync) => sync.table(table).state(id), [table, id]);
}
