/** Virtual time in the place of the globals' own: nothing waits, and the same calls give the same order. */
export interface VirtualTime {
	/** Ms. */
	readonly now: number;
	/** Timers that are set. */
	readonly pending: number;
	setTimeout(callback: () => void, ms: number): number;
	clearTimeout(timer: number): void;
	/** Runs tasks and promises until there is nothing to do without waiting. */
	drain(): Promise<void>;
	/** Waits for the next timer, runs it and what follows. @returns false where none is set, or none by `until`. */
	step(until?: number): Promise<boolean>;
	/** Runs all that is due within `ms`. */
	advance(ms: number): Promise<void>;
	/** Gives the globals back. */
	uninstall(): void;
}

interface Timer {
	readonly at: number;
	readonly callback: () => void;
}

/** No program of a simulation takes so many tasks between two timers: something runs in a circle. */
const MAX_TASKS = 200_000;

/** Nor has it so many timers at one moment. */
const MAX_STEPS = 5_000;

/**
 * Replaces `setTimeout`, `setInterval`, `setImmediate` and their ends, and `Date.now`. fake-indexeddb runs by
 * `setImmediate`, so that its tasks are in our hands, too: when the queue is empty, nothing is under way anywhere.
 */
export function installVirtualTime(startMs: number): VirtualTime {
	const real = {
		setTimeout: globalThis.setTimeout,
		clearTimeout: globalThis.clearTimeout,
		setInterval: globalThis.setInterval,
		clearInterval: globalThis.clearInterval,
		setImmediate: globalThis.setImmediate,
		clearImmediate: globalThis.clearImmediate,
	};
	const { now: realNow } = Date;
	const timers = new Map<number, Timer>();
	const tasks: (() => void)[] = [];
	let now = startMs;
	let ids = 0;
	let steps = 0;

	const time: VirtualTime = {
		get now() {
			return now;
		},
		get pending() {
			return timers.size;
		},
		setTimeout(callback, ms) {
			timers.set(++ids, { at: now + Math.max(0, Number(ms) || 0), callback });
			return ids;
		},
		clearTimeout: (timer) => void timers.delete(timer),
		drain: () =>
			new Promise((resolve, reject) => {
				let count = 0;
				// Promises are settled between two immediates of Node's own.
				const turn = () => {
					const task = tasks.shift();
					if (!task) {
						resolve();
						return;
					}
					if (++count > MAX_TASKS) {
						reject(new Error('The simulation does not come to rest'));
						return;
					}
					try {
						task();
					} catch (error) {
						reject(error);
						return;
					}
					real.setImmediate(turn);
				};
				real.setImmediate(turn);
			}),
		async step(until = Number.POSITIVE_INFINITY) {
			await time.drain();
			let next: number | null = null;
			let at = until;
			for (const [id, timer] of timers) {
				if (timer.at < at || (timer.at === at && next === null)) {
					next = id;
					at = timer.at;
				}
			}
			const timer = next === null ? undefined : timers.get(next);
			if (next === null || !timer) return false;
			timers.delete(next);
			steps = timer.at > now ? 0 : steps + 1;
			if (steps > MAX_STEPS) throw new Error('The simulation goes round without time passing');
			now = Math.max(now, timer.at);
			timer.callback();
			await time.drain();
			return true;
		},
		async advance(ms) {
			const end = now + ms;
			while (await time.step(end)) {}
			now = Math.max(now, end);
		},
		uninstall() {
			Object.assign(globalThis, real);
			Date.now = realNow;
		},
	};

	const set = (callback: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) =>
		time.setTimeout(() => callback(...given), ms ?? 0);
	const setInterval = (callback: () => void, ms: number) => {
		const id = ++ids;
		const again = () => {
			timers.set(id, { at: now + Math.max(1, ms), callback: again });
			callback();
		};
		timers.set(id, { at: now + Math.max(1, ms), callback: again });
		return id;
	};
	const clear = (timer: number) => void timers.delete(timer);
	Object.assign(globalThis, {
		setTimeout: set,
		clearTimeout: clear,
		setInterval,
		clearInterval: clear,
		setImmediate: (callback: () => void) => void tasks.push(callback),
		clearImmediate: () => undefined,
	});
	Date.now = () => now;
	return time;
}
