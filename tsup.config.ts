import { defineConfig } from 'tsup';

export default defineConfig({
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
});
