import { IDBDatabase, IDBObjectStore, IDBTransaction } from 'fake-indexeddb';

/** How a write to a store goes wrong. */
export type WriteFault =
	/** The call itself throws. */
	| 'throws'
	/** The request ends with an error, and the transaction is aborted. */
	| 'fails'
	/** The requests succeed, the commit does not: all is rolled back. */
	| 'fails-at-commit'
	/** The commit is made, and its news is lost with the connection: an abort is told. */
	| 'commits-silently';

export interface FaultPlan {
	readonly store: string;
	readonly how: WriteFault;
	/** A name of a DOMException. */
	readonly error: string;
	/** Which write of the store it hits: 1 is the next one. @default 1 */
	readonly nth?: number;
	/** How many from there on. @default 1 */
	readonly times?: number;
}

export interface StorageFaults {
	add(plan: FaultPlan): void;
	/** Writes that were hit. */
	readonly hits: number;
	/** Durability asked for, and stores, of each transaction that may write. */
	readonly writing: readonly { readonly stores: readonly string[]; readonly durability: string }[];
	/** Transactions that have neither ended nor been aborted. */
	readonly open: number;
	/** Puts and adds, by store. */
	readonly writes: ReadonlyMap<string, number>;
	stop(): void;
}

interface FakeTransaction {
	readonly error: unknown;
	_rollbackLog: (() => void)[];
	_execRequestAsync(given: { operation: () => unknown; source: unknown }): IDBRequest;
	dispatchEvent(event: Event): boolean;
}

/** Watches fake-indexeddb, of all factories, and lets writes fail, until stopped. Reaches into its privates. */
export function startStorageFaults(): StorageFaults {
	const stores = IDBObjectStore.prototype;
	const databases = IDBDatabase.prototype;
	const transactions = IDBTransaction.prototype as unknown as FakeTransaction;
	const { put, add } = stores;
	const { transaction } = databases;
	const { dispatchEvent } = transactions;
	const plans: (FaultPlan & { left: number; skip: number })[] = [];
	const doomed = new Map<unknown, FaultPlan>();
	const open = new Set<unknown>();
	const writes = new Map<string, number>();
	const writing: { stores: readonly string[]; durability: string }[] = [];
	let hits = 0;

	function next(store: string): FaultPlan | null {
		const plan = plans.find((one) => one.store === store && one.left > 0);
		if (!plan) return null;
		if (plan.skip > 0) {
			plan.skip--;
			return null;
		}
		plan.left--;
		hits++;
		return plan;
	}

	function faulty(original: typeof put) {
		return function (this: IDBObjectStore, value: unknown, key?: IDBValidKey): IDBRequest<IDBValidKey> {
			writes.set(this.name, (writes.get(this.name) ?? 0) + 1);
			const plan = next(this.name);
			const error = new DOMException('injected', plan?.error);
			if (plan?.how === 'throws') throw error;
			if (plan?.how === 'fails') {
				return (this.transaction as unknown as FakeTransaction)._execRequestAsync({
					operation() {
						throw error;
					},
					source: this,
				});
			}
			if (plan) doomed.set(this.transaction, plan);
			return key === undefined ? original.call(this, value) : original.call(this, value, key);
		};
	}

	stores.put = faulty(put);
	stores.add = faulty(add);
	databases.transaction = function (this: IDBDatabase, ...given: Parameters<IDBDatabase['transaction']>) {
		const started = transaction.apply(this, given);
		open.add(started);
		const [names, mode, options] = given;
		if (mode === 'readwrite') {
			writing.push({
				stores: typeof names === 'string' ? [names] : [...names],
				durability: options?.durability ?? 'default',
			});
		}
		return started;
	};
	transactions.dispatchEvent = function (this: FakeTransaction, event: Event) {
		if (event.type === 'complete' || event.type === 'abort') open.delete(this);
		const plan = event.type === 'complete' ? doomed.get(this) : undefined;
		if (!plan) return dispatchEvent.call(this, event);
		if (plan.how === 'fails-at-commit') for (const undo of this._rollbackLog.reverse()) undo();
		Object.assign(this, { error: new DOMException('injected', plan.error) });
		const FakeEvent = event.constructor as typeof Event;
		return dispatchEvent.call(this, new FakeEvent('abort'));
	};

	return {
		add: (plan) => void plans.push({ ...plan, left: plan.times ?? 1, skip: (plan.nth ?? 1) - 1 }),
		get hits() {
			return hits;
		},
		writing,
		get open() {
			return open.size;
		},
		writes,
		stop() {
			stores.put = put;
			stores.add = add;
			databases.transaction = transaction;
			transactions.dispatchEvent = dispatchEvent;
		},
	};
}
