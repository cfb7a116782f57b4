import type { InspectionEntry } from '../inspection-entry.ts';
import type { SyncInspector } from '../sync-inspector.ts';
import { create } from './dom.ts';
import type { Move } from './drawn-chart.ts';
import { type SyncActor, type SyncLike, toPanelModel } from './panel-model.ts';
import { createRootView } from './root-view.ts';
import { createTableView, type TableView } from './table-view.ts';
import { createTimelineView } from './timeline-view.ts';
import { watchSource } from './watch-source.ts';

/** The panel of one engine, live until it is ended. */
export interface Panel {
	readonly element: HTMLElement;
	/** Removes every listener and timer. */
	end(): void;
}

export interface PanelOptions {
	/** null: there is nothing to watch yet. */
	readonly actor: SyncActor | null;
	readonly sync: SyncLike | null;
	readonly inspector: SyncInspector | null;
}

const SECOND_MS = 1_000;

/** Draws at most once a frame, and so not at all while the page is hidden. Counts down while there is something to. */
export function createPanel({ actor, sync, inspector }: PanelOptions): Panel {
	const root = createRootView();
	const tables = new Map<string, TableView>();
	const timeline = createTimelineView(() => inspector?.clear());
	const main = create('div', { class: 'main' });
	const element = create('div', { class: 'panel' }, main, timeline.element);
	const stops: (() => void)[] = [];
	let frame: number | null = null;
	let retries: readonly number[] = [];
	let ticking: ReturnType<typeof setInterval> | null = null;

	function draw(): void {
		frame = null;
		const entries = inspector?.entries() ?? null;
		if (!actor) {
			timeline.update(entries, []);
			return;
		}
		const model = toPanelModel(actor, sync);
		const now = Date.now();
		root.update(model, lastMoveOf(entries, null));
		for (const table of model.tables) {
			viewOf(table.table).update(table, lastMoveOf(entries, table.table), now);
		}
		timeline.update(
			entries,
			model.tables.map(({ table }) => table),
		);
		retries = model.tables.flatMap(({ nextRetryAt }) => nextRetryAt ?? []);
		setTicking(now);
	}

	/** Tables come and never go. */
	function viewOf(table: string): TableView {
		const known = tables.get(table);
		if (known) return known;
		const view = createTableView(table);
		tables.set(table, view);
		main.append(view.element);
		return view;
	}

	function tick(): void {
		const now = Date.now();
		for (const view of tables.values()) view.tick(now);
		setTicking(now);
	}

	function setTicking(now: number): void {
		if (retries.some((at) => at > now)) ticking ??= setInterval(tick, SECOND_MS);
		else stopTicking();
	}

	function stopTicking(): void {
		if (ticking !== null) clearInterval(ticking);
		ticking = null;
	}

	function schedule(): void {
		frame ??= requestAnimationFrame(draw);
	}

	if (actor) {
		main.append(root.element);
		stops.push(watchSource(actor, sync, schedule));
	} else {
		main.append(
			create('p', { class: 'card empty' }, 'Nothing to watch: set the property `sync` or `actor`.'),
		);
	}
	if (inspector) stops.push(inspector.subscribe(schedule));
	if (typeof ResizeObserver !== 'undefined') {
		const sizes = new ResizeObserver(() => {
			for (const view of [root, ...tables.values()]) view.refit();
		});
		sizes.observe(element);
		stops.push(() => sizes.disconnect());
	}
	draw();

	return {
		element,
		end() {
			for (const stop of stops) stop();
			stopTicking();
			if (frame !== null) cancelAnimationFrame(frame);
		},
	};
}

/** The last way that a machine went, as far as the log reaches. The root's regions share it. */
function lastMoveOf(entries: readonly InspectionEntry[] | null, table: string | null): Move | null {
	const machine = table === null ? 'sync' : 'table';
	const last = entries?.findLast(
		(entry) => entry.kind === 'transition' && entry.machine === machine && entry.table === table,
	);
	return last?.kind === 'transition' ? last : null;
}
