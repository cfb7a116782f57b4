import { CHARTS, OVERVIEWS } from '../charts.generated.ts';
import { create, setText } from './dom.ts';
import { createDrawnChart, type DrawnChart, type Move } from './drawn-chart.ts';

/** A chart with its active states: at a glance, or in full on demand; it can be folded. */
export interface ChartView {
	readonly element: HTMLElement;
	/** @param leaves the active states without the states around them, from the machine's root: 'idle'. */
	update(leaves: readonly string[], lastMove: Move | null): void;
	/** Brings the active state into sight, unless the reader is at the chart. */
	showActive(): void;
}

/** @param name of whom the chart is, for who does not see it. */
export function createChartView(machine: keyof typeof OVERVIEWS, name: string): ChartView {
	const overview = createDrawnChart(OVERVIEWS[machine], name);
	let full: DrawnChart | null = null;
	let shown = overview;
	let last: { readonly leaves: readonly string[]; readonly lastMove: Move | null } | null = null;
	let marked = '';
	// Reachable by keyboard, for it scrolls.
	const scroller = create(
		'div',
		{ class: 'chart', tabindex: '0', role: 'group', 'aria-label': `Chart of ${name}` },
		overview.element,
	);
	const zoom = create('button', { type: 'button', class: 'quiet' }, 'Full size');
	const element = create(
		'details',
		{ class: 'chart-box', open: '' },
		create('summary', {}, 'Statechart'),
		create('div', { class: 'chart-tools' }, zoom),
		scroller,
	);

	zoom.addEventListener('click', () => {
		const isFull = scroller.classList.toggle('is-full');
		setText(zoom, isFull ? 'Overview' : 'Full size');
		// Drawn when it is first asked for: it is ten times as much.
		full ??= createDrawnChart(CHARTS[machine], name);
		shown = isFull ? full : overview;
		if (last) shown.mark(last.leaves, last.lastMove);
		scroller.replaceChildren(shown.element);
		showActive();
	});
	element.addEventListener('toggle', showActive);

	function showActive(): void {
		const active = shown.element.querySelector('.state.is-active[data-kind="atomic"]');
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
			last = { leaves, lastMove };
			shown.mark(leaves, lastMove);
			showActive();
		},
	};
}
