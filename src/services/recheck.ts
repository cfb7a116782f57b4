import type { RowId } from '../core/types.ts';
import { applyRows } from './apply-rows.ts';
import type { Records } from './dense-range.ts';
import { assertCurrent, type Run } from './run.ts';
import type { MetaRecord } from './stores.ts';

/**
 * Rows whose queued changes were dropped while a request of theirs was of unknown outcome (R10). They are
 * fetched before anything else is sent: what had been committed then comes back as a remote change.
 */
export async function recheckRows(run: Run, ids: readonly RowId[]): Promise<void> {
	const { spec, store } = run;
	if (ids.length === 0) return;
	const found = await run.remote.fetch(spec, ids, run.signal, 'selected');
	await store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const gone = ids.filter((id) => !found.has(id));
		await applyRows(stores, spec, { rows: [...found.values()], gone });
		await stores.meta.delete(recheckKey(spec.table));
	});
}

export async function readRechecks(records: Records, table: string): Promise<readonly RowId[]> {
	const [record] = await records.get<MetaRecord>('meta', [recheckKey(table)]);
	return Array.isArray(record?.value) ? (record.value as RowId[]) : [];
}

export function recheckKey(table: string): string {
	return `recheck:${table}`;
}
