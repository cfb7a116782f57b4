// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
	createSyncInspector,
	defineInspectorElement,
	type PixSyncInspectorElement,
	type SyncLike,
} from '../../src/inspect/index.ts';
import type { SyncState } from '../../src/sync-state.ts';
import { type SyncChart, startSync } from '../support/sync-chart.ts';
import { fault } from '../support/table-chart.ts';

const CANARY = 'CANARY-77d0';
const charts: SyncChart[] = [];

beforeEach(() => {
	// The promises of the services are not timers, and go on as they do.
	vi.useFakeTimers({ now: 1_000_000 });
});

afterEach(() => {
	document.body.replaceChildren();
	for (const { actor } of charts.splice(0)) actor.stop();
	vi.useRealTimers();
	vi.restoreAllMocks();
});

function start(tables: Readonly<Record<string, readonly string[]>> = { notes: [] }) {
	const inspector = createSyncInspector();
	const chart = startSync({
		tables,
		inspect: inspector.inspect,
		input: { now: Date.now, random: () => 0.999, backoff: { baseMs: 10_000, capMs: 60_000 } },
	});
	charts.push(chart);
	chart.hydrate();
	return { chart, inspector };
}

function show(properties: Partial<Pick<PixSyncInspectorElement, 'sync' | 'actor' | 'inspector'>>) {
	const element = Object.assign(document.createElement('pixsync-inspector'), properties);
	document.body.append(element);
	return element;
}

/** The next frame, in which the panel draws. */
const frame = () => vi.advanceTimersByTime(20);

function find(element: PixSyncInspectorElement, selector: string): Element {
	const found = element.shadowRoot?.querySelector(selector);
	if (!found) throw new Error(`no ${selector}`);
	return found;
}

const textOf = (element: PixSyncInspectorElement, selector: string) => find(element, selector).textContent;
const factOf = (element: PixSyncInspectorElement, table: string, fact: string) =>
	textOf(element, `[data-table="${table}"] [data-fact="${fact}"] dd`);
const rowsOf = (element: PixSyncInspectorElement) =>
	[...(element.shadowRoot?.querySelectorAll('.entries li .text') ?? [])].map(
		({ textContent }) => textContent,
	);
const activeIn = (element: PixSyncInspectorElement, section: string) =>
	[...(element.shadowRoot?.querySelectorAll(`${section} .state.is-active`) ?? [])].map((state) =>
		state.getAttribute('data-state'),
	);

/** What a SyncManager would tell, made up where the machine does not know it. */
function toSync(chart: SyncChart, state: Partial<SyncState>): SyncLike & { tell(): void } {
	const listeners = new Set<() => void>();
	return {
		actor: chart.actor,
		getState: () => ({
			connection: 'open',
			user: null,
			replica: 1,
			isLeader: true,
			storage: { persisted: null, error: null },
			tables: {},
			...state,
		}),
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		tell: () => {
			for (const listener of listeners) listener();
		},
	};
}

