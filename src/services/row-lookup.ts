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
	const alias = await stores.aliases.get([spec.table, String(id)]);
	if (alias) return alias.id;
	if (typeof id === 'number') return id;
	const isHeld = (await stores.rows(spec.table).where(':id').equals(id).count()) > 0;
	if (isHeld) return id;
	if (isUuid(id)) return id.toLowerCase();
	const asNumber = Number(id);
	if (!Number.isFinite(asNumber) || String(asNumber) !== id) return id;
	const [first] = await stores.rows(spec.table).limit(1).primaryKeys();
	return typeof first === 'number' ? asNumber : id;
}

export async function readRow(store: LocalStore, spec: TableSpec, id: RowId): Promise<Row | undefined> {
	return store.transact('r', [spec.table], async (stores) =>
		stores.rows(spec.table).get(await lookUpId(stores, spec, id)),
	);
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
