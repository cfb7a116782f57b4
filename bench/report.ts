import type { ContestantName } from './page.ts';
import type { Measure } from './workloads.ts';

/** What was measured → who → once a round. */
export type Results = Map<string, Map<ContestantName, readonly Measure[]>>;

export interface Conditions {
	readonly rounds: number;
	readonly browser: string;
}

const FLOOR: ContestantName = 'floor';

export function toMarkdown(
	results: Results,
	contestants: readonly ContestantName[],
	{ rounds, browser }: Conditions,
): string {
	const others = contestants.filter((name) => name !== FLOOR);
	const head = ['workload', 'floor', ...others.map((name) => `${name}, ratio`), 'requests (preflights)'];
	const lines = [...results].map(([name, row]) => {
		const floor = medianOf(row.get(FLOOR));
		const ratios = others.map((other) => {
			const value = medianOf(row.get(other));
			return floor === 0 ? value.toFixed(0) : `${(value / floor).toFixed(2)}×`;
		});
		const traffic = contestants.map((other) => toTraffic(row.get(other))).join(' · ');
		return [name, toFigure(name, floor), ...ratios, traffic];
	});
	return `# What PixSync costs beside no engine at all

${rounds} rounds in Chromium ${browser}, contestants taking turns, medians. The server is an emulator in memory on another origin, so that preflights are real and the server is not what is measured. Only the ratios mean something: the machine is a noisy one. \`npm run bench\` writes this file.

The floor is raw \`fetch\` and one raw IndexedDB transaction a page: no conflicts but by version, no lost replies, no users, no tabs. What is queued is durable before its promise resolves, for all. The floor sends checked updates by one function, as the RPC transport does.

![The ratios as bars](results.svg)

| ${head.join(' | ')} |
|${head.map(() => '---').join('|')}|
${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}
`;
}

function toFigure(name: string, value: number): string {
	if (name.includes('MB')) return `${value.toFixed(1)} MB`;
	return value < 20 ? `${value.toFixed(1)} ms` : `${value.toFixed(0)} ms`;
}

function toTraffic(measures: readonly Measure[] = []): string {
	const { requests = 0, preflights = 0 } = measures.at(-1)?.traffic ?? {};
	return `${requests} (${preflights})`;
}

export function medianOf(measures: readonly Measure[] = []): number {
	const values = measures.map(({ value }) => value).sort((a, b) => a - b);
	const middle = values.length >> 1;
	const [low = 0, high = 0] = [values[(values.length - 1) >> 1], values[middle]];
	return (low + high) / 2;
}

const BAR = 14;
const LEFT = 320;
const WIDTH = 400;
const COLOURS = ['#3b6fb6', '#d0872b'];

/** Ratios to the floor on a logarithmic scale from 0.1 to 100. */
export function toPlot(results: Results, contestants: readonly ContestantName[]): string {
	const others = contestants.filter((name) => name !== FLOOR);
	const x = (ratio: number) => LEFT + (WIDTH * (Math.log10(Math.min(100, Math.max(0.1, ratio))) + 1)) / 3;
	const rows = [...results].filter(([, row]) => medianOf(row.get(FLOOR)) > 0);
	const height = 60 + rows.length * (others.length * BAR + 10);
	const bars = rows.flatMap(([name, row], at) => {
		const top = 50 + at * (others.length * BAR + 10);
		const floor = medianOf(row.get(FLOOR));
		return [
			`<text x="${LEFT - 8}" y="${top + BAR}" text-anchor="end">${name}</text>`,
			...others.map((other, n) => {
				const ratio = medianOf(row.get(other)) / floor;
				const [from, to] = [x(1), x(ratio)].sort((a, b) => a - b) as [number, number];
				const y = top + n * BAR;
				return `<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="${BAR - 3}" fill="${COLOURS[n]}"/><text x="${(to + 4).toFixed(1)}" y="${y + 10}">${ratio.toFixed(2)}×</text>`;
			}),
		];
	});
	const ticks = [0.1, 1, 10, 100].map(
		(ratio) =>
			`<line x1="${x(ratio)}" x2="${x(ratio)}" y1="40" y2="${height}" stroke="#888" stroke-width="${ratio === 1 ? 1.5 : 0.5}"/><text x="${x(ratio)}" y="34" text-anchor="middle">${ratio === 1 ? 'floor' : `${ratio}×`}</text>`,
	);
	const legend = others.map(
		(name, n) =>
			`<rect x="${8 + n * 130}" y="8" width="11" height="11" fill="${COLOURS[n]}"/><text x="${24 + n * 130}" y="18">${name}</text>`,
	);
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 60} ${height}" font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${[...legend, ...ticks, ...bars].join('')}</svg>\n`;
}
