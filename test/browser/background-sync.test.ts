import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/browser/chromium.ts';
import type { LocalServer } from '../support/browser/local-server.ts';
import { serveFolder } from '../support/browser/static-server.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
let server: LocalServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const folder = mkdtempSync(join(tmpdir(), 'pixsync-background-'));

// Chromium may have to be installed first.
beforeAll(async () => {
	browser = await launchChromium();
	await build({
		...{ entryPoints: ['background', 'worker'].map((name) => join(import.meta.dirname, `pages/${name}.ts`)) },
		...{ bundle: true, format: 'esm', target: 'es2022', outdir: folder },
		define: { 'process.env.NODE_ENV': '"production"' },
	});
	const body = '<script type="module" src="/background.js"></script>';
	writeFileSync(
		join(folder, 'index.html'),
		`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title><link rel="icon" href="data:,"></head><body>${body}</body></html>`,
	);
	writeFileSync(join(folder, 'empty.html'), '<!doctype html><title>Empty</title>');
	server = await serveFolder(folder);
	supabase = await startSupabase({
		sql: `create table notes (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('notes')}`,
	});
}, 600_000);

afterAll(async () => {
	await browser?.close();
	await server?.stop();
	await supabase?.stop();
	rmSync(folder, { recursive: true, force: true });
});

beforeEach(async () => {
	context = await browser.newContext();
	page = await context.newPage();
	await page.goto(`${server.url}#${encodeURIComponent(JSON.stringify([supabase.url, supabase.anonKey]))}`);
	await page.waitForFunction(() => window.background !== undefined);
	await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
});

afterEach(async () => {
	await context.close();
	await supabase.sql('truncate notes');
});

const write = (title: string) =>
	page.evaluate(
		(given) =>
			window.background.sync
				.table('notes')
				.create({ title: given })
				.then(() => undefined),
		title,
	);

const titles = async () =>
	(await supabase.sql<{ title: string }>('select title from notes')).map(({ title }) => title);

/** What the browser does when there is a network again. */
async function dispatchSync(from: Page): Promise<CDPSession> {
	const session = await context.newCDPSession(from);
	const registration = new Promise<string>((resolve) => {
		session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
			const [first] = registrations;
			if (first) resolve(first.registrationId);
		});
	});
	await session.send('ServiceWorker.enable');
	await session.send('ServiceWorker.dispatchSyncEvent', {
		...{ origin: new URL(server.url).origin, registrationId: await registration },
		...{ tag: 'pixsync', lastChance: false },
	});
	return session;
}

describe('[L6] Background Sync', () => {
	it('asks an open page, which syncs', async () => {
		await write('by the page');
		expect(await titles()).toEqual([]);
		await dispatchSync(page);
		await expect.poll(titles, { timeout: 10_000 }).toEqual(['by the page']);
		expect(await page.evaluate(() => window.background.syncs())).toBe(1);
		await expect.poll(() => page.evaluate(() => window.background.sync.getPendingCount())).toBe(0);
	});

	it('without a page that answers, the worker syncs by itself: SyncManager runs in a worker', async () => {
		await write('by the worker');
		// Another page of the app that knows nothing of sync, so that the browser has one to dispatch from.
		await page.goto(`${server.url}empty.html`);
		await dispatchSync(page);
		await expect.poll(titles, { timeout: 15_000 }).toEqual(['by the worker']);
	});

	it('says whether the browser will do it', async () => {
		expect(await page.evaluate(() => window.background.asked())).toBeTypeOf('boolean');
	});
});
