import { afterEach, describe, expect, it, vi } from 'vitest';
import { createActor, createMachine, type InspectionEvent } from 'xstate';
import { PixSyncError } from '../../src/core/errors.ts';
import {
	createSyncInspector,
	defineInspectorElement,
	type InspectionEntry,
	type SyncInspector,
} from '../../src/inspect/index.ts';
import { networkMachine } from '../../src/machines/network.machine.ts';
import { type SyncChart, startSync } from '../support/sync-chart.ts';
import { fault, flush } from '../support/table-chart.ts';

const charts: SyncChart[] = [];
const CANARY = 'CANARY-8f1c';

afterEach(() => {
	for (const { actor } of charts.splice(0)) actor.stop();
	vi.useRealTimers();
});

/** A root with one table, open and at rest, and the log of what comes after. */
function startInspected(tables: Readonly<Record<string, readonly string[]>> = { notes: [] }) {
	let at = 1_000;
	const inspector = createSyncInspector({ now: () => at });
	const chart = startSync({ tables, inspect: inspector.inspect });
	charts.push(chart);
	chart.hydrate();
	inspector.clear();
	return { inspector, chart, pass: (ms: number) => (at += ms) };
}

/** Entries without `seq` and `at`, of the kinds asked for. */
function bodies(inspector: SyncInspector, ...kinds: readonly InspectionEntry['kind'][]) {
	return inspector
		.entries()
		.filter(({ kind }) => kinds.includes(kind))
		.map(({ seq: _, at: __, ...body }) => body);
}

describe('kinds of entries', () => {
	it('transitions: the root by region, the table by name, with the event that led there', () => {
		const inspector = createSyncInspector();
		const chart = startSync({ tables: { notes: [] }, inspect: inspector.inspect });
		charts.push(chart);
		chart.hydrate();
		const root = { kind: 'transition', machine: 'sync', table: null, event: 'storage.hydrated' };
		expect(bodies(inspector, 'transition')).toEqual([
			{ ...root, from: 'gate.hydrating', to: 'gate.closed' },
			{ ...root, from: 'gate.closed', to: 'gate.open.steady' },
			{
				kind: 'transition',
				machine: 'table',
				table: 'notes',
				from: 'offline',
				to: 'idle',
				event: 'connection.restored',
			},
		]);
	});

	it('a state that is entered anew is a transition from itself to itself', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.uploaded('notes', { more: true });
		expect(bodies(inspector, 'transition')).toContainEqual(
			expect.objectContaining({ from: 'uploading', to: 'uploading', event: 'xstate.done.actor.upload' }),
		);
	});

	it('events that leave a machine where it is: noted, or ignored', () => {
		const { inspector, chart } = startInspected();
		chart.send({ type: 'mutation.queued', tables: ['notes'] }, { type: 'schedule.disable' });
		expect(bodies(inspector, 'event', 'transition')).toEqual([
			{ kind: 'event', machine: 'sync', table: null, event: 'mutation.queued', effect: 'noted' },
			{ kind: 'event', machine: 'sync', table: null, event: 'schedule.disable', effect: 'ignored' },
		]);
	});

	it('services: begun, done with counts and time, failed, called off', async () => {
		const { inspector, chart, pass } = startInspected();
		chart.sync(1);
		pass(30);
		await chart.uploaded('notes', { uploaded: 2, errors: ['notes: no (23505)'] });
		pass(12);
		await chart.fail('download', 'notes', fault('no-answer', { code: 'network' }));
		chart.sync(2);
		pass(5);
		chart.send({ type: 'network.changed', isOnline: false });
		expect(bodies(inspector, 'service.begun', 'service.done', 'service.failed', 'service.stopped')).toEqual([
			{ kind: 'service.begun', table: 'notes', service: 'upload' },
			{
				kind: 'service.done',
				table: 'notes',
				service: 'upload',
				ms: 30,
				counts: { uploaded: 2, downloaded: 0, conflicts: 0, errors: 1 },
			},
			{ kind: 'service.begun', table: 'notes', service: 'download' },
			{
				kind: 'service.failed',
				table: 'notes',
				service: 'download',
				ms: 12,
				error: { code: 'network', fault: 'no-answer' },
			},
			{ kind: 'service.begun', table: 'notes', service: 'upload' },
			{ kind: 'service.stopped', table: 'notes', service: 'upload', ms: 5 },
		]);
	});

	it('the refresh of the session belongs to the root and counts nothing', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('unauthorised'));
		await chart.refreshed();
		const root = { table: null, service: 'refreshSession' };
		expect(bodies(inspector, 'service.begun')).toContainEqual({ kind: 'service.begun', ...root });
		expect(bodies(inspector, 'service.done')).toContainEqual({
			kind: 'service.done',
			...root,
			ms: 0,
			counts: null,
		});
	});

	it('[R13] a planned retry: when, and after how many attempts', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('no-answer', { code: 'timeout' }));
		const { nextRetryAt } = chart.actor.getSnapshot().context.tables.notes?.ref.getSnapshot().context ?? {};
		expect(nextRetryAt).toEqual(expect.any(Number));
		expect(bodies(inspector, 'retry', 'error')).toEqual([
			{ kind: 'error', table: 'notes', error: { code: 'timeout', fault: 'no-answer' } },
			{ kind: 'retry', table: 'notes', retryAt: nextRetryAt, attempts: 1 },
		]);
	});

	it('conflicts: the row and the outcome, each one', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.uploaded('notes', { waitingConflicts: 2, conflicts: 2 });
		await chart.resolved('notes', {
			resolved: [
				{ id: 'row-1', outcome: 'local' },
				{ id: 7, outcome: 'dead-letter' },
			],
		});
		expect(bodies(inspector, 'conflict')).toEqual([
			{ kind: 'conflict', table: 'notes', id: 'row-1', outcome: 'local' },
			{ kind: 'conflict', table: 'notes', id: 7, outcome: 'dead-letter' },
		]);
	});

	it('an error that a table keeps is told once', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('fatal', { code: 'unknown-table' }));
		chart.send({ type: 'poke.received', tables: ['other'] }, { type: 'network.changed', isOnline: false });
		expect(bodies(inspector, 'error')).toEqual([
			{ kind: 'error', table: 'notes', error: { code: 'unknown-table', fault: 'fatal' } },
		]);
	});

	it('the network machine, run by the app; no machine of the app', () => {
		const inspector = createSyncInspector();
		const inspect = inspector.inspect;
		const network = createActor(networkMachine, {
			input: { random: () => 0, canProbe: false },
			inspect,
		}).start();
		network.send({ type: 'browser.offline' });
		const table = createMachine({
			id: 'table',
			initial: CANARY,
			states: { [CANARY]: { on: { go: 'b' } }, b: {} },
		});
		const app = createActor(table, { inspect }).start();
		app.send({ type: 'go' });
		expect(bodies(inspector, 'transition')).toEqual([
			{
				kind: 'transition',
				machine: 'network',
				table: null,
				from: 'online.trusted',
				to: 'offline.paused',
				event: 'browser.offline',
			},
		]);
		expect(JSON.stringify(inspector.entries())).not.toContain(CANARY);
		network.stop();
		app.stop();
	});
});