describe('the states', () => {
	it('of the root: its regions, their charts, and the connection', () => {
		const { chart } = start();
		const element = show({ actor: chart.actor });
		const root = find(element, 'section[data-gate]');
		const regions = () => ['gate', 'schedule', 'run'].map((region) => root.getAttribute(`data-${region}`));
		expect(regions()).toEqual(['open', 'manual', 'idle']);
		expect(activeIn(element, '.root')).toEqual([
			'sync.gate.open',
			'sync.gate.open.steady',
			'sync.schedule.manual',
			'sync.run.idle',
		]);
		chart.send({ type: 'schedule.enable', intervalMs: 60_000 }, { type: 'network.changed', isOnline: false });
		frame();
		expect(regions()).toEqual(['closed', 'auto', 'idle']);
		expect(textOf(element, '.connection')).toBe('Offline');
		expect(find(element, '.connection').getAttribute('data-connection')).toBe('offline');
	});

	it('of each table, live, also of one that is registered later', async () => {
		const { chart } = start();
		const element = show({ actor: chart.actor });
		const stateOf = (table: string) => find(element, `[data-table="${table}"]`).getAttribute('data-state');
		expect([stateOf('notes'), activeIn(element, '[data-table=notes]')]).toEqual(['idle', ['table.idle']]);
		chart.sync(1);
		frame();
		expect([stateOf('notes'), activeIn(element, '[data-table=notes]')]).toEqual([
			'uploading',
			['table.uploading'],
		]);
		await chart.uploaded('notes');
		frame();
		expect(stateOf('notes')).toBe('downloading');
		await chart.downloaded('notes', { rowsRead: 1_000, more: true });
		frame();
		expect(factOf(element, 'notes', 'rows-read')).toBe('1000');
		chart.register('payments');
		frame();
		expect(stateOf('payments')).toBe('idle');
		chart.sync(2, ['payments']);
		await chart.fail('upload', 'payments', fault('no-answer'));
		frame();
		expect(stateOf('payments')).toBe('backoff');
		// Of this the root is not told.
		chart.clock.increment(10_000);
		frame();
		expect(stateOf('payments')).toBe('uploading');
	});

	it('draws once a frame, however much happens', () => {
		const { chart } = start();
		const sync = toSync(chart, {});
		const getState = vi.spyOn(sync, 'getState');
		show({ sync });
		getState.mockClear();
		for (let n = 0; n < 50; n++) sync.tell();
		expect(getState).not.toHaveBeenCalled();
		frame();
		expect(getState).toHaveBeenCalledTimes(1);
	});

	it('the arrow of the last transition stands out', () => {
		const { chart, inspector } = start();
		const element = show({ actor: chart.actor, inspector });
		chart.sync(1);
		frame();
		const marked = [...(element.shadowRoot?.querySelectorAll('[data-table] .transition.is-active') ?? [])];
		expect(
			new Set(marked.map(({ outerHTML }) => /data-source="[^"]*" data-target="[^"]*"/.exec(outerHTML)?.[0])),
		).toEqual(new Set(['data-source="table.idle" data-target="table.uploading"']));
	});
});

describe('full size and back', () => {
	it('shows one drawing at a time, in step with the machine, the new one as soon as it is there', async () => {
		const { chart, inspector } = start();
		const element = show({ actor: chart.actor, inspector });
		const table = find(element, '[data-table=notes]');
		const reading = () => ({
			drawings: table.querySelectorAll('svg').length,
			hasLabels: table.querySelector('.event') !== null,
			active: activeIn(element, '[data-table=notes]').filter((id) => id !== 'table'),
			arrows: [
				...new Set(
					[...table.querySelectorAll('.transition.is-active')].map(
						(arrow) => `${arrow.getAttribute('data-source')} > ${arrow.getAttribute('data-target')}`,
					),
				),
			],
		});
		const zoom = table.querySelector<HTMLButtonElement>('.chart-tools button');
		chart.sync(1);
		frame();
		const uploading = {
			drawings: 1,
			active: ['table.uploading'],
			arrows: ['table.idle > table.uploading'],
		};
		expect(reading()).toEqual({ ...uploading, hasLabels: false });
		zoom?.click();
		expect(reading()).toEqual({ ...uploading, hasLabels: true });
		expect(zoom?.textContent).toBe('Overview');
		await chart.uploaded('notes');
		frame();
		const downloading = {
			drawings: 1,
			active: ['table.downloading'],
			arrows: ['table.uploading > table.downloading'],
		};
		expect(reading()).toEqual({ ...downloading, hasLabels: true });
		zoom?.click();
		expect(reading()).toEqual({ ...downloading, hasLabels: false });
		expect(zoom?.textContent).toBe('Full size');
	});
});

