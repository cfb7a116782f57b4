import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import type { Mutation } from '../../src/core/mutation.ts';
import { type TableSpec, toTableSpec } from '../../src/core/table-spec.ts';
import type { QueuedAction, Row, RowId, SyncAction, SyncConfig } from '../../src/core/types.ts';
import { toCheckedAction } from '../../src/services/action.ts';
import { type LocalStore, openLocalStore } from '../../src/services/local-store.ts';
import { createMutate, type Mutate } from '../../src/services/mutate.ts';
import type { BaseRecord } from '../../src/services/stores.ts';

/** One device's replica without anything that syncs it. */
export interface Replica {
	readonly disk: IDBFactory;
	readonly store: LocalStore;
	readonly mutate: Mutate;
	/** Device ms; the test moves it. */
	now: number;
	clockOffset: number | null;
	queue(table: string, action: SyncAction, data?: unknown, localId?: RowId): Promise<QueuedAction>;
	queueAll(actions: readonly [string, SyncAction, unknown?, RowId?][]): Promise<readonly QueuedAction[]>;
	/** Puts rows as a pull would. */
	seed(table: string, ...rows: readonly Row[]): Promise<void>;
	rows(table: string): Promise<Row[]>;
	outbox(): Promise<Mutation[]>;
	bases(): Promise<BaseRecord[]>;
	aliases(): Promise<[string, RowId][]>;
}

export async function openReplica(
	configs: readonly SyncConfig[] = [{ table: 'notes' }, { table: 'tags' }],
	{ disk = new IDBFactory(), name = 'replica' }: { disk?: IDBFactory; name?: string } = {},
): Promise<Replica> {
	const specs = new Map<string, TableSpec>(configs.map((config) => [config.table, toTableSpec(config)]));
	const store = await openLocalStore(name, { indexedDB: disk, IDBKeyRange }, [...specs.values()]);
	let ids = 0;
	const mutate = createMutate({
		store,
		userId: 'alice',
		now: () => replica.now,
		clockOffset: () => replica.clockOffset,
		createId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`,
	});
	const check = ([table, action, data, localId]: readonly [
		string,
		SyncAction,
		unknown?,
		(RowId | undefined)?,
	]) => {
		const spec = specs.get(table);
		if (!spec) throw new Error(`no spec of ${table}`);
		return toCheckedAction(spec, { table, action, data, localId });
	};
	const replica: Replica = {
		disk,
		store,
		mutate,
		now: 1_000,
		clockOffset: null,
		async queue(...action) {
			const [queued] = await mutate([check(action)]);
			if (!queued) throw new Error('nothing came back');
			return queued;
		},
		queueAll: async (actions) => mutate(actions.map(check)),
		async seed(table, ...rows) {
			await store.transact('rw', [table], (stores) => stores.rows(table).bulkPut([...rows]));
		},
		rows: (table) => store.transact('r', [table], (stores) => stores.rows(table).toArray()),
		outbox: () => store.transact('r', [], (stores) => stores.outbox.toArray()),
		bases: () => store.transact('r', [], (stores) => stores.bases.toArray()),
		aliases: async () => {
			const records = await store.transact('r', [], (stores) => stores.aliases.toArray());
			return records.map(({ localId, id }) => [localId, id]);
		},
	};
	return replica;
}
