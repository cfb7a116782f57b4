import { fullJitter } from '../../src/core/backoff.ts';
import { toSettings } from '../../src/options.ts';

/** How a device waits. What it does between the waits is the same for all. */
export interface Policy {
	readonly name: string;
	/** Whether it stops asking for its tables while a probe finds nobody. */
	readonly hasProbe: boolean;
	/** Ms from a table's `attempts`th failure in a row to the next attempt. */
	retryMs(attempts: number, random: () => number, retryAfterMs: number): number;
	/** Ms from one sync of the schedule to the next. */
	tickMs(intervalMs: number, random: () => number): number;
}

/** The options of an app that gives none. */
export const DEFAULTS = toSettings({}, 'https://project.example');

/** Where the engine's own limit for a probe is; it is not exported there. */
export const PROBE_TIMEOUT_MS = Math.min(10_000, DEFAULTS.requestTimeoutMs);

const shippedRetry: Policy['retryMs'] = (attempts, random, retryAfterMs) =>
	fullJitter({ attempts, ...DEFAULTS.backoff, random, retryAfterMs });

const steady: Policy['tickMs'] = (intervalMs) => intervalMs;

/** What the library does. */
export const PIXSYNC: Policy = {
	name: 'PixSync',
	hasProbe: true,
	retryMs: shippedRetry,
	tickMs: steady,
};

export const FIXED: Policy = {
	name: 'every 5 s, no jitter, no probe',
	hasProbe: false,
	retryMs: (_attempts, _random, retryAfterMs) => Math.max(5_000, retryAfterMs),
	tickMs: steady,
};

export const NO_PROBE: Policy = {
	name: 'full jitter, no probe',
	hasProbe: false,
	retryMs: shippedRetry,
	tickMs: steady,
};
