import type { Mutation } from '../core/mutation.ts';
import { type Reference, referencesOf } from '../core/references.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import type { Stores } from './stores.ts';

/** How the rows stand that some changes refer to, as `references` declares them. */
export interface Parents {
	/** The id that a row has got since the change was made; undefined: it is the one named. */
	idOf(table: string, id: RowId): RowId | undefined;
	/**
	 * Whether the row's create is still to be confirmed. What refers to it waits: a foreign key would refuse it, and
	 * where the server makes the ids there is none to send yet.
	 */
	isOpen(reference: Reference): boolean;
	/** Device ms at which the earliest of the open creates is tried again; null: no time is set. */
	readonly retryAt: number | null;
}

const NONE: Parents = { idOf: () => undefined, isOpen: () => false, retryAt: null };

const STATUSES = ['pending', 'conflicted', 'rejected'] as const;

/** Looks at the parents of `mutations`, in a caller's transaction. */
export async function readParents(
	stores: Stores,
	spec: TableSpec,
	mutations: readonly Mutation[],
): Promise<Parents> {
	const references = mutations.flatMap(({ data }) => referencesOf(spec, data));
	if (references.length === 0) return NONE;
	const named = [...new Map(references.map((one) => [keyOf(one.table, one.id), one])).values()];
	const aliases = await stores.aliases.bulkGet(named.map(({ table, id }) => [table, String(id)]));
	const current = new Map(
		named.flatMap(({ table, id }, at) => {
			const alias = aliases[at];
			return alias ? [[keyOf(table, id), alias.id] as const] : [];
		}),
	);
	const idOf = (table: string, id: RowId) => current.get(keyOf(table, id));
	const ids = named.map(({ table, id }) => ({ table, id: idOf(table, id) ?? id }));
	const creates = await stores.outbox
		.where('[table+status+rowId]')
		.anyOf(ids.flatMap(({ table, id }) => STATUSES.map((status) => [table, status, id])))
		.filter(({ action }) => action === 'create')
		.toArray();
	const open = new Set(creates.map(({ table, rowId }) => keyOf(table, rowId)));
	const tables = [...new Set(creates.map(({ table }) => table))];
	const attempts = await stores.attempts.where('table').anyOf(tables).toArray();
	const retries = attempts
		.filter(({ table, mutations: sent }) => sent.some(({ id }) => open.has(keyOf(table, id))))
		.map(({ nextAttemptAt }) => nextAttemptAt);
	return {
		idOf,
		isOpen: ({ table, id }) => open.has(keyOf(table, idOf(table, id) ?? id)),
		retryAt: retries.length === 0 ? null : Math.min(...retries),
	};
}

/** The id keeps its type in the key: row '1' is not row 1. */
function keyOf(table: string, id: RowId): string {
	return `${typeof id} ${String(id)} ${table}`;
}
