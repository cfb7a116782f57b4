import type { Contestant, CreateContestant, Site } from './contestant.ts';

/** What the runner calls in the page. */
export interface BenchPage {
	enter(contestant: string, site: Site): void;
	/** @returns the ms that it took. */
	call(method: Exclude<keyof Contestant, 'watch'>, args: readonly unknown[]): Promise<number>;
	/** Changes one row so many times, each to another `n`: 1, 2, … */
	updateOne(id: string, times: number): Promise<number>;
	/** Creates so many rows, in one call or each in its own. */
	create(rows: number, isOneByOne: boolean): Promise<number>;
	/** A live query's latencies during a download, or so many ms of nothing; null: the contestant has none. */
	watch(during: 'download' | number): Promise<readonly number[] | null>;
	count(): Promise<number>;
	read(id: string): Promise<unknown>;
	/** MB in use after a few collections. */
	heap(): number;
	/** The longest task of the main thread since the last call, ms; 0: none of 50 ms. */
	longestTask(): number;
	/** Removes the databases whose names begin so. */
	remove(databaseName: string): Promise<void>;
}

/** Puts itself where the runner finds it. */
export function startPage(contestants: Readonly<Record<string, CreateContestant>>): void {
	let contestant: Contestant;
	let longest = 0;
	new PerformanceObserver((list) => {
		for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
	}).observe({ entryTypes: ['longtask'] });

	const bench: BenchPage = {
		enter(name, site) {
			const create = contestants[name];
			if (!create) throw new Error(`There is no contestant "${name}"`);
			contestant = create(site);
		},
		call(method, args) {
			const work = contestant[method] as (...given: readonly unknown[]) => Promise<unknown>;
			return timed(() => work.apply(contestant, [...args]));
		},
		updateOne: (id, times) =>
			timed(async () => {
				for (let n = 1; n <= times; n++) await contestant.updateOne(id, n);
			}),
		create(count, isOneByOne) {
			const rows = Array.from({ length: count }, (_, n) => ({
				...{ id: crypto.randomUUID(), title: `New ${n}`, body: 'lorem ipsum dolor sit amet '.repeat(7) },
				...{ n, done: false },
			}));
			return timed(async () => {
				if (!isOneByOne) return contestant.createMany(rows);
				for (const row of rows) await contestant.createMany([row]);
			});
		},
		async watch(during) {
			const work = () =>
				during === 'download' ? contestant.download() : new Promise((resolve) => setTimeout(resolve, during));
			return contestant.watch?.(work()) ?? null;
		},
		count: () => contestant.count(),
		read: (id) => contestant.read(id),
		heap() {
			const { gc, performance: clock } = globalThis as unknown as {
				gc(): void;
				performance: { memory: { usedJSHeapSize: number } };
			};
			// What has just been let go of, such as the last page, is not all found by the first.
			for (let time = 0; time < 3; time++) gc();
			return clock.memory.usedJSHeapSize / 1e6;
		},
		longestTask() {
			const longestYet = longest;
			longest = 0;
			return longestYet;
		},
		async remove(databaseName) {
			for (const { name } of await indexedDB.databases()) {
				if (name?.includes(databaseName)) indexedDB.deleteDatabase(name);
			}
		},
	};
	Object.assign(globalThis, { bench });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const start = performance.now();
	await work();
	return performance.now() - start;
}
