import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { readDense } from './dense-range.ts';
import type { Stores } from './stores.ts';

/** Rows may be long: no more is read than twice what is asked for. */
const DENSITY = 2;

/** The rows of these ids, each in its id's place; undefined: it is not held. */
export async function readHeld(
	stores: Stores,
	{ table, idField }: TableSpec,
	ids: readonly RowId[],
): Promise<readonly (Row | undefined)[]> {
	const rows = stores.rows(table);
	const between = (first: RowId, last: RowId) => rows.where(':id').between(first, last, true, true);
	const dense = await readDense<Row, RowId>(ids, between, DENSITY);
	if (!dense) return rows.bulkGet([...ids]);
	const byId = new Map(dense.map((row) => [row[idField] as RowId, row]));
	return ids.map((id) => byId.get(id));
}
