import type { LockManagerLike } from '../../src/services/leadership.ts';

/** Exclusive Web Locks of one browser: whoever asks waits for those before, or is told `null` with `ifAvailable`. */
export function createFakeLocks(): LockManagerLike {
	const tails = new Map<string, Promise<void>>();
	const held = new Set<string>();
	return {
		async request(name, { ifAvailable = false, signal }, callback) {
			if (ifAvailable && held.has(name)) return callback(null);
			const before = tails.get(name) ?? Promise.resolve();
			let end: () => void = () => undefined;
			tails.set(
				name,
				before.then(() => new Promise<void>((resolve) => (end = resolve))),
			);
			if (ifAvailable) held.add(name);
			await before;
			// The tail's own promise is made a microtask later.
			await Promise.resolve();
			try {
				signal?.throwIfAborted();
				held.add(name);
				return await callback({ name });
			} finally {
				held.delete(name);
				end();
			}
		},
	};
}
