import { describe, expect, it } from 'vitest';
import { BASE_PROGRAMS } from './base-programs.ts';
import { sweepDisk, sweepKills, sweepTwoKills } from './sweep.ts';

/** `PIXSYNC_SEED=n` draws other pairs of kills. */
const SEED = Number(process.env.PIXSYNC_SEED ?? 1);

/** What shows that a run was about something, where nothing need be acknowledged: these only pull, or are signed out. */
const SHOWN_BY: Readonly<Record<string, string>> = {
	'a pull of several pages': 'rows compared',
	'a sweep': 'rows compared',
	'signed out, and on': 'mutations',
};

/** Moments that some program was cut off at: the opening and the first steps are the same in many. */
const known = new Set<string>();

describe('what an app does, cut off at every point', () => {
	it.each(Object.entries(BASE_PROGRAMS))(
		'[S26] [S1] [S2] [S4] [S16] [S28] [L1] [L2] %s',
		async (name, given) => {
			const { points, runs, counters } = await sweepKills(given, known);
			console.log(`swept, ${name}: ${points} points, ${runs} runs, ${counters.kills} kills`);
			expect(counters.kills).toBeGreaterThanOrEqual(runs - 6);
			expect(counters[SHOWN_BY[name] ?? 'acknowledged'] ?? 0).toBeGreaterThan(0);
		},
		300_000,
	);
});

describe('what an app does, on a disk that fails at every write', () => {
	it.each(Object.entries(BASE_PROGRAMS))(
		'[S27] [S1] [S4] [L1] [L2] %s',
		async (name, given) => {
			const { points, runs, counters } = await sweepDisk(given);
			console.log(`disk, ${name}: ${points} writes, ${runs} runs, ${JSON.stringify(pick(counters))}`);
			for (const error of ['QuotaExceededError', 'AbortError', 'UnknownError']) {
				expect(counters[`storage ${error}`]).toBeGreaterThan(0);
			}
		},
		300_000,
	);
});

it(`[S26] two kills, seed ${SEED}`, async () => {
	const given = BASE_PROGRAMS['create, update, delete'];
	if (!given) throw new Error('no such program');
	const { runs, counters } = await sweepTwoKills(given, 60, SEED);
	console.log(`two kills: ${runs} runs, ${counters.kills} kills`);
	expect(counters.kills).toBeGreaterThan(runs * 1.5);
}, 300_000);

function pick(counters: Readonly<Record<string, number>>): Record<string, number> {
	return Object.fromEntries(
		Object.entries(counters).filter(([name]) => name.startsWith('storage') || name.startsWith('refused')),
	);
}
