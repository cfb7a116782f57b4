import type { PushMutation } from './mutation.ts';
import { isSameOnServer } from './row-diff.ts';
import type { TableSpec } from './table-spec.ts';
import type { Row } from './types.ts';

/**
 * Whether a server row is what `mutation` would have left there (R7): the answer to a request whose reply was
 * lost. By its stamp, else by each column sent. Somebody else's identical change counts as ours: both sides
 * hold the same then, and nothing is lost.
 */
export function isOurs(spec: TableSpec, mutation: PushMutation, row: Row): boolean {
	// A hard delete sends nothing: a row that is still there cannot be its doing, whatever its timestamp.
	if (mutation.body === null) return false;
	return hasSentStamp(spec, mutation, row) || hasSentColumns(spec, mutation, row);
}

/** Whether a server row is of a version that `mutation` made: nobody has written it since. */
export function hasSentStamp(
	spec: TableSpec,
	{ stamp, earlierStamps = [] }: PushMutation,
	row: Row,
): boolean {
	return [stamp, ...earlierStamps].some((sent) => isSameOnServer(sent, row[spec.timestampField]));
}

/** Whether a server row holds each column that `mutation` sent; false where it sent none. */
export function hasSentColumns(spec: TableSpec, { body }: PushMutation, row: Row): boolean {
	const columns = Object.entries(body ?? {}).filter(([column]) => column !== spec.timestampField);
	return columns.length > 0 && columns.every(([column, value]) => isSameOnServer(value, row[column]));
}
