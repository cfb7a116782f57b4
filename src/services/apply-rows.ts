import type { Base } from '../core/mutation.ts';
import { isTombstone, type TableSpec, versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { readHeld } from './held-rows.ts';
import { dirtyAmong } from './outbox.ts';
import type { BaseRecord, Stores } from './stores.ts';

/** Which rows a page may touch: a page of keys brings rows that the server no longer has, too. */
export interface RemoteRows {
	readonly rows: readonly Row[];
	/** Ids that are certainly gone at the server. */
	readonly gone?: readonly RowId[];
	/** Write rows of the held version, too: what is selected of them has changed. */
	readonly isReselected?: boolean;
	/** Write rows of another version than the one held, be it an older one: the server has gone back in time. */
	readonly isReset?: boolean;
	/** Nothing but rows of this very scan is held, all of them older: there is no need to look (a third of the cost). */
	readonly isFilling?: boolean;
}

/**
 * Writes server rows to the view, in a caller's transaction. Clean rows are replaced where the server's version
 * is newer; dirty rows are not touched: what the server holds goes to their base record (R5). Rows of a version
 * held already write nothing, and count nothing.
 * @returns the number of local rows changed.
 */
export async function applyRows(
	stores: Stores,
	spec: TableSpec,
	{ rows, gone = [], isReselected = false, isReset = false, isFilling = false }: RemoteRows,
): Promise<number> {
	const table = stores.rows(spec.table);
	const ids = [...rows.map((row) => row[spec.idField] as RowId), ...gone];
	if (ids.length === 0) return 0;
	const [dirty, held] = await Promise.all([
		dirtyAmong(stores, spec.table, ids),
		isFilling ? [] : readHeld(stores, spec, ids),
	]);
	const puts: Row[] = [];
	const deletes: RowId[] = [];
	const dirtyRemotes = new Map<RowId, Row | null>();
	ids.forEach((id, at) => {
		const remote = rows[at] ?? null;
		if (dirty.has(id)) dirtyRemotes.set(id, remote);
		else if (remote && !isTombstone(spec, remote)) {
			if (isReselected || isNewer(spec, remote, held[at] ?? null)) puts.push(remote);
			else if (isReset && isOlder(spec, remote, held[at] ?? null)) puts.push(remote);
		} else if (held[at] || isFilling) deletes.push(id);
	});
	stores.putRows(spec.table, puts);
	await Promise.all([
		deletes.length > 0 ? table.bulkDelete(deletes) : undefined,
		noteRemotes(stores, spec, dirtyRemotes),
	]);
	return puts.length + (isFilling ? 0 : deletes.length);
}

/** Whether `remote` is a later version than `held`. A row without a version gives way. */
export function isNewer(spec: TableSpec, remote: Row, held: Row | null): boolean {
	const heldVersion = held && versionOf(spec, held);
	const version = versionOf(spec, remote);
	return !heldVersion || !version || compareTimestamps(version, heldVersion) > 0;
}

function isOlder(spec: TableSpec, remote: Row, held: Row | null): boolean {
	return held !== null && isNewer(spec, held, remote);
}

/** Keeps the newest server row of each dirty row beside its confirmed base: a conflict known without a request. */
async function noteRemotes(
	stores: Stores,
	spec: TableSpec,
	remotes: ReadonlyMap<RowId, Row | null>,
): Promise<void> {
	if (remotes.size === 0) return;
	const ids = [...remotes.keys()];
	const records = await stores.bases.bulkGet(ids.map((id) => [spec.table, id]));
	const puts: BaseRecord[] = [];
	ids.forEach((id, at) => {
		const record = records[at];
		const base: Base = record?.base ?? { kind: 'absent' };
		const remote = remotes.get(id) ?? null;
		const { parked } = record ?? {};
		// Of a row with an unknown base the upload asks by itself (R2); of a parked one it does not.
		if (base.kind === 'unknown' && !parked) return;
		if (remote === null) {
			if (base.kind === 'held' || parked) puts.push(withRemote(spec, id, base, null, parked));
			return;
		}
		const newest = record?.remote ?? (base.kind === 'held' ? base.row : null);
		if (isNewer(spec, remote, newest)) puts.push(withRemote(spec, id, base, remote, parked));
	});
	if (puts.length > 0) await stores.bases.bulkPut(puts);
}

/** A base record with a newer server row beside its confirmed one. */
function withRemote(
	spec: TableSpec,
	id: RowId,
	base: Base,
	remote: Row | null,
	parked: true | undefined,
): BaseRecord {
	return { table: spec.table, id, base, remote, seen: 1, ...(parked ? { parked } : {}) };
}
