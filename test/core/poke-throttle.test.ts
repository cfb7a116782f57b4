import { describe, expect, it } from 'vitest';
import { createPokeThrottle } from '../../src/core/poke-throttle.ts';

/** A throttle on a clock that the test moves, and when it passed pokes on. */
function start() {
	let now = 0;
	let due: { at: number; callback: () => void } | null = null;
	const told: number[] = [];
	const throttle = createPokeThrottle({
		onPoke: () => told.push(now),
		setTimer(callback, ms) {
			const own = { at: now + ms, callback };
			due = own;
			return () => {
				if (due === own) due = null;
			};
		},
	});
	const advance = (ms: number) => {
		const end = now + ms;
		while (due && due.at <= end) {
			const { at, callback } = due;
			due = null;
			now = at;
			callback();
		}
		now = end;
	};
	return { throttle, told, advance };
}

describe('[F44] pokes of one table', () => {
	it('one alone is passed on at once', () => {
		const { throttle, told, advance } = start();
		throttle.poke();
		advance(10_000);
		throttle.poke();
		expect(told).toEqual([0, 10_000]);
	});

	it('500 within a second are four, and the last one is not lost', () => {
		const { throttle, told, advance } = start();
		for (let left = 500; left > 0; left--) {
			throttle.poke();
			advance(2);
		}
		advance(10_000);
		expect(told).toEqual([0, 250, 750, 1_750]);
	});

	it('a stream without an end is passed on every two seconds', () => {
		const { throttle, told, advance } = start();
		for (let left = 2_000; left > 0; left--) {
			throttle.poke();
			advance(10);
		}
		expect(told.slice(-3).map((at, index, all) => at - (all[index - 1] ?? at))).toEqual([0, 2_000, 2_000]);
	});

	it('what is stopped passes nothing on any more, and begins anew', () => {
		const { throttle, told, advance } = start();
		throttle.poke();
		throttle.poke();
		throttle.stop();
		advance(10_000);
		expect(told).toEqual([0]);
		throttle.poke();
		expect(told).toEqual([0, 10_000]);
	});
});
