/** What a matcher sees of a request. */
export interface FaultRequest {
	readonly method: string;
	/** As the client asked for it: `/rest/v1/todos`. */
	readonly path: string;
	/** With its question mark, or empty. Percent-encoded as sent. */
	readonly search: string;
	/** Parsed when it is JSON, text otherwise, `undefined` without one. */
	readonly body: unknown;
}

export interface FaultReply {
	readonly status: number;
	/** Sent as JSON; a string as it is. */
	readonly body?: unknown;
	readonly headers?: Readonly<Record<string, string>>;
}

/**
 * - `latency`: `ms` before the request is passed on; further faults still apply. A client that gave up in the
 *   meantime has its request dropped unseen.
 * - `drop-before`: connection destroyed, the request never reached PostgREST.
 * - `drop-after`: PostgREST did everything, and the client sees a destroyed connection.
 * - `status`: answered by the gateway, not passed on.
 * - `reply`: passed on and carried out, then the answer is replaced.
 * - `hang`: not passed on and never answered; ends when the client gives up or the gateway stops.
 */
export type FaultEffect =
	| { readonly kind: 'latency'; readonly ms: number }
	| { readonly kind: 'drop-before' }
	| { readonly kind: 'drop-after' }
	| ({ readonly kind: 'status' } & FaultReply)
	| ({ readonly kind: 'reply' } & FaultReply)
	| { readonly kind: 'hang' };

export interface Fault {
	readonly match: (request: FaultRequest) => boolean;
	/** How many requests it hits; `Infinity` for all. @default 1 */
	readonly times?: number;
	readonly effect: FaultEffect;
}

export interface FaultHandle {
	readonly hits: number;
	remove(): void;
}

/**
 * Faults apply to REST and auth requests, not to CORS preflights. The oldest matching fault wins. A browser
 * sends a request once more by itself when a kept-alive connection is destroyed: there `times: 1` is not
 * enough to make a dropped request fail.
 */
export interface Faults {
	add(fault: Fault): FaultHandle;
	/** Removes all faults and ends a {@link Faults.cut}. Requests already hanging go on hanging. */
	clear(): void;
	/** While on, the connection of every new request is destroyed, preflights included. */
	cut(isCut: boolean): void;
	readonly isCut: boolean;
}

/** What is left to happen to a request. */
export interface FaultPlan {
	readonly latencyMs: number;
	readonly effect: Exclude<FaultEffect, { kind: 'latency' }> | undefined;
}

/** The gateway's side of {@link Faults}: `plan` counts the hits. */
export interface FaultPlanner extends Faults {
	plan(request: FaultRequest): FaultPlan;
}

interface Entry extends Fault {
	hits: number;
}

export function createFaults(): FaultPlanner {
	const entries = new Set<Entry>();
	let isCut = false;
	return {
		add(fault) {
			const entry = { ...fault, hits: 0 };
			entries.add(entry);
			return {
				get hits() {
					return entry.hits;
				},
				remove: () => void entries.delete(entry),
			};
		},
		clear() {
			entries.clear();
			isCut = false;
		},
		cut(cut) {
			isCut = cut;
		},
		get isCut() {
			return isCut;
		},
		plan(request) {
			let latencyMs = 0;
			for (const entry of entries) {
				if (entry.hits >= (entry.times ?? 1) || !entry.match(request)) continue;
				entry.hits += 1;
				if (entry.effect.kind !== 'latency') return { latencyMs, effect: entry.effect };
				latencyMs += entry.effect.ms;
			}
			return { latencyMs, effect: undefined };
		},
	};
}
