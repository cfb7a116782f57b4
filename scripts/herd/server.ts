/** How a request ends. */
export type Outcome =
	/** PostgREST's rows. */
	| 'rows'
	/** Nobody there, or a page that is not PostgREST's: it fails at once, and a probe finds nobody. */
	| 'nobody'
	/** A gateway's refusal in JSON: the request fails, and a probe finds the server within reach. */
	| 'refusal'
	/** Never: the time limit of whoever asks ends it. */
	| 'silence';

export interface Outage {
	readonly from: number;
	readonly until: number;
	readonly outcome: Exclude<Outcome, 'rows'>;
}

export interface ServerOptions {
	/** Requests a second that it can answer. */
	readonly capacity: number;
	/** The longest wait in its queue, ms; whoever would wait for longer is refused at once. */
	readonly queueMs: number;
	/** From sending to the first byte without any queue, ms. */
	readonly latencyMs: number;
	readonly outage: Outage | null;
	/** What those get that find the queue full. */
	readonly overload: 'nobody' | 'refusal';
	/** Sent with these refusals; 0: no such header. */
	readonly retryAfterMs: number;
}

export interface Reply {
	outcome: Outcome;
	/** Whole ms until it is there; of a silence nothing. */
	afterMs: number;
	retryAfterMs: number;
}

/** One queue, first come first served, at a constant rate. */
export interface Server {
	/** @returns the same object each time, filled anew: there are tens of millions. */
	ask(now: number): Readonly<Reply>;
	isDown(now: number): boolean;
}

export function createServer(options: ServerOptions): Server {
	const { capacity, queueMs, latencyMs, outage, overload, retryAfterMs } = options;
	const reply: Reply = { outcome: 'rows', afterMs: 0, retryAfterMs: 0 };
	let freeAt = 0;

	function isDown(now: number): boolean {
		return outage !== null && now >= outage.from && now < outage.until;
	}

	return {
		isDown,
		ask(now) {
			reply.afterMs = latencyMs;
			reply.retryAfterMs = 0;
			if (outage && isDown(now)) {
				reply.outcome = outage.outcome;
				return reply;
			}
			const waitMs = Math.max(0, freeAt - now);
			if (waitMs > queueMs) {
				reply.outcome = overload;
				reply.retryAfterMs = retryAfterMs;
				return reply;
			}
			freeAt = now + waitMs + 1_000 / capacity;
			reply.outcome = 'rows';
			reply.afterMs += Math.ceil(waitMs);
			return reply;
		},
	};
}