describe('the entry ./inspect in Node', () => {
	it('defines no element where there are none, and does not mind', () => {
		expect(typeof HTMLElement).toBe('undefined');
		expect(() => defineInspectorElement()).not.toThrow();
	});
});

describe('the log', () => {
	const told = (inspector: SyncInspector, count: number) => {
		const { chart } = { chart: startSync({ inspect: inspector.inspect }) };
		charts.push(chart);
		inspector.clear();
		for (let n = 0; n < count; n++) chart.send({ type: 'visibility.gained' });
	};

	it.each([
		{ limit: 3, count: 100 },
		{ limit: 1, count: 2 },
	])('keeps the newest $limit of $count', ({ limit, count }) => {
		const inspector = createSyncInspector({ limit });
		told(inspector, count);
		const seqs = inspector.entries().map(({ seq }) => seq);
		expect(seqs).toHaveLength(limit);
		expect(seqs.at(-1)).toBe(count);
		expect(seqs).toEqual(seqs.map((_, index) => count - limit + 1 + index));
	});

	it('keeps 1,000 unless told otherwise, asked for in between or not', () => {
		const inspector = createSyncInspector();
		told(inspector, 900);
		expect(inspector.entries()).toHaveLength(900);
		told(inspector, 2_500);
		expect(inspector.entries()).toHaveLength(1_000);
	});

	it('is the same array until something is added, and plain JSON', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		const before = inspector.entries();
		expect(inspector.entries()).toBe(before);
		await chart.finish();
		expect(inspector.entries()).not.toBe(before);
		expect(JSON.parse(JSON.stringify(inspector.entries()))).toEqual(inspector.entries());
	});

	it('tells its listeners until they leave, also that it was cleared', () => {
		const { inspector, chart } = startInspected();
		const heard: number[] = [];
		const stop = inspector.subscribe(() => heard.push(inspector.entries().length));
		chart.send({ type: 'visibility.gained' });
		inspector.clear();
		stop();
		chart.send({ type: 'visibility.gained' });
		expect(heard).toEqual([1, 0]);
		expect(inspector.entries()).toHaveLength(1);
	});

	it('a listener that throws is reported, and disturbs neither the machine nor the others', () => {
		vi.useFakeTimers();
		const { inspector, chart } = startInspected();
		let heard = 0;
		inspector.subscribe(() => {
			throw new Error('a bad listener');
		});
		inspector.subscribe(() => heard++);
		chart.sync(1);
		expect(() => vi.runAllTimers()).toThrow('a bad listener');
		expect(heard).toBeGreaterThan(0);
		expect(chart.errors).toEqual([]);
		expect(chart.tableState('notes')).toBe('uploading');
	});

	it.each([0, -1, 1.5, Number.NaN])('refuses a limit of %s', (limit) => {
		expect(() => createSyncInspector({ limit })).toThrow(expect.objectContaining({ code: 'bad-config' }));
	});
});

