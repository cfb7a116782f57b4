import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startGallery } from '../../examples/gallery/gallery.ts';
import { launchChromium } from '../support/browser/chromium.ts';
import { createScreenshots } from '../support/browser/screenshots.ts';
import type { Supabase } from '../support/supabase/index.ts';

let gallery: Awaited<ReturnType<typeof startGallery>>;
let supabase: Supabase;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What the page complained of. */
let complaints: string[];
let faults: string[];

const screenshots = createScreenshots(async (shown, view) => {
	const overflow = await shown.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	if (overflow > 0) faults.push(`${view}: ${overflow} px too wide`);
	// Nothing sticks out of its device, and no card hides what is in it.
	const cut = await shown.evaluate(() => {
		const outside = [...document.querySelectorAll('.device')].flatMap((device) => {
			const { left, right } = device.getBoundingClientRect();
			return [...device.querySelectorAll('button, input, li, p')].filter((element) => {
				const box = element.getBoundingClientRect();
				return !element.closest('dialog, details') && box.width > 0 && (box.left < left || box.right > right);
			});
		});
		const clipped = [...document.querySelectorAll('.card')].filter(
			({ scrollHeight, clientHeight }) => scrollHeight > clientHeight + 1,
		);
		return [...outside, ...clipped].map(({ outerHTML }) => outerHTML.slice(0, 80));
	});
	for (const element of cut) faults.push(`${view}: cut off: ${element}`);
});

// Chromium may have to be installed first.
beforeAll(async () => {
	browser = await launchChromium();
	gallery = await startGallery();
	supabase = gallery.project as Supabase;
}, 600_000);

afterAll(async () => {
	screenshots.end();
	await browser?.close();
	await gallery?.stop();
});

beforeEach(async () => {
	context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
	page = await open();
});

afterEach(async () => {
	await context.close();
	await supabase.sql(`delete from generations where prompt not in
		('A lighthouse in fog', 'Paper boats at dusk', 'Moss on a circuit board')`);
});

async function open(path = ''): Promise<Page> {
	const opened = await context.newPage();
	complaints = [];
	faults = [];
	opened.on('console', (message) => {
		if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
	});
	opened.on('pageerror', (error) => complaints.push(String(error)));
	await opened.goto(gallery.url + path);
	return opened;
}

const device = (name: string, on = page) => on.getByRole('region', { name: `${name}’s device` });
const card = (name: string, prompt: string, on = page) =>
	device(name, on).getByRole('listitem').filter({ hasText: prompt });
const status = (name: string, on = page) => device(name, on).getByRole('status');
const offline = (name: string) => device(name).getByLabel('Offline');

const upToDate = (name: string, on = page) => waitForText(status(name, on), /^Up to date$/);

async function waitForText(locator: Locator, text: RegExp): Promise<void> {
	await expect.poll(() => locator.textContent(), { timeout: 45_000 }).toMatch(text);
}

async function bothUpToDate(): Promise<void> {
	await Promise.all(['alice', 'bob'].map((name) => upToDate(name)));
}

async function create(name: string, prompt: string): Promise<void> {
	await device(name).getByLabel('New prompt').fill(prompt);
	await device(name).getByRole('button', { name: 'Create' }).click();
}

async function edit(name: string, from: string, to: string): Promise<void> {
	await device(name)
		.getByRole('button', { name: `Edit: ${from}` })
		.click();
	const input = device(name).getByLabel('Prompt', { exact: true });
	await input.fill(to);
	await input.press('Enter');
}

describe('the gallery, opened for the first time', () => {
	it('downloads 20,000 rows with a progress bar, and finds in them', async () => {
		const seen: number[] = [];
		const bar = device('alice').getByLabel('Downloading the prompt history');
		await expect
			.poll(
				async () => {
					if (await bar.isVisible())
						seen.push(Number(await bar.getAttribute('value', { timeout: 100 }).catch(() => 0)));
					return device('alice').getByText('Prompt history: 20,000').isVisible();
				},
				{ interval: 20, timeout: 60_000 },
			)
			.toBe(true);
		expect(seen.some((rows) => rows > 0 && rows < 20_000)).toBe(true);
		await device('alice').getByText('Prompt history').click();
		await device('alice').getByLabel('Search prompts').fill('glacier in fog');
		await device('alice').getByText('a glacier in fog', { exact: false }).first().waitFor();
		await expect
			.poll(() => device('bob').getByText('Prompt history: 20,000').isVisible(), { timeout: 60_000 })
			.toBe(true);
		await bothUpToDate();
		expect(complaints).toEqual([]);
	});

	// The other pages need not read all of it again.
	afterAll(() => supabase.sql(`delete from prompt_history where prompt not like '%glacier%'`));
});

