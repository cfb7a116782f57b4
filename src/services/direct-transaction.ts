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
	/** @param areNew fails with a ConstraintError where one of the keys is taken. @default false */
	put(store: string, records: readonly object[], areNew?: boolean): void;
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
	const transaction = connectionOf(dexie).transaction([...stores], 'readwrite', { durability: 'strict' });
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
	tell(mutated);
}

/** One raw transaction that reads: it has not to be waited for in the end. */
export async function readDirectly<T>(
	{ dexie, IDBKeyRange, stores }: DirectOptions,
	work: (records: Records) => Promise<T>,
): Promise<T> {
	return work(toRecords(connectionOf(dexie).transaction([...stores]), IDBKeyRange));
}

function connectionOf(dexie: Dexie): IDBDatabase {
	const connection = dexie.backendDB() as IDBDatabase | null;
	if (!connection) throw new Dexie.DatabaseClosedError();
	return connection;
}

/** Puts records in the transaction of Dexie's that runs: what Dexie adds to each put is more than the put. */
export function putDirectly(dexie: Dexie, store: string, records: readonly object[]): void {
	if (records.length === 0) return;
	const { idbtrans, on } = Dexie.currentTransaction;
	const objectStore = idbtrans.objectStore(store);
	// Dexie is to hear of a failure by the abort that it leads to, which knows the reason.
	const stop = (event: Event) => event.stopPropagation();
	for (const record of records) objectStore.put(record).onerror = stop;
	const mutated = createMutatedParts(dexie);
	mutated.written(store, records);
	on('complete', () => tell(mutated));
}

function tell(mutated: MutatedParts): void {
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

function toRecords(transaction: IDBTransaction, range: typeof IDBKeyRange): Records {
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
	};
}

function toDirect(
	transaction: IDBTransaction,
	range: typeof IDBKeyRange,
	mutated: MutatedParts,
): DirectTransaction {
	const objectStore = (name: string) => transaction.objectStore(name);
	return {
		...toRecords(transaction, range),
		async among(store, index, keys) {
			const own = objectStore(store).index(index);
			const found = await Promise.all(keys.map((key) => result(own.getKey(key))));
			return found.map((key) => key !== undefined);
		},
		put(store, records, areNew) {
			for (const record of records) objectStore(store)[areNew ? 'add' : 'put'](record);
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
