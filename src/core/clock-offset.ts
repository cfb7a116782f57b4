/**
 * How far the server's clock is ahead of this device's, as an interval that holds the truth (F58).
 * One `Date` header knows a second at best; many, at different fractions of it, cut the interval down.
 */
export interface OffsetEstimate {
	/** Server minus device, ms. */
	readonly lowMs: number;
	readonly highMs: number;
	/** Device time of the last answer, ms. */
	readonly measuredAt: number;
}

export interface DateSample {
	/** Device time before the request left, ms. */
	readonly sentAt: number;
	/** Device time when the reply's head had arrived, ms. */
	readonly receivedAt: number;
	/** The `Date` header: the server's time at its answer, cut to the second, ms. Must be finite. */
	readonly serverDateMs: number;
}

/**
 * What a `Date` header leaves open: it is cut to the second, and common servers (PostgREST's, nginx, Node) renew
 * the text by a timer, so that it may be most of a second old on top (measured: 0.3 s with PostgREST 12).
 */
const HEADER_RESOLUTION_MS = 2_000;

/** Two clocks drift apart by at most this, ms per ms: twice what a poor quartz does. */
const DRIFT = 0.000_2;

/**
 * Narrows an estimate by one reply. If the two contradict each other, or time ran backwards during the request,
 * a clock was set: only the new reply counts.
 */
export function observeDate(previous: OffsetEstimate | null, sample: DateSample): OffsetEstimate {
	const fresh = toEstimate(sample);
	if (previous === null || sample.receivedAt < sample.sentAt) return fresh;
	const drift = DRIFT * Math.max(0, sample.receivedAt - previous.measuredAt);
	const lowMs = Math.max(fresh.lowMs, previous.lowMs - drift);
	const highMs = Math.min(fresh.highMs, previous.highMs + drift);
	return lowMs <= highMs ? { lowMs, highMs, measuredAt: sample.receivedAt } : fresh;
}

/**
 * The offset to reckon with. NTP keeps most device clocks within tens of ms, closer than these headers measure, so a
 * clock that nothing contradicts is believed as it is. Of one that is wrong the least is taken: what is stamped with
 * it is never later than the server's own time, or the next change of another device would be the older version.
 */
export function offsetMs({ lowMs, highMs }: OffsetEstimate): number {
	return lowMs <= 0 && highMs >= 0 ? 0 : lowMs;
}

/** The server answered at some time between `sentAt` and `receivedAt`, within the second that its header names. */
function toEstimate({ sentAt, receivedAt, serverDateMs }: DateSample): OffsetEstimate {
	const earliest = Math.min(sentAt, receivedAt);
	const latest = Math.max(sentAt, receivedAt);
	return {
		lowMs: serverDateMs - latest,
		// If the answer was made at once, the clocks drifted for the whole way back.
		highMs: serverDateMs + HEADER_RESOLUTION_MS - earliest + DRIFT * (latest - earliest),
		measuredAt: receivedAt,
	};
}
