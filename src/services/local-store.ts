import Dexie from 'dexie';
import { PixSyncError } from '../core/errors.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Records } from './dense-range.ts';
import { type DirectTransaction, readDirectly, runDirect } from './direct-transaction.ts';
import { scopeOf, type TransactionMode } from './durability.ts';
import {
	isFit,
	openAsItIs,
	openDatabase,
	openExistingDatabase,
	type StorageEnvironment,
} from './open-database.ts';
import { storeOf } from './schema.ts';
import { createSharedLock } from './shared-lock.ts';
import { closedError, isConnectionLost, reloadNeeded, toStorageError } from './storage-error.ts';
import { createStorageHealth, type StorageHealth } from './storage-health.ts';
import { type Stores, toStores } from './stores.ts';

export interface LocalStore {
	readonly name: string;
	/** Counts the transactions that write, each run as it opens, and what other tabs tell to have written. */
	readonly writes: number;
	/** Another tab has written. */
	noteWrite(): void;
	/** The open database; another object after a late registration, or after the connection was lost. */
	readonly dexie: Dexie;
	/** Makes sure that each table has its store; waits for open transactions and holds new ones back meanwhile. */
	ensure(specs: readonly TableSpec[]): Promise<void>;
	/**
	 * One transaction over PixSync's own stores and the named tables' rows. Never await the network inside. Where the
	 * connection is lost (F45), a new one is made and `work` runs once more, unless the first run may have been
	 * committed: then `wasCommitted` looks, and without it the call rejects.
	 * @throws PixSyncError `storage`, `closed`, `blocked`, `reload-needed`, or what `work` throws of PixSync's own.
	 */
	transact<T>(
		mode: TransactionMode,
		tables: readonly string[],
		work: (stores: Stores) => PromiseLike<T>,
		wasCommitted?: (stores: Stores) => PromiseLike<boolean>,
	): Promise<T>;
	/** As `transact` with 'rw', but past Dexie and its hooks, for the app's writes, which are many and small. */
	write(
		tables: readonly string[],
		work: (transaction: DirectTransaction) => Promise<void>,
		wasCommitted: (stores: Stores) => PromiseLike<boolean>,
	): Promise<void>;
	/** As `transact` with 'r', but past Dexie. */
	read<T>(tables: readonly string[], work: (records: Records) => Promise<T>): Promise<T>;
	close(): void;
}

export interface LocalStoreOptions {
	/** Told of what keeps the database from being used. */
	readonly health?: StorageHealth;
	/** The data has gone while the database was in use (evicted, or deleted by another tab): an empty one is open. */
	readonly onReplaced?: () => void;
	/** It was closed by the platform, or made way for another tab, and is open again. */
	readonly onRestored?: () => void;
}

/** How one run of a transaction ended. `lost`: with the connection; `finished` is set where all of `work` had run. */
type Attempt<T> =
	| { readonly kind: 'done'; readonly value: T }
	| { readonly kind: 'lost'; readonly error: unknown; readonly finished: { readonly value: T } | null };

/** @param finish told what the transaction comes to, before its commit. */
type Transaction<T> = (dexie: Dexie, finish: (value: T) => void) => PromiseLike<T>;

/** @throws PixSyncError `no-indexeddb` where the platform has none and none was given. */
export function toStorageEnvironment(given: Partial<StorageEnvironment>): StorageEnvironment {
	const factory = given.indexedDB ?? globalThis.indexedDB;
	const keyRange = given.IDBKeyRange ?? globalThis.IDBKeyRange;
	if (factory && keyRange) return { indexedDB: factory, IDBKeyRange: keyRange };
	throw new PixSyncError('no-indexeddb', 'There is no IndexedDB here', {
		hint: 'In Node: npm install fake-indexeddb (memory) and pass { indexedDB: new IDBFactory(), IDBKeyRange } from it.',
	});
}

/** Opens the database, and keeps it open: it comes back after the platform has closed it, or another tab upgraded it. */
export async function openLocalStore(
	name: string,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
	options: LocalStoreOptions = {},
): Promise<LocalStore> {
	// Dexie's liveQuery runs only where Dexie itself knows an IndexedDB; the one injected is better than none.
	if (!Dexie.dependencies.indexedDB) Object.assign(Dexie.dependencies, environment);
	const { health = createStorageHealth() } = options;
	const dexie = await openDatabase(name, environment, specs, health);
	return createLocalStore(dexie, environment, specs, { ...options, health });
}

/** As `openLocalStore`, but null where there is no such database. */
export async function openExistingStore(
	name: string,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
): Promise<LocalStore | null> {
	const health = createStorageHealth();
	const dexie = await openExistingDatabase(name, environment, specs, health);
	return dexie && createLocalStore(dexie, environment, specs, { health });
}

