export interface Series {
	readonly name: string;
	/** A second each. */
	readonly requests: readonly number[];
}

const WIDTH = 850;
const HEIGHT = 320;
const LEFT = 62;
const TOP = 14;
const RIGHT = 24;
const BOTTOM = 62;
/** Seconds a point: the mean of them is drawn. */
const STEP_S = 10;
const COLOURS = ['#0b6e4f', '#b3261e', '#3558a8'] as const;

/** Requests a second over time, as an SVG on white. */
export function toPlot(series: readonly Series[], seconds: number): string {
	const curves = series.map(({ name, requests }) => ({ name, points: toMeans(requests.slice(0, seconds)) }));
	const top = toRound(Math.max(...curves.flatMap(({ points }) => points), 1));
	const x = (second: number) => LEFT + (second / seconds) * (WIDTH - LEFT - RIGHT);
	const y = (value: number) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
	const text = (atX: number, atY: number, anchor: string, words: string) =>
		`<text x="${atX.toFixed(1)}" y="${atY.toFixed(1)}" text-anchor="${anchor}">${words}</text>`;
	const rules = [0, 0.25, 0.5, 0.75, 1].flatMap((share) => {
		const atY = y(top * share);
		return [
			`<path d="M${LEFT} ${atY.toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
			text(LEFT - 6, atY + 4, 'end', String(Math.round(top * share))),
		];
	});
	const minutes = Array.from({ length: Math.floor(seconds / 180) + 1 }, (_, at) =>
		text(x(at * 180), HEIGHT - BOTTOM + 18, 'middle', `${at * 3} min`),
	);
	const lines = curves.flatMap(({ name, points }, at) => {
		const colour = COLOURS[at % COLOURS.length];
		const path = points
			.map((value, index) => `${x((index + 0.5) * STEP_S).toFixed(1)} ${y(value).toFixed(1)}`)
			.join('L');
		const keyX = LEFT + at * 260;
		return [
			`<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
			`<path d="M${keyX} ${HEIGHT - 18}h24" stroke="${colour}" stroke-width="2"/>`,
			text(keyX + 30, HEIGHT - 14, 'start', name),
		];
	});
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
		'<title>Requests a second, from one minute before an outage of ten minutes to ten minutes after it</title>',
		`<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
		...rules,
		...minutes,
		...lines,
		'</svg>',
		'',
	].join('\n');
}

function toMeans(values: readonly number[]): number[] {
	return Array.from({ length: Math.floor(values.length / STEP_S) }, (_, at) => {
		const own = values.slice(at * STEP_S, (at + 1) * STEP_S);
		return own.reduce((total, value) => total + value, 0) / own.length;
	});
}

/** The next of some round numbers whose quarters are round, too. */
function toRound(value: number): number {
	const power = 10 ** Math.floor(Math.log10(value));
	return ([1, 2, 2.4, 4, 6, 8, 10].find((times) => times * power >= value) ?? 10) * power;
}
