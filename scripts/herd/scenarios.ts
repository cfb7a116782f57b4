import type { HerdOptions } from './herd.ts';
import { PIXSYNC, type Policy } from './policy.ts';
import type { ServerOptions } from './server.ts';

/** Of the page; `--devices` and `--seed` give others. */
export const PAGE_PLAN: Plan = { devices: 100_000, seed: 1 };

export interface Plan {
	readonly devices: number;
	readonly seed: number;
}

export const INTERVAL_MS = 60_000;
/** The first minute is quiet; then the trouble lasts ten, and what follows is watched for ten. */
export const TROUBLE = { from: 60_000, until: 660_000 } as const;
export const END_MS = 1_260_000;

const LATENCY_MS = 100;
const QUEUE_MS = 1_000;

/** What differs from one herd to the next. */
export interface Case {
	readonly policy?: Policy;
	readonly tables?: number;
	/** How much more the server can answer than the herd asks in quiet times. @default 1.2 */
	readonly headroom?: number;
	readonly overload?: ServerOptions['overload'];
	readonly retryAfterMs?: number;
	readonly hasChannel?: boolean;
	readonly startSpreadMs?: number;
}

/** Requests a second of a herd at rest. */
export function toSteadyRate(devices: number, tables: number, intervalMs: number): number {
	return (devices * tables * 1_000) / intervalMs;
}

/** The server is down for ten minutes. */
export function toOutage(plan: Plan, outcome: 'nobody' | 'refusal' | 'silence', given: Case): HerdOptions {
	return toHerd(plan, given, { outage: { ...TROUBLE, outcome } });
}

/** All devices lose their network for ten minutes, and have it back within `spreadMs`. */
export function toReturn(plan: Plan, spreadMs: number, given: Case): HerdOptions {
	return { ...toHerd(plan, given, { outage: null }), offline: { ...TROUBLE, spreadMs } };
}

/** A row changes that all may see, and all are told within `spreadMs`. */
export function toChange(plan: Plan, spreadMs: number, given: Case): HerdOptions {
	return { ...toHerd(plan, given, { outage: null }), change: { at: TROUBLE.until, spreadMs } };
}

/** Nothing happens. */
export function toQuiet(plan: Plan, given: Case): HerdOptions {
	return toHerd(plan, given, { outage: null });
}

function toHerd(
	{ devices, seed }: Plan,
	given: Case,
	{ outage }: Pick<ServerOptions, 'outage'>,
): HerdOptions {
	const { policy = PIXSYNC, tables = 1, headroom = 1.2, overload = 'refusal', retryAfterMs = 0 } = given;
	return {
		devices,
		tables,
		intervalMs: INTERVAL_MS,
		startSpreadMs: given.startSpreadMs ?? INTERVAL_MS,
		policy,
		server: {
			capacity: toSteadyRate(devices, tables, INTERVAL_MS) * headroom,
			queueMs: QUEUE_MS,
			latencyMs: LATENCY_MS,
			outage,
			overload,
			retryAfterMs,
		},
		hasChannel: given.hasChannel ?? false,
		offline: null,
		change: null,
		markAt: TROUBLE.until,
		endAt: END_MS,
		seed,
	};
}
