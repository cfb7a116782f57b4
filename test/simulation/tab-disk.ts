/** What a tab's disk asks of the world. */
export interface DiskHooks {
	/** Whether the tab still runs; a dead one opens, begins and deletes nothing. */
	readonly isAlive: () => boolean;
	/** A transaction is about to begin. @returns an error that it fails with as it commits; null: it may succeed. */
	readonly began: (
		database: string,
		mode: IDBTransactionMode,
		stores: readonly string[],
	) => DOMException | null;
	/** A transaction that may write has been committed. */
	readonly committed: (database: string) => void;
}

export interface TabDisk {
	readonly factory: IDBFactory;
	/** Aborts all that is open, as the end of a tab does: IndexedDB would commit what was half issued. */
	abortAll(): void;
	/** Transactions that have not ended. */
	readonly open: number;
}

/** One tab's view of a device's disk: the data is shared, the connections and transactions are the tab's own. */
export function openTabDisk(disk: IDBFactory, hooks: DiskHooks): TabDisk {
	const open = new Set<IDBTransaction>();
	const connections = new Set<IDBDatabase>();

	function assertAlive(): void {
		if (!hooks.isAlive()) throw new DOMException('the tab is gone', 'InvalidStateError');
	}

	function watch(database: string, transaction: IDBTransaction): void {
		open.add(transaction);
		transaction.addEventListener('abort', () => open.delete(transaction));
		transaction.addEventListener('complete', () => {
			open.delete(transaction);
			if (transaction.mode !== 'readonly') hooks.committed(database);
		});
	}

	function tap(connection: IDBDatabase): void {
		const begin = connection.transaction.bind(connection);
		connections.add(connection);
		connection.transaction = (names, mode = 'readonly', options) => {
			assertAlive();
			const stores = typeof names === 'string' ? [names] : [...names];
			const error = hooks.began(connection.name, mode, stores);
			assertAlive();
			const transaction = begin(names, mode, options);
			watch(connection.name, transaction);
			if (error) failAtCommit(transaction, error);
			return transaction;
		};
	}

	return {
		factory: new Proxy(disk, {
			get(target, key) {
				if (key === 'open') {
					return (...given: Parameters<IDBFactory['open']>) => {
						assertAlive();
						const request = target.open(...given);
						request.addEventListener('upgradeneeded', () => {
							const { transaction } = request;
							if (!hooks.isAlive()) transaction?.abort();
							else if (transaction) watch(given[0], transaction);
						});
						request.addEventListener('success', () => {
							if (hooks.isAlive()) tap(request.result);
							else request.result.close();
						});
						return request;
					};
				}
				if (key === 'deleteDatabase') {
					return (name: string) => {
						assertAlive();
						const request = target.deleteDatabase(name);
						request.addEventListener('success', () => hooks.committed(name));
						return request;
					};
				}
				const value: unknown = Reflect.get(target, key);
				return typeof value === 'function' ? value.bind(target) : value;
			},
		}),
		abortAll() {
			for (const transaction of open) {
				try {
					transaction.abort();
				} catch {
					// It has ended by itself.
				}
			}
			for (const connection of connections) connection.close();
			connections.clear();
		},
		get open() {
			return open.size;
		},
	};
}

interface FakeTransaction {
	_rollbackLog: (() => void)[];
	dispatchEvent(event: Event): boolean;
}

/** All requests succeed, the commit does not: everything is rolled back. Reaches into fake-indexeddb. */
function failAtCommit(transaction: IDBTransaction, error: DOMException): void {
	const fake = transaction as unknown as FakeTransaction;
	const dispatch = fake.dispatchEvent;
	fake.dispatchEvent = function (this: FakeTransaction, event: Event) {
		if (event.type !== 'complete') return dispatch.call(this, event);
		for (const undo of this._rollbackLog.reverse()) undo();
		Object.assign(this, { error });
		const FakeEvent = event.constructor as typeof Event;
		return dispatch.call(this, new FakeEvent('abort'));
	};
}

/** A database as it is on the disk at this moment, read without a transaction; null: there is none. */
export interface DiskImage {
	readonly name: string;
	records<T>(store: string): readonly T[];
	readonly stores: readonly string[];
}

interface RawStore {
	readonly records: { values(): Iterable<{ readonly value: unknown }> };
}

/** Reaches into fake-indexeddb: whoever checks at each commit must not wait for a transaction of its own. */
export function readDisk(disk: IDBFactory, name: string): DiskImage | null {
	const raw = rawDatabases(disk).get(name);
	if (!raw) return null;
	return {
		name,
		stores: [...raw.rawObjectStores.keys()],
		records: <T>(store: string) =>
			[...(raw.rawObjectStores.get(store)?.records.values() ?? [])].map(({ value }) => value as T),
	};
}

export function databasesOn(disk: IDBFactory): readonly string[] {
	return [...rawDatabases(disk)].filter(([, { version }]) => version > 0).map(([name]) => name);
}

function rawDatabases(
	disk: IDBFactory,
): ReadonlyMap<
	string,
	{ readonly version: number; readonly rawObjectStores: ReadonlyMap<string, RawStore> }
> {
	return (disk as unknown as { _databases: ReturnType<typeof rawDatabases> })._databases;
}
