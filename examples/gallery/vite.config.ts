import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const source = (path: string) => fileURLToPath(new URL(`../../src/${path}`, import.meta.url));

export default defineConfig({
	root: import.meta.dirname,
	plugins: [react()],
	resolve: {
		// Inside this repository only: your app takes the package from npm.
		alias: [
			{ find: '@pixora/pixsync/react', replacement: source('react/index.ts') },
			{ find: '@pixora/pixsync/inspect', replacement: source('inspect/index.ts') },
			{ find: '@pixora/pixsync', replacement: source('index.ts') },
		],
	},
	cacheDir: '../../node_modules/.vite-gallery',
	server: { host: '127.0.0.1' },
});
