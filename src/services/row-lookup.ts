import type { StoredError } from '../core/mutation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { isUuid } from '../core/uuid.ts';
import type { LocalStore } from './local-store.ts';
import { dirtyOf } from './outbox.ts';
import type { Stores } from './stores.ts';

/** How one row stands with the server. */
export interface RowState {
	/** `absent`: neither held nor queued. */
	readonly status: 'absent' | 'synced' | 'pending' | 'conflicted' | 'rejected';
	/** Mutations not yet confirmed. */
	readonly pending: number;
	/** Why the newest dead letter of the row was refused; null: there is none. */
	readonly error: StoredError | null;
}

/** The row that an id, a localId or a number written as text means (R3). */
export async function lookUpId(stores: Stores, spec: TableSpec, id: RowId): Promise<RowId> {
	return (await lookUp(stores, spec, id)).id;
}

export async function readRow(store: LocalStore, spec: TableSpec, id: RowId): Promise<Row | undefined> {
	return store.transact('r', [spec.table], async (stores) => (await lookUp(stores, spec, id)).row);
}

/** Mostly the id is the row's own: then one wait for the database does. */
async function lookUp(
	stores: Stores,
	spec: TableSpec,
	given: RowId,
): Promise<{ readonly id: RowId; readonly row: Row | undefined }> {
	const rows = stores.rows(spec.table);
	const [alias, row] = await Promise.all([stores.aliases.get([spec.table, String(given)]), rows.get(given)]);
	const id = alias?.id ?? (row ? given : await otherwise(stores, spec, given));
	return { id, row: id === given ? row : await rows.get(id) };
}

/** What an id that is no held row's may mean. */
async function otherwise(stores: Stores, spec: TableSpec, id: RowId): Promise<RowId> {
	if (typeof id === 'number') return id;
	if (isUuid(id)) return id.toLowerCase();
	const asNumber = Number(id);
	if (!Number.isFinite(asNumber) || String(asNumber) !== id) return id;
	const [first] = await stores.rows(spec.table).limit(1).primaryKeys();
	return typeof first === 'number' ? asNumber : id;
}

export async function readRowState(store: LocalStore, spec: TableSpec, id: RowId): Promise<RowState> {
	return store.transact('r', [spec.table], async (stores) => {
		const rowId = await lookUpId(stores, spec, id);
		const [dirty, letters, held] = await Promise.all([
			dirtyOf(stores, spec.table, rowId),
			stores.outbox.where('[table+status+rowId]').equals([spec.table, 'rejected', rowId]).toArray(),
			stores.rows(spec.table).where(':id').equals(rowId).count(),
		]);
		const error = letters.at(-1)?.error ?? null;
		if (dirty.some(({ status }) => status === 'conflicted'))
			return { status: 'conflicted', pending: dirty.length, error };
		if (dirty.length > 0) return { status: 'pending', pending: dirty.length, error };
		if (letters.length > 0) return { status: 'rejected', pending: 0, error };
		return { status: held > 0 ? 'synced' : 'absent', pending: 0, error };
	});
}
