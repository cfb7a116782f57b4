import { describe, expect, it } from 'vitest';
import { plant } from './mutant.ts';
import { PLANTED_BUGS } from './mutants.ts';
import { runCase, toCommand } from './sim-case.ts';

describe('bugs planted in the package', () => {
	it.each(PLANTED_BUGS)(
		'[M3] $name',
		async ({ name, caughtBy, given, isSwept = false, ...mutant }) => {
			const { build, remove } = await plant(mutant);
			try {
				// What the package keeps, the mutant does not.
				const sound = await runCase(given);
				expect(sound.violations).toEqual([]);
				let caught = (await runCase(given, build)).violations;
				let point = 0;
				while (caught.length === 0 && isSwept && point < sound.faultyPoints) {
					caught = (await runCase({ ...given, kills: [++point] }, build)).violations;
				}
				const [first] = caught;
				console.log(`planted, ${name}: ${first ? `[${first.invariant}] ${first.message}` : 'not seen'}`);
				const seen = caught.map(({ invariant }) => invariant);
				expect(seen, toCommand(given)).toContain(caughtBy.find((one) => seen.includes(one)) ?? caughtBy[0]);
			} finally {
				await remove();
			}
		},
		120_000,
	);
});
