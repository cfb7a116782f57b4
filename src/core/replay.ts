import type { Base, Mutation } from './mutation.ts';
import { isTombstone, type TableSpec } from './table-spec.ts';
import type { Row } from './types.ts';

/**
 * The view of a row: its base with the pending mutations replayed on it; this is also the rebase when the base
 * moved. Null: the app sees no row. A patch on a row whose base is unknown shows nothing until it was fetched.
 * @param mutations one row's pending ones, in queue order.
 */
export function replay(
	spec: TableSpec,
	base: Base,
	mutations: readonly Pick<Mutation, 'action' | 'data' | 'rowId'>[],
): Row | null {
	let row: Row | null = base.kind === 'held' && !isTombstone(spec, base.row) ? base.row : null;
	for (const { action, data, rowId } of mutations) {
		switch (action) {
			case 'create':
				row = { ...row, ...data, [spec.idField]: rowId };
				break;
			case 'update':
				if (row) row = { ...row, ...data };
				break;
			case 'delete':
				row = null;
				break;
		}
	}
	return row;
}
