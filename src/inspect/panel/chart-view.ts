import type { ChartDrawing } from '../chart-drawing.ts';
import { CHARTS } from '../charts.generated.ts';
import type { MachineName } from '../inspection-entry.ts';
import { renderChart } from '../render-chart.ts';
import { createChartOverview } from './chart-overview.ts';
import { create, setAttribute, setText } from './dom.ts';

/** A chart with its active states; it can be folded, and read in full or as an overview. */
export interface ChartView {
	readonly element: HTMLElement;
	/** @param leaves the active states without the states around them, from the machine's root: 'idle'. */
	update(leaves: readonly string[], lastMove: Move | null): void;
	/** Brings the active state into sight, unless the reader is at the chart. */
	showActive(): void;
}

/** The last transition: its arrow stands out. Paths from the machine's root. */
export interface Move {
	readonly from: string;
	readonly to: string;
}

/** @param name of whom the chart is, for who does not see it. */
export function createChartView(machine: MachineName, name: string): ChartView {
	const drawing = CHARTS[machine];
	const svg = toSvg(drawing, `Statechart of ${name}`);
	// Reachable by keyboard, for it scrolls.
	const scroller = create('div', {
		class: 'chart',
		tabindex: '0',
		role: 'group',
		'aria-label': `Chart of ${name}`,
	});
	const zoom = create('button', { type: 'button', class: 'quiet' }, 'Full size');
	const element = create(
		'details',
		{ class: 'chart-box', open: '' },
		create('summary', {}, 'Statechart'),
		create('div', { class: 'chart-tools' }, zoom),
		scroller,
	);
	const overview = createChartOverview(svg, drawing);
	const states = [...svg.querySelectorAll('.state')];
	const arrows = [...svg.querySelectorAll('.transition')];
	let marked = '';
	overview.apply(true);
	scroller.append(svg);

	zoom.addEventListener('click', () => {
		const isFull = scroller.classList.toggle('is-full');
		overview.apply(!isFull);
		setText(zoom, isFull ? 'Overview' : 'Full size');
		showActive();
	});
	element.addEventListener('toggle', showActive);

	function showActive(): void {
		const active = svg.querySelector('.state.is-active[data-kind="atomic"]');
		if (!active || scroller.matches(':hover, :focus')) return;
		// The box scrolls and not the page, as `scrollIntoView` would have it.
		const [box, at] = [scroller.getBoundingClientRect(), active.getBoundingClientRect()];
		scroller.scrollLeft += at.left + at.width / 2 - (box.left + box.width / 2);
		scroller.scrollTop += at.top + at.height / 2 - (box.top + box.height / 2);
	}

	return {
		element,
		showActive,
		update(leaves, lastMove) {
			const key = JSON.stringify([leaves, lastMove]);
			if (key === marked) return;
			marked = key;
			const active = new Set(leaves.flatMap((leaf) => toNodeIds(drawing, leaf)));
			for (const state of states)
				state.classList.toggle('is-active', active.has(state.getAttribute('data-state') ?? ''));
			for (const arrow of arrows)
				arrow.classList.toggle('is-active', lastMove !== null && isAlong(drawing, arrow, lastMove));
			setAttribute(svg, 'aria-label', `Statechart of ${name}: ${leaves.join(', ')}`);
			showActive();
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
