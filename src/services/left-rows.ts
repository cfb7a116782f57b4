import type { TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import { dirtyAmong } from './outbox.ts';
import type { Stores } from './stores.ts';

/**
 * Rows that may be gone, and that the server's log will not tell of again: those told to have left what is selected
 * while they were dirty, whose edit may never be sent, and those held before the log was first read.
 */
export async function noteLeft(stores: Stores, { table }: TableSpec, ids: readonly RowId[]): Promise<void> {
	if (ids.length === 0) return;
	await stores.meta.put({
		key: leftKey(table),
		value: [...new Set([...(await readAll(stores, table)), ...ids])],
	});
}

/**
 * Those held that are clean now: whether they are there still is the server's to say. One that was created here, and
 * has got another id since, or never came to be, is asked for by nobody: the server may not even read its id.
 */
export async function readLeft(stores: Stores, { table }: TableSpec): Promise<readonly RowId[]> {
	const ids = await readAll(stores, table);
	if (ids.length === 0) return [];
	const [dirty, held] = await Promise.all([dirtyAmong(stores, table, ids), heldAmong(stores, table, ids)]);
	return ids.filter((id) => !dirty.has(id) && held.has(id));
}

/** Once the server has said it. */
export async function settleLeft(stores: Stores, { table }: TableSpec, ids: readonly RowId[]): Promise<void> {
	const settled = new Set(ids);
	const all = await readAll(stores, table);
	// What was changed here while it was asked for waits on; what is not held any more has nothing to wait for.
	const [dirty, held] = await Promise.all([dirtyAmong(stores, table, all), heldAmong(stores, table, all)]);
	const rest = all.filter((id) => dirty.has(id) || (held.has(id) && !settled.has(id)));
	if (rest.length > 0) await stores.meta.put({ key: leftKey(table), value: rest });
	else await stores.meta.delete(leftKey(table));
}

async function heldAmong(stores: Stores, table: string, ids: readonly RowId[]): Promise<ReadonlySet<RowId>> {
	const rows = await stores.rows(table).bulkGet([...ids]);
	return new Set(ids.filter((_, at) => rows[at] !== undefined));
}

async function readAll(stores: Stores, table: string): Promise<readonly RowId[]> {
	return ((await stores.meta.get(leftKey(table)))?.value as readonly RowId[] | undefined) ?? [];
}

export const leftKey = (table: string) => `left:${table}`;