describe('the gallery', () => {
	it('what one device creates, edits, marks and deletes shows on the other at once', async () => {
		await bothUpToDate();
		await create('alice', 'A fox in the snow');
		await card('bob', 'A fox in the snow').waitFor();
		await edit('bob', 'A fox in the snow', 'Two foxes in the snow');
		await card('alice', 'Two foxes in the snow').waitFor();
		await device('alice').getByRole('button', { name: 'Favourite: Two foxes' }).click();
		await expect
			.poll(() =>
				device('bob').getByRole('button', { name: 'Favourite: Two foxes' }).getAttribute('aria-pressed'),
			)
			.toBe('true');
		await device('bob').getByRole('button', { name: 'Delete: Two foxes' }).click();
		await expect.poll(() => card('alice', 'Two foxes').count()).toBe(0);
		await bothUpToDate();
		expect(complaints).toEqual([]);
	});

	it('[F39] what is changed by SQL shows on both devices without a poll', async () => {
		// The gallery polls every 15 seconds: on this page it never comes to it.
		await page.addInitScript(() => {
			const real = globalThis.setTimeout;
			const withoutPolls = (work: () => void, ms?: number) => (ms === 15_000 ? -1 : real(work, ms));
			Object.assign(globalThis, { setTimeout: withoutPolls });
		});
		await page.reload();
		await bothUpToDate();
		const [row] = await supabase.sql<{ id: string }>(
			`insert into generations (prompt) values ('From the back office') returning id`,
		);
		await Promise.all(['alice', 'bob'].map((name) => card(name, 'From the back office').waitFor()));
		await supabase.sql(`update generations set prompt = 'Changed there' where id = '${row?.id}'`);
		await Promise.all(['alice', 'bob'].map((name) => card(name, 'Changed there').waitFor()));
	});

	it('offline: changes wait with a badge, and arrive when the connection is back', async () => {
		await bothUpToDate();
		await offline('alice').check();
		await waitForText(status('alice'), /^Offline/);
		await create('alice', 'Made in a tunnel');
		await waitForText(card('alice', 'Made in a tunnel').locator('.badge'), /^Waiting$/);
		await waitForText(status('alice'), /Offline · 1 to upload/);
		expect(await card('bob', 'Made in a tunnel').count()).toBe(0);
		await screenshots.take(page, 'gallery-offline');
		await offline('alice').uncheck();
		await card('bob', 'Made in a tunnel').waitFor();
		await bothUpToDate();
		await expect.poll(() => card('alice', 'Made in a tunnel').locator('.badge').textContent()).toBe('');
		expect(faults).toEqual([]);
	});

	it('a conflict shows all versions, and ends as the reader decides', async () => {
		await bothUpToDate();
		await create('alice', 'A harbour');
		await card('bob', 'A harbour').waitFor();
		await bothUpToDate();
		for (const [how, decide, outcome] of [
			['both', 'Save both in one', 'A harbour at night, in oil (both)'],
			['yours', 'Keep yours', 'A harbour in oil (yours)'],
			['theirs', 'Take theirs', 'A harbour at night (theirs)'],
		] as const) {
			const before = ((await card('alice', 'A harbour').locator('.prompt').textContent()) ?? '').trim();
			await offline('alice').check();
			await waitForText(status('alice'), /^Offline/);
			await edit('alice', before, `A harbour in oil (${how})`);
			await edit('bob', before, `A harbour at night (${how})`);
			const prompts = () => supabase.sql<{ prompt: string }>('select prompt from generations');
			await expect.poll(prompts).toContainEqual({ prompt: `A harbour at night (${how})` });
			await offline('alice').uncheck();
			await device('alice').getByRole('button', { name: 'Decide' }).click();
			const dialog = page.getByRole('dialog');
			await waitForText(
				dialog,
				new RegExp(
					`Before\\s*${escaped(before)}\\s*Yours\\s*A harbour in oil.*\\s*Theirs\\s*A harbour at night`,
					's',
				),
			);
			await waitForText(card('alice', 'A harbour').locator('.badge'), /^Conflict$/);
			if (how === 'both') {
				await screenshots.take(page, 'gallery-conflict');
				await dialog.getByLabel('Both in one').fill(outcome);
			}
			await dialog.getByRole('button', { name: decide }).click();
			await card('alice', outcome).waitFor();
			await card('bob', outcome).waitFor();
			await bothUpToDate();
		}
		expect(complaints.filter((text) => !text.includes('net::'))).toEqual([]);
		expect(faults).toEqual([]);
	}, 90_000);

	it('a refused change is listed, edited and sent again, or discarded', async () => {
		await bothUpToDate();
		await create('alice', 'Something forbidden');
		const refused = device('alice').getByRole('list', { name: 'Refused changes' });
		await waitForText(refused, /refused this change \(23514\)/);
		await screenshots.take(page, 'gallery-refused');
		await refused.getByLabel('Refused prompt').fill('Something allowed');
		await refused.getByRole('button', { name: 'Try again' }).click();
		await card('bob', 'Something allowed').waitFor();
		await create('bob', 'Also forbidden');
		const other = device('bob').getByRole('list', { name: 'Refused changes' });
		await other.getByRole('button', { name: 'Discard' }).click();
		await expect.poll(() => other.count()).toBe(0);
		expect(await card('bob', 'Also forbidden').count()).toBe(0);
		await bothUpToDate();
		expect(faults).toEqual([]);
	});

	it('in a further tab the same device is the same: what one tab writes the other shows', async () => {
		await bothUpToDate();
		const tab = await open('?device=alice');
		await upToDate('alice', tab);
		await device('alice', tab).getByLabel('New prompt').fill('From the other tab');
		await device('alice', tab).getByRole('button', { name: 'Create' }).click();
		await card('alice', 'From the other tab').waitFor();
		await card('bob', 'From the other tab').waitFor();
		await tab.reload();
		await card('alice', 'From the other tab', tab).waitFor();
		expect(await tab.getByRole('region', { name: 'bob’s device' }).count()).toBe(0);
	});

	it('goes by keyboard alone, dialog included', async () => {
		await bothUpToDate();
		await device('alice').getByLabel('New prompt').focus();
		await page.keyboard.type('By keyboard');
		await page.keyboard.press('Enter');
		await card('alice', 'By keyboard').waitFor();
		const reached = new Set<string>();
		await page.locator('body').click({ position: { x: 2, y: 2 } });
		for (let left = 60; left > 0; left--) {
			await page.keyboard.press('Tab');
			reached.add(
				await page.evaluate(() => {
					const at = document.activeElement;
					const label = at instanceof HTMLInputElement ? at.labels?.[0]?.textContent : at?.textContent;
					return (at?.getAttribute('aria-label') ?? label ?? '').trim();
				}),
			);
		}
		for (const name of [
			'Offline',
			'Sync now',
			'New prompt',
			'Create',
			'Edit: By keyboard',
			'Delete: By keyboard',
		]) {
			expect([...reached]).toContain(name);
		}
		await device('alice').getByRole('button', { name: 'Edit: By keyboard' }).focus();
		await page.keyboard.press('Enter');
		await page.keyboard.press('Escape');
		expect(await device('alice').getByLabel('Prompt', { exact: true }).count()).toBe(0);
	});

	it('every control has a name; the inspector opens', async () => {
		await bothUpToDate();
		const nameless = await page.evaluate(() =>
			[...document.querySelectorAll('button, input, a')]
				.filter((control) => {
					const labels = control instanceof HTMLInputElement ? control.labels?.length : 0;
					return !control.getAttribute('aria-label') && !control.textContent?.trim() && !labels;
				})
				.map(({ outerHTML }) => outerHTML),
		);
		expect(nameless).toEqual([]);
		await device('alice').getByText('Inspector').click();
		await device('alice').locator('pixsync-inspector').waitFor();
		await expect
			.poll(() =>
				device('alice')
					.locator('pixsync-inspector')
					.evaluate((panel) =>
						panel.shadowRoot?.querySelector('[data-table="generations"]')?.getAttribute('data-state'),
					),
			)
			.toBe('idle');
	});
});

const escaped = (text: string) => text.replace(/[()]/g, '\\$&');
