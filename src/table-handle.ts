import type { Table } from 'dexie';
import type { TableSpec } from './core/table-spec.ts';
import type { QueuedAction, RowId, SyncAction } from './core/types.ts';
import { toRowId } from './services/action.ts';
import { type RowState, readRow, readRowState } from './services/row-lookup.ts';
import { storeOf } from './services/schema.ts';
import { closedError } from './services/storage-error.ts';
import type { Workspace } from './services/workspace.ts';

/** One table's local rows. `R` is the row's type, as the app knows it. */
export interface TableHandle<R extends object> {
	/** By id or localId; undefined: not held. */
	get(id: RowId): Promise<R | undefined>;
	toArray(): Promise<R[]>;
	/** The Dexie table, read anew at each access, for queries and liveQuery. Reads only: writes here never sync. */
	readonly rows: Table<R, RowId>;
	/** As `queueAction(table, 'create', …)`; the id is `data`'s, or made. */
	create(data: Partial<R>): Promise<QueuedAction>;
	update(id: RowId, patch: Partial<R>): Promise<QueuedAction>;
	remove(id: RowId): Promise<QueuedAction>;
	/** How the row stands with the server. */
	state(id: RowId): Promise<RowState>;
}

export interface TableHandleOptions {
	workspace(): Promise<Workspace>;
	current(): Workspace | null;
	queue(action: SyncAction, data: unknown, id?: RowId): Promise<QueuedAction>;
}

export function createTableHandle<R extends object>(
	spec: TableSpec,
	options: TableHandleOptions,
): TableHandle<R> {
	const rowsOf = (workspace: Workspace) => workspace.store.dexie.table<R, RowId>(storeOf(spec.table));
	return {
		async get(id) {
			const rowId = toRowId(spec, id, 'id');
			// Awaited only where it must be: a liveQuery sees what is asked before the first native await.
			const { store } = options.current() ?? (await options.workspace());
			// The replica holds what the server sent for `select`; its type is the app's knowledge.
			return (await readRow(store, spec, rowId)) as R | undefined;
		},
		async toArray() {
			return rowsOf(options.current() ?? (await options.workspace())).toArray();
		},
		get rows() {
			const workspace = options.current();
			if (!workspace) throw closedError('The local database is not open yet', 'Await sync.ready() first.');
			return rowsOf(workspace);
		},
		create: (data) => options.queue('create', data),
		update: (id, patch) => options.queue('update', patch, id),
		remove: (id) => options.queue('delete', null, id),
		async state(id) {
			const rowId = toRowId(spec, id, 'id');
			const { store } = options.current() ?? (await options.workspace());
			return readRowState(store, spec, rowId);
		},
	};
}
