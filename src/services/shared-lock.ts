/** Many may be in at once, or one alone. */
export interface SharedLock {
	/** Resolves when whoever is alone, or waits to be, is done; null: nobody. Never rejects. */
	readonly busy: Promise<void> | null;
	/** The caller has seen that `busy` is null, without awaiting since. */
	enter(): void;
	leave(): void;
	/** Runs `work` when all have left; nobody enters meanwhile. */
	alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createSharedLock(): SharedLock {
	let inside = 0;
	let busy: Promise<void> | null = null;
	let whenEmpty: (() => void) | null = null;

	async function empty(): Promise<void> {
		if (inside === 0) return;
		await new Promise<void>((resolve) => {
			whenEmpty = resolve;
		});
		whenEmpty = null;
	}

	return {
		get busy() {
			return busy;
		},
		enter() {
			inside++;
		},
		leave() {
			inside--;
			// In a task of its own: Dexie takes what follows in this one for a part of the transaction that ended.
			if (inside === 0 && whenEmpty) setTimeout(whenEmpty, 0);
		},
		async alone(work) {
			while (busy) await busy;
			const running = empty().then(work);
			busy = running.then(
				() => undefined,
				() => undefined,
			);
			try {
				return await running;
			} finally {
				busy = null;
			}
		},
	};
}
