import { chunk } from '../core/chunk.ts';
import { PixSyncError } from '../core/errors.ts';
import { isTombstone, versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { applyRows } from './apply-rows.ts';
import { dirtyAmong } from './outbox.ts';
import { assertCurrent, type Run } from './run.ts';
import {
	addSweepPage,
	dropSweep,
	openSweep,
	readSweepIds,
	type Sweep,
	settleOwedSweep,
} from './sweep-record.ts';

export interface ReconcileOptions {
	/** Remove more than the guard lets pass. */
	readonly allowShrink: boolean;
}

export interface SweepOptions extends ReconcileOptions {
	/**
	 * Go on with a comparison that was cut off. What was deleted since behind its place is left to the next one: right
	 * where the next one comes by itself, wrong where somebody asks for the present state.
	 */
	readonly isResuming: boolean;
}

/** A sweep that removes more rows than this, and more than half of those held, asks first (F17). */
export const SHRINK_GUARD = 20;

/** Rows asked for and written at once; a transaction of all would keep the app waiting. */
const CHUNK = 500;

/**
 * Compares the ids held with the ids at the server, completely, and mends both ways (R18): what the server no
 * longer has goes, what a pull could not see comes. It goes page by page, and may go on behind the last page that
 * one which was cut off had compared. No row is removed before all pages were compared, and none that is dirty or shows up when
 * it is asked for by id: rows may have come while a sweep was cut off.
 *
 * Pages are told apart by the server's order alone: IndexedDB orders texts otherwise.
 * @returns the number of local rows changed.
 * @throws PixSyncError `reconcile-shrink` before anything is removed.
 */
export async function reconcile(run: Run, { allowShrink, isResuming }: SweepOptions): Promise<number> {
	const { spec, store, remote, settings, signal } = run;
	let changed = 0;
	let sweep = await store.transact('rw', [], async (stores) => {
		await assertCurrent(stores, run);
		if (!isResuming) await dropSweep(stores, spec);
		return openSweep(stores, spec, run.now());
	});
	while (!sweep.isComplete) {
		const keys = await remote.listKeys(spec, sweep.after, settings.pageSize, signal);
		// Before the page counts as compared: a sweep cut off here reads it again.
		changed += await refresh(run, await findStale(run, keys));
		const page = { sweep, ids: keys.map((row) => row[spec.idField] as RowId) };
		sweep = await store.transact('rw', [], async (stores) => {
			await assertCurrent(stores, run);
			return addSweepPage(stores, spec, page);
		});
	}
	const { absent, held } = await findAbsent(run, sweep);
	const isTooMuch = !allowShrink && absent.length > SHRINK_GUARD && absent.length > held / 2;
	if (!isTooMuch) for (const ids of chunk(absent, CHUNK)) changed += await removeAbsent(run, ids);
	await store.transact('rw', [], async (stores) => {
		await assertCurrent(stores, run);
		await dropSweep(stores, spec);
		if (!isTooMuch) await settleOwedSweep(stores, spec);
	});
	if (isTooMuch) throw tooMuch(run, absent.length, held);
	return changed;
}

/** Clean rows held that no page has shown. */
async function findAbsent(
	{ spec, store }: Run,
	sweep: Sweep,
): Promise<{ readonly absent: readonly RowId[]; readonly held: number }> {
	return store.transact('r', [spec.table], async (stores) => {
		const seen = await readSweepIds(stores, spec, sweep);
		const ids = await stores.rows(spec.table).toCollection().primaryKeys();
		const dirty = await dirtyAmong(stores, spec.table, ids);
		const clean = ids.filter((id) => !dirty.has(id));
		return { absent: clean.filter((id) => !seen.has(id)), held: clean.length };
	});
}

/** Asks for rows that should be gone, and removes those that are; one that is dirty stays. @returns the number of local rows changed. */
export async function removeAbsent(run: Run, absent: readonly RowId[]): Promise<number> {
	const { spec, store, remote, signal } = run;
	const found = await remote.fetch(spec, absent, signal, 'selected');
	return store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const gone = absent.filter((id) => !found.has(id));
		// A row that became dirty meanwhile keeps its edit; what the server holds of it is the upload's affair.
		const dirty = await dirtyAmong(stores, spec.table, gone);
		return applyRows(stores, spec, { rows: [...found.values()], gone: gone.filter((id) => !dirty.has(id)) });
	});
}

async function refresh(run: Run, stale: readonly RowId[]): Promise<number> {
	const { spec, store, remote, signal } = run;
	let changed = 0;
	for (const ids of chunk(stale, CHUNK)) {
		const found = await remote.fetch(spec, ids, signal, 'selected');
		changed += await store.transact('rw', [spec.table], async (stores) => {
			await assertCurrent(stores, run);
			return applyRows(stores, spec, { rows: [...found.values()] });
		});
	}
	return changed;
}

/** Ids that the server holds in another version than the replica, or that the replica lacks. */
async function findStale({ spec, store }: Run, keys: readonly Row[]): Promise<RowId[]> {
	if (keys.length === 0) return [];
	const ids = keys.map((row) => row[spec.idField] as RowId);
	return store.transact('r', [spec.table], async (stores) => {
		const dirty = await dirtyAmong(stores, spec.table, ids);
		const views = await stores.rows(spec.table).bulkGet(ids);
		return ids.filter((id, at) => {
			if (dirty.has(id)) return false;
			const view = views[at];
			const key = keys[at];
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
