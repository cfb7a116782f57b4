import { join } from 'node:path';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/browser/chromium.ts';
import type { LocalServer } from '../support/browser/local-server.ts';
import { servePage } from '../support/browser/page-server.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';
import type { TabPageOptions } from './pages/tab.ts';

let supabase: Supabase;
let server: LocalServer;
let browser: Browser;
let context: BrowserContext;

// Chromium may have to be installed first.
beforeAll(async () => {
	browser = await launchChromium();
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('notes')}
			create table tags (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('tags')}
		`,
	});
	server = await servePage({ script: join(import.meta.dirname, 'pages/tab.ts') });
}, 600_000);

afterAll(async () => {
	await browser?.close();
	await server?.stop();
	await supabase?.stop();
});

beforeEach(async () => {
	context = await browser.newContext();
	supabase.clearRequests();
});

afterEach(async () => {
	supabase.faults.clear();
	await context.close();
	await supabase.sql('truncate notes, tags');
});

function addressOf(name: string, more: Partial<TabPageOptions> = {}): string {
	const options: TabPageOptions = {
		...{ url: supabase.url, anonKey: supabase.anonKey, name, tables: [{ table: 'notes' }] },
		options: {
			transport: 'rest',
			batchSize: 20,
			backoff: { baseMs: 100, capMs: 500 },
			reconcileIntervalMs: 0,
			realtime: false,
		},
		autoSync: 0,
		...more,
	};
	return `${server.url}#${encodeURIComponent(JSON.stringify(options))}`;
}

async function open(name: string, more: Partial<TabPageOptions> = {}): Promise<Page> {
	const page = await context.newPage();
	await page.goto(addressOf(name, more));
	await page.evaluate(() => window.tab.sync.ready());
	return page;
}

const create = (page: Page, titles: readonly string[]) =>
	page.evaluate(
		(given) =>
			window.tab.sync
				.queueActions(given.map((title) => ({ table: 'notes', action: 'create', data: { title } })))
				.then(() => undefined),
		titles,
	);
const sync = (page: Page) => page.evaluate(() => window.tab.sync.sync());
const stateOf = (page: Page) => page.evaluate(() => window.tab.sync.getState());
const isLeader = async (page: Page) => (await stateOf(page)).isLeader;
const pendingIn = (page: Page) => page.evaluate(() => window.tab.sync.getPendingCount());
const titlesIn = (page: Page) =>
	page.evaluate(async () =>
		(await window.tab.sync.table('notes').toArray()).map(({ title }) => title).sort(),
	);

async function titlesAtServer(): Promise<string[]> {
	return (await supabase.sql<{ title: string }>('select title from notes')).map(({ title }) => title).sort();
}

const named = (prefix: string, count: number) =>
	Array.from({ length: count }, (_, at) => `${prefix} ${String(at).padStart(3, '0')}`);

const writes = () => supabase.requests.filter(({ method }) => !['GET', 'HEAD', 'OPTIONS'].includes(method));

/** Writes of two tabs that were under way at once. */
function overlaps(): readonly string[] {
	const found: string[] = [];
	const all = writes();
	for (const a of all) {
		for (const b of all) {
			const [from, to] = [a.headers['x-tab'], b.headers['x-tab']];
			if (from === to || a.at > b.at || a.endedAt === null || a.endedAt <= b.at) continue;
			found.push(`${from} until ${a.endedAt}, ${to} from ${b.at}`);
		}
	}
	return found;
}

/** Stops the tab in the middle of its work, as a debugger does, or a computer that sleeps. */
async function freeze(page: Page): Promise<CDPSession> {
	const session = await context.newCDPSession(page);
	await session.send('Debugger.enable');
	const paused = new Promise((resolve) => session.once('Debugger.paused', resolve));
	await session.send('Debugger.pause');
	await paused;
	return session;
}

it('a poll that finds nothing, time after time, is one request: leave for it is asked once', async () => {
	const page = await open('one');
	const methods: (readonly string[])[] = [];
	for (let time = 1; time <= 4; time++) {
		supabase.clearRequests();
		expect(await sync(page)).toMatchObject({ success: true, downloaded: 0 });
		methods.push(supabase.requests.map(({ method }) => method));
	}
	expect(methods).toEqual([['OPTIONS', 'GET'], ['OPTIONS', 'HEAD'], ['HEAD'], ['HEAD']]);
	await supabase.sql(`insert into notes (id, title) values (gen_random_uuid(), 'new')`);
	supabase.clearRequests();
	expect(await sync(page)).toMatchObject({ success: true, downloaded: 1 });
	expect(supabase.requests.map(({ method }) => method).slice(0, 3)).toEqual(['HEAD', 'OPTIONS', 'GET']);
	expect(await titlesIn(page)).toEqual(['new']);
});

