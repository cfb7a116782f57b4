import type { RowId } from '../core/types.ts';
import { deleteDense, type Records, readDense } from './dense-range.ts';
import type { BaseRecord, Stores } from './stores.ts';

/** Above this many rows, a look at what there is at all is worth its while. */
const FEW_ROWS = 16;

/** The base records of rows, each in its row's place. Clean rows and new ones have none. */
export async function readBases(
	records: Records,
	table: string,
	ids: readonly RowId[],
): Promise<readonly (BaseRecord | undefined)[]> {
	// New rows have none: after creates alone there is nothing to look at each for.
	if (ids.length > FEW_ROWS && !(await hasAny(records, table))) return ids.map(() => undefined);
	const dense = await readDense(ids, (first, last) =>
		records.between<BaseRecord, [string, RowId]>('bases', [table, first], [table, last]),
	);
	if (!dense)
		return records.get<BaseRecord>(
			'bases',
			ids.map((id) => [table, id]),
		);
	const byId = new Map(dense.map((record) => [record.id, record]));
	return ids.map((id) => byId.get(id));
}

/** Deletes the base records of rows, as far as there are any. */
export async function deleteBases(stores: Stores, table: string, ids: readonly RowId[]): Promise<void> {
	const isDone = await deleteDense<BaseRecord, [string, RowId]>(
		ids,
		(first, last) => stores.bases.where(':id').between([table, first], [table, last], true, true),
		([, id]) => id,
	);
	if (!isDone) await stores.bases.bulkDelete(ids.map((id) => [table, id]));
}

async function hasAny(records: Records, table: string): Promise<boolean> {
	// A list comes after every text and number.
	const first = await records.between('bases', [table], [table, []]).limit(1).primaryKeys();
	return first.length > 0;
}
