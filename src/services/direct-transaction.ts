import Dexie from 'dexie';
import { reportUncaught } from '../core/report-uncaught.ts';
import type { Records } from './dense-range.ts';
import { createMutatedParts, type MutatedParts } from './mutated-parts.ts';

/**
 * One raw transaction that writes, on the connection that Dexie has open: what Dexie adds to a small write costs as much
 * as the disk does. Dexie's live queries, here and in other tabs, are told at the commit what Dexie would have told
 * them. Of the database's own requests alone may be awaited; what is written is checked by the commit, all of it or
 * nothing.
 */
export interface DirectTransaction extends Records {
	/** Whether an index has each of the keys. */
	among(store: string, index: string, keys: readonly IDBValidKey[]): Promise<readonly boolean[]>;
	put(store: string, records: readonly object[]): void;
	/** With keys that the store makes. */
	add(store: string, records: readonly object[]): void;
	delete(store: string, keys: readonly IDBValidKey[]): void;
}

interface DirectOptions {
	readonly dexie: Dexie;
	readonly IDBKeyRange: typeof IDBKeyRange;
	readonly stores: readonly string[];
}

/**
 * Durable when it resolves (F48).
 * @param work once it has resolved, nothing more is asked of the transaction.
 */
export async function runDirect(
	{ dexie, IDBKeyRange, stores }: DirectOptions,
	work: (transaction: DirectTransaction) => Promise<void>,
): Promise<void> {
	const connection = dexie.backendDB() as IDBDatabase | null;
	if (!connection) throw new Dexie.DatabaseClosedError();
	const transaction = connection.transaction([...stores], 'readwrite', { durability: 'strict' });
	const ended = new Promise<void>((resolve, reject) => {
		transaction.oncomplete = () => resolve();
		transaction.onabort = () => reject(transaction.error ?? new Dexie.AbortError());
	});
	ended.catch(() => undefined);
	const mutated = createMutatedParts(dexie);
	try {
		await work(toDirect(transaction, IDBKeyRange, mutated));
		// Or the platform would wait until the events of all requests have been heard. One that fails yet aborts it all.
		transaction.commit?.();
		await ended;
	} catch (error) {
		// What had been aborted before says better why.
		throw abort(transaction) ? error : await ended.then(() => error).catch((reason: unknown) => reason);
	}
	try {
		mutated.tell();
	} catch (error) {
		// Somebody who listens; what is written stays so.
		reportUncaught(error);
	}
}

/** @returns whether it was still alive. */
function abort(transaction: IDBTransaction): boolean {
	try {
		transaction.abort();
		return true;
	} catch {
		return false;
	}
}

function toDirect(
	transaction: IDBTransaction,
	range: typeof IDBKeyRange,
	mutated: MutatedParts,
): DirectTransaction {
	const objectStore = (name: string) => transaction.objectStore(name);
	return {
		get: (store, keys) => Promise.all(keys.map((key) => result(objectStore(store).get(key)))),
		between<T, Key>(store: string, first: IDBValidKey, last: IDBValidKey) {
			const within = range.bound(first, last);
			return {
				limit: (most: number) => ({
					primaryKeys: () =>
						result(objectStore(store).getAllKeys(within, most)) as unknown as Promise<readonly Key[]>,
				}),
				toArray: () => result<T[]>(objectStore(store).getAll(within)),
			};
		},
		async among(store, index, keys) {
			const own = objectStore(store).index(index);
			const found = await Promise.all(keys.map((key) => result(own.getKey(key))));
			return found.map((key) => key !== undefined);
		},
		put(store, records) {
			for (const record of records) objectStore(store).put(record);
			mutated.written(store, records);
		},
		add(store, records) {
			const requests = records.map((record) => objectStore(store).add(record));
			mutated.written(store, records, requests);
		},
		delete(store, keys) {
			for (const key of keys) objectStore(store).delete(key);
			mutated.deleted(store, keys);
		},
	};
}

function result<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}
