import { toCount, toTable } from './markdown.ts';
import { pokedPulls } from './pokes.ts';
import { type Plan, toSteadyRate } from './scenarios.ts';

/** Seen by one device in one table. */
const CHANGES = [
	{ name: 'one an hour', perSecond: 1 / 3_600 },
	{ name: 'one in 10 minutes', perSecond: 1 / 600 },
	{ name: 'one a minute', perSecond: 1 / 60 },
	{ name: 'six a minute', perSecond: 1 / 10 },
	{ name: 'one a second', perSecond: 1 },
	{ name: 'ten a second', perSecond: 10 },
] as const;

const POLLS = [30, 60, 300] as const;
const SLOW_POLL_S = 300;

/** The tables that take no herd: pokes and sizes. */
export function renderSizing({ devices, seed }: Plan): string {
	const polls = POLLS.map((seconds) => [
		`every ${seconds} s`,
		`${toCount(seconds / 2)} s, at most ${seconds} s`,
		toCount(toSteadyRate(devices, 1, seconds * 1_000)),
	]);
	// Long enough for some thousand changes of the rarest kind.
	const pokes = CHANGES.map(({ name, perSecond }) => {
		const pulls = pokedPulls(perSecond, seed, Math.max(3_600_000, 4_000_000 / perSecond));
		const all = pulls + 1 / SLOW_POLL_S;
		return [name, toCount(pulls / perSecond), toCount(devices * all), `every ${toCount(1 / all)} s`];
	});
	const sizes = [1_000, 10_000, 100_000].flatMap((count) =>
		[1, 5, 20].map((tables) => [
			toCount(count),
			toCount(tables),
			...POLLS.map((seconds) => toCount(toSteadyRate(count, tables, seconds * 1_000))),
		]),
	);
	return [
		'### Polling alone',
		toTable(['one table, auto-sync', 'a change is seen after, on average', 'requests a second'], polls),
		`### Realtime, with polling every ${SLOW_POLL_S} s beside it`,
		toTable(
			['changes that a device is told of', 'pulls a change', 'requests a second', 'as many as polling'],
			pokes,
		),
		'### Requests a second at rest',
		toTable(['devices', 'tables', ...POLLS.map((seconds) => `every ${seconds} s`)], sizes),
	].join('\n\n');
}
