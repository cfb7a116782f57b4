import { hasSentColumns } from '../../core/is-ours.ts';
import type { PushMutation } from '../../core/mutation.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import type { Row } from '../../core/types.ts';

/**
 * Tells which inserted row is whose where the server makes the ids, so that no id can tell it: by what was sent.
 * PostgreSQL returns rows in the order of the insert, but promises it nowhere; the order decides only between rows
 * that a trigger has changed. Rows of the same content are alike: any of them will do.
 */
export function pairEchoes(
	spec: TableSpec,
	batch: readonly PushMutation[],
	rows: readonly Row[],
): ReadonlyMap<PushMutation, Row> {
	const pairs = new Map<PushMutation, Row>();
	const isOf = (mutation: PushMutation, row: Row) => hasSentColumns(spec, mutation, row);
	const open: PushMutation[] = [];
	const left = new Set(rows);
	const pair = (mutation: PushMutation, row: Row) => {
		pairs.set(mutation, row);
		left.delete(row);
	};
	batch.forEach((mutation, at) => {
		const row = rows[at];
		if (row && isOf(mutation, row)) pair(mutation, row);
		else open.push(mutation);
	});
	const changed: PushMutation[] = [];
	for (const mutation of open) {
		const row = [...left].find((other) => isOf(mutation, other));
		if (row) pair(mutation, row);
		else changed.push(mutation);
	}
	if (changed.length !== left.size) return pairs;
	const inOrder = rows.filter((row) => left.has(row));
	changed.forEach((mutation, at) => {
		const row = inOrder[at];
		if (row) pair(mutation, row);
	});
	return pairs;
}
