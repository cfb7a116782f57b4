import type { Page } from 'playwright-core';
import type { BenchPage } from './page.ts';
import type { BenchServer, Traffic } from './server.ts';

/** One thing measured. */
export interface Measure {
	readonly value: number;
	/** @default ms */
	readonly unit?: 'ms' | 'MB';
	/** Told as it is, not as a multiple of the floor's. */
	readonly isAbsolute?: boolean;
	readonly traffic: Traffic;
}

/** A contestant in a page. */
export interface Player {
	call(method: 'open' | 'download' | 'upload' | 'close'): Promise<Measure>;
	create(rows: number, isOneByOne: boolean): Promise<Measure>;
	update(ids: readonly string[]): Promise<Measure>;
	updateOne(id: string, times: number): Promise<Measure>;
	count(): Promise<number>;
	read(id: string): Promise<Record<string, unknown> | undefined>;
	/** See {@link BenchPage.watch}. */
	watch(during: 'download' | number): Promise<readonly number[] | null>;
	/** The page anew, on the same local data. */
	reload(): Promise<void>;
	heap(): Promise<number>;
	longestTask(): Promise<number>;
	end(): Promise<void>;
}

export interface PlayerOptions {
	readonly newPage: () => Promise<Page>;
	readonly server: BenchServer;
	readonly contestant: string;
	/** Its databases are removed in the end. */
	readonly databaseName: string;
}

type InPage = typeof globalThis & { readonly bench: BenchPage };

export async function createPlayer(options: PlayerOptions): Promise<Player> {
	const { newPage, server, contestant, databaseName } = options;
	const site = { url: server.freshUrl(), key: server.key, databaseName };
	let page = await enter();

	async function enter(): Promise<Page> {
		const entered = await newPage();
		await entered.evaluate(([name, own]) => (globalThis as InPage).bench.enter(name, own), [
			contestant,
			site,
		] as const);
		return entered;
	}

	async function measured(work: () => Promise<number>): Promise<Measure> {
		server.clearTraffic();
		const ms = await work();
		return { value: ms, traffic: server.traffic() };
	}

	const call = (method: string, args: readonly unknown[]) =>
		measured(() =>
			page.evaluate(([name, given]) => (globalThis as InPage).bench.call(name as 'open', given), [
				method,
				args,
			] as const),
		);

	return {
		call: (method) => call(method, []),
		create: (rows, isOneByOne) =>
			measured(() =>
				page.evaluate(([count, one]) => (globalThis as InPage).bench.create(count, one), [
					rows,
					isOneByOne,
				] as const),
			),
		update: (ids) => call('updateMany', [ids, -1]),
		updateOne: (id, times) =>
			measured(() =>
				page.evaluate(([one, count]) => (globalThis as InPage).bench.updateOne(one, count), [
					id,
					times,
				] as const),
			),
		count: () => page.evaluate(() => (globalThis as InPage).bench.count()),
		read: (id) =>
			page.evaluate((one) => (globalThis as InPage).bench.read(one), id) as ReturnType<Player['read']>,
		watch: (during) => page.evaluate((work) => (globalThis as InPage).bench.watch(work), during),
		async reload() {
			await page.close();
			page = await enter();
		},
		heap: () => page.evaluate(() => (globalThis as InPage).bench.heap()),
		longestTask: () => page.evaluate(() => (globalThis as InPage).bench.longestTask()),
		async end() {
			await call('close', []);
			await page.evaluate((name) => (globalThis as InPage).bench.remove(name), databaseName);
			await page.close();
		},
	};
}
