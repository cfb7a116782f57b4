/** However long a server asks for, it is asked again after this; a wrong header must not stop a device for days. */
export const RETRY_AFTER_CAP_MS = 3_600_000;

export interface BackoffInput {
	/** Attempts that failed so far, 1 or more. */
	readonly attempts: number;
	/** Longest delay after the first attempt, ms. */
	readonly baseMs: number;
	/** Longest delay after any attempt, ms. */
	readonly capMs: number;
	/** Uniform in [0, 1). */
	readonly random: () => number;
	/** The server's own wish, ms from now; honoured past `capMs`, up to an hour. */
	readonly retryAfterMs?: number;
}

/**
 * Delay before the next attempt in whole ms: anything from 0 to the exponential bound, evenly, so that devices
 * that failed together do not return together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter, "full jitter").
 */
export function fullJitter({ attempts, baseMs, capMs, random, retryAfterMs = 0 }: BackoffInput): number {
	const doublings = Math.min(Math.max(attempts, 1) - 1, 50);
	const delay = Math.floor(random() * Math.min(capMs, baseMs * 2 ** doublings));
	return Math.max(delay, Math.min(retryAfterMs, RETRY_AFTER_CAP_MS));
}

/**
 * Whether something stored to wait until then still waits. A time that is further off than any wait was noted by a
 * clock that has been set back since (F58): nothing waits for that.
 * @param until device ms; undefined: no wait was stored.
 * @param now device ms.
 */
export function isPutOff(until: number | undefined, now: number): until is number {
	return until !== undefined && until > now && until - now <= RETRY_AFTER_CAP_MS;
}
