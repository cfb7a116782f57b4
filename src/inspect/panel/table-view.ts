import { createChartView } from './chart-view.ts';
import { create, setAttribute, setText } from './dom.ts';
import type { Move } from './drawn-chart.ts';
import { toCountdown, toErrorText, toTime, UNKNOWN } from './format.ts';
import type { TableModel } from './panel-model.ts';

/** One table: its state, what waits, and its chart. */
export interface TableView {
	readonly element: HTMLElement;
	update(model: TableModel, lastMove: Move | null, now: number): void;
	/** The countdown alone. */
	tick(now: number): void;
	/** The panel's width has changed. */
	refit(): void;
}

export function createTableView(table: string): TableView {
	const badge = create('span', { class: 'badge state' });
	const pending = createFact('Pending');
	const rejected = createFact('Rejected');
	const conflicts = createFact('Conflicts');
	const progress = createFact('Rows read');
	const synced = createFact('Last sync');
	const retry = createFact('Next retry');
	const error = createFact('Error');
	const chart = createChartView('table', `table ${table}`);
	const facts = [pending, rejected, conflicts, progress, synced, retry, error];
	const element = create(
		'section',
		{ class: 'card table', 'data-table': table, 'aria-label': `Table ${table}` },
		create('header', {}, create('h2', {}, table), badge),
		create('dl', { class: 'facts' }, ...facts.map((fact) => fact.element)),
		chart.element,
	);
	let nextRetryAt: number | null = null;

	function tick(now: number): void {
		retry.show(nextRetryAt === null ? UNKNOWN : toCountdown(nextRetryAt, now), nextRetryAt !== null);
	}

	return {
		element,
		tick,
		refit: chart.showActive,
		update(model, lastMove, now) {
			const { counts, state, rowsRead, lastSyncedAt } = model;
			setAttribute(element, 'data-state', state);
			setText(badge, state);
			setAttribute(badge, 'data-tone', state);
			pending.show(toCount(counts?.pending));
			rejected.show(toCount(counts?.rejected), (counts?.rejected ?? 0) > 0);
			conflicts.show(toCount(counts?.conflicts), (counts?.conflicts ?? 0) > 0);
			progress.show(toCount(rowsRead));
			synced.show(lastSyncedAt === null ? 'never' : toTime(lastSyncedAt));
			progress.element.hidden = rowsRead === null;
			error.element.hidden = model.error === null;
			error.show(model.error ? toErrorText(model.error) : 'none', model.error !== null);
			nextRetryAt = model.nextRetryAt;
			tick(now);
			chart.update([state], lastMove);
		},
	};
}

/** A name and a value; `data-fact` names it for tests and style sheets. */
function createFact(name: string) {
	const value = create('dd', {});
	const key = name.toLowerCase().replace(' ', '-');
	const element = create('div', { class: 'fact', 'data-fact': key }, create('dt', {}, name), value);
	return {
		element,
		show(text: string, isNotable = false) {
			setText(value, text);
			element.classList.toggle('is-notable', isNotable);
		},
	};
}

function toCount(count: number | null | undefined): string {
	return count === null || count === undefined ? UNKNOWN : `${count}`;
}
