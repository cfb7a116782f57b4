import { join } from 'node:path';
import { createClient } from '@supabase/supabase-js';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findChromium, launchChromium } from '../support/browser/chromium.ts';
import { type PanelReading, readLog, readPanel, readTexts } from '../support/browser/inspector-panel.ts';
import { layoutFaults } from '../support/browser/layout-faults.ts';
import type { LocalServer } from '../support/browser/local-server.ts';
import { servePage } from '../support/browser/page-server.ts';
import { createScreenshots } from '../support/browser/screenshots.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

const CANARY = 'CANARY-e3b9';
const user = { email: 'ada@example.com', password: 'correct horse' };
const tables = [{ table: 'notes', conflictResolution: 'local-wins' as const }, { table: 'payments' }];

let supabase: Supabase;
let server: LocalServer;
let browser: Browser;
let page: Page;
/** What the page wrote on its console, and its uncaught errors. */
let written: string[];
let faults: string[];

const screenshots = createScreenshots(async (shown, view) => {
	for (const fault of await layoutFaults(shown)) faults.push(`${view}: ${fault}`);
});

// Chromium may have to be installed first.
beforeAll(async () => {
	browser = await launchChromium();
	supabase = await startSupabase({
		sql: `
			create table notes (
				id uuid primary key, title text not null, body text, updated_at timestamptz not null default now()
			);
			${touchTrigger('notes')}
			create table payments (id uuid primary key, amount text, updated_at timestamptz not null default now());
			${touchTrigger('payments')}
			create function refuse() returns trigger language plpgsql as $$
			begin raise exception 'not %', new.title using hint = new.title, detail = new.title; end $$;
			create trigger refuse before insert on notes for each row when (new.title like 'refused%') execute function refuse();
		`,
	});
	const { auth } = createClient(supabase.url, supabase.anonKey, {
		realtime: { transport: webSocketTransport },
	});
	await auth.signUp(user);
	server = await servePage({
		script: join(import.meta.dirname, 'pages/inspector.ts'),
		// As strict as a page can be that talks to its Supabase project.
		policy: `default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self' ${supabase.url}`,
	});
}, 600_000);

afterAll(async () => {
	screenshots.end();
	await browser?.close();
	await server?.stop();
	await supabase?.stop();
});

beforeEach(async () => {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
	page = await context.newPage();
	written = [];
	faults = [];
	page.on('console', (message) => written.push(message.text()));
	page.on('pageerror', (error) => written.push(String(error)));
	await page.goto(server.url);
	// Full jitter at its longest, so that there is something to count down.
	await page.evaluate(() => {
		Math.random = () => 0.999;
	});
	const { url, anonKey } = supabase;
	const options = { backoff: { baseMs: 30_000, capMs: 60_000 }, reconcileIntervalMs: 0 };
	await page.evaluate((given) => window.startPage(given), { url, anonKey, ...user, tables, options });
});

afterEach(async () => {
	supabase.faults.clear();
	await page.context().close();
	await supabase.sql('truncate notes, payments');
});

const sync = () => page.evaluate(() => window.page.sync.sync());
const createNote = (title: string) =>
	page.evaluate(
		async (given) => String((await window.page.sync.table('notes').create({ title: given })).id),
		title,
	);
const updateNote = (id: string, title: string) =>
	page.evaluate(async (given) => window.page.sync.table('notes').update(given.id, { title: given.title }), {
		id,
		title,
	});

/** What the table actors are in. */
async function statesOf(page: Page): Promise<Record<string, string>> {
	const { tables } = await readPanel(page);
	return Object.fromEntries(Object.entries(tables).map(([table, { actual }]) => [table, actual]));
}

/** The panel says what the actors are in: as attribute, as active state of the chart, for root and tables. */
function expectInStep({ tables: shown, root }: PanelReading): void {
	expect(Object.keys(shown)).toEqual(['notes', 'payments']);
	for (const table of Object.values(shown)) {
		expect(table.shown).toBe(table.actual);
		expect(table.active).toEqual([`table.${table.actual}`]);
	}
	expect(root.shown).toEqual(root.actual);
	const regionsOf = (paths: readonly string[]) =>
		paths.map((path) => path.split('.').slice(1, 3).join('.')).sort();
	expect(regionsOf(root.active)).toEqual(
		Object.entries(root.actual)
			.map(([region, state]) => `${region}.${state}`)
			.sort(),
	);
}

/** Nothing private in the page, its console and the log; and only what Chromium itself writes about bad answers. */
async function expectNothingPrivate(): Promise<void> {
	const session = await page.evaluate(async () => (await window.page.client.auth.getSession()).data.session);
	expect(session?.access_token.length).toBeGreaterThan(50);
	const texts = [await readTexts(page), ...written].join('\n');
	for (const secret of [
		CANARY,
		session?.access_token ?? '',
		session?.refresh_token ?? '',
		session?.user.id ?? '',
	]) {
		expect(texts.includes(secret)).toBe(false);
	}
	expect(written.filter((text) => !text.startsWith('Failed to load resource'))).toEqual([]);
}