describe('the numbers', () => {
	it('come from the manager; without one they are unknown', () => {
		const { chart } = start();
		const table = { state: 'idle', progress: null, nextRetryAt: null, error: null } as const;
		const notes = { ...table, pending: 3, rejected: 2, conflicts: 1, lastSyncedAt: 999_000 };
		const managed = show({ sync: toSync(chart, { user: '3f2a11c9-0000', tables: { notes } }) });
		const alone = show({ actor: chart.actor });
		const facts = (element: PixSyncInspectorElement) =>
			['pending', 'rejected', 'conflicts'].map((fact) => factOf(element, 'notes', fact));
		expect(facts(managed)).toEqual(['3', '2', '1']);
		expect(facts(alone)).toEqual(['–', '–', '–']);
		expect(textOf(managed, '.user')).toBe('Signed in as 3f2a…');
		expect(textOf(alone, '.user')).toBe('User –');
		expect(managed.shadowRoot?.innerHTML).not.toContain('3f2a11');
	});

	it('[R13] the next retry counts down each second, and only then is there a timer', async () => {
		const { chart } = start();
		const element = show({ actor: chart.actor });
		frame();
		expect(vi.getTimerCount()).toBe(0);
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('no-answer', { code: 'network' }));
		frame();
		expect(factOf(element, 'notes', 'next-retry')).toBe('in 10 s');
		vi.advanceTimersByTime(3_000);
		expect(factOf(element, 'notes', 'next-retry')).toBe('in 7 s');
		expect(vi.getTimerCount()).toBe(1);
		chart.sync(2);
		frame();
		expect(factOf(element, 'notes', 'next-retry')).toBe('–');
		expect(vi.getTimerCount()).toBe(0);
	});

	it('a retry whose time has come ends the timer, too', async () => {
		const { chart } = start();
		const element = show({ actor: chart.actor });
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('no-answer', { code: 'network' }));
		frame();
		vi.advanceTimersByTime(25_000);
		expect(factOf(element, 'notes', 'next-retry')).toBe('now');
		expect(vi.getTimerCount()).toBe(0);
	});

	it('[S33] an error shows its code and no text of the server', async () => {
		const { chart, inspector } = start();
		const element = show({ actor: chart.actor, inspector });
		chart.sync(1);
		const error = Object.assign(fault('fatal', { code: '42P01' }), { message: CANARY, hint: CANARY });
		await chart.fail('upload', 'notes', error);
		frame();
		expect(factOf(element, 'notes', 'error')).toBe('42P01 (fatal)');
		expect(element.shadowRoot?.innerHTML).not.toContain(CANARY);
	});
});

describe('the timeline', () => {
	function choose(element: PixSyncInspectorElement, name: string, value: string): void {
		const select = find(element, `select[name="${name}"]`) as HTMLSelectElement;
		select.value = value;
		select.dispatchEvent(new Event('change'));
	}
	const button = (element: PixSyncInspectorElement, text: string) => {
		const buttons = [...(element.shadowRoot?.querySelectorAll('button') ?? [])];
		const found = buttons.find(({ textContent }) => textContent?.startsWith(text));
		if (!found) throw new Error(`no button ${text}`);
		return found;
	};

	it('shows the newest first, and adds what happens', () => {
		const { chart, inspector } = start();
		const element = show({ actor: chart.actor, inspector });
		expect(rowsOf(element)).toEqual([
			'offline → idle',
			'gate.closed → gate.open.steady',
			'gate.hydrating → gate.closed',
		]);
		const kept = find(element, '.entries li');
		chart.sync(1);
		frame();
		expect(rowsOf(element).slice(0, 2)).toEqual(['idle → uploading', 'run.idle → run.syncing']);
		expect(kept.isConnected).toBe(true);
	});

	it('shows one table, or the root', () => {
		const { chart, inspector } = start({ notes: [], root: [] });
		const element = show({ actor: chart.actor, inspector });
		chart.sync(1, ['notes']);
		frame();
		choose(element, 'table', 'table:notes');
		expect(rowsOf(element)).toEqual(['idle → uploading', 'offline → idle']);
		// A table may be called as the root is.
		choose(element, 'table', 'table:root');
		expect(rowsOf(element)).toEqual(['offline → idle']);
		choose(element, 'table', 'root');
		expect(rowsOf(element)[0]).toBe('run.idle → run.syncing');
		chart.sync(2, ['root']);
		frame();
		expect((find(element, 'select[name="table"]') as HTMLSelectElement).value).toBe('root');
		expect(rowsOf(element)).not.toContain('idle → uploading');
	});

	it('shows conflicts and errors alone', async () => {
		const { chart, inspector } = start();
		const element = show({ actor: chart.actor, inspector });
		chart.sync(1);
		await chart.uploaded('notes', { waitingConflicts: 1 });
		await chart.resolved('notes', { resolved: [{ id: 'row-1', outcome: 'remote' }] });
		frame();
		choose(element, 'kind', 'troubles');
		expect(rowsOf(element)).toEqual(['conflict: remote']);
		choose(element, 'kind', 'everything');
		expect(rowsOf(element)).toHaveLength(inspector.entries().length);
	});

	it('stands still while it is paused, and says how much is new', () => {
		const { chart, inspector } = start();
		const element = show({ actor: chart.actor, inspector });
		const before = rowsOf(element);
		button(element, 'Pause').click();
		chart.sync(1);
		frame();
		expect(rowsOf(element)).toEqual(before);
		expect(button(element, 'Resume').textContent).toMatch(/^Resume \(\d+ new\)$/);
		button(element, 'Resume').click();
		expect(rowsOf(element).length).toBeGreaterThan(before.length);
		expect(button(element, 'Pause').textContent).toBe('Pause');
	});

	it('loses what falls out of the log, and all when it is cleared', () => {
		const { chart } = start();
		const inspector = createSyncInspector({ limit: 5 });
		chart.actor.system.inspect(inspector.inspect);
		const element = show({ actor: chart.actor, inspector });
		choose(element, 'kind', 'everything');
		for (let n = 0; n < 9; n++) {
			chart.send({ type: 'visibility.gained' });
			frame();
		}
		const seqs = [...(element.shadowRoot?.querySelectorAll('.entries li') ?? [])].map((row) =>
			Number(row.getAttribute('data-seq')),
		);
		expect(seqs).toEqual(
			inspector
				.entries()
				.map(({ seq }) => seq)
				.reverse(),
		);
		expect(seqs).toHaveLength(5);
		button(element, 'Clear').click();
		frame();
		expect(rowsOf(element)).toEqual([]);
		expect(inspector.entries()).toEqual([]);
		chart.send({ type: 'visibility.gained' });
		frame();
		expect(rowsOf(element)).toEqual(['visibility.gained']);
	});

	it('says so when nobody records', () => {
		const { chart } = start();
		expect(textOf(show({ actor: chart.actor }), '.timeline .empty')).toContain('inspector');
	});
});

