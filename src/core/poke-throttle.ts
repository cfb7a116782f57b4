/** Milliseconds until pokes that followed a first one are passed on, and the most that this grows to. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2_000;

/** What becomes of the pokes of one table. */
export interface PokeThrottle {
	poke(): void;
	/** Drops what waits. */
	stop(): void;
}

export interface PokeThrottleOptions {
	readonly onPoke: () => void;
	/** @returns what ends the timer. */
	readonly setTimer: (callback: () => void, ms: number) => () => void;
}

/**
 * The first poke is passed on at once; those that come within a wait after it are passed on as one when it ends, and
 * the next wait is twice as long. A wait in which none came ends the series. So a burst of any length costs one pull
 * at once and then one every two seconds at most, and its last poke is never lost.
 */
export function createPokeThrottle({ onPoke, setTimer }: PokeThrottleOptions): PokeThrottle {
	let wait = 0;
	let isPoked = false;
	let stopTimer: () => void = () => undefined;

	function open(ms: number): void {
		wait = ms;
		stopTimer = setTimer(() => {
			if (!isPoked) {
				wait = 0;
				return;
			}
			isPoked = false;
			open(Math.min(ms * 2, LONGEST_WAIT_MS));
			onPoke();
		}, ms);
	}

	return {
		poke() {
			if (wait > 0) {
				isPoked = true;
				return;
			}
			open(FIRST_WAIT_MS);
			onPoke();
		},
		stop() {
			stopTimer();
			wait = 0;
			isPoked = false;
		},
	};
}
