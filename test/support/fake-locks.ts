import type { LockManagerLike } from '../../src/services/leadership.ts';

interface Waiting {
	readonly grant: () => void;
}

/**
 * Exclusive Web Locks of one browser: whoever asks waits for those before, or is told `null` with `ifAvailable`.
 * `steal` takes the lock at once, and the promise of whoever held it rejects while its callback runs on.
 */
export function createFakeLocks(): LockManagerLike {
	const holders = new Map<string, { readonly robbed: () => void }>();
	const queues = new Map<string, Waiting[]>();

	function next(name: string): void {
		if (!holders.has(name)) queues.get(name)?.shift()?.grant();
	}

	async function hold(name: string, callback: (lock: unknown) => Promise<void>): Promise<void> {
		const own = { robbed: (): void => undefined };
		const stolen = new Promise<never>((_, reject) => {
			own.robbed = () => reject(new DOMException('The lock was stolen', 'AbortError'));
		});
		stolen.catch(() => undefined);
		holders.set(name, own);
		// Granted in a task of its own, as by a browser's other process.
		const ended = Promise.resolve().then(() => callback({ name }));
		try {
			await Promise.race([ended, stolen]);
		} finally {
			if (holders.get(name) === own) holders.delete(name);
			next(name);
		}
	}

	return {
		async request(name, { ifAvailable = false, steal = false, signal }, callback) {
			await Promise.resolve();
			signal?.throwIfAborted();
			if (steal) {
				holders.get(name)?.robbed();
				return hold(name, callback);
			}
			if (!holders.has(name)) return hold(name, callback);
			if (ifAvailable) return callback(null);
			const queue = queues.get(name) ?? [];
			queues.set(name, queue);
			await new Promise<void>((grant, reject) => {
				const waiting = { grant };
				queue.push(waiting);
				signal?.addEventListener('abort', () => {
					if (!queue.includes(waiting)) return;
					queue.splice(queue.indexOf(waiting), 1);
					reject(new DOMException('The request was aborted', 'AbortError'));
				});
			});
			return hold(name, callback);
		},
	};
}

export interface LockHolder {
	/** Whether the tab has ended: what it was granted is free, and nothing of it runs. */
	readonly isGone: () => boolean;
	/** Resolves when it ends. */
	readonly gone: Promise<void>;
	/** Resolves when it is awake: a frozen tab hears of nothing, nor of its lock's end. */
	readonly awake: () => Promise<void>;
}

/** The browser's locks as one tab has them, which cannot keep them beyond its end. */
export function locksOfTab(locks: LockManagerLike, { isGone, gone, awake }: LockHolder): LockManagerLike {
	return {
		async request(name, options, callback) {
			const held = locks.request(name, options, (lock) =>
				isGone() ? Promise.resolve() : Promise.race([callback(lock), gone]),
			);
			await held.catch(() => undefined);
			await awake();
			return held;
		},
	};
}