describe('the element', () => {
	it('a name is text and never markup', () => {
		const name = '<img src=x onerror=alert(1)>';
		const { chart, inspector } = start({ [name]: [] });
		const element = show({ actor: chart.actor, inspector });
		expect(textOf(element, '.table h2')).toBe(name);
		expect(element.shadowRoot?.querySelector('img')).toBe(null);
	});

	it('removed from the page it leaves no listener and no timer, and put back it goes on', async () => {
		const { chart, inspector } = start();
		const sync = toSync(chart, {});
		const element = show({ sync, inspector });
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('no-answer', { code: 'network' }));
		frame();
		const getSnapshot = vi.spyOn(chart.actor, 'getSnapshot');
		const entries = vi.spyOn(inspector, 'entries');
		chart.send({ type: 'visibility.gained' });
		element.remove();
		expect(vi.getTimerCount()).toBe(0);
		entries.mockClear();
		getSnapshot.mockClear();
		sync.tell();
		chart.sync(2);
		frame();
		expect(entries).not.toHaveBeenCalled();
		expect(getSnapshot).not.toHaveBeenCalled();
		document.body.append(element);
		expect(find(element, '[data-table="notes"]').getAttribute('data-state')).toBe('uploading');
	});

	it('takes properties that were set before it was defined', () => {
		const { chart } = start();
		const early = document.createElement('pixsync-inspector');
		// As an element is that a page's HTML held before the script ran.
		Object.defineProperty(early, 'actor', {
			value: chart.actor,
			configurable: true,
			writable: true,
			enumerable: true,
		});
		document.body.append(early);
		expect(find(early, '[data-table="notes"]').getAttribute('data-state')).toBe('idle');
	});

	it('without anything to watch it says what to do; another manager takes the place of the former', () => {
		const element = show({});
		expect(textOf(element, '.main')).toContain('`sync` or `actor`');
		const [first, second] = [start({ a: [] }), start({ b: [] })];
		element.actor = first.chart.actor;
		element.sync = toSync(second.chart, {});
		expect(element.shadowRoot?.querySelectorAll('[data-table]').length).toBe(1);
		expect(find(element, '[data-table="b"]')).toBeTruthy();
	});

	it('is defined once', () => {
		const defined = customElements.get('pixsync-inspector');
		expect(defined).toBeTruthy();
		expect(() => defineInspectorElement()).not.toThrow();
		expect(customElements.get('pixsync-inspector')).toBe(defined);
	});
});
