import { createPokeThrottle } from '../../src/core/poke-throttle.ts';
import { createRandom } from './random.ts';

const HOUR_MS = 3_600_000;

/**
 * Pulls a second of one table on one device that is told of `changes` a second, at moments of their own, through the
 * engine's own throttle.
 */
export function pokedPulls(changes: number, seed: number, lengthMs = HOUR_MS): number {
	const random = createRandom(seed);
	let pulls = 0;
	let timer: { readonly at: number; readonly callback: () => void } | null = null;
	let now = 0;
	const throttle = createPokeThrottle({
		onPoke: () => {
			pulls++;
		},
		setTimer(callback, ms) {
			const own = { at: now + ms, callback };
			timer = own;
			return () => {
				if (timer === own) timer = null;
			};
		},
	});
	const runUntil = (until: number) => {
		for (let due = timer; due !== null && due.at <= until; due = timer) {
			timer = null;
			now = due.at;
			due.callback();
		}
		now = until;
	};
	for (;;) {
		// Exponential gaps: changes that know nothing of each other.
		const next = now - (Math.log(1 - random()) * 1_000) / changes;
		if (next >= lengthMs) break;
		runUntil(next);
		throttle.poke();
	}
	return (pulls * 1_000) / lengthMs;
}
