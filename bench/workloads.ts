import type { Page } from 'playwright-core';
import { type Emulator, idOf, type Traffic } from './emulator.ts';
import type { BenchPage, ContestantName, Timed } from './page.ts';

/** One thing measured: ms, MB or a count. */
export interface Measure {
	readonly value: number;
	readonly traffic: Traffic;
}

export type Measures = Record<string, Measure>;

export interface Sizes {
	readonly large: number;
	readonly medium: number;
	readonly small: number;
}

export const FULL: Sizes = { large: 100_000, medium: 10_000, small: 1_000 };
/** Shows that it runs. */
export const SHORT: Sizes = { large: 3_000, medium: 600, small: 60 };

interface Stage {
	readonly emulator: Emulator;
	readonly sizes: Sizes;
	/** A page of its own, in which the contestant's local data is empty. */
	readonly open: () => Promise<Player>;
}

/** A contestant in a page. */
export interface Player {
	call(method: 'open' | 'download' | 'upload' | 'close'): Promise<Measure & { readonly result: unknown }>;
	create(rows: number, isOneByOne: boolean): Promise<Measure>;
	update(ids: readonly string[]): Promise<Measure>;
	updateOne(id: string, times: number): Promise<Measure>;
	/** The page anew, on the same local data. */
	reload(): Promise<void>;
	heap(): Promise<number>;
	longestTask(): Promise<number>;
	end(): Promise<void>;
}

function assertIs(what: string, actual: unknown, expected: number): void {
	if (actual !== expected) throw new Error(`${what}: ${String(actual)}, not ${expected}`);
}

/** What an app does first, and then every day. */
async function reading({ emulator, sizes, open }: Stage): Promise<Measures> {
	emulator.fill(sizes.large);
	const player = await open();
	await player.call('open');
	const first = await player.call('download');
	assertIs('rows held', first.result, sizes.large);
	const heap = await player.heap();
	const nothing = await player.call('download');
	emulator.change(100);
	const changed = await player.call('download');
	await player.call('close');
	await player.reload();
	const opened = await player.call('open');
	await player.end();
	return {
		[`first download of ${sizes.large} rows`]: first,
		'heap after it, MB': { ...first, value: heap },
		'nothing new': nothing,
		[`100 changed of ${sizes.large}`]: changed,
		[`open with ${sizes.large} rows`]: opened,
	};
}

async function smaller({ emulator, sizes, open }: Stage): Promise<Measures> {
	emulator.fill(sizes.medium * 2);
	const player = await open();
	await player.call('open');
	await player.longestTask();
	const first = await player.call('download');
	const longest = await player.longestTask();
	await player.end();
	return {
		[`first download of ${sizes.medium * 2} rows`]: first,
		'longest task during it, ms (0: below 50)': { ...first, value: longest },
	};
}

async function writing({ emulator, sizes, open }: Stage): Promise<Measures> {
	emulator.fill(0);
	const player = await open();
	await player.call('open');
	await player.call('download');
	const bulk = await player.create(sizes.medium, false);
	const upload = await player.call('upload');
	assertIs('rows at the server', emulator.size, sizes.medium);
	const single = await player.create(sizes.small, true);
	await player.end();
	return {
		[`${sizes.medium} offline creates in one call`]: bulk,
		[`upload of ${sizes.medium} creates`]: upload,
		[`${sizes.small} creates, one awaited at a time`]: single,
	};
}

async function updating({ emulator, sizes, open }: Stage): Promise<Measures> {
	const measures: Measures = {};
	for (const latencyMs of [0, 50]) {
		emulator.fill(sizes.small);
		const player = await open();
		await player.call('open');
		await player.call('download');
		await player.update(Array.from({ length: sizes.small }, (_, n) => idOf(n)));
		emulator.latencyMs = latencyMs;
		const name = `upload of ${sizes.small} checked updates at ${latencyMs} ms`;
		measures[name] = await player.call('upload');
		emulator.latencyMs = 0;
		assertIs('the last row', emulator.row(idOf(sizes.small - 1))?.n, -1);
		await player.end();
	}
	emulator.fill(sizes.small);
	const player = await open();
	await player.call('open');
	await player.call('download');
	measures[`${sizes.small} updates of one row, one awaited at a time`] = await player.updateOne(
		idOf(5),
		sizes.small,
	);
	measures['upload of them'] = await player.call('upload');
	await player.end();
	return measures;
}

export const WORKLOADS = [reading, smaller, writing, updating];

export interface PlayerOptions {
	readonly newPage: () => Promise<Page>;
	readonly emulator: Emulator;
	readonly contestant: ContestantName;
	readonly databaseName: string;
}

export async function createPlayer(options: PlayerOptions): Promise<Player> {
	const { newPage, emulator, contestant, databaseName } = options;
	let page = await enter();

	async function enter(): Promise<Page> {
		const entered = await newPage();
		await entered.evaluate(
			([name, url, database]) => {
				(globalThis as unknown as { bench: BenchPage }).bench.enter(name, url, database);
			},
			[contestant, emulator.url, databaseName] as const,
		);
		return entered;
	}

	async function measured(work: () => Promise<Timed>): Promise<Measure & { result: unknown }> {
		emulator.clearTraffic();
		const { ms, value } = await work();
		return { value: ms, result: value, traffic: { ...emulator.traffic } };
	}

	const call = (method: string, args: readonly unknown[], times = 1) =>
		measured(() =>
			page.evaluate(
				([name, given, count]) =>
					(globalThis as unknown as { bench: BenchPage }).bench.call(name as 'open', given, count),
				[method, args, times] as const,
			),
		);

	return {
		call: (method) => call(method, []),
		create: (rows, isOneByOne) =>
			measured(() =>
				page.evaluate(
					([count, one]) => (globalThis as unknown as { bench: BenchPage }).bench.create(count, one),
					[rows, isOneByOne] as const,
				),
			),
		update: (ids) => call('updateMany', [ids, -1]),
		updateOne: (id, times) => call('updateOne', [id, -1], times),
		async reload() {
			await page.close();
			page = await enter();
		},
		heap: () => page.evaluate(() => (globalThis as unknown as { bench: BenchPage }).bench.heap()),
		longestTask: () =>
			page.evaluate(() => (globalThis as unknown as { bench: BenchPage }).bench.longestTask()),
		async end() {
			await call('close', []);
			await page.evaluate(
				(name) => (globalThis as unknown as { bench: BenchPage }).bench.remove(name),
				databaseName,
			);
			await page.close();
		},
	};
}