describe('<pixsync-inspector> in Chromium, over a real SyncManager', () => {
	it('idle: connected, signed in, nothing waits', async () => {
		await sync();
		const reading = await readPanel(page);
		expectInStep(reading);
		expect(reading.tables.notes?.actual).toBe('idle');
		expect(reading.root.actual).toEqual({ gate: 'open', schedule: 'manual', run: 'idle' });
		expect(reading.connection).toBe('Connected');
		expect(reading.user).toMatch(/^Signed in as .{4}…$/);
		expect(reading.tables.notes?.facts).toMatchObject({ pending: '0', rejected: '0', conflicts: '0' });
		await screenshots.take(page, 'idle');
		expect(faults).toEqual([]);
		await expectNothingPrivate();
	});

	it('uploading: while a request is held, with the count of what waits', async () => {
		await sync();
		await createNote(CANARY);
		await createNote(`${CANARY} again`);
		let release: () => void = () => undefined;
		const held = new Promise<void>((resolve) => {
			release = resolve;
		});
		await page.route('**/rest/v1/notes*', async (route) => {
			await held;
			await route.continue();
		});
		const syncing = sync();
		// Nothing moves any more: the one request is held, the other table is done.
		await expect.poll(() => statesOf(page)).toEqual({ notes: 'uploading', payments: 'idle' });
		// Counts may come a tenth of a second later.
		await expect.poll(async () => (await readPanel(page)).tables.notes?.facts.pending).toBe('2');
		const reading = await readPanel(page);
		expectInStep(reading);
		expect(reading.root.actual.run).toBe('syncing');
		await screenshots.take(page, 'uploading');
		release();
		expect(await syncing).toMatchObject({ success: true, uploaded: 2 });
		await expect.poll(async () => (await readPanel(page)).tables.notes?.facts.pending).toBe('0');
		expectInStep(await readPanel(page));
		expect(faults).toEqual([]);
		await expectNothingPrivate();
	});

	it('[R13] backoff: the error without its words, and the seconds to the next retry', async () => {
		await sync();
		await createNote(CANARY);
		supabase.faults.add({
			match: ({ path }) => path === '/rest/v1/notes',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'status', status: 503, body: { message: CANARY } },
		});
		await sync();
		const reading = await readPanel(page);
		expectInStep(reading);
		const { notes, payments } = reading.tables;
		expect([notes?.actual, payments?.actual]).toEqual(['backoff', 'idle']);
		expect(notes?.facts).toMatchObject({ pending: '1', error: 'http-503 (no-answer)' });
		const secondsOf = ({ tables: { notes: table } }: PanelReading) =>
			Number(/^in (\d+) s$/.exec(table?.facts['next-retry'] ?? '')?.[1]);
		const before = secondsOf(reading);
		expect(before).toBeGreaterThan(10);
		await screenshots.take(page, 'backoff');
		await expect.poll(async () => secondsOf(await readPanel(page))).toBeLessThanOrEqual(before - 2);
		const retry = (await readLog(page)).findLast((entry) => entry.kind === 'retry');
		const left = await page.evaluate(() => {
			const { nextRetryAt } = window.page.sync.getState().tables.notes ?? {};
			return nextRetryAt ?? 0;
		});
		expect(retry).toMatchObject({ table: 'notes', attempts: 1, retryAt: left });
		expect(faults).toEqual([]);
		await expectNothingPrivate();
	});

	it('a conflict: its outcome in the timeline, beside the transitions that led there', async () => {
		const id = await createNote('first');
		await sync();
		await supabase.sql('update notes set body = $1', [CANARY]);
		await updateNote(id, `${CANARY} of mine`);
		expect(await sync()).toMatchObject({ success: true, conflicts: 1 });
		const reading = await readPanel(page);
		expectInStep(reading);
		expect(reading.timeline).toContainEqual(
			expect.stringMatching(`^conflict: local \\| notes \\| .* \\| row ${id}$`),
		);
		const moves = reading.timeline.filter((row) => row.includes(' | notes | ') && row.includes('→'));
		expect(moves.map((row) => row.split(' | ')[0]).slice(0, 5)).toEqual(
			expect.arrayContaining(['uploading → resolving', 'resolving → uploading', 'uploading → downloading']),
		);
		expect(await readLog(page)).toContainEqual(
			expect.objectContaining({ kind: 'conflict', table: 'notes', id, outcome: 'local' }),
		);
		await screenshots.take(page, 'conflict');
		expect(faults).toEqual([]);
		await expectNothingPrivate();
	});

	it('a refusal: counted, and without what the server said about the row', async () => {
		await sync();
		await createNote(`refused ${CANARY}`);
		const refusal = page.waitForResponse((response) => response.status() === 400);
		const result = await sync();
		expect(result.errors).toEqual([expect.stringContaining('P0001')]);
		// The server did say it.
		expect(await (await refusal).text()).toContain(CANARY);
		await expect.poll(async () => (await readPanel(page)).tables.notes?.facts.rejected).toBe('1');
		expectInStep(await readPanel(page));
		await screenshots.take(page, 'refusal');
		expect(faults).toEqual([]);
		await expectNothingPrivate();
	});

	it('offline: the root and every table follow', async () => {
		await sync();
		await page.context().setOffline(true);
		await expect.poll(async () => (await readPanel(page)).connection).toBe('Offline');
		const reading = await readPanel(page);
		expectInStep(reading);
		expect(reading.tables.payments?.actual).toBe('offline');
		await screenshots.take(page, 'offline');
		expect(faults).toEqual([]);
	});

	it('the theme: as the reader prefers, as the attribute says, as the page says', async () => {
		const paper = () => page.evaluate(() => getComputedStyle(window.page.element).backgroundColor);
		const set = (name: string, value: string) =>
			page.evaluate((given) => window.page.element.setAttribute(given.name, given.value), { name, value });
		await page.emulateMedia({ colorScheme: 'light' });
		const light = await paper();
		await page.emulateMedia({ colorScheme: 'dark' });
		const dark = await paper();
		expect(dark).not.toBe(light);
		await set('theme', 'light');
		expect(await paper()).toBe(light);
		await page.emulateMedia({ colorScheme: 'light' });
		await set('theme', 'dark');
		expect(await paper()).toBe(dark);
		await set('theme', '');
		await page.evaluate(() => window.page.element.style.setProperty('color-scheme', 'dark'));
		expect(await paper()).toBe(dark);
	});

	it('keys alone reach every control, and the chart shows all of it on demand', async () => {
		const reached: string[] = [];
		for (let n = 0; n < 16; n++) {
			await page.keyboard.press('Tab');
			reached.push(
				await page.evaluate(() => {
					const focused = window.page.element.shadowRoot?.activeElement;
					return (
						focused?.getAttribute('aria-label') ?? focused?.getAttribute('name') ?? focused?.textContent ?? ''
					);
				}),
			);
		}
		const controls = [
			'Statechart',
			'Full size',
			'Chart of the root',
			'Chart of table notes',
			'Pause',
			'Clear',
		];
		expect(reached).toEqual(expect.arrayContaining([...controls, 'table', 'kind', 'Entries, newest first']));
		const labelsIn = () =>
			page.evaluate(() => {
				const labels = [
					...(window.page.element.shadowRoot?.querySelectorAll('.root .transition .event') ?? []),
				];
				return labels.filter((label) => label.getClientRects().length > 0).length;
			});
		expect(await labelsIn()).toBe(0);
		await page.evaluate(() => {
			const buttons = [...(window.page.element.shadowRoot?.querySelectorAll('button') ?? [])];
			for (const button of buttons.filter(({ textContent }) => textContent === 'Full size')) button.click();
		});
		expect(await labelsIn()).toBeGreaterThan(10);
		expectInStep(await readPanel(page));
		await screenshots.take(page, 'full-size');
		expect(faults).toEqual([]);
	});
});

