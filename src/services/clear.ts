import type { Base } from '../core/mutation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import type { LocalStore } from './local-store.ts';
import { groupByRow, ofStatus, releaseAliases } from './outbox.ts';
import { unpark } from './park.ts';
import { readRechecks, recheckKey } from './recheck.ts';
import { createRowWriter } from './settle-row.ts';

/**
 * Drops a table's pending and parked mutations and gives its rows back as the server last confirmed them (R10).
 * Dead letters stay. Rows with a request of unknown outcome are noted, to be fetched before anything else is sent.
 * The caller makes sure that no run of the table is under way.
 */
export async function clearQueue(store: LocalStore, spec: TableSpec): Promise<void> {
	await store.transact('rw', [spec.table], async (stores) => {
		const [pending, parked, attempts] = await Promise.all([
			ofStatus(stores, spec.table, 'pending').toArray(),
			ofStatus(stores, spec.table, 'conflicted').toArray(),
			stores.attempts.where('table').equals(spec.table).toArray(),
		]);
		const byRow = groupByRow([...pending, ...parked]);
		const ids = [...byRow.keys()];
		const records = await stores.bases.bulkGet(ids.map((id) => [spec.table, id]));
		const writer = createRowWriter(spec);
		ids.forEach((id, at) => {
			const record = records[at];
			const base: Base = record?.base ?? { kind: 'absent' };
			const removed = (byRow.get(id) ?? []).map(({ seq }) => seq);
			const remote = record?.remote;
			writer.change({ id, base, remaining: [], removed, ...(remote === undefined ? {} : { remote }) });
		});
		await Promise.all([writer.write(stores), unpark(stores, spec.table, ids)]);
		const isNew = (id: RowId, at: number) => !records[at] && byRow.get(id)?.[0]?.action === 'create';
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
