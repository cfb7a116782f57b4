import type { Meter } from './meter.ts';
import { toSecond } from './meter.ts';
import { DEFAULTS, PROBE_TIMEOUT_MS } from './policy.ts';
import type { Outcome, Server } from './server.ts';
import type { Timers } from './timers.ts';

/** Requests under way: one a slot, whose timer is the reply's, or the time limit's. */
export interface Wire {
	send(slot: number, kind: 'pull' | 'probe'): void;
	/** Of the request whose timer has just run. */
	outcomeOf(slot: number): Outcome;
	retryAfterMs(slot: number): number;
}

const OUTCOMES: readonly Outcome[] = ['rows', 'nobody', 'refusal', 'silence'];

export function createWire(options: {
	readonly slots: number;
	readonly timers: Timers;
	readonly server: Server;
	readonly meter: Meter;
}): Wire {
	const { slots, timers, server, meter } = options;
	const outcomes = new Uint8Array(slots);
	const retryAfter = new Int32Array(slots);

	return {
		send(slot, kind) {
			const { now } = timers;
			const second = toSecond(now);
			const column = kind === 'pull' ? meter.pulls : meter.probes;
			column[second] = (column[second] ?? 0) + 1;
			const { outcome, afterMs, retryAfterMs } = server.ask(now);
			if (outcome !== 'rows') meter.refused[second] = (meter.refused[second] ?? 0) + 1;
			outcomes[slot] = OUTCOMES.indexOf(outcome);
			retryAfter[slot] = retryAfterMs;
			const limitMs = kind === 'pull' ? DEFAULTS.requestTimeoutMs : PROBE_TIMEOUT_MS;
			timers.set(slot, now + (outcome === 'silence' ? limitMs : afterMs));
		},
		outcomeOf: (slot) => OUTCOMES[outcomes[slot] ?? 0] ?? 'rows',
		retryAfterMs: (slot) => retryAfter[slot] ?? 0,
	};
}
