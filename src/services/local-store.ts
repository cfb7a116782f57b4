import Dexie, { type Table } from 'dexie';
import type { Checkpoint } from '../core/checkpoint.ts';
import { PixSyncError } from '../core/errors.ts';
import type { Base, Mutation, PushMutation } from '../core/mutation.ts';
import type { ConflictOutcome } from '../core/row-explanation.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { mergedSchema, OWN_STORES, storeOf } from './schema.ts';

/** What the server holds of a dirty row. A dirty row without such a record was created here. */
export interface BaseRecord {
	readonly table: string;
	readonly id: RowId;
	readonly base: Base;
	/** The newest server row seen while dirty; null: gone. Present only together with `seen`. */
	readonly remote?: Row | null;
	readonly seen?: 1;
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

/** How a row's last conflict ended; one record a row. */
export interface OutcomeRecord extends ConflictOutcome {
	readonly table: string;
	readonly id: RowId;
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
export interface Stores {
	readonly outbox: Table<Mutation, number, Omit<Mutation, 'seq'>>;
	readonly attempts: Table<AttemptRecord, number>;
	readonly bases: Table<BaseRecord, [string, RowId]>;
	readonly outcomes: Table<OutcomeRecord, [string, RowId]>;
	readonly aliases: Table<AliasRecord, [string, string]>;
	readonly checkpoints: Table<Checkpoint, [string, string]>;
	readonly meta: Table<MetaRecord, string>;
	rows(table: string): Table<Row, RowId>;
}

export interface LocalStore {
	readonly name: string;
	/** The open database; another object after a late registration. */
	readonly dexie: Dexie;
	/** Makes sure that each table has its store; waits for open transactions and holds new ones back meanwhile. */
	ensure(specs: readonly TableSpec[]): Promise<void>;
	/** One transaction over PixSync's own stores and the named tables' rows. Never await the network inside. */
	transact<T>(
		mode: 'r' | 'rw',
		tables: readonly string[],
		work: (stores: Stores) => PromiseLike<T>,
	): Promise<T>;
	close(): void;
}

export interface StorageEnvironment {
	readonly indexedDB: IDBFactory;
	readonly IDBKeyRange: typeof IDBKeyRange;
}

const ALL_OWN = Object.keys(OWN_STORES);

/** @throws PixSyncError `no-indexeddb` where the platform has none and none was given. */
export function toStorageEnvironment(given: Partial<StorageEnvironment>): StorageEnvironment {
	const factory = given.indexedDB ?? globalThis.indexedDB;
	const keyRange = given.IDBKeyRange ?? globalThis.IDBKeyRange;
	if (factory && keyRange) return { indexedDB: factory, IDBKeyRange: keyRange };
	throw new PixSyncError('no-indexeddb', 'There is no IndexedDB here', {
		hint: 'In Node: npm install fake-indexeddb (memory) and pass { indexedDB: new IDBFactory(), IDBKeyRange } from it.',
	});
}

/** Opens the database with the union of what is on disk and what is registered (R4). */
export async function openLocalStore(
	name: string,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
): Promise<LocalStore> {
	// Dexie's liveQuery runs only where Dexie itself knows an IndexedDB; the one injected is better than none.
	if (!Dexie.dependencies.indexedDB) Object.assign(Dexie.dependencies, environment);
	let dexie = await open(name, environment, specs);
	let isClosed = false;
	// Readers-writer discipline: transactions share, a reopening is alone.
	let inFlight = 0;
	let reopening: Promise<void> | null = null;
	let whenIdle: (() => void) | null = null;

	async function reopen(wanted: readonly TableSpec[]): Promise<void> {
		if (inFlight > 0) {
			await new Promise<void>((resolve) => {
				whenIdle = resolve;
			});
			whenIdle = null;
		}
		dexie.close();
		if (isClosed) return;
		try {
			dexie = await open(name, environment, wanted);
		} catch (error) {
			// One bad table must not take the others' data away: the database as it was, and the error to the caller.
			dexie = await open(name, environment, []);
			throw error;
		} finally {
			if (isClosed) dexie.close();
		}
	}

	return {
		name,
		get dexie() {
			return dexie;
		},

		async ensure(wanted) {
			while (reopening) await reopening;
			if (isClosed || mergedSchema(schemaOf(dexie), wanted) === null) return;
			reopening = reopen(wanted).finally(() => {
				reopening = null;
			});
			await reopening;
		},

		async transact(mode, tables, work) {
			while (reopening) await reopening;
			if (isClosed) throw closedError();
			inFlight++;
			try {
				const database = dexie;
				const names = [...ALL_OWN, ...tables.map(storeOf)];
				// Dexie keeps a transaction alive over native awaits only if its scope is an async function itself.
				return await database.transaction(mode, names, async () => work(toStores(database)));
			} catch (error) {
				throw toStorageError(error);
			} finally {
				inFlight--;
				// In a task of its own: Dexie takes what follows in this one for a part of the transaction that ended.
				if (inFlight === 0 && whenIdle) setTimeout(whenIdle, 0);
			}
		},

		close() {
			isClosed = true;
			dexie.close();
		},
	};
}

export function closedError(
	message = 'The local database is closed',
	hint = 'Create a new SyncManager; the queue is kept in the local database.',
): PixSyncError {
	return new PixSyncError('closed', message, { fault: 'no-answer', hint });
}

async function open(
	name: string,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
): Promise<Dexie> {
	const existing = await openAsItIs(name, environment);
	const merged = mergedSchema(existing ? schemaOf(existing) : {}, specs);
	if (existing && merged === null) return existing;
	const version = existing ? Math.floor(existing.verno) + 1 : 1;
	existing?.close();
	const dexie = create(name, environment);
	dexie.version(version).stores({ ...merged });
	return await dexie.open().catch((error: unknown) => {
		throw toStorageError(error);
	});
}

async function openAsItIs(name: string, environment: StorageEnvironment): Promise<Dexie | null> {
	const dexie = create(name, environment);
	try {
		return await dexie.open();
	} catch (error) {
		if (error instanceof Dexie.NoSuchDatabaseError) return null;
		throw toStorageError(error);
	}
}

function create(name: string, environment: StorageEnvironment): Dexie {
	return new Dexie(name, {
		...environment,
		// Browsers acknowledge a commit before it is on disk unless asked not to (F48).
		chromeTransactionDurability: 'strict',
		cache: 'disabled',
	});
}

function schemaOf(dexie: Dexie): Record<string, string> {
	return Object.fromEntries(
		dexie.tables.map(({ name, schema }) => [
			name,
			[schema.primKey.src, ...schema.indexes.map(({ src }) => src)].join(','),
		]),
	);
}

function toStores(dexie: Dexie): Stores {
	return {
		outbox: dexie.table('outbox'),
		attempts: dexie.table('attempts'),
		bases: dexie.table('bases'),
		outcomes: dexie.table('outcomes'),
		aliases: dexie.table('aliases'),
		checkpoints: dexie.table('checkpoints'),
		meta: dexie.table('meta'),
		rows: (table) => dexie.table(storeOf(table)),
	};
}

function toStorageError(error: unknown): unknown {
	if (error instanceof PixSyncError) return error;
	const cause = error instanceof Error ? error : new Error(String(error));
	return new PixSyncError('storage', `The local database refused: ${cause.name}: ${cause.message}`, {
		fault: 'fatal',
		cause: error,
		hint:
			cause.name === 'QuotaExceededError'
				? 'The device is out of space for this site; nothing was written.'
				: 'Nothing was written. If it stays, close other tabs of this app and reload.',
	});
}