function createLocalStore(
	opened: Dexie,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
	{ health, onReplaced, onRestored }: LocalStoreOptions & { readonly health: StorageHealth },
): LocalStore {
	const { name } = opened;
	const { IDBKeyRange } = environment;
	const known = new Map<string, TableSpec>();
	// Transactions share, a reopening is alone.
	const lock = createSharedLock();
	let writes = 0;
	let isClosed = false;
	/** Whether the connection has ended without our doing, so that the next call makes a new one. */
	let isLost = false;
	let isReplaced = false;
	let isRestored = false;
	let refusal: PixSyncError | null = null;
	let dexie = opened;
	adopt(opened, specs);

	function adopt(next: Dexie, has: Iterable<TableSpec>): void {
		for (const spec of has) known.set(spec.table, spec);
		dexie = next;
		isLost = false;
		next.on('close', () => {
			if (dexie === next) isLost = true;
		});
		next.on('versionchange', ({ newVersion }) => {
			// At once, as another tab's upgrade may leave this one behind; it is told before it tries to write.
			if (newVersion) setTimeout(() => restore().catch(() => undefined), 0);
		});
		health.report(null);
		if (isClosed) next.close();
	}

	async function reopen(wanted: readonly TableSpec[]): Promise<void> {
		dexie.close();
		if (isClosed) return;
		try {
			adopt(await openDatabase(name, environment, wanted, health), wanted);
		} catch (error) {
			// One bad table must not take the others' data away: the database as it was, and the error to the caller.
			adopt(await openDatabase(name, environment, [...known.values()], health), []);
			throw error;
		}
	}

	function restore(): Promise<void> {
		return lock.alone(async () => {
			if (!isLost || isClosed || refusal) return;
			dexie.close();
			try {
				const specs = [...known.values()];
				const found = await openAsItIs(name, environment, health);
				if (found && !isFit(found, specs)) {
					// Upgrading it back would be a quarrel of two versions of the app.
					found.close();
					refusal = reloadNeeded();
					throw refusal;
				}
				isReplaced ||= !found;
				isRestored = true;
				adopt(found ?? (await openDatabase(name, environment, specs, health)), []);
			} catch (error) {
				const trouble = toStorageError(error);
				health.report(trouble);
				throw trouble;
			}
		});
	}

	const isUsable = () => !isClosed && !refusal && !isLost && !lock.busy;

	async function untilUsable(): Promise<void> {
		while (!isUsable()) {
			if (isClosed) throw closedError();
			if (refusal) throw refusal;
			await (lock.busy ?? restore());
		}
	}

	/** Once; on the connection of the moment. */
	async function attempt<T>(run: Transaction<T>): Promise<Attempt<T>> {
		const database = dexie;
		let finished: { readonly value: T } | null = null;
		lock.enter();
		try {
			const value = await run(database, (worked) => {
				finished = { value: worked };
			});
			return { kind: 'done', value };
		} catch (error) {
			if (error instanceof PixSyncError) throw error;
			// The platform tells of the closing after it has aborted what ran on it.
			await new Promise((resolve) => setTimeout(resolve, 0));
			if (isClosed || !isConnectionLost(error, database.isOpen())) throw toStorageError(error);
			if (dexie === database) isLost = true;
			return { kind: 'lost', error, finished };
		} finally {
			lock.leave();
			if (isRestored && !isLost) {
				const tell = isReplaced ? onReplaced : onRestored;
				isRestored = false;
				isReplaced = false;
				tell?.();
			}
		}
	}

	function inDexie<T>(
		mode: TransactionMode,
		tables: readonly string[],
		work: (stores: Stores) => PromiseLike<T>,
	): Transaction<T> {
		const names = scopeOf(mode, tables.map(storeOf));
		// Dexie keeps a transaction alive over native awaits only if its scope is an async function itself.
		return (database, finish) =>
			database.transaction(mode === 'r' ? 'r' : 'rw', names, async () => {
				const { idbtrans } = Dexie.currentTransaction;
				// Not before it is open: a look that is opened meanwhile would not see it, and take it for seen.
				if (mode !== 'r') writes++;
				try {
					const worked = await work(toStores(database));
					finish(worked);
					return worked;
				} catch (error) {
					// A request that another one's failure has cut off does not know why.
					throw idbtrans.error ?? error;
				}
			});
	}

	async function repeated<T>(
		mode: TransactionMode,
		run: Transaction<T>,
		wasCommitted?: (stores: Stores) => PromiseLike<boolean>,
	): Promise<T> {
		// No await where there is nothing to wait for: Dexie's live queries follow a call up to the first one.
		if (!isUsable()) await health.guard(untilUsable());
		const first = await attempt(run);
		if (first.kind === 'done') return first.value;
		await health.guard(untilUsable());
		if (mode !== 'r' && first.finished) {
			if (!wasCommitted) throw toStorageError(first.error);
			const looked = await attempt(inDexie('r', [], wasCommitted));
			if (looked.kind === 'lost') throw toStorageError(looked.error);
			if (looked.value) return first.finished.value;
		}
		const second = await attempt(run);
		if (second.kind === 'lost') throw toStorageError(second.error);
		return second.value;
	}

	return {
		name,
		get writes() {
			return writes;
		},
		noteWrite() {
			writes++;
		},
		get dexie() {
			return dexie;
		},

		async ensure(wanted) {
			if (!isUsable() && !isClosed) await untilUsable();
			if (isClosed) return;
			if (isFit(dexie, wanted)) {
				for (const spec of wanted) known.set(spec.table, spec);
				return;
			}
			await lock.alone(() => reopen(wanted));
		},

		transact: (mode, tables, work, wasCommitted) => repeated(mode, inDexie(mode, tables, work), wasCommitted),

		read(tables, work) {
			const stores = scopeOf('r', tables.map(storeOf));
			return repeated('r', (database) => readDirectly({ dexie: database, IDBKeyRange, stores }, work));
		},

		write(tables, work, wasCommitted) {
			const stores = scopeOf('rw', tables.map(storeOf));
			const run: Transaction<void> = (database, finish) => {
				writes++;
				return runDirect({ dexie: database, IDBKeyRange, stores }, async (transaction) => {
					await work(transaction);
					finish();
				});
			};
			return repeated('rw', run, wasCommitted);
		},

		close() {
			isClosed = true;
			dexie.close();
		},
	};
}