describe('[S33] redaction', () => {
	/** Whatever a service, the server or the app may put somewhere. */
	const leaky = (extra: object) => ({
		...extra,
		row: { title: CANARY },
		token: CANARY,
		headers: { x: CANARY },
	});
	const error = () =>
		Object.assign(
			new PixSyncError(CANARY, `no ${CANARY}`, {
				fault: 'retryable',
				hint: `The server adds: ${CANARY}`,
				cause: { details: CANARY },
			}),
			{ stack: CANARY },
		);

	it('nothing private gets into the log, wherever it comes from', async () => {
		const { inspector, chart } = startInspected();
		chart.actor.send(leaky({ type: 'sync.request', token: 1 }) as never);
		const output = leaky({ uploaded: 1, errors: [`notes: ${CANARY} (23505)`], waitingConflicts: 1 });
		await chart.uploaded('notes', output as never);
		await chart.resolved('notes', leaky({ resolved: [leaky({ id: 'row-1', outcome: 'remote' })] }) as never);
		await chart.fail('download', 'notes', error());
		chart.actor.send(leaky({ type: `forged.${CANARY}` }) as never);
		chart.actor.send(leaky({ type: 'session.changed', isValid: true }) as never);
		inspector.inspect({
			type: '@xstate.event',
			rootId: chart.actor.sessionId,
			actorRef: chart.actor,
			sourceRef: undefined,
			event: leaky({ type: 'request.ended', table: 'notes', method: CANARY, status: CANARY, url: CANARY }),
		} as unknown as InspectionEvent);
		await flush();
		expect(JSON.stringify(inspector.entries())).not.toContain(CANARY);
		expect(bodies(inspector, 'conflict')).toEqual([
			{ kind: 'conflict', table: 'notes', id: 'row-1', outcome: 'remote' },
		]);
		expect(bodies(inspector, 'service.failed')).toMatchObject([
			{ error: { code: 'other', fault: 'retryable' } },
		]);
		expect(bodies(inspector, 'event')).toContainEqual(expect.objectContaining({ event: '(unknown)' }));
		expect(bodies(inspector, 'request')).toEqual([
			{ kind: 'request', table: 'notes', method: 'other', status: null, rows: null, ms: 0 },
		]);
	});

	it.each([
		['23505', '23505'],
		['PGRST204', 'PGRST204'],
		['http-503', 'http-503'],
		['not-visible', 'not-visible'],
		['a value of somebody', 'other'],
		['eyJhbGciOiJIUzI1NiJ9.e30.x', 'other'],
		['toString', 'other'],
		['PGRST2044444', 'other'],
	])('the code %s is shown as %s', async (code, shown) => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.fail('upload', 'notes', fault('fatal', { code }));
		expect(bodies(inspector, 'error')).toMatchObject([{ error: { code: shown, fault: 'fatal' } }]);
	});

	it('an error of another kind has neither code nor fault', async () => {
		const { inspector, chart } = startInspected();
		chart.sync(1);
		await chart.fail('upload', 'notes', new TypeError(CANARY));
		expect(bodies(inspector, 'service.failed')).toMatchObject([
			{ error: { code: 'other', fault: 'unknown' } },
		]);
		expect(JSON.stringify(inspector.entries())).not.toContain(CANARY);
	});
});
