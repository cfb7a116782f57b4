import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { BrowserContext } from 'playwright-core';
import { launchPersistentChromium } from '../test/support/browser/chromium.ts';
import { servePage } from '../test/support/browser/page-server.ts';
import { startEmulator } from './emulator/emulator.ts';
import { FLOOR, OWN, PEERS, SIX_CONNECTIONS, TUNED_FLOOR } from './names.ts';
import { installPeers } from './peers.ts';
import { toPlot } from './plot.ts';
import { toRealMarkdown } from './real-report.ts';
import { startRealServer } from './real-server.ts';
import { toMarkdown } from './report.ts';
import { createResults, type Results } from './results.ts';
import { runRounds } from './run.ts';
import { FULL, SHORT } from './sizes.ts';
import { WATCHING } from './watching.ts';
import { REAL_WORKLOADS, WORKLOADS } from './workloads.ts';

/** `npm run bench`; what its options do stands in the README.md beside this file. */
const { values } = parseArgs({
	options: {
		short: { type: 'boolean', default: false },
		peers: { type: 'boolean', default: false },
		real: { type: 'boolean', default: false },
		rounds: { type: 'string', default: '5' },
		only: { type: 'string', default: '' },
		limit: { type: 'string', default: '120' },
	},
});
const rounds = values.short ? 1 : Number(values.rounds);
const limitMs = Number(values.limit) * 1000;
if (!(rounds >= 1) || !(limitMs > 0)) throw new Error('--rounds and --limit are numbers above 0');
const sizes = values.short ? SHORT : FULL;

const directory = await mkdtemp(join(tmpdir(), 'pixsync-bench-'));
const undo = [() => rm(directory, { recursive: true, force: true, maxRetries: 10 })];
try {
	// On disk: the local data of a private window is kept in memory.
	const flags = ['--js-flags=--expose-gc', '--enable-precise-memory-info'];
	const context = await launchPersistentChromium(directory, flags).catch((error: Error) => {
		console.error(error.message);
		process.exitCode = 1;
	});
	if (context) {
		undo.push(() => context.close());
		await bench(context);
	}
} finally {
	for (const step of undo.reverse()) await step().catch(console.error);
}

async function bench(context: BrowserContext): Promise<void> {
	const server = await (values.real ? startRealServer() : startEmulator());
	undo.push(() => server.stop());
	const page = await servePage({ script: join(import.meta.dirname, 'page-script.ts') });
	undo.push(() => page.stop());
	const peers = values.peers && !values.real ? installPeers() : null;
	// A page of their own: what they bring must not weigh on PixSync's.
	const peersPage = peers ? await servePage({ script: peers.script }) : page;
	if (peers) undo.push(() => peersPage.stop());

	const versions = peers?.versions ?? {};
	const results = createResults();
	await runRounds({
		...{ context, server, rounds, sizes, limitMs, results, log: console.log },
		pageUrl: (contestant) => (contestant in versions ? peersPage.url : page.url),
		contestants: [FLOOR, TUNED_FLOOR, SIX_CONNECTIONS, ...OWN, ...Object.keys(versions)],
		workloads: (values.real ? REAL_WORKLOADS : [...WORKLOADS, WATCHING]).filter(({ name }) =>
			name.includes(values.only),
		),
	});
	const conditions = { rounds, sizes, limitMs, peers: versions, browser: context.browser()?.version() ?? '' };
	const markdown = values.real ? toRealMarkdown(results, conditions) : toMarkdown(results, conditions);
	console.log(`\n${markdown}`);
	if (!isWhole(results)) {
		process.exitCode = 1;
		return;
	}
	if (values.short || values.only !== '') return;
	await writeFile(join(import.meta.dirname, values.real ? 'RESULTS-REAL.md' : 'RESULTS.md'), markdown);
	if (values.real) return;
	const plot = toPlot(results, [...OWN, ...Object.keys(versions)]);
	await writeFile(join(import.meta.dirname, 'results.svg'), plot);
}

/** Peers may fail; whoever fails else has found a bug. */
function isWhole(results: Results): boolean {
	const failed = results.failures.filter(({ contestant }) => !PEERS.includes(contestant));
	for (const { workload, contestant, reason } of failed)
		console.error(`${contestant} did not go through with "${workload}": ${reason}`);
	return failed.length === 0;
}
