import { FLOOR } from './names.ts';
import type { Results } from './results.ts';

const BAR = 14;
const LEFT = 320;
const WIDTH = 400;
const COLOURS = ['#3b6fb6', '#d0872b', '#8a8a8a', '#5f9e6e', '#b55d60'];

/** Ratios to the floor on a logarithmic scale from 0.1 to 1,000. */
export function toPlot(results: Results, others: readonly string[]): string {
	const rows = results.rows.filter(
		(row) => (results.median(row, FLOOR) ?? 0) > 0 && !results.isAbsolute(row),
	);
	const height = 60 + rows.length * (others.length * BAR + 10);
	const bars = rows.flatMap((row, at) => {
		const top = 50 + at * (others.length * BAR + 10);
		return [
			`<text x="${LEFT - 8}" y="${top + BAR}" text-anchor="end">${row}</text>`,
			...others.map((name, n) => {
				const value = results.median(row, name);
				return value === null ? '' : toBar(value / (results.median(row, FLOOR) ?? 1), n, top + n * BAR);
			}),
		];
	});
	const ticks = [0.1, 1, 10, 100, 1_000].map(
		(ratio) =>
			`<line x1="${x(ratio)}" x2="${x(ratio)}" y1="40" y2="${height}" stroke="#888" stroke-width="${ratio === 1 ? 1.5 : 0.5}"/><text x="${x(ratio)}" y="34" text-anchor="middle">${ratio === 1 ? 'floor' : `${ratio}×`}</text>`,
	);
	const legend = others.map(
		(name, n) =>
			`<rect x="${8 + n * 130}" y="8" width="11" height="11" fill="${COLOURS[n]}"/><text x="${24 + n * 130}" y="18">${name}</text>`,
	);
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 60} ${height}" font-family="sans-serif" font-size="11"><title>Time and memory of PixSync and its peers, as multiples of the floor</title><rect width="100%" height="100%" fill="#fff"/>${[...legend, ...ticks, ...bars].join('')}</svg>\n`;
}

function x(ratio: number): number {
	return LEFT + (WIDTH * (Math.log10(Math.min(1_000, Math.max(0.1, ratio))) + 1)) / 4;
}

function toBar(ratio: number, n: number, y: number): string {
	const [from = 0, to = 0] = [x(1), x(ratio)].sort((a, b) => a - b);
	const label = ratio < 100 ? ratio.toFixed(2) : ratio.toFixed(0);
	return `<rect x="${from.toFixed(1)}" y="${y}" width="${(to - from).toFixed(1)}" height="${BAR - 3}" fill="${COLOURS[n]}"/><text x="${(to + 4).toFixed(1)}" y="${y + 10}">${label}×</text>`;
}
