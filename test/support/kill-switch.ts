/** A disk that survives its app: what is committed stays, and the app is dead from the chosen commit on. */
export interface KillSwitch {
	/** For the app that is to die. */
	readonly disk: IDBFactory;
	/** Commits and deletions so far. */
	readonly steps: number;
	readonly isDead: boolean;
	/** It dies with the `commits`-th commit from now on. */
	killAfter(commits: number): void;
}

/**
 * The same databases as `disk`, until `killAt` writes were committed (a deleted database counts as one): then
 * every open transaction is aborted, and nothing can be opened, begun or deleted any more.
 */
export function createKillSwitch(disk: IDBFactory, killAt = Number.POSITIVE_INFINITY): KillSwitch {
	let last = killAt;
	const open = new Set<IDBTransaction>();
	let steps = 0;
	let isDead = false;

	function assertAlive(): void {
		if (isDead) throw new DOMException('the app was killed', 'InvalidStateError');
	}

	function step(): void {
		if (++steps !== last) return;
		isDead = true;
		for (const transaction of open) {
			try {
				transaction.abort();
			} catch {
				// It has ended by itself.
			}
		}
	}

	function watch(transaction: IDBTransaction): IDBTransaction {
		open.add(transaction);
		transaction.addEventListener('complete', () => {
			open.delete(transaction);
			if (transaction.mode === 'readwrite') step();
		});
		transaction.addEventListener('abort', () => open.delete(transaction));
		return transaction;
	}

	function tap(database: IDBDatabase): void {
		const begin = database.transaction.bind(database);
		database.transaction = (...given) => {
			assertAlive();
			return watch(begin(...given));
		};
	}

	return {
		disk: new Proxy(disk, {
			get(target, key) {
				if (key === 'open') {
					return (...given: Parameters<IDBFactory['open']>) => {
						assertAlive();
						const request = target.open(...given);
						request.addEventListener('success', () => tap(request.result));
						return request;
					};
				}
				if (key === 'deleteDatabase') {
					return (name: string) => {
						assertAlive();
						const request = target.deleteDatabase(name);
						request.addEventListener('success', step);
						return request;
					};
				}
				const value: unknown = Reflect.get(target, key);
				return typeof value === 'function' ? value.bind(target) : value;
			},
		}),
		get steps() {
			return steps;
		},
		get isDead() {
			return isDead;
		},
		killAfter(commits) {
			last = steps + commits;
		},
	};
}
