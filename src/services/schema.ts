import { PixSyncError } from '../core/errors.ts';
import type { TableSpec } from '../core/table-spec.ts';

/** Dexie specifications of PixSync's own stores. */
export const OWN_STORES = {
	/**
	 * Unconfirmed mutations and dead letters. The one index answers all: pending of a table, of a row, and the
	 * counts; each further index would slow every write down.
	 */
	outbox: '++seq,[table+status+rowId]',
	/** Requests on their way or of unknown outcome, one record a batch: a record costs, rows in it hardly do. */
	attempts: '++id,table',
	/** What the server holds of dirty rows. `seen` is set, and so indexed, only where a newer remote row waits. */
	bases: '[table+id],[table+seen]',
	/** Conflicts that wait until somebody decides. */
	conflicts: '[table+id],mutationId',
	/** How each row's last conflict ended, for `explain`. */
	outcomes: '[table+id]',
	/** What rows are also called. By `id`: what is called so must follow when the row gets another. */
	aliases: '[table+localId],[table+id]',
	checkpoints: '[table+transport]',
	meta: 'key',
} as const;

/** The store of a table's rows; one that would meet a store of PixSync's own steps aside. */
export function storeOf(table: string): string {
	return table in OWN_STORES ? `rows:${table}` : table;
}

/** Dexie's specification of a table's store: the id inline, and no index that the app did not ask for. */
export function storeSpec(spec: TableSpec): string {
	return [spec.idField, ...spec.indexes].join(',');
}

/**
 * The schema to open: what is on disk, what is registered, and PixSync's own. Dexie drops every store that a
 * newer schema leaves out, so that none is ever left out (R4).
 * @returns null where the disk holds it already.
 */
export function mergedSchema(
	onDisk: Readonly<Record<string, string>>,
	registered: readonly TableSpec[],
): Readonly<Record<string, string>> | null {
	const merged: Record<string, string> = { ...onDisk, ...OWN_STORES };
	for (const spec of registered) {
		const store = storeOf(spec.table);
		const key = onDisk[store]?.split(',')[0];
		if (key !== undefined && key !== spec.idField) throw keyChanged(spec, key);
		merged[store] = storeSpec(spec);
	}
	const isSame = Object.entries(merged).every(([name, spec]) => normalise(onDisk[name]) === normalise(spec));
	return isSame ? null : merged;
}

function keyChanged(spec: TableSpec, key: string): PixSyncError {
	return new PixSyncError('bad-config', `Table "${spec.table}": idField was "${key}" on this device`, {
		table: spec.table,
		hint: `IndexedDB cannot change a key: keep idField '${key}', or choose another databaseName and sync anew.`,
	});
}

/** The order of indexes does not matter; the primary key, which comes first, does. */
function normalise(spec: string | undefined): string | null {
	if (spec === undefined) return null;
	const [key, ...indexes] = spec.split(',').map((part) => part.trim());
	return [key, ...indexes.sort()].join(',');
}
