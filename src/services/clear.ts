import type { Base, Mutation } from '../core/mutation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import type { LocalStore } from './local-store.ts';
import { groupByRow, ofStatus, releaseAliases } from './outbox.ts';
import { unpark } from './park.ts';
import { readRechecks, recheckKey } from './recheck.ts';
import { createRowWriter } from './settle-row.ts';

/** The place of the newest mutation of all tables. */
export async function lastSeq(store: LocalStore): Promise<number> {
	return store.transact('r', [], async (stores) => (await stores.outbox.toCollection().last())?.seq ?? 0);
}

/**
 * Drops a table's pending and parked mutations and gives its rows back as the server last confirmed them (R10).
 * Dead letters stay, and so does what was queued behind `upTo`: the app made it after it had asked for an empty queue.
 * Rows with a request of unknown outcome are noted, to be fetched before anything else is sent.
 * The caller makes sure that no run of the table is under way.
 */
export async function clearQueue(
	store: LocalStore,
	spec: TableSpec,
	upTo = Number.POSITIVE_INFINITY,
): Promise<void> {
	await store.transact('rw', [spec.table], async (stores) => {
		const [pending, parked, attempts] = await Promise.all([
			ofStatus(stores, spec.table, 'pending').toArray(),
			ofStatus(stores, spec.table, 'conflicted').toArray(),
			stores.attempts.where('table').equals(spec.table).toArray(),
		]);
		const byRow = groupByRow([...pending, ...parked]);
		const isOld = ({ seq }: Mutation) => seq <= upTo;
		const ids = [...byRow.keys()].filter((id) => byRow.get(id)?.some(isOld));
		const records = await stores.bases.bulkGet(ids.map((id) => [spec.table, id]));
		const writer = createRowWriter(spec);
		ids.forEach((id, at) => {
			const record = records[at];
			const mutations = byRow.get(id) ?? [];
			const removed = mutations.filter(isOld).map(({ seq }) => seq);
			const remaining = mutations
				.filter((mutation) => !isOld(mutation))
				.map((mutation): Mutation => ({ ...mutation, status: 'pending' }));
			const rewritten = parked.length > 0 ? remaining : [];
			// Without its create the row is one that is not held here.
			const isOrphan = remaining.length > 0 && remaining[0]?.action !== 'create';
			const base: Base = record?.base ?? { kind: isOrphan ? 'unknown' : 'absent' };
			const remote = record?.remote;
			writer.change({ id, base, remaining, rewritten, removed, ...(remote === undefined ? {} : { remote }) });
		});
		await Promise.all([writer.write(stores), unpark(stores, spec.table, ids)]);
		const isNew = (id: RowId, at: number) =>
			!records[at] && byRow.get(id)?.every(isOld) && byRow.get(id)?.[0]?.action === 'create';
		await releaseAliases(stores, spec.table, new Set(ids.filter(isNew)));
		const uncertain = new Set<RowId>(await readRechecks(stores, spec.table));
		for (const { kind, id } of attempts.flatMap(({ mutations }) => mutations)) {
			// Under its provisional id the server knows no row; one that was committed comes with the next pull.
			if (kind !== 'create' || spec.ids === 'client') uncertain.add(id);
		}
		if (uncertain.size > 0) await stores.meta.put({ key: recheckKey(spec.table), value: [...uncertain] });
		await stores.attempts.where('table').equals(spec.table).delete();
	});
}
