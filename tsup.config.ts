import { readFile, writeFile } from 'node:fs/promises';
import { defineConfig, type Options } from 'tsup';

const library: Options = {
	entry: {
		index: 'src/index.ts',
		// No entry point: apart from the index, so that who takes `NetworkMonitor` alone gets neither this nor Dexie.
		'sync-manager': 'src/sync-manager.ts',
		machines: 'src/machines/index.ts',
		inspect: 'src/inspect/index.ts',
		react: 'src/react/index.ts',
		'background-sync': 'src/background-sync/index.ts',
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

/** For `<script type="module">`: a file that imports nothing. The client of supabase-js is handed to it. */
const browser: Options = {
	entry: { 'pixsync.browser': 'src/index.ts' },
	format: ['esm'],
	target: 'es2022',
	platform: 'browser',
	splitting: false,
	minify: true,
	sourcemap: true,
	noExternal: ['dexie', 'xstate'],
};

export default defineConfig([library, cli, browser]);
