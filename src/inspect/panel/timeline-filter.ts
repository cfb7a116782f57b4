import type { InspectionEntry } from '../inspection-entry.ts';
import { create } from './dom.ts';

/** Which entries the reader wants to see. */
export interface TimelineFilter {
	readonly element: HTMLElement;
	accepts(entry: InspectionEntry): boolean;
	setTables(tables: readonly string[]): void;
}

const ALL = 'all';
const ROOT = 'root';
/** Before a table's name: one may be called as the choices above are. */
const TABLE = 'table:';

type Choice = 'main' | 'transitions' | 'requests' | 'troubles' | 'everything';

const CHOICES: Readonly<
	Record<Choice, { readonly label: string; readonly kinds: readonly InspectionEntry['kind'][] }>
> = {
	main: {
		label: 'What matters',
		kinds: ['transition', 'service.done', 'service.failed', 'service.stopped', 'retry', 'conflict', 'error'],
	},
	transitions: { label: 'Transitions', kinds: ['transition'] },
	requests: { label: 'Requests', kinds: ['request'] },
	troubles: { label: 'Conflicts, errors', kinds: ['service.failed', 'retry', 'conflict', 'error'] },
	everything: {
		label: 'Everything',
		kinds: [
			'transition',
			'event',
			'service.begun',
			'service.done',
			'service.failed',
			'service.stopped',
			'request',
			'retry',
			'conflict',
			'error',
		],
	},
};

export function createTimelineFilter(onChange: () => void): TimelineFilter {
	const choices = Object.entries(CHOICES).map(([value, { label }]) => create('option', { value }, label));
	const of = create('select', { name: 'table' });
	const kind = create('select', { name: 'kind' }, ...choices);
	const element = create(
		'div',
		{ class: 'filters' },
		create('label', {}, create('span', {}, 'Table'), of),
		create('label', {}, create('span', {}, 'Show'), kind),
	);
	let known: readonly string[] | null = null;
	of.addEventListener('change', onChange);
	kind.addEventListener('change', onChange);
	setTables([]);

	function setTables(tables: readonly string[]): void {
		if (known && known.length === tables.length && known.every((table, at) => table === tables[at])) return;
		known = tables;
		const chosen = of.value;
		const options = tables.map((table) => create('option', { value: `${TABLE}${table}` }, table));
		of.replaceChildren(
			create('option', { value: ALL }, 'All'),
			create('option', { value: ROOT }, 'Root'),
			...options,
		);
		of.value = options.some(({ value }) => value === chosen) || chosen === ROOT ? chosen : ALL;
	}

	return {
		element,
		setTables,
		accepts(entry) {
			if (!CHOICES[kind.value as Choice].kinds.includes(entry.kind)) return false;
			if (of.value === ALL) return true;
			return of.value === (entry.table === null ? ROOT : `${TABLE}${entry.table}`);
		},
	};
}
