import { idOf } from './emulator/table.ts';
import { FLOOR, OWN, PEERS, SIX_CONNECTIONS, TUNED_FLOOR } from './names.ts';
import type { Measure, Player } from './player.ts';
import type { BenchServer } from './server.ts';
import { type Sizes, toCount } from './sizes.ts';

export interface Stage {
	readonly server: BenchServer;
	readonly sizes: Sizes;
	/** A page of its own, in which the contestant's local data is empty. */
	readonly open: () => Promise<Player>;
	/** Keeps what was measured, also when what comes after fails. */
	readonly record: (row: string, measure: Measure) => void;
}

export interface Workload {
	readonly name: string;
	readonly contestants: readonly string[];
	readonly run: (stage: Stage) => Promise<void>;
}

const ALL = [FLOOR, ...OWN, ...PEERS];

/** Rows that the report compares apart. */
export const uploadOfCreates = (count: number) => `upload of ${toCount(count)} creates`;
export const uploadOfUpdates = (count: number, latencyMs: number) =>
	`upload of ${toCount(count)} checked updates at ${latencyMs} ms`;

export function assertIs(what: string, actual: unknown, expected: unknown): void {
	if (actual !== expected) throw new Error(`${what}: ${String(actual)}, not ${String(expected)}`);
}

/** How often what takes some ms is done in a round: one alone scatters by a third. */
const TIMES = 5;

async function middleOf(work: (time: number) => Promise<Measure>): Promise<Measure> {
	const measures: Measure[] = [];
	for (let time = 1; time <= TIMES; time++) measures.push(await work(time));
	measures.sort((a, b) => a.value - b.value);
	return measures[TIMES >> 1] as Measure;
}

/** What an app does first, and then every day. */
async function reading({ server, sizes: { large }, open, record }: Stage): Promise<void> {
	await server.fill(large);
	const player = await open();
	await player.call('open');
	const first = await player.call('download');
	assertIs('rows held', await player.count(), large);
	record(`first download of ${toCount(large)} rows`, first);
	record('heap after it', { value: await player.heap(), unit: 'MB', traffic: first.traffic });
	record('nothing new', await middleOf(() => player.call('download')));
	let title = '';
	const changed = await middleOf(async (time) => {
		title = `Changed ${time}`;
		await server.change(100, title);
		const measure = await player.call('download');
		assertIs('the changed row', (await player.read(idOf(99)))?.title, title);
		return measure;
	});
	record(`100 changed of ${toCount(large)}`, changed);
	await player.call('close');
	await player.reload();
	const opened = await player.call('open');
	assertIs('the row kept', (await player.read(idOf(99)))?.title, title);
	record(`open with ${toCount(large)} rows`, opened);
	record('nothing new, just opened', await player.call('download'));
	await player.end();
}

async function smaller({ server, sizes: { medium }, open, record }: Stage): Promise<void> {
	await server.fill(medium * 2);
	const player = await open();
	await player.call('open');
	await player.longestTask();
	const first = await player.call('download');
	assertIs('rows held', await player.count(), medium * 2);
	record(`first download of ${toCount(medium * 2)} rows`, first);
	record('longest task during it (0: below 50)', {
		value: await player.longestTask(),
		isAbsolute: true,
		traffic: first.traffic,
	});
	await player.end();
}

const downloading =
	(latencyMs: number) =>
	async ({ server, sizes: { medium }, open, record }: Stage): Promise<void> => {
		await server.fill(medium);
		const player = await open();
		await player.call('open');
		server.latencyMs = latencyMs;
		const first = await player.call('download');
		server.latencyMs = 0;
		assertIs('rows held', await player.count(), medium);
		record(`first download of ${toCount(medium)} rows at ${latencyMs} ms`, first);
		await player.end();
	};

async function writing({ server, sizes: { medium }, open, record }: Stage): Promise<void> {
	await server.fill(0);
	const player = await open();
	await player.call('open');
	await player.call('download');
	record(`${toCount(medium)} offline creates in one call`, await player.create(medium, false));
	const upload = await player.call('upload');
	assertIs('rows at the server', await server.count(), medium);
	record(uploadOfCreates(medium), upload);
	await player.end();
}

async function single({ server, sizes: { small }, open, record }: Stage): Promise<void> {
	await server.fill(small);
	const player = await open();
	await player.call('open');
	await player.call('download');
	record(`${toCount(small)} creates, one awaited at a time`, await player.create(small, true));
	const updates = await player.updateOne(idOf(5), small);
	record(`${toCount(small)} updates of one row, one awaited at a time`, updates);
	const upload = await player.call('upload');
	assertIs('the row', await server.numberOf(idOf(5)), small);
	assertIs('rows at the server', await server.count(), small * 2);
	record('upload of both', upload);
	await player.end();
}

const updating =
	(latencyMs: number) =>
	async ({ server, sizes: { small }, open, record }: Stage): Promise<void> => {
		await server.fill(small);
		const player = await open();
		await player.call('open');
		await player.call('download');
		await player.update(Array.from({ length: small }, (_, n) => idOf(n)));
		server.latencyMs = latencyMs;
		const upload = await player.call('upload');
		server.latencyMs = 0;
		for (const n of [0, small - 1]) assertIs(`row ${n}`, await server.numberOf(idOf(n)), -1);
		record(uploadOfUpdates(small, latencyMs), upload);
		await player.end();
	};

export const WORKLOADS: readonly Workload[] = [
	{ name: 'reading', contestants: ALL, run: reading },
	{ name: 'smaller', contestants: ALL, run: smaller },
	{ name: 'downloading at 50 ms', contestants: ALL, run: downloading(50) },
	{ name: 'writing', contestants: [...ALL, TUNED_FLOOR], run: writing },
	{ name: 'single', contestants: ALL, run: single },
	...[0, 50].map((latencyMs) => ({
		name: `updating at ${latencyMs} ms`,
		contestants: [...ALL, TUNED_FLOOR, SIX_CONNECTIONS],
		run: updating(latencyMs),
	})),
];

const HERE = [FLOOR, ...OWN];

/** What the real stack is asked for. */
export const REAL_WORKLOADS: readonly Workload[] = [
	{ name: 'downloading', contestants: HERE, run: downloading(0) },
	{ name: 'writing', contestants: HERE, run: writing },
	{ name: 'updating', contestants: HERE, run: updating(0) },
];