describe('[F52] [S24] [S25] five tabs', () => {
	it('the leader is killed, the next one frozen: each time another takes over within ten seconds, and no two push at once', async () => {
		const names = ['one', 'two', 'three', 'four', 'five'];
		const tabs = new Map<string, Page>();
		for (const name of names) tabs.set(name, await open(name, { autoSync: 500 }));
		const leaderOf = async () => {
			for (const [name, page] of tabs) if (await isLeader(page)) return name;
			return null;
		};
		expect(await leaderOf()).toBe('one');
		// Slow enough for writes of two tabs to meet, if they could.
		supabase.faults.add({
			match: ({ method }) => method === 'POST',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'latency', ms: 60 },
		});
		const written: string[] = [];
		const writeInAll = async (prefix: string) => {
			await Promise.all(
				[...tabs].map(async ([name, page]) => {
					const titles = named(`${prefix} ${name}`, 45);
					written.push(...titles);
					await create(page, titles);
				}),
			);
		};

		await writeInAll('a');
		await expect.poll(() => writes().length).toBeGreaterThan(2);
		const one = tabs.get('one');
		tabs.delete('one');
		const killedAt = Date.now();
		await one?.close();
		await expect.poll(leaderOf, { timeout: 10_000 }).not.toBeNull();
		console.log(`killed: another led after ${Date.now() - killedAt} ms`);

		await writeInAll('b');
		const drained = () => Promise.all([...tabs.values()].map(pendingIn));
		await expect.poll(drained, { timeout: 20_000 }).toEqual([0, 0, 0, 0]);
		const second = (await leaderOf()) ?? '';
		const frozen = tabs.get(second) as Page;
		// In the middle of a request. Not of a transaction: then nobody could write before the tab is awake.
		supabase.faults.clear();
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'latency', ms: 2_000 } });
		const before = writes().length;
		written.push('in flight');
		await create(frozen, ['in flight']);
		await expect.poll(() => writes().length).toBeGreaterThan(before);
		await new Promise((resolve) => setTimeout(resolve, 200));
		tabs.delete(second);
		const session = await freeze(frozen);
		const frozenAt = Date.now();
		await expect.poll(leaderOf, { timeout: 10_000 }).not.toBeNull();
		console.log(`frozen: another led after ${Date.now() - frozenAt} ms`);

		await writeInAll('c');
		await session.send('Debugger.resume');
		await session.detach();
		tabs.set(second, frozen);
		await expect.poll(drained, { timeout: 20_000 }).toEqual([0, 0, 0, 0]);
		expect(await titlesAtServer()).toEqual([...written].sort());
		const pages = [...tabs.values()];
		expect((await Promise.all(pages.map(isLeader))).filter((leads) => leads)).toHaveLength(1);
		for (const page of pages) expect(await titlesIn(page)).toEqual([...written].sort());
		expect(overlaps()).toEqual([]);
		expect(new Set(writes().map(({ headers }) => headers['x-tab'])).size).toBeGreaterThanOrEqual(3);
	}, 90_000);

	it('[R24] a follower’s sync is done by the leader, whose numbers, state and notices it tells', async () => {
		const leader = await open('leader');
		const follower = await open('follower');
		await follower.evaluate(() => {
			Object.assign(window, { told: [] });
			window.tab.sync.on('synced', (notice) => (window as unknown as { told: unknown[] }).told.push(notice));
		});
		await expect.poll(async () => (await stateOf(follower)).connection).toBe('open');
		expect(await isLeader(follower)).toBe(false);
		await create(follower, named('f', 3));
		await create(leader, named('l', 2));
		expect(await sync(follower)).toEqual({
			success: true,
			uploaded: 5,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
		expect(new Set(writes().map(({ headers }) => headers['x-tab']))).toEqual(new Set(['leader']));
		expect(await pendingIn(follower)).toBe(0);
		await expect
			.poll(async () => (await stateOf(follower)).tables.notes)
			.toMatchObject({ state: 'idle', lastSyncedAt: expect.any(Number) });
		expect(await follower.evaluate(() => (window as unknown as { told: unknown[] }).told)).toEqual([
			{ table: 'notes', uploaded: 5, downloaded: 0, conflicts: 0 },
		]);
		await supabase.sql('delete from notes');
		expect(await follower.evaluate(() => window.tab.sync.reconcile('notes', { allowShrink: true }))).toEqual({
			changed: 5,
		});
		expect(await titlesIn(leader)).toEqual([]);
		expect(
			await follower.evaluate(() =>
				window.tab.sync.reconcile('nots').then(
					() => null,
					(error) => error.code,
				),
			),
		).toBe('unregistered-table');
	});
});

