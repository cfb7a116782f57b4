import { defineConfig, type Options } from 'tsup';

const library: Options = {
	entry: { index: 'src/index.ts', machines: 'src/machines/index.ts', inspect: 'src/inspect/index.ts' },
	format: ['esm', 'cjs'],
	dts: true,
	clean: true,
	target: 'es2022',
	platform: 'neutral',
	splitting: true,
	treeshake: true,
	sourcemap: true,
	external: ['@supabase/supabase-js', 'dexie', 'xstate'],
};

/** `npx pixsync`: a program for Node, not a module. */
const cli: Options = {
	entry: { cli: 'src/cli/pixsync.ts' },
	format: ['esm'],
	target: 'node20',
	platform: 'node',
	external: ['pg'],
};

export default defineConfig([library, cli]);
