import { createRandomSource } from '../support/random-source.ts';
import { assertKept, runCase, type SimCase } from './sim-case.ts';
import type { SimBuild } from './sim-tab.ts';
import type { Counters } from './world.ts';

export interface SweepResult {
	/** Points at which a kill was tried, or writes at which the disk failed. */
	readonly points: number;
	readonly runs: number;
	readonly counters: Counters;
}

const DISK_FAULTS = [
	{ error: 'QuotaExceededError', isPersistent: true },
	{ error: 'AbortError', isPersistent: false },
	{ error: 'UnknownError', isPersistent: false },
	{ error: 'QuotaExceededError', isPersistent: false },
] as const;

/**
 * Kills the app at every point of a case's program.
 * @param known moments at which some other case was killed: what had happened until then is the same, so that they are
 * left out here. Filled with this case's own.
 * @throws Error at the first promise broken, with the command that replays it.
 */
export async function sweepKills(given: SimCase, known = new Set<string>()): Promise<SweepResult> {
	const whole = await runCase(given);
	assertKept(given, whole);
	const sum: Record<string, number> = { ...whole.counters };
	let runs = 1;
	for (let point = 1; point <= whole.faultyPoints; point++) {
		const history = whole.histories[point - 1] ?? '';
		if (known.has(history)) continue;
		known.add(history);
		await once({ ...given, kills: [point] }, sum);
		runs++;
	}
	return { points: whole.faultyPoints, runs, counters: sum };
}

/** Lets each write of a case fail, by turns: from there on until the faults end, or once. */
export async function sweepDisk(given: SimCase, build?: SimBuild): Promise<SweepResult> {
	const whole = await runCase(given, build);
	const sum: Record<string, number> = {};
	let runs = 0;
	for (let at = 1; at <= whole.faultyWrites; at++) {
		const kind = DISK_FAULTS[at % DISK_FAULTS.length];
		if (kind) await once({ ...given, storage: { at, ...kind } }, sum, build);
		runs++;
	}
	return { points: whole.faultyWrites, runs, counters: sum };
}

/** Kills twice: at a point, and again at one of those that follow. */
export async function sweepTwoKills(given: SimCase, samples: number, seed: number): Promise<SweepResult> {
	const random = createRandomSource(seed);
	const { faultyPoints: points } = await runCase(given);
	const sum: Record<string, number> = {};
	for (let run = 0; run < samples; run++) {
		const first = 1 + random.below(points);
		await once({ ...given, kills: [first, first + 1 + random.below(60)] }, sum);
	}
	return { points, runs: samples, counters: sum };
}

async function once(given: SimCase, sum: Record<string, number>, build?: SimBuild): Promise<void> {
	const result = await runCase(given, build);
	for (const [name, count] of Object.entries(result.counters)) sum[name] = (sum[name] ?? 0) + count;
	assertKept(given, result);
}
