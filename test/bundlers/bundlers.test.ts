import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as buildWithEsbuild } from 'esbuild';
import type { Browser } from 'playwright-core';
import { build as buildWithVite } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import webpack from 'webpack';
import { launchChromium } from '../support/browser/chromium.ts';
import { serveFolder } from '../support/browser/static-server.ts';
import { type BuiltPackage, buildPackage } from '../support/built-package.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

/** What an app writes: real supabase-js, all browser entries of the package, and a page that shows a synced row. */
const APP = `
	import { createClient } from '@supabase/supabase-js';
	import { SyncManager } from '@pixora/pixsync';
	import { tableMachine } from '@pixora/pixsync/machines';
	import { createSyncInspector } from '@pixora/pixsync/inspect';
	import { requestBackgroundSync } from '@pixora/pixsync/background-sync';
	import { SyncProvider, useLiveRows, useSyncStatus } from '@pixora/pixsync/react';
	import { createElement as h } from 'react';
	import { createRoot } from 'react-dom/client';

	const [url, key] = JSON.parse(decodeURIComponent(location.hash.slice(1)));
	const sync = new SyncManager(createClient(url, key), { inspect: createSyncInspector().inspect });
	sync.registerTable({ table: 'notes' });

	function Notes() {
		const notes = useLiveRows('notes') ?? [];
		const { status, pending } = useSyncStatus();
		const add = async () => {
			await sync.table('notes').create({ title: document.title });
			await sync.sync();
		};
		return h('main', null,
			h('button', { onClick: add }, 'Add'),
			h('p', { id: 'status' }, status + ' ' + pending),
			h('ul', null, notes.map(({ id, title }) => h('li', { key: id }, title))));
	}
	window.entries = [typeof tableMachine.transition, typeof requestBackgroundSync];
	createRoot(document.body.appendChild(document.createElement('div'))).render(
		h(SyncProvider, { manager: sync }, h(Notes)));
`;

const page = (title: string, script: string) =>
	`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title><link rel="icon" href="data:,"></head><body><script type="module" src="${script}"></script></body></html>`;

let built: BuiltPackage;
let browser: Browser;
let supabase: Supabase;

// Chromium may have to be installed first.
beforeAll(async () => {
	browser = await launchChromium();
	built = buildPackage();
	writeFileSync(join(built.app, 'main.js'), APP);
	writeFileSync(join(built.app, 'package.json'), '{ "type": "module" }');
	supabase = await startSupabase({
		sql: `create table notes (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('notes')}`,
	});
}, 600_000);

afterAll(async () => {
	await browser?.close();
	await supabase?.stop();
	built?.remove();
});

/** Opens the page, adds a row by its button, and sees it at the server. */
async function use(folder: string, title: string): Promise<void> {
	const server = await serveFolder(folder);
	const context = await browser.newContext();
	try {
		const opened = await context.newPage();
		const complaints: string[] = [];
		opened.on('console', (message) => {
			if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
		});
		opened.on('pageerror', (error) => complaints.push(String(error)));
		await opened.goto(
			`${server.url}#${encodeURIComponent(JSON.stringify([supabase.url, supabase.anonKey]))}`,
		);
		await opened.getByRole('button', { name: 'Add' }).click();
		await opened.getByRole('listitem').filter({ hasText: title }).waitFor();
		await expect
			.poll(() => supabase.sql('select title from notes where title = $1', [title]))
			.toEqual([{ title }]);
		await expect.poll(() => opened.locator('#status').textContent()).toBe('synced 0');
		expect(complaints).toEqual([]);
	} finally {
		await context.close();
		await server.stop();
	}
}

function folderOf(name: string): string {
	const folder = join(built.app, `dist-${name}`);
	mkdirSync(folder, { recursive: true });
	return folder;
}

