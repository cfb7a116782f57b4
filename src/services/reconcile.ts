import { PixSyncError } from '../core/errors.ts';
import { isTombstone, versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { applyRows } from './apply-rows.ts';
import { dirtyAmong } from './outbox.ts';
import { assertCurrent, type Run } from './run.ts';

export interface ReconcileOptions {
	/** Remove more than the guard lets pass. */
	readonly allowShrink: boolean;
}

/** A sweep that removes more rows than this, and more than half of those held, asks first (F17). */
const SHRINK_GUARD = 20;

/**
 * Compares the ids held with the ids at the server, completely, and mends both ways (R18): what the server no
 * longer has goes, what a pull could not see comes. A row goes only if it was held before the first page, is
 * clean, and is absent again when asked for by id.
 * @returns the number of local rows changed.
 * @throws PixSyncError `reconcile-shrink` before anything is removed.
 */
export async function reconcile(run: Run, { allowShrink }: ReconcileOptions): Promise<number> {
	const { spec, store, remote, signal } = run;
	const held = await store.transact('r', [spec.table], async (stores) => {
		const ids = await stores.rows(spec.table).toCollection().primaryKeys();
		const dirty = await dirtyAmong(stores, spec.table, ids);
		return ids.filter((id) => !dirty.has(id));
	});
	const keys = await listAllKeys(run);
	const absent = held.filter((id) => !keys.has(id));
	if (!allowShrink && absent.length > SHRINK_GUARD && absent.length > held.length / 2) {
		throw tooMuch(run, absent.length, held.length);
	}
	const stale = await findStale(run, keys);
	const found = await remote.fetch(spec, [...absent, ...stale], signal, 'selected');
	return store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const gone = absent.filter((id) => !found.has(id));
		// A row that became dirty meanwhile keeps its edit; what the server holds of it is the upload's affair.
		const dirty = await dirtyAmong(stores, spec.table, gone);
		return applyRows(stores, spec, { rows: [...found.values()], gone: gone.filter((id) => !dirty.has(id)) });
	});
}

async function listAllKeys({ spec, remote, settings, signal }: Run): Promise<Map<RowId, Row>> {
	const keys = new Map<RowId, Row>();
	let after: RowId | null = null;
	for (;;) {
		const page: readonly Row[] = await remote.listKeys(spec, after, settings.pageSize, signal);
		for (const row of page) keys.set(row[spec.idField] as RowId, row);
		const last = page.at(-1);
		if (!last) return keys;
		after = last[spec.idField] as RowId;
	}
}

/** Ids that the server holds in another version than the replica, or that the replica lacks. */
async function findStale(run: Run, keys: ReadonlyMap<RowId, Row>): Promise<RowId[]> {
	const { spec, store } = run;
	const ids = [...keys.keys()];
	return store.transact('r', [spec.table], async (stores) => {
		const dirty = await dirtyAmong(stores, spec.table, ids);
		const views = await stores.rows(spec.table).bulkGet(ids);
		return ids.filter((id, at) => {
			if (dirty.has(id)) return false;
			const view = views[at];
			const key = keys.get(id);
			// A tombstone matters only where the row is still held.
			if (!view && key && isTombstone(spec, key)) return false;
			const version = key && versionOf(spec, key);
			const heldVersion = view && versionOf(spec, view);
			return !version || !heldVersion || compareTimestamps(version, heldVersion) > 0;
		});
	});
}

function tooMuch(run: Run, absent: number, held: number): PixSyncError {
	return new PixSyncError(
		'reconcile-shrink',
		`The server no longer shows ${absent} of ${held} rows held here`,
		{
			fault: 'fatal',
			table: run.spec.table,
			hint: 'If they were really deleted, call reconcile(table, { allowShrink: true }); if not, look at the policies and the session.',
		},
	);
}
