import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The longest first, or one worker would be left alone with them in the end. */
const LONG = [
	'sweep-base',
	'convergence',
	'random-',
	'malformed',
	'sweep-seeds',
	'gallery',
	'browser/tabs',
	'mutants',
	'fuzz',
];

class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const rank = ({ moduleId }: TestSpecification) => {
			const at = LONG.findIndex((name) => moduleId.includes(name));
			return at === -1 ? LONG.length : at;
		};
		return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
	}
}

export default defineConfig({
	test: {
		include: ['test/**/*.test.{ts,tsx}'],
		typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
		// Each file that needs the data plane starts its own PostgreSQL and PostgREST: two at a time fit two cores.
		maxWorkers: 2,
		sequence: { sequencer: LongestFirst },
		testTimeout: 90_000,
		hookTimeout: 120_000,
		// A busy machine is slow to get there; what never comes fails all the same.
		expect: { poll: { timeout: 15_000 } },
	},
});
