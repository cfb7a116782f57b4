import { readFile, writeFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';

const library: Options = {
	entry: {
		index: 'src/index.ts',
		machines: 'src/machines/index.ts',
		inspect: 'src/inspect/index.ts',
		react: 'src/react/index.ts',
	},
	format: ['esm', 'cjs'],
	dts: true,
	clean: true,
	target: 'es2022',
	platform: 'neutral',
	splitting: true,
	treeshake: true,
	sourcemap: true,
	external: ['@supabase/supabase-js', 'dexie', 'xstate', 'react'],
	// Tree-shaking drops directives: put in front afterwards.
	onSuccess: async () => markAsClient(['dist/react.js', 'dist/react.cjs']),
};

/** Bundlers that part server from client, as Next's, look for this in the entry. On its first line: no mapping moves. */
async function markAsClient(files: readonly string[]): Promise<void> {
	for (const file of files) await writeFile(file, `'use client';${await readFile(file, 'utf8')}`);
}

/** `npx pixsync`: a program for Node, not a module. */
const cli: Options = {
	entry: { cli: 'src/cli/pixsync.ts' },
	format: ['esm'],
	target: 'node20',
	platform: 'node',
	external: ['pg'],
};

export default defineConfig([library, cli]);
