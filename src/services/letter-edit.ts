import { isPixSyncError, PixSyncError } from '../core/errors.ts';
import { toPlainData } from '../core/json.ts';
import type { Mutation } from '../core/mutation.ts';
import type { LetterEdit } from '../core/revive.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row } from '../core/types.ts';

/** The data that a retry was given, checked and copied as the call was made; whose row it is, is not known yet. */
export interface LetterDraft {
	readonly columns: Row;
	/** Columns given as undefined: they are not sent at all. */
	readonly leaveOut: readonly string[];
}

/** @throws PixSyncError `missing-id` (data without a letter), and `bad-data` as `queueAction` does. */
export function toLetterDraft(letter: string | undefined, data: unknown): LetterDraft {
	if (letter === undefined) {
		throw new PixSyncError('missing-id', 'A retry with data needs the id of one rejected change', {
			hint: 'Pass an id from getRejected().',
		});
	}
	const columns = copyOf(data);
	const leaveOut = Object.entries(data as object).flatMap(([name, value]) =>
		value === undefined ? name : [],
	);
	return { columns, leaveOut };
}

/**
 * The draft as an edit of one letter; null: it changes nothing.
 * @throws PixSyncError `id-change`.
 */
export function toLetterEdit(
	spec: TableSpec,
	letter: readonly Mutation[],
	{ columns, leaveOut }: LetterDraft,
): LetterEdit | null {
	const { [spec.idField]: id, [spec.timestampField]: _, ...set } = columns;
	const rowId = letter[0]?.rowId;
	// As everywhere else: uuids in lower case, and a number key may be written as text (R3).
	const isSameRow =
		id === undefined || id === null || String(id).toLowerCase() === String(rowId).toLowerCase();
	if (!isSameRow) {
		throw new PixSyncError('id-change', `Table "${spec.table}": a retry cannot change the id`, {
			table: spec.table,
			...(rowId === undefined ? {} : { id: rowId }),
			hint: 'Create a row with the new id, and discard the refused one.',
		});
	}
	const names = leaveOut.filter((name) => name !== spec.idField);
	return Object.keys(set).length === 0 && names.length === 0 ? null : { set, leaveOut: names };
}

function copyOf(data: unknown): Row {
	try {
		return toPlainData(data, { table: '' });
	} catch (error) {
		if (!isPixSyncError(error)) throw error;
		throw new PixSyncError(error.code, error.message, { hint: error.hint });
	}
}
