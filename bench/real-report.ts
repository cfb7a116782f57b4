import { FLOOR, OWN } from './names.ts';
import { toFigure, toRatio, toRounds, toTable, toTraffic } from './report.ts';
import type { Results } from './results.ts';

export interface RealConditions {
	readonly rounds: number;
	readonly browser: string;
}

export function toRealMarkdown(results: Results, { rounds, browser }: RealConditions): string {
	const lines = results.rows.map((row) => [
		row,
		toFigure(results, row, FLOOR),
		...OWN.map((name) => toRatio(results, row, name, FLOOR)),
		[FLOOR, ...OWN].map((name) => toTraffic(results, row, name)).join(' · '),
	]);
	return `# The same on the real stack

${toRounds(rounds)} in Chromium ${browser}, contestants taking turns, medians, against PostgREST on PostgreSQL behind the gateway of the tests: here the server is a part of what is measured. The floor is that of [RESULTS.md](RESULTS.md), and calls the same function for checked updates. \`npm run bench -- --real\` writes this file.

${toTable(['workload', FLOOR, ...OWN, 'requests (preflights)'], lines)}
`;
}
