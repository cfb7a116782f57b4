import {
	type Box,
	CHART_TEXT,
	type ChartDrawing,
	type DrawnState,
	type DrawnTransition,
} from './chart-drawing.ts';
import { toChartStyle } from './chart-style.ts';

export interface RenderOptions {
	/**
	 * Where the colours come from. 'auto': light or dark as the reader prefers, for a file. 'host': the custom
	 * properties of the page around it (`--chart-paper`, `-ink`, `-muted`, `-line`, `-state`, `-frame`, `-active`,
	 * `-active-ink`), light where it sets none.
	 * @default 'auto'
	 */
	readonly colours?: 'auto' | 'host';
	/** Read out instead of the drawing. @default "Statechart <id>" */
	readonly title?: string;
	/** Ids of state nodes that are marked as active. @default none */
	readonly active?: readonly string[];
}

/** The baseline of a text line, from its top. */
const BASELINE = 0.76;
/** Radius of a line's corners and of the boxes'. */
const CORNER = 6;

/**
 * A drawing as SVG markup. A state is `<g class="state" data-state="table.idle">`; an arrow is
 * `<g class="transition" data-source="…" data-target="…">`, one for its line and one for its labels, if it has any, and what does
 * not leave a state stands as such a group in the state's own. With the class `is-active` either stands out.
 */
export function renderChart(drawing: ChartDrawing, options: RenderOptions = {}): string {
	const { width, height, id } = drawing;
	const active = new Set(options.active ?? []);
	const title = options.title ?? `Statechart ${id}`;
	const arrows = drawing.transitions.filter(({ points }) => points.length > 0);
	const staysOf = (state: string) =>
		drawing.transitions.filter(({ source, points }) => points.length === 0 && source === state);
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" class="pixsync-chart" data-chart="${escapeText(id)}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeText(title)}">`,
		`<title>${escapeText(title)}</title>`,
		`<style>${toChartStyle(options.colours ?? 'auto')}</style>`,
		`<rect class="paper" width="${width}" height="${height}"/>`,
		...drawing.states.map((state) => renderState(state, staysOf(state.id), active.has(state.id))),
		// Lines before labels: where a line must pass, the label stays on top.
		...arrows.map(renderLine),
		...arrows.filter(({ labels }) => labels.length > 0).map(renderLabels),
		'</svg>',
		'',
	].join('\n');
}

/** Text as it may stand in markup or in a quoted attribute. */
export function escapeText(text: string): string {
	return text
		.replaceAll('&', '&amp;')
		.replaceAll('<', '&lt;')
		.replaceAll('>', '&gt;')
		.replaceAll('"', '&quot;')
		.replaceAll("'", '&#39;');
}

function renderState(state: DrawnState, stays: readonly DrawnTransition[], isActive: boolean): string {
	const { x, y, width, height, kind } = state;
	const { headHeight, padding, nameSize } = CHART_TEXT;
	const name =
		kind === 'atomic'
			? { x: x + width / 2, anchor: ' text-anchor="middle"' }
			: { x: x + padding, anchor: '' };
	return [
		`<g class="state${isActive ? ' is-active' : ''}" data-state="${escapeText(state.id)}" data-kind="${kind}">`,
		`<rect class="box" x="${x}" y="${y}" width="${width}" height="${height}" rx="${CORNER}"/>`,
		state.isInitial ? renderInitial(state) : '',
		`<text class="name" x="${name.x}" y="${round(y + headHeight / 2 + nameSize * 0.35)}"${name.anchor}>${escapeText(state.label)}</text>`,
		...renderLines(state.activities, 'activity', x + padding, y + headHeight),
		// Inside the group, so that they are legible on an active state's colour.
		...stays.map(renderLabels),
		'</g>',
	].join('');
}

/** Where the machine begins: a dot, and a short arrow into the box's corner. */
function renderInitial({ x, y }: Box): string {
	return (
		`<circle class="initial" cx="${x - 9}" cy="${y - 9}" r="4"/>` +
		`<path class="initial" d="M${x + 2} ${y + 2}l-8 -3l5 -5z"/>`
	);
}

function renderLine({ source, target, points }: DrawnTransition): string {
	return (
		`<g class="transition" data-source="${escapeText(source)}" data-target="${escapeText(target)}">` +
		`<path class="line" d="${toPath(points)}"/><path class="head" d="${toHead(points)}"/></g>`
	);
}

function renderLabels({ source, target, labels, labelBox, points }: DrawnTransition): string {
	const { x, y, width, height } = labelBox;
	const isStay = points.length === 0;
	const paper = isStay
		? ''
		: `<rect class="label" x="${x}" y="${y}" width="${width}" height="${height}" rx="3"/>`;
	return (
		`<g class="transition" data-source="${escapeText(source)}" data-target="${escapeText(target)}">${paper}` +
		`${renderLines(labels, 'event', x + CHART_TEXT.padding / 2, y + CHART_TEXT.padding / 4).join('')}</g>`
	);
}

function renderLines(lines: readonly string[], style: string, x: number, top: number): readonly string[] {
	return lines.map((line, index) => {
		const y = round(top + (index + BASELINE) * CHART_TEXT.lineHeight);
		const indent = (line.length - line.trimStart().length) * CHART_TEXT.characterWidth;
		return `<text class="${style}" x="${round(x + indent)}" y="${y}">${escapeText(line.trimStart())}</text>`;
	});
}

/** The line with its corners rounded. */
function toPath(points: DrawnTransition['points']): string {
	const parts = points.map(([x, y], index) => {
		const before = points[index - 1];
		const after = points[index + 1];
		if (!before) return `M${x} ${y}`;
		if (!after) return `L${x} ${y}`;
		const [inX, inY] = towards([x, y], before);
		const [outX, outY] = towards([x, y], after);
		return `L${inX} ${inY}Q${x} ${y} ${outX} ${outY}`;
	});
	return parts.join('');
}

/** A point on the way from `a` to `b`, a corner's radius from `a`, at most half-way. */
function towards(
	[ax, ay]: readonly [number, number],
	[bx, by]: readonly [number, number],
): readonly [number, number] {
	const length = Math.hypot(bx - ax, by - ay) || 1;
	const share = Math.min(CORNER, length / 2) / length;
	return [round(ax + (bx - ax) * share), round(ay + (by - ay) * share)];
}

/** The triangle at the line's end. */
function toHead(points: DrawnTransition['points']): string {
	const [x, y] = points.at(-1) ?? [0, 0];
	const [fromX, fromY] = points.at(-2) ?? [x, y - 1];
	const length = Math.hypot(x - fromX, y - fromY) || 1;
	const [dx, dy] = [(x - fromX) / length, (y - fromY) / length];
	const corner = (side: number) =>
		`${round(x - 8 * dx - 4 * side * dy)} ${round(y - 8 * dy + 4 * side * dx)}`;
	return `M${x} ${y}L${corner(1)}L${corner(-1)}Z`;
}

function round(value: number): number {
	return Math.round(value * 10) / 10;
}
