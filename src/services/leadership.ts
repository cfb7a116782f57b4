/** The part of the Web Locks API that leadership needs. */
export interface LockManagerLike {
	request(
		name: string,
		options: { ifAvailable?: boolean; steal?: boolean; signal?: AbortSignal },
		callback: (lock: unknown) => Promise<void>,
	): Promise<unknown>;
}

export interface LeadershipOptions {
	/** The database's. */
	readonly name: string;
	readonly locks: LockManagerLike;
	/** This tab has the lock. Resolves when it leads, and rejects where it cannot: then the lock is free again; `isHeld` tells whether it was robbed meanwhile. */
	readonly lead: (isHeld: () => boolean) => Promise<void>;
	/** The lock is gone: another tab has taken it. */
	readonly lose: () => void;
}

export interface Leadership {
	/** Resolves when it is known whether this tab leads from the start or waits for its turn. */
	readonly decided: Promise<void>;
	/** Takes the lock from a leader that does not answer. */
	steal(): void;
	/** Gives the lead up, and waits for its turn again. */
	stepDown(): void;
	/** Gives the lead, or the place in the queue, away. */
	release(): void;
}

/**
 * One leader per database across tabs (F52): whoever holds the lock. A tab that closes or crashes frees it, and the
 * next in the queue leads at once.
 *
 *   asking ──free──▶ leading ──stolen, stepDown──▶ waiting ──its turn, steal──▶ leading
 *      └──taken──▶ waiting
 */
export function awaitLeadership({ name, locks, lead, lose }: LeadershipOptions): Leadership {
	const lockName = `pixsync:${name}`;
	let isReleased = false;
	/** Counts the requests for the lock; what becomes of a former one is past. */
	let current = 0;
	let leading: { readonly request: number; readonly end: () => void } | null = null;
	let queued: AbortController | null = null;
	let markDecided: () => void = () => undefined;
	const decided = new Promise<void>((resolve) => {
		markDecided = resolve;
	});

	/** Runs while this tab has the lock. */
	async function hold(request: number): Promise<void> {
		if (isReleased || request !== current) return;
		const ended = new Promise<void>((end) => {
			leading = { request, end };
		});
		try {
			await lead(() => leading?.request === request);
		} catch {
			// The database refused, as a full disk does: another tab may fare better, and this one does not ask at once again.
			if (leading?.request === request) leading = null;
			return;
		}
		markDecided();
		await ended;
	}

	function giveUp(): void {
		const own = leading;
		leading = null;
		own?.end();
	}

	/** The lock's own promise ended before this tab gave it up: it was stolen. */
	function onEnd(request: number): void {
		if (leading?.request !== request || isReleased) return;
		giveUp();
		lose();
		wait();
	}

	function wait(): void {
		const request = ++current;
		queued = new AbortController();
		const { signal } = queued;
		locks
			.request(lockName, { signal }, () => hold(request))
			.then(
				() => onEnd(request),
				() => onEnd(request),
			);
	}

	async function ask(): Promise<void> {
		const request = ++current;
		let isTaken = false;
		await locks.request(lockName, { ifAvailable: true }, async (lock) => {
			if (lock) return hold(request);
			isTaken = true;
		});
		if (isTaken && !isReleased && request === current) wait();
		else onEnd(request);
	}

	// Where the platform's locks fail, this tab does not lead.
	ask()
		.catch(() => onEnd(current))
		.finally(() => markDecided());

	return {
		decided,
		steal() {
			if (leading || isReleased) return;
			queued?.abort();
			const request = ++current;
			locks
				.request(lockName, { steal: true }, () => hold(request))
				.then(
					() => onEnd(request),
					() => onEnd(request),
				);
		},
		stepDown() {
			if (!leading || isReleased) return;
			giveUp();
			lose();
			wait();
		},
		release() {
			isReleased = true;
			queued?.abort();
			giveUp();
		},
	};
}
