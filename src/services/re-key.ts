import { withReferences } from '../core/references.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { allOf } from './outbox.ts';
import { noteRewritten } from './queue-look.ts';
import type { Stores } from './stores.ts';

/** A row that has got its id from the server. */
export interface ReKeyed {
	readonly from: RowId;
	readonly to: RowId;
}

/**
 * What is told of a row by its former id follows it, in the transaction that acknowledges its create: its localId,
 * and whatever refers to it in tables that declare so by `references`, dead letters included. The former id finds
 * the row from now on as a localId does. The row itself, and its own mutations, are the acknowledgement's.
 * @param referrers the tables that refer to this one; the transaction is over their rows, too.
 */
export async function reKey(
	stores: Stores,
	spec: TableSpec,
	referrers: readonly TableSpec[],
	moves: readonly ReKeyed[],
): Promise<void> {
	if (moves.length === 0) return;
	const now = new Map(moves.map(({ from, to }) => [String(from), to]));
	await Promise.all([
		moveAliases(stores, spec.table, moves),
		...referrers.map((referrer) =>
			moveReferences(stores, referrer, (table, id) =>
				table === spec.table ? now.get(String(id)) : undefined,
			),
		),
	]);
}

async function moveAliases(stores: Stores, table: string, moves: readonly ReKeyed[]): Promise<void> {
	const now = new Map(moves.map(({ from, to }) => [from, to]));
	const known = await stores.aliases
		.where('[table+id]')
		.anyOf(moves.map(({ from }) => [table, from]))
		.toArray();
	await stores.aliases.bulkPut([
		...known.map((alias) => ({ ...alias, id: now.get(alias.id) ?? alias.id })),
		...moves.map(({ from, to }) => ({ table, localId: String(from), id: to })),
	]);
}

/** Only a change that is not confirmed can refer to a row by an id that the server has never seen. */
async function moveReferences(
	stores: Stores,
	spec: TableSpec,
	idOf: (table: string, id: RowId) => RowId | undefined,
): Promise<void> {
	const mutations = await allOf(stores, spec.table).toArray();
	const changed = mutations.flatMap((mutation) => {
		const data = withReferences(spec, mutation.data, idOf);
		return data === mutation.data ? [] : [{ ...mutation, data }];
	});
	if (changed.length === 0) return;
	const rows = stores.rows(spec.table);
	const views = await rows.bulkGet([...new Set(changed.map(({ rowId }) => rowId))]);
	const moved = views.flatMap((view): Row[] => {
		const row = view && withReferences(spec, view, idOf);
		return row && row !== view ? [row] : [];
	});
	await Promise.all([stores.outbox.bulkPut(changed), rows.bulkPut(moved), noteRewritten(stores)]);
}
