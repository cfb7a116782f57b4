import type { Collection, Table } from 'dexie';
import type { DependencyList } from 'react';
import type { Row, RowId } from '../core/types.ts';
import { useProvidedManager } from './provider.ts';
import { useLive } from './use-live.ts';

/** A query of one table's local rows, in Dexie's language. Reads only: writes here never sync. */
export type LiveQuery<R, T = R> = (rows: Table<R, RowId>) => Collection<T, RowId> | PromiseLike<readonly T[]>;

/**
 * The rows of a table, live: local writes show at once, other people's as they come down. Rows that did not change
 * stay the same objects, and a change that does not touch the result renders nothing.
 * @param query default: all rows. An inline function will do.
 * @param deps what the query depends on, as for `useMemo`.
 * @returns undefined while it is not known yet.
 */
export function useLiveRows<R extends object = Row, T = R>(
	table: string,
	query?: LiveQuery<R, T>,
	deps: DependencyList = [],
): readonly T[] | undefined {
	const manager = useProvidedManager();
	// The name of the key is known once the database is open, and the same for good.
	let key: string | null = null;
	return useLive<readonly T[]>(
		manager,
		(sync) => {
			const { rows } = sync.table<R>(table);
			key = String(rows.schema.primKey.keyPath);
			if (!query) return rows.toArray() as PromiseLike<readonly unknown[]> as PromiseLike<readonly T[]>;
			const result = query(rows);
			return 'toArray' in result ? result.toArray() : result;
		},
		[table, ...deps],
		(row) => (typeof row === 'object' && row !== null && key !== null ? (row as Row)[key] : row),
	);
}
