import type { BrowserContext, Page } from 'playwright-core';
import { LEGEND } from './names.ts';
import { createPlayer } from './player.ts';
import type { Results } from './results.ts';
import type { BenchServer } from './server.ts';
import type { Sizes } from './sizes.ts';
import type { Workload } from './workloads.ts';

export interface RunOptions {
	readonly context: BrowserContext;
	/** Of the page that knows the contestant. */
	readonly pageUrl: (contestant: string) => string;
	readonly server: BenchServer;
	readonly workloads: readonly Workload[];
	/** Who takes part, where a workload is for them. */
	readonly contestants: readonly string[];
	readonly rounds: number;
	readonly sizes: Sizes;
	/** How long a contestant may take for one workload, ms. */
	readonly limitMs: number;
	readonly results: Results;
	readonly log: (line: string) => void;
}

/** Asks for all rows in one request, and would hold the first 1,000 for ever. */
const UNPAGED: readonly string[] = [LEGEND];

/** Every workload with every contestant, taking turns. Whoever cannot do one is not asked for it again. */
export async function runRounds(options: RunOptions): Promise<void> {
	const { workloads, contestants, rounds, results, log } = options;
	for (let round = 0; round < rounds; round++) {
		for (const workload of workloads) {
			const players = workload.contestants.filter((name) => contestants.includes(name));
			for (let turn = 0; turn < players.length; turn++) {
				const contestant = players[(turn + round) % players.length] ?? '';
				if (results.hasFailed(workload.name, contestant)) continue;
				const start = Date.now();
				const reason = await play(options, workload, contestant, `bench-${round}-${turn}-`);
				if (reason) results.fail(workload.name, contestant, reason);
				const seconds = ((Date.now() - start) / 1000).toFixed(1);
				log(`round ${round + 1}, ${workload.name}, ${contestant}: ${reason ?? 'done'} (${seconds} s)`);
			}
		}
	}
}

/** @returns why it could not go through with it; null: it did. */
async function play(
	options: RunOptions,
	workload: Workload,
	contestant: string,
	prefix: string,
): Promise<string | null> {
	const { context, pageUrl, server, sizes, limitMs, results } = options;
	const pages: Page[] = [];
	const newPage = async () => {
		const page = await context.newPage();
		pages.push(page);
		await page.goto(pageUrl(contestant));
		await page.waitForFunction(() => 'bench' in globalThis);
		return page;
	};
	server.maxRows = UNPAGED.includes(contestant) ? Number.POSITIVE_INFINITY : 1_000;
	const databaseName = `${prefix}${workload.name.replaceAll(' ', '-')}`;
	const open = () => createPlayer({ newPage, server, contestant, databaseName });
	let isOver = false;
	const work = workload.run({
		...{ server, sizes, open },
		record: (row, measure) => {
			if (!isOver) results.record(row, contestant, measure, workload.name);
		},
	});
	const reason = await withLimit(work, limitMs);
	isOver = true;
	server.latencyMs = 0;
	// What is still open belongs to somebody who failed.
	await Promise.all(pages.map((page) => withLimit(page.close(), 10_000)));
	return reason;
}

/** @returns what went wrong; null: nothing. */
async function withLimit(work: Promise<unknown>, limitMs: number): Promise<string | null> {
	let timer: NodeJS.Timeout | undefined;
	const limit = new Promise<string>((resolve) => {
		timer = setTimeout(() => resolve(`not done within ${limitMs / 1000} s`), limitMs);
	});
	const reason = work.then(() => null, toReason);
	const first = await Promise.race([reason, limit]);
	clearTimeout(timer);
	return first;
}

function toReason(error: unknown): string {
	const [line = ''] = String(error instanceof Error ? error.message : error).split('\n');
	if (/crashed/i.test(line)) return 'the page crashed';
	return line
		.replace(/^page\.evaluate: /, '')
		.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, '')
		.slice(0, 200);
}
