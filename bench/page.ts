import type { Contestant } from './contestant.ts';
import { createFloor } from './floor.ts';
import { createPixSync } from './pixsync.ts';

const CONTESTANTS = {
	floor: createFloor,
	'PixSync, REST': (url: string, name: string) => createPixSync(url, name, 'rest'),
	'PixSync, RPC': (url: string, name: string) => createPixSync(url, name, 'rpc'),
} satisfies Record<string, (url: string, name: string) => Contestant>;

export type ContestantName = keyof typeof CONTESTANTS;

/** What the runner calls in the page. */
export interface BenchPage {
	enter(contestant: ContestantName, url: string, databaseName: string): void;
	/** Calls the contestant, `times` times one after the other. @returns the ms that it took, and the last value. */
	call(method: keyof Contestant, args: readonly unknown[], times?: number): Promise<Timed>;
	/** Creates so many rows, in one call or each in its own. */
	create(rows: number, isOneByOne: boolean): Promise<Timed>;
	/** MB in use after a collection. */
	heap(): number;
	/** The longest task of the main thread since the last call, ms; 0: none of 50 ms. */
	longestTask(): number;
	remove(databaseName: string): Promise<void>;
}

export interface Timed {
	readonly ms: number;
	readonly value: unknown;
}

let contestant: Contestant;
let longest = 0;
new PerformanceObserver((list) => {
	for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
}).observe({ entryTypes: ['longtask'] });

async function timed(work: () => Promise<unknown>): Promise<Timed> {
	const start = performance.now();
	const value = await work();
	return { ms: performance.now() - start, value };
}

const bench: BenchPage = {
	enter(name, url, databaseName) {
		contestant = CONTESTANTS[name](url, databaseName);
	},
	call(method, args, times = 1) {
		const work = contestant[method] as (...given: readonly unknown[]) => Promise<unknown>;
		return timed(async () => {
			let value: unknown;
			for (let n = 0; n < times; n++) value = await work(...args);
			return value;
		});
	},
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
	heap() {
		const { gc, performance: clock } = globalThis as unknown as {
			gc(): void;
			performance: { memory: { usedJSHeapSize: number } };
		};
		gc();
		return clock.memory.usedJSHeapSize / 1e6;
	},
	longestTask() {
		const longestYet = longest;
		longest = 0;
		return longestYet;
	},
	async remove(databaseName) {
		for (const { name } of await indexedDB.databases()) {
			if (name?.startsWith(databaseName)) indexedDB.deleteDatabase(name);
		}
	},
};

Object.assign(globalThis, { bench });
