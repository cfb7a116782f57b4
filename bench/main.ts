import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launchPersistentChromium } from '../test/support/browser/chromium.ts';
import { servePage } from '../test/support/browser/page-server.ts';
import { startEmulator } from './emulator.ts';
import type { ContestantName } from './page.ts';
import { type Results, toMarkdown, toPlot } from './report.ts';
import { createPlayer, FULL, SHORT, WORKLOADS } from './workloads.ts';

/**
 * `npm run bench`: every contestant with every workload, five rounds, taking turns, in a real Chromium; writes
 * RESULTS.md and its plot. `-- --short`: one round of few rows, which shows that it runs and writes nothing.
 * `-- --rounds 1`: as many rounds.
 */
const { values } = parseArgs({
	options: { short: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});
const isShort = values.short;
const rounds = isShort ? 1 : Number(values.rounds);
const CONTESTANTS: readonly ContestantName[] = ['floor', 'PixSync, REST', 'PixSync, RPC'];

const directory = await mkdtemp(join(tmpdir(), 'pixsync-bench-'));
const emulator = await startEmulator();
const server = await servePage({ script: join(import.meta.dirname, 'page.ts') });
// On disk: the local data of a private window is kept in memory.
const context = await launchPersistentChromium(directory, [
	'--js-flags=--expose-gc',
	'--enable-precise-memory-info',
]);
const results: Results = new Map();
try {
	for (let round = 0; round < rounds; round++) {
		for (const workload of WORKLOADS) {
			for (let turn = 0; turn < CONTESTANTS.length; turn++) {
				const contestant = CONTESTANTS[(turn + round) % CONTESTANTS.length] as ContestantName;
				const databaseName = `bench-${round}-${turn}-${workload.name}`;
				const newPage = async () => {
					const page = await context.newPage();
					await page.goto(server.url);
					await page.waitForFunction(() => 'bench' in globalThis);
					return page;
				};
				const open = () => createPlayer({ newPage, emulator, contestant, databaseName });
				const measures = await workload({ emulator, sizes: isShort ? SHORT : FULL, open });
				for (const [name, measure] of Object.entries(measures)) {
					const row = results.get(name) ?? new Map();
					results.set(name, row.set(contestant, [...(row.get(contestant) ?? []), measure]));
				}
				console.log(`round ${round + 1}, ${workload.name}, ${contestant}: done`);
			}
		}
	}
	const markdown = toMarkdown(results, CONTESTANTS, { rounds, browser: context.browser()?.version() ?? '' });
	console.log(markdown);
	if (!isShort) {
		await writeFile(join(import.meta.dirname, 'RESULTS.md'), markdown);
		await writeFile(join(import.meta.dirname, 'results.svg'), toPlot(results, CONTESTANTS));
	}
} finally {
	await context.close();
	await server.stop();
	await emulator.stop();
	await rm(directory, { recursive: true, force: true });
}
