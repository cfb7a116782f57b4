import type { RandomSource } from './random-source.ts';
import type { FaultEffect, FaultHandle, Supabase } from './supabase/index.ts';

const EFFECTS: readonly (readonly [probability: number, effect: FaultEffect])[] = [
	[0.25, { kind: 'latency', ms: 4 }],
	[0.05, { kind: 'latency', ms: 25 }],
	[0.06, { kind: 'drop-before' }],
	[0.08, { kind: 'drop-after' }],
	[0.04, { kind: 'status', status: 503, body: { message: 'no upstream' } }],
	[0.04, { kind: 'status', status: 429, body: { message: 'slow down' } }],
];

export interface RandomFaults {
	/** Requests hit so far, by effect. */
	hits(): Readonly<Record<string, number>>;
	stop(): void;
}

/** Lets the gateway fail each REST request with a small probability, until stopped. */
export function startRandomFaults(supabase: Supabase, random: RandomSource): RandomFaults {
	const handles: [string, FaultHandle][] = EFFECTS.map(([probability, effect]) => [
		effect.kind === 'status' ? String(effect.status) : effect.kind,
		supabase.faults.add({ match: () => random.chance(probability), times: Number.POSITIVE_INFINITY, effect }),
	]);
	return {
		hits() {
			const hits: Record<string, number> = {};
			for (const [name, handle] of handles) hits[name] = (hits[name] ?? 0) + handle.hits;
			return hits;
		},
		stop() {
			for (const [, handle] of handles) handle.remove();
		},
	};
}