describe('[S1] [S2] a tab that is killed in the middle of an upload', () => {
	it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
		'at its request %i: nothing is lost and nothing doubled',
		async (nth) => {
			const titles = named('row', 230);
			const page = await open('killed');
			await create(page, titles);
			supabase.faults.add({
				match: ({ method }) => method === 'POST',
				times: Number.POSITIVE_INFINITY,
				effect: { kind: 'latency', ms: 15 },
			});
			supabase.clearRequests();
			void sync(page).catch(() => undefined);
			await expect.poll(() => writes().length, { interval: 1 }).toBeGreaterThanOrEqual(nth);
			// Some at the moment of the request, some on their way, some after the answer.
			await new Promise((resolve) => setTimeout(resolve, (nth * 7) % 25));
			const session = await context.newCDPSession(page);
			void session.send('Page.crash').catch(() => undefined);
			await page.waitForEvent('crash');
			await page.close();
			supabase.faults.clear();
			const again = await open('again');
			expect(await titlesIn(again)).toEqual(titles);
			await expect.poll(() => isLeader(again)).toBe(true);
			expect(await sync(again)).toMatchObject({ success: true, conflicts: 0 });
			expect(await titlesAtServer()).toEqual(titles);
			expect(await titlesIn(again)).toEqual(titles);
			expect(await pendingIn(again)).toBe(0);
		},
	);
});

describe('offline', () => {
	it('[L5] reloaded while offline: data and queue are there, and go out when the connection is back', async () => {
		const page = await open('phone', { autoSync: 500 });
		await create(page, ['before']);
		await expect.poll(titlesAtServer).toEqual(['before']);
		// The app itself comes from the browser's cache, as with a service worker. A page from no address is a stranger
		// to this machine, and must be allowed to talk to it.
		await context.grantPermissions(['local-network-access'], { origin: server.url });
		await context.route(`${server.url}**`, async (route) => {
			const reply = await fetch(route.request().url().split('#')[0] ?? '');
			await route.fulfill({
				body: Buffer.from(await reply.arrayBuffer()),
				contentType: reply.headers.get('content-type') ?? '',
			});
		});
		await context.setOffline(true);
		await expect.poll(async () => (await stateOf(page)).connection).toBe('offline');
		await create(page, ['offline']);
		await page.reload();
		await page.evaluate(() => window.tab.sync.ready());
		expect(await titlesIn(page)).toEqual(['before', 'offline']);
		expect(await pendingIn(page)).toBe(1);
		expect(await sync(page)).toMatchObject({ success: false });
		await create(page, ['after the reload']);
		expect(await titlesAtServer()).toEqual(['before']);
		await context.unrouteAll();
		await context.setOffline(false);
		await expect.poll(titlesAtServer, { timeout: 10_000 }).toEqual(['after the reload', 'before', 'offline']);
		await expect.poll(() => pendingIn(page)).toBe(0);
	});
});

