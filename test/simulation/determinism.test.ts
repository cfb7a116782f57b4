import { describe, expect, it } from 'vitest';
import { randomCase, runCase } from './sim-case.ts';

describe('the simulator', () => {
	it('[M1] the same seed gives the same trace, 20 seeds twice; other seeds give others', async () => {
		const hashes = new Set<string>();
		for (let seed = 1; seed <= 20; seed++) {
			const given = randomCase(seed, 12);
			const [first, second] = [await runCase(given), await runCase(given)];
			expect(second.traceHash, `seed ${seed}`).toBe(first.traceHash);
			expect(second.points).toBe(first.points);
			hashes.add(first.traceHash);
		}
		expect(hashes.size).toBe(20);
	}, 120_000);

	it('a story is read as it is written', async () => {
		const { fromStory, toStory } = await import('./operation.ts');
		const { program } = randomCase(3, 40);
		expect(fromStory(toStory(program))).toEqual(program);
		expect(() => fromStory('dance@0:1')).toThrow('no operation');
	});
});
