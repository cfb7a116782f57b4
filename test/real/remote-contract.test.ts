import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startMemoryBackend } from '../contract/memory-backend.ts';
import { startMemoryRestBackend } from '../contract/memory-rest-backend.ts';
import { runRandomCalls } from '../contract/random-calls.ts';
import type { RemoteBackend } from '../contract/remote-backend.ts';
import { describeRemoteContract } from '../contract/remote-contract.ts';
import { startRestBackend } from '../contract/rest-backend.ts';

describeRemoteContract('REST on PostgREST and PostgreSQL', () => startRestBackend('rest'));
describeRemoteContract('RPC on PostgREST and PostgreSQL', () => startRestBackend('rpc'), {
	isExactlyOnce: true,
	hasLog: true,
});

/** `PIXSYNC_SEED=n` runs one program, `PIXSYNC_SEEDS=n` that many. */
const SEEDS = toSeeds(process.env, 12);

describe.each([
	['REST', startRestBackend, [startMemoryBackend, startMemoryRestBackend]],
	['RPC', () => startRestBackend('rpc'), [() => startMemoryRestBackend('rpc')]],
] as const)('the in-memory server beside the real one, by %s', (_, startReal, startStandIns) => {
	let real: RemoteBackend;
	let standIns: readonly RemoteBackend[];

	beforeAll(async () => {
		[real, ...standIns] = await Promise.all([startReal(), ...startStandIns.map((start) => start())]);
	});
	afterEach(() => Promise.all([real, ...standIns].map((backend) => backend.reset())));
	afterAll(() => real?.stop());

	for (const seed of SEEDS) {
		it(`[R7] [R15] [R16] [R20] program ${seed}: each call has the same outcome and leaves the same rows`, async () => {
			const expected = await runRandomCalls(real, seed, 40);
			for (const standIn of standIns) {
				const actual = await runRandomCalls(standIn, seed, 40);
				// The first difference says enough.
				const at = expected.findIndex((line, index) => line !== actual[index]);
				expect(actual[at]).toBe(expected[at]);
				expect(actual).toHaveLength(expected.length);
			}
		});
	}
});

function toSeeds(
	{ PIXSYNC_SEED: one, PIXSYNC_SEEDS: many }: NodeJS.ProcessEnv,
	count: number,
): readonly number[] {
	if (one !== undefined) return [Number(one)];
	return Array.from({ length: many === undefined ? count : Number(many) }, (_, at) => at + 1);
}
