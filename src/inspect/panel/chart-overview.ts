import type { ChartDrawing } from '../chart-drawing.ts';

/** Two ways to look at a drawing: all of it as drawn, or its states and arrows alone, larger. */
export interface ChartOverview {
	apply(isOverview: boolean): void;
}

type Crop = readonly [left: number, top: number, width: number, height: number];

/** Around what the overview shows, and between a name and its box, px of the drawing. */
const MARGIN = 14;
const PADDING = 6;
const LARGEST_NAME = 21;
/** Width of a character of the monospaced font, as a share of its size; the baseline below a text's middle, too. */
const CHARACTER = 0.62;
const BASELINE = 0.35;

/** @param svg the drawing, rendered. In the overview it has no labels: a style sheet hides them. */
export function createChartOverview(svg: Element, drawing: ChartDrawing): ChartOverview {
	const full: Crop = [0, 0, drawing.width, drawing.height];
	const cropped = toCrop(drawing);
	const names = drawing.states.flatMap(({ id, kind, label, y, width, height }) => {
		const name = svg.querySelector<SVGTextElement>(`[data-state="${id}"] > .name`);
		if (!name || kind !== 'atomic') return [];
		const size = Math.min(LARGEST_NAME, (width - 2 * PADDING) / (CHARACTER * label.length));
		return [{ name, size, fullY: name.getAttribute('y') ?? '', y: y + height / 2 + size * BASELINE }];
	});

	return {
		apply(isOverview) {
			const [left, top, width, height] = isOverview ? cropped : full;
			svg.setAttribute('viewBox', [left, top, width, height].join(' '));
			// Browsers take the ratio of the sides from these.
			svg.setAttribute('width', `${width}`);
			svg.setAttribute('height', `${height}`);
			for (const { name, size, fullY, y } of names) {
				// No labels stand below: the name goes to the middle, as large as the box is wide.
				name.setAttribute('y', isOverview ? y.toFixed(1) : fullY);
				name.style.fontSize = isOverview ? `${size.toFixed(1)}px` : '';
			}
		},
	};
}

/** The box around all states but the root, and all arrows. */
function toCrop({ id, states, transitions }: ChartDrawing): Crop {
	const boxes = states.filter((state) => state.id !== id);
	const corners = boxes.flatMap(({ x, y, width, height }) => [
		[x, y] as const,
		[x + width, y + height] as const,
	]);
	const points = [...corners, ...transitions.flatMap((transition) => transition.points)];
	const xs = points.map(([x]) => x);
	const ys = points.map(([, y]) => y);
	const [left, top] = [Math.min(...xs) - MARGIN, Math.min(...ys) - MARGIN];
	return [left, top, Math.max(...xs) + MARGIN - left, Math.max(...ys) + MARGIN - top];
}
