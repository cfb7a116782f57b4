import { defineConfig } from 'vitest/config';

export default defineConfig({
	test: {
		include: ['test/**/*.test.{ts,tsx}'],
		typecheck: { enabled: true, include: ['test/types/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
		// Each file that needs the data plane starts its own PostgreSQL and PostgREST: two at a time fit two cores.
		maxWorkers: 2,
		testTimeout: 90_000,
		hookTimeout: 120_000,
		// A busy machine is slow to get there; what never comes fails all the same.
		expect: { poll: { timeout: 15_000 } },
	},
});