describe('a chart at a glance, in Chromium', () => {
	/** Of each section: its chart's room, its drawing's size, and how large names are on the screen, all in px. */
	const measure = () =>
		page.evaluate(() => {
			const sections = [...(window.page.element.shadowRoot?.querySelectorAll('section:has(.chart)') ?? [])];
			return sections.map((section) => {
				const [chart, svg] = [section.querySelector('.chart'), section.querySelector('svg')];
				const names = [...section.querySelectorAll<SVGTextElement>('.name')];
				if (!chart || !svg || names.length === 0) throw new Error('a section without a drawing');
				return {
					room: chart.clientWidth,
					wanted: chart.scrollWidth,
					height: svg.getBoundingClientRect().height,
					names: Math.min(
						...names.map((name) => {
							const { fontSize } = getComputedStyle(name);
							return Number.parseFloat(fontSize) * (name.getScreenCTM()?.a ?? 0);
						}),
					),
				};
			});
		});

	it.each([
		{ width: 560, room: 500, names: 11 },
		{ width: 360, room: 300, names: 9 },
	])('in $room px: nothing to scroll, at most 260 px high, names of $names px or more', async (given) => {
		await page.setViewportSize({ width: given.width, height: 900 });
		const sizes = await measure();
		expect(sizes).toHaveLength(3);
		for (const { room, wanted, height, names } of sizes) {
			expect(Math.abs(room - given.room)).toBeLessThanOrEqual(2);
			expect(wanted).toBe(room);
			expect(height).toBeLessThanOrEqual(260);
			expect(names).toBeGreaterThanOrEqual(given.names);
		}
	});
});

describe('the search for Chromium', () => {
	it('takes what CHROMIUM_BIN names, and says so when there is nothing', () => {
		expect(findChromium({ CHROMIUM_BIN: '/opt/own' }, () => true)).toBe('/opt/own');
		expect(() => findChromium({ CHROMIUM_BIN: '/opt/own' }, () => false)).toThrow(
			/^CHROMIUM_BIN names no file: \/opt\/own$/,
		);
		expect(findChromium({}, (path) => path === '/usr/bin/google-chrome')).toBe('/usr/bin/google-chrome');
		expect(findChromium({}, () => false)).toBe(null);
	});
});
