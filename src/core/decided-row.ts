import type { Sides } from './conflict-sides.ts';
import { PixSyncError } from './errors.ts';
import type { Row, RowId } from './types.ts';

/**
 * The columns of a row that somebody made out of a conflict; never the id nor the timestamp. The rows of the
 * conflict name the columns that there are: where the server's row is known, another name is a mistake.
 * @param row plain JSON values.
 * @throws PixSyncError `id-change`, `bad-data`.
 */
export function toDecidedRow(sides: Sides, id: RowId, row: Row): Row {
	const { spec, base, mutations, remote } = sides;
	const { [spec.idField]: ownId, [spec.timestampField]: _, ...columns } = row;
	// As everywhere else: uuids in lower case, and a number key may be written as text (R3).
	const isSameRow =
		ownId === undefined || ownId === null || String(ownId).toLowerCase() === String(id).toLowerCase();
	if (!isSameRow) {
		throw new PixSyncError('id-change', `Table "${spec.table}": the decision is a row with another id`, {
			table: spec.table,
			id,
			hint: 'Leave the id out, or create a row with the new id and delete this one.',
		});
	}
	const served = [remote, base.kind === 'held' ? base.row : null].filter((known) => known !== null);
	const known = new Set([...served, ...mutations.map(({ data }) => data ?? {})].flatMap(Object.keys));
	const stranger = served.length > 0 && Object.keys(columns).find((column) => !known.has(column));
	if (typeof stranger === 'string') {
		throw new PixSyncError('bad-data', `Table "${spec.table}": data.${stranger} is no column of the row`, {
			table: spec.table,
			id,
			hint: `The columns are: ${[...known].join(', ')}.`,
		});
	}
	return columns;
}