describe('a small app, built and used', () => {
	it('by Vite', async () => {
		const outDir = folderOf('vite');
		writeFileSync(join(built.app, 'index.html'), page('vite', '/main.js'));
		const warnings: string[] = [];
		await buildWithVite({
			...{ root: built.app, configFile: false, logLevel: 'silent' },
			build: {
				...{ outDir, emptyOutDir: true },
				chunkSizeWarningLimit: 5_000,
				rollupOptions: {
					// Every package with hooks has the directive; Vite's React plugin hides this, too.
					onwarn: ({ code, message }) => void (code !== 'MODULE_LEVEL_DIRECTIVE' && warnings.push(message)),
				},
			},
		});
		expect(warnings).toEqual([]);
		await use(outDir, 'vite');
	}, 180_000);

	it('by webpack', async () => {
		const path = folderOf('webpack');
		const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
			webpack(
				{
					...{ mode: 'production', context: built.app, entry: './main.js', performance: false },
					output: { path, filename: 'main.js' },
				},
				(error, result) => (error ? reject(error) : resolve(result)),
			);
		});
		const { errors = [], warnings = [] } = stats?.toJson({ errors: true, warnings: true }) ?? {};
		expect([...errors, ...warnings].map(({ message }) => message)).toEqual([]);
		writeFileSync(join(path, 'index.html'), page('webpack', '/main.js'));
		await use(path, 'webpack');
	}, 180_000);

	it('by esbuild', async () => {
		const outdir = folderOf('esbuild');
		const { errors, warnings } = await buildWithEsbuild({
			...{ absWorkingDir: built.app, entryPoints: ['main.js'], bundle: true, format: 'esm', minify: true },
			...{ splitting: true, outdir, define: { 'process.env.NODE_ENV': '"production"' }, logLevel: 'silent' },
		});
		expect([...errors, ...warnings]).toEqual([]);
		writeFileSync(join(outdir, 'index.html'), page('esbuild', '/main.js'));
		await use(outdir, 'esbuild');
	}, 180_000);

	it('without a bundler: `<script type="module">` from dist', async () => {
		const folder = folderOf('plain');
		copyFileSync(join(built.dist, 'pixsync.browser.js'), join(folder, 'pixsync.browser.js'));
		copyFileSync(
			join(built.app, 'node_modules/@supabase/supabase-js/dist/umd/supabase.js'),
			join(folder, 'supabase.js'),
		);
		const script = `
			import { SyncManager } from './pixsync.browser.js';
			const [url, key] = JSON.parse(decodeURIComponent(location.hash.slice(1)));
			const sync = new SyncManager(supabase.createClient(url, key));
			sync.registerTable({ table: 'notes' });
			document.querySelector('button').onclick = async () => {
				await sync.table('notes').create({ title: 'plain' });
				await sync.sync();
				for (const { title } of await sync.table('notes').toArray()) {
					document.querySelector('ul').append(Object.assign(document.createElement('li'), { textContent: title }));
				}
				document.querySelector('#status').textContent = 'synced ' + await sync.getPendingCount();
			};`;
		writeFileSync(
			join(folder, 'index.html'),
			`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>plain</title><link rel="icon" href="data:,"><script src="supabase.js"></script></head><body><button type="button">Add</button><p id="status"></p><ul></ul><script type="module">${script}</script></body></html>`,
		);
		await use(folder, 'plain');
	}, 180_000);
});

describe('on a server', () => {
	const entries = ['', '/machines', '/react', '/background-sync', '/inspect'];
	const run = (code: string, conditions: readonly string[], type: 'module' | 'commonjs') =>
		execFileSync(
			process.execPath,
			[...conditions.flatMap((name) => ['-C', name]), `--input-type=${type}`, '-e', code],
			{ cwd: built.app, encoding: 'utf8' },
		).trim();

	it.each([
		['server components', ['react-server']],
		['server rendering', []],
	])('%s: each entry is imported and required without a window, and does nothing', (_, conditions) => {
		// What React Server Components must not load is the hooks' entry: there the framework puts a reference.
		const own = conditions.length > 0 ? entries.filter((entry) => entry !== '/react') : entries;
		const list = JSON.stringify(own.map((entry) => `@pixora/pixsync${entry}`));
		const esm = `for (const name of ${list}) await import(name); console.log(typeof window, process.getActiveResourcesInfo().filter((one) => one.includes('Timeout')).length)`;
		const cjs = `for (const name of ${list}) require(name); console.log(typeof window, process.getActiveResourcesInfo().filter((one) => one.includes('Timeout')).length)`;
		expect(run(esm, conditions, 'module')).toBe('undefined 0');
		expect(run(cjs, conditions, 'commonjs')).toBe('undefined 0');
	});

	it("the hooks' entry says 'use client' first, in both formats", () => {
		for (const file of ['react.js', 'react.cjs']) {
			expect(readFileSync(join(built.dist, file), 'utf8')).toMatch(/^'use client';/);
		}
	});

	it('hooks render on a server from the built package', () => {
		const code = `
			import { renderToString } from 'react-dom/server';
			import { createElement as h } from 'react';
			import { SyncProvider, useSyncStatus } from '@pixora/pixsync/react';
			const Status = () => h('b', null, useSyncStatus().status);
			console.log(renderToString(h(SyncProvider, { manager: null }, h(Status))));`;
		expect(run(code, [], 'module')).toBe('<b>starting</b>');
	});
});

describe('tree-shaking', () => {
	async function sizeOf(code: string): Promise<{ readonly bytes: number; readonly text: string }> {
		const { outputFiles } = await buildWithEsbuild({
			stdin: { contents: code, resolveDir: built.app, loader: 'js' },
			...{ bundle: true, format: 'esm', minify: true, write: false, logLevel: 'silent' },
		});
		const text = outputFiles.map((file) => file.text).join('');
		return { bytes: text.length, text };
	}

	it('an app that takes NetworkMonitor alone gets no Dexie and none of sync', async () => {
		const monitor = await sizeOf(
			"import { networkMonitor } from '@pixora/pixsync'; console.log(networkMonitor)",
		);
		const all = await sizeOf("import { SyncManager } from '@pixora/pixsync'; console.log(SyncManager)");
		console.log(`NetworkMonitor alone ${monitor.bytes} bytes, SyncManager ${all.bytes}, with what they use`);
		expect(monitor.text).not.toContain('DexieError');
		expect(monitor.text).not.toContain('outbox');
		expect(all.text).toContain('outbox');
	});

	it('hooks and inspector cost nothing unless imported', async () => {
		const { text } = await sizeOf("import { SyncManager } from '@pixora/pixsync'; console.log(SyncManager)");
		for (const marker of ['SyncProvider', 'pixsync-inspector', 'background-sync']) {
			expect(text).not.toContain(marker);
		}
		expect(readdirSync(built.dist)).toContain('inspect.js');
	});
});