describe('what is written in one tab, or comes in', () => {
	it('[S12] shows in the live queries of both', async () => {
		const tables = [{ table: 'notes', indexes: ['title'] }];
		const pages = [await open('one', { tables }), await open('two', { tables })];
		for (const page of pages)
			await page.evaluate(() => {
				const rows = () => window.tab.sync.table('notes').rows;
				const query = async () => [
					await rows().count(),
					await rows().where('title').startsWith('a').count(),
					(await rows().toCollection().primaryKeys()).length,
				];
				const show = (counts: number[]) => void Object.assign(window, { counts });
				window.tab.liveQuery(query).subscribe(show);
			});
		const shown = () =>
			Promise.all(pages.map((page) => page.evaluate(() => (window as { counts?: unknown }).counts)));
		const show = (counts: readonly number[]) => expect.poll(shown).toEqual([counts, counts]);
		await show([0, 0, 0]);
		const [one, two] = pages as [Page, Page];
		await create(one, ['a', 'b']);
		await show([2, 1, 2]);
		await create(two, named('a', 60));
		await show([62, 61, 62]);
		const first = await one.evaluate(async () => {
			const [row] = await window.tab.sync.table('notes').rows.where('title').equals('a').toArray();
			return row?.id as string;
		});
		await one.evaluate(
			(id) =>
				window.tab.sync
					.table('notes')
					.update(id, { title: 'b' })
					.then(() => {}),
			first,
		);
		await show([62, 60, 62]);
		await two.evaluate(
			(id) =>
				window.tab.sync
					.table('notes')
					.remove(id)
					.then(() => {}),
			first,
		);
		await show([61, 60, 61]);
		await supabase.sql(`insert into notes (id, title) values (gen_random_uuid(), 'a of somebody else’s')`);
		await sync(one);
		await show([62, 61, 62]);
	});

	it('[S4] [S27] is there as a whole or not at all', async () => {
		const page = await open('one', { tables: [{ table: 'notes', indexes: ['&title'] }] });
		await create(page, ['same']);
		const refused = await page.evaluate(() =>
			window.tab.sync.queueAction('notes', 'create', { title: 'same' }).then(
				() => null,
				(error) => [error.code, /ConstraintError/.test(error.message)],
			),
		);
		expect(refused).toEqual(['storage', true]);
		expect(await titlesIn(page)).toEqual(['same']);
		expect(await pendingIn(page)).toBe(1);
		expect(await sync(page)).toMatchObject({ success: true, uploaded: 1 });
	});
});

describe('[R1] [S27] a create of a row that is there', () => {
	it('is refused alone, be it made together with others, and the row stays', async () => {
		const page = await open('one');
		const codes = await page.evaluate(async () => {
			const create = (id: string, title: string) =>
				window.tab.sync.queueAction('notes', 'create', { id, title }).then(
					() => 'done',
					(error) => error.code as string,
				);
			const ids = Array.from({ length: 3 }, () => crypto.randomUUID());
			const first = await create(ids[0] as string, 'first');
			return [first, ...(await Promise.all(ids.map((id) => create(id, 'second'))))];
		});
		expect(codes).toEqual(['done', 'row-exists', 'done', 'done']);
		expect((await titlesIn(page)).sort()).toEqual(['first', 'second', 'second']);
		expect(await sync(page)).toMatchObject({ success: true, uploaded: 3 });
	});
});

describe('[F51] an upgrade with an old tab open', () => {
	it('[R4] a table more in the new one: the old one makes way, and both go on', async () => {
		const old = await open('old');
		await create(old, ['of the old']);
		const young = await open('young', { tables: [{ table: 'notes' }, { table: 'tags' }] });
		await young.evaluate(() =>
			window.tab.sync
				.table('tags')
				.create({ title: 'tag' })
				.then(() => undefined),
		);
		await create(old, ['of the old, later']);
		await create(young, ['of the young']);
		expect(await titlesIn(old)).toEqual(['of the old', 'of the old, later', 'of the young']);
		await old.close();
		await expect.poll(() => isLeader(young)).toBe(true);
		expect(await sync(young)).toMatchObject({ success: true, uploaded: 4 });
		expect(await titlesAtServer()).toEqual(['of the old', 'of the old, later', 'of the young']);
	});

	it('other indexes in the new one: the old one says that it must be reloaded, and has lost nothing', async () => {
		const old = await open('old');
		await create(old, ['of the old']);
		const young = await open('young', { tables: [{ table: 'notes', indexes: ['title'] }] });
		expect(await titlesIn(young)).toEqual(['of the old']);
		const refused = await old.evaluate(() =>
			window.tab.sync.queueAction('notes', 'create', { title: 'too late' }).then(
				() => null,
				(error) => error.code,
			),
		);
		expect(refused).toBe('reload-needed');
		await old.goto(addressOf('reloaded', { tables: [{ table: 'notes', indexes: ['title'] }] }));
		await old.reload();
		await old.evaluate(() => window.tab.sync.ready());
		await create(old, ['reloaded']);
		expect(await sync(young)).toMatchObject({ success: true, uploaded: 2 });
		expect(await titlesAtServer()).toEqual(['of the old', 'reloaded']);
	});
});
