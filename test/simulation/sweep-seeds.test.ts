import { describe, expect, it } from 'vitest';
import { randomCase } from './sim-case.ts';
import { sweepKills } from './sweep.ts';

/** `PIXSYNC_SEED=n` sweeps that one, `PIXSYNC_SEEDS=n` so many. */
const SEEDS =
	process.env.PIXSYNC_SEED === undefined
		? Array.from({ length: Number(process.env.PIXSYNC_SEEDS ?? 20) }, (_, at) => at + 1)
		: [Number(process.env.PIXSYNC_SEED)];

describe('random programs, cut off at every point', () => {
	it.each(SEEDS)(
		'[S26] [S1] [S2] [S4] [L1] [L2] seed %i',
		async (seed) => {
			const { points, runs, counters } = await sweepKills({ ...randomCase(seed, 6), world: 'one' });
			console.log(`swept, seed ${seed}: ${points} points, ${runs} runs, ${counters.kills ?? 0} kills`);
			expect(counters.kills ?? 0).toBeGreaterThan(points / 2);
		},
		300_000,
	);
});
