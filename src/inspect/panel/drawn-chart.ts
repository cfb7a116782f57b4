import type { ChartDrawing } from '../chart-drawing.ts';
import { renderChart } from '../render-chart.ts';
import { setAttribute } from './dom.ts';

/** A drawing as nodes, with its active states and the last transition marked. */
export interface DrawnChart {
	readonly element: Element;
	/** @param leaves the active states without the states around them, from the machine's root: 'idle'. */
	mark(leaves: readonly string[], lastMove: Move | null): void;
}

/** The last transition: its arrow stands out. Paths from the machine's root. */
export interface Move {
	readonly from: string;
	readonly to: string;
}

/** @param name of whom the chart is, for who does not see it. */
export function createDrawnChart(drawing: ChartDrawing, name: string): DrawnChart {
	const title = `Statechart of ${name}`;
	const svg = toSvg(drawing, title);
	const states = [...svg.querySelectorAll('.state')];
	const arrows = [...svg.querySelectorAll('.transition')];
	return {
		element: svg,
		mark(leaves, lastMove) {
			const active = new Set(leaves.flatMap((leaf) => toNodeIds(drawing, leaf)));
			for (const state of states)
				state.classList.toggle('is-active', active.has(state.getAttribute('data-state') ?? ''));
			for (const arrow of arrows)
				arrow.classList.toggle('is-active', lastMove !== null && isAlong(drawing, arrow, lastMove));
			setAttribute(svg, 'aria-label', `${title}: ${leaves.join(', ')}`);
		},
	};
}

/** The generated drawing, in which every text is escaped, as nodes. */
function toSvg(drawing: ChartDrawing, title: string): Element {
	// Parsed with its style, the drawing would offend a strict content security policy; the panel's sheet has it.
	const markup = renderChart(drawing, { colours: 'host', title }).replace(/<style>[^<]*<\/style>/, '');
	const svg = document.importNode(
		new DOMParser().parseFromString(markup, 'image/svg+xml').documentElement,
		true,
	);
	// Else a tooltip over the whole chart; `aria-label` says the same.
	svg.querySelector('title')?.remove();
	return svg;
}

/** A state and those around it, but for the root and its regions, which are always active. */
function toNodeIds({ id, states }: ChartDrawing, leaf: string): readonly string[] {
	const keys = leaf.split('.');
	const ids = keys.map((_, index) => [id, ...keys.slice(0, index + 1)].join('.'));
	return ids.filter((one) => states.some((state) => state.id === one && state.kind !== 'region'));
}

/** Whether an arrow is the way from one state to the other; its ends may be states around them. */
function isAlong({ id }: ChartDrawing, arrow: Element, { from, to }: Move): boolean {
	const isAround = (node: string | null, leaf: string) =>
		node !== null && `${id}.${leaf}.`.startsWith(`${node}.`);
	return isAround(arrow.getAttribute('data-source'), from) && isAround(arrow.getAttribute('data-target'), to);
}
