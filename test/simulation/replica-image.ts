import type { Checkpoint } from '../../src/core/checkpoint.ts';
import type { Mutation } from '../../src/core/mutation.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import type {
	AttemptRecord,
	BaseRecord,
	MetaRecord,
	OutcomeRecord,
	ParkedRecord,
} from '../../src/services/stores.ts';
import { SIM_TABLES, type SimTable } from './sim-schema.ts';
import { readDisk } from './tab-disk.ts';

/** One user's replica as it is on the disk at a moment. */
export interface ReplicaImage {
	readonly outbox: ReadonlyMap<string, Mutation>;
	readonly bases: ReadonlyMap<string, BaseRecord>;
	readonly parked: ReadonlyMap<string, ParkedRecord>;
	readonly outcomes: ReadonlyMap<string, OutcomeRecord>;
	readonly attempts: readonly AttemptRecord[];
	/** By `table transport`. */
	readonly checkpoints: ReadonlyMap<string, Checkpoint>;
	readonly epoch: number;
	/** By `table id`. */
	readonly views: ReadonlyMap<string, Row>;
}

/** Null: there is no such database, or it is not laid out yet. */
export function readReplica(disk: IDBFactory, name: string): ReplicaImage | null {
	const image = readDisk(disk, name);
	if (!image?.stores.includes('outbox')) return null;
	const keyed = <T extends { readonly table: string; readonly id: RowId }>(store: string) =>
		new Map(image.records<T>(store).map((record) => [rowKey(record.table, record.id), record]));
	const meta = image.records<MetaRecord>('meta').find(({ key }) => key === 'epoch');
	return {
		outbox: new Map(image.records<Mutation>('outbox').map((mutation) => [mutation.mutationId, mutation])),
		bases: keyed<BaseRecord>('bases'),
		parked: keyed<ParkedRecord>('conflicts'),
		outcomes: keyed<OutcomeRecord>('outcomes'),
		attempts: image.records<AttemptRecord>('attempts'),
		checkpoints: new Map(
			image.records<Checkpoint>('checkpoints').map((one) => [`${one.table} ${one.transport}`, one]),
		),
		epoch: typeof meta?.value === 'number' ? meta.value : 0,
		views: new Map(
			SIM_TABLES.flatMap((table) =>
				image.records<Row>(table).map((row) => [rowKey(table, row.id as RowId), row] as const),
			),
		),
	};
}

export function rowKey(table: string, id: RowId): string {
	return `${table} ${id}`;
}

export function tableOf(key: string): SimTable {
	return key.slice(0, key.indexOf(' ')) as SimTable;
}

export function idOf(key: string): string {
	return key.slice(key.indexOf(' ') + 1);
}

/** A row's unconfirmed mutations in queue order. */
export function dirtyOf(image: ReplicaImage): ReadonlyMap<string, readonly Mutation[]> {
	const rows = new Map<string, Mutation[]>();
	for (const mutation of image.outbox.values()) {
		if (mutation.status === 'rejected') continue;
		const key = rowKey(mutation.table, mutation.rowId);
		const own = rows.get(key) ?? [];
		rows.set(key, own);
		own.push(mutation);
	}
	for (const own of rows.values()) own.sort((a, b) => a.seq - b.seq);
	return rows;
}
