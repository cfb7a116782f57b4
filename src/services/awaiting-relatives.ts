import type { PushMutation } from '../core/mutation.ts';
import type { RowId } from '../core/types.ts';
import { groupByRow, ofStatus } from './outbox.ts';
import type { Run } from './run.ts';
import type { Stores } from './stores.ts';

/**
 * Those of the mutations refused by a foreign key (23503) that may pass later (F32): a row waits for its parent
 * while that one is still to be sent, or is kept as a dead letter (R8); a delete waits for children that are still
 * to be moved or deleted. Only the row's own relatives count: rows that wait for each other's tables would wait
 * for ever, and a dead letter blocks its dependants alone (S20). Relatives are told by their id; a foreign key that
 * refers to another column is not seen.
 */
export async function awaitingRelatives(
	stores: Stores,
	{ spec, dependants }: Run,
	refused: readonly PushMutation[],
): Promise<ReadonlySet<PushMutation>> {
	const waiting = new Set<PushMutation>();
	for (const mutation of refused) {
		const isDelete = mutation.kind === 'delete';
		const ids = Object.values(mutation.body ?? {}).filter(isRowId);
		const parents = ids.filter((id) => id !== mutation.id);
		for (const table of isDelete ? dependants : spec.dependsOn) {
			const isAwaited = isDelete
				? awaitsChild(stores, table, mutation.id)
				: awaitsParent(stores, table, parents);
			if (await isAwaited) waiting.add(mutation);
		}
	}
	return waiting;
}

async function awaitsParent(stores: Stores, table: string, ids: readonly RowId[]): Promise<boolean> {
	const keys = ids.flatMap((id) =>
		['pending', 'conflicted', 'rejected'].map((status) => [table, status, id]),
	);
	const mutations = await stores.outbox.where('[table+status+rowId]').anyOf(keys).toArray();
	const isOpen = mutations.filter(({ status, action }) => status !== 'rejected' || action === 'create');
	return [...groupByRow(isOpen).values()].some((own) => own.at(-1)?.action !== 'delete');
}

/** The base of a changed row tells whether the server's row still refers to `id`. */
async function awaitsChild(stores: Stores, table: string, id: RowId): Promise<boolean> {
	const statuses = ['pending', 'conflicted'] as const;
	const open = await Promise.all(statuses.map((status) => ofStatus(stores, table, status).toArray()));
	const mutations = open.flat();
	const bases = await stores.bases.bulkGet([...groupByRow(mutations).keys()].map((row) => [table, row]));
	return bases.some(
		(record) =>
			record?.id !== id &&
			record?.base.kind === 'held' &&
			Object.values(record.base.row).some((value) => value === id),
	);
}

function isRowId(value: unknown): value is RowId {
	return typeof value === 'string' || typeof value === 'number';
}
