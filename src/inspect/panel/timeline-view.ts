import type { InspectionEntry } from '../inspection-entry.ts';
import { create, setText } from './dom.ts';
import { toEntryText, toTime } from './format.ts';
import { createTimelineFilter } from './timeline-filter.ts';

/** The log, newest first, of one table or all, standing still on demand. */
export interface TimelineView {
	readonly element: HTMLElement;
	/** @param entries null: nobody records. */
	update(entries: readonly InspectionEntry[] | null, tables: readonly string[]): void;
}

/** @param onClear the reader wants the log emptied. */
export function createTimelineView(onClear: () => void): TimelineView {
	const list = create('ol', { class: 'entries', tabindex: '0', 'aria-label': 'Entries, newest first' });
	const pause = create('button', { type: 'button' }, 'Pause');
	const clear = create('button', { type: 'button' }, 'Clear');
	const empty = create('p', { class: 'empty' });
	const filter = createTimelineFilter(rebuild);
	const element = create(
		'section',
		{ class: 'card timeline', 'aria-label': 'Timeline' },
		create('header', {}, create('h2', {}, 'Timeline'), create('span', { class: 'tools' }, pause, clear)),
		filter.element,
		empty,
		list,
	);
	let entries: readonly InspectionEntry[] | null = null;
	/** What the list was made from; kept while it stands still. */
	let shown: readonly InspectionEntry[] = [];
	let isPaused = false;

	pause.addEventListener('click', () => {
		isPaused = !isPaused;
		show();
	});
	clear.addEventListener('click', onClear);

	function rebuild(): void {
		list.replaceChildren(...[...shown].reverse().filter(filter.accepts).map(toRow));
		tellEmpty();
	}

	/** Adds what is new and drops what fell out, so that a reader's place and selection stay. */
	function extend(next: readonly InspectionEntry[]): void {
		const last = shown.at(-1)?.seq ?? 0;
		const first = next[0]?.seq ?? Number.POSITIVE_INFINITY;
		shown = next;
		const added = next.filter((entry) => entry.seq > last && filter.accepts(entry));
		list.prepend(...added.reverse().map(toRow));
		while (Number(list.lastElementChild?.getAttribute('data-seq') ?? first) < first)
			list.lastElementChild?.remove();
		tellEmpty();
	}

	function show(): void {
		const latest = entries ?? [];
		// Emptied by the reader: nothing is left to stand still.
		if (!isPaused || latest.length === 0) extend(latest);
		const waiting = latest.filter((entry) => entry.seq > (shown.at(-1)?.seq ?? 0)).length;
		setText(pause, isPaused ? `Resume${waiting > 0 ? ` (${waiting} new)` : ''}` : 'Pause');
	}

	function tellEmpty(): void {
		const isEmpty = list.childElementCount === 0;
		empty.hidden = !isEmpty;
		list.hidden = isEmpty;
		setText(empty, entries ? 'Nothing yet.' : 'Nobody records: set the property `inspector`.');
	}

	return {
		element,
		update(next, tables) {
			entries = next;
			filter.setTables(tables);
			show();
		},
	};
}

function toRow(entry: InspectionEntry): HTMLElement {
	const { text, detail } = toEntryText(entry);
	const row = create(
		'li',
		{
			'data-kind': entry.kind,
			'data-seq': `${entry.seq}`,
			...(entry.table === null ? {} : { 'data-of': entry.table }),
		},
		create('span', { class: 'text' }, text),
		create('span', { class: 'of' }, entry.table ?? 'root'),
		create('time', { datetime: new Date(entry.at).toISOString() }, toTime(entry.at, true)),
		create('span', { class: 'detail' }, detail),
	);
	return row;
}
