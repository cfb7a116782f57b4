/** The part of the Web Locks API that leadership needs. */
export interface LockManagerLike {
	request(
		name: string,
		options: { ifAvailable?: boolean; signal?: AbortSignal },
		callback: (lock: unknown) => Promise<void>,
	): Promise<unknown>;
}

export interface Leadership {
	/** Resolves when it is known whether this tab leads from the start or waits for its turn. */
	readonly decided: Promise<void>;
	/** Gives the lead, or the place in the queue, away. */
	release(): void;
}

/**
 * One leader per database across tabs (F52): `lead` is called when this tab holds the lock, which it keeps until
 * `release`. Where there are no Web Locks, or the database is not shared between tabs, this tab leads at once.
 */
export function awaitLeadership(
	name: string,
	locks: LockManagerLike | null,
	lead: () => Promise<void>,
): Leadership {
	if (!locks) return { decided: lead(), release: () => undefined };
	const controller = new AbortController();
	let endLead: () => void = () => undefined;
	const ended = new Promise<void>((resolve) => {
		endLead = resolve;
	});
	const lockName = `pixsync:${name}`;
	const hold = async () => {
		if (controller.signal.aborted) return;
		await lead();
		await ended;
	};
	const decided = new Promise<void>((resolve) => {
		const request = async () => {
			let isFollower = false;
			await locks.request(lockName, { ifAvailable: true }, async (lock) => {
				if (!lock) {
					isFollower = true;
					return;
				}
				if (controller.signal.aborted) return;
				await lead();
				resolve();
				await ended;
			});
			resolve();
			if (isFollower) await locks.request(lockName, { signal: controller.signal }, hold);
		};
		// Aborted in the queue, or the platform's locks fail: this tab does not lead.
		request().catch(() => resolve());
	});
	return {
		decided,
		release() {
			controller.abort();
			endLead();
		},
	};
}
