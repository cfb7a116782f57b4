import type Dexie from 'dexie';
import type { Table } from 'dexie';
import type { Checkpoint } from '../core/checkpoint.ts';
import type { ParkReason } from '../core/conflict-record.ts';
import type { Base, Mutation, PushMutation, StoredError } from '../core/mutation.ts';
import type { ConflictOutcome } from '../core/row-explanation.ts';
import type { Row, RowId } from '../core/types.ts';
import type { Records } from './dense-range.ts';
import { putDirectly } from './direct-transaction.ts';
import { storeOf } from './schema.ts';

/** What the server holds of a dirty row. A dirty row without such a record was created here. */
export interface BaseRecord {
	readonly table: string;
	readonly id: RowId;
	readonly base: Base;
	/** The newest server row seen while dirty; null: gone. Present only together with `seen` or `parked`. */
	readonly remote?: Row | null;
	/** The resolver has not seen `remote` yet. */
	readonly seen?: 1;
	/** `remote` is what the server has now, although its version is no later than the base's. */
	readonly isNews?: true;
	/** The row's conflict waits until somebody decides; nothing of the row is sent meanwhile. */
	readonly parked?: true;
	/** Device ms until which the resolver leaves the row alone (R13). */
	readonly deferredUntil?: number;
}

/** A request that may have reached the server (R7). */
export interface AttemptRecord {
	readonly id?: number;
	readonly table: string;
	readonly mutations: readonly PushMutation[];
	/** Times tried. */
	readonly count: number;
	/** Device ms before which it is not repeated by itself. */
	readonly nextAttemptAt: number;
}

/** A parked conflict. What it is about is told by the row's base record and its mutations. */
export interface ParkedRecord {
	readonly table: string;
	readonly id: RowId;
	/** The first mutation that waits with it. */
	readonly mutationId: string;
	/** Device ms. */
	readonly since: number;
	readonly reason: ParkReason;
	readonly error?: StoredError;
}

/** How a row's last conflict ended; one record a row. */
export interface OutcomeRecord extends ConflictOutcome {
	readonly table: string;
	readonly id: RowId;
	/** How often in a row the local change was decided to be sent anew; undefined: never. */
	readonly resends?: number;
	/** Version of the server row that it was decided against; null: gone. Another one since: it is past. */
	readonly version: string | null;
}

export interface AliasRecord {
	readonly table: string;
	readonly localId: string;
	readonly id: RowId;
}

export interface MetaRecord {
	readonly key: string;
	readonly value: unknown;
}

/** The stores as one transaction sees them. */
export interface Stores extends Records {
	readonly outbox: Table<Mutation, number, Omit<Mutation, 'seq'>>;
	readonly attempts: Table<AttemptRecord, number>;
	readonly bases: Table<BaseRecord, [string, RowId]>;
	readonly conflicts: Table<ParkedRecord, [string, RowId]>;
	readonly outcomes: Table<OutcomeRecord, [string, RowId]>;
	readonly aliases: Table<AliasRecord, [string, string]>;
	readonly checkpoints: Table<Checkpoint, [string, string]>;
	readonly meta: Table<MetaRecord, string>;
	rows(table: string): Table<Row, RowId>;
	/** Many at once, past Dexie and its hooks; whether they could be written is known at the commit. */
	putRows(table: string, rows: readonly Row[]): void;
}

/** The stores of a database, for use in a transaction over them. */
export function toStores(dexie: Dexie): Stores {
	return {
		outbox: dexie.table('outbox'),
		attempts: dexie.table('attempts'),
		bases: dexie.table('bases'),
		conflicts: dexie.table('conflicts'),
		outcomes: dexie.table('outcomes'),
		aliases: dexie.table('aliases'),
		checkpoints: dexie.table('checkpoints'),
		meta: dexie.table('meta'),
		rows: (table) => dexie.table(storeOf(table)),
		putRows: (table, rows) => putDirectly(dexie, storeOf(table), rows),
		get: <T>(store: string, keys: readonly IDBValidKey[]) =>
			dexie.table<T, IDBValidKey>(store).bulkGet([...keys]),
		between: <T, Key>(store: string, first: IDBValidKey, last: IDBValidKey) =>
			dexie.table<T, Key>(store).where(':id').between(first, last, true, true),
	};
}
