import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { type Records, readDense } from './dense-range.ts';
import { storeOf } from './schema.ts';

/** Rows may be long: no more is read than twice what is asked for. */
const DENSITY = 2;

/** The rows of these ids, each in its id's place; undefined: it is not held. */
export async function readHeld(
	records: Records,
	{ table, idField }: TableSpec,
	ids: readonly RowId[],
): Promise<readonly (Row | undefined)[]> {
	const store = storeOf(table);
	const between = (first: RowId, last: RowId) => records.between<Row, RowId>(store, first, last);
	const dense = await readDense(ids, between, DENSITY);
	if (!dense) return records.get<Row>(store, ids);
	const byId = new Map(dense.map((row) => [row[idField] as RowId, row]));
	return ids.map((id) => byId.get(id));
}
