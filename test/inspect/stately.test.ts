import { once } from 'node:events';
import { createBrowserInspector, createWebSocketInspector } from '@statelyai/inspect';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer } from 'ws';
import { createActor, createMachine, type InspectionEvent } from 'xstate';
import { PixSyncError } from '../../src/core/errors.ts';
import { createStatelyInspect } from '../../src/inspect/index.ts';
import { startSync } from '../support/sync-chart.ts';
import { flush } from '../support/table-chart.ts';

const CANARY = 'CANARY-c41d';

/** What arrives, as Stately's inspector reads it. */
interface Arrived {
	readonly type: string;
	readonly name?: string;
	readonly sessionId: string;
	readonly rootId: string;
	readonly parentId?: string;
	readonly sourceId?: string;
	readonly definition?: string;
	readonly snapshot?: { readonly status: string; readonly value?: unknown; readonly context?: unknown };
	readonly event?: { readonly type: string; readonly [field: string]: unknown };
}

const undo: (() => unknown)[] = [];
afterEach(async () => {
	for (const step of undo.splice(0).reverse()) await step();
});

/** A WebSocket server that keeps what it is sent, word for word. */
async function startReceiver() {
	const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
	await once(server, 'listening');
	const texts: string[] = [];
	server.on('connection', (socket) => socket.on('message', (data) => texts.push(String(data))));
	undo.push(() => {
		for (const socket of server.clients) socket.terminate();
		server.close();
	});
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the receiver has no port');
	return {
		url: `ws://127.0.0.1:${address.port}`,
		texts,
		arrived: (): readonly Arrived[] => texts.map((text) => JSON.parse(text)),
	};
}

/** A root whose services, errors, events and contexts are full of what must not be seen. */
async function runLeaky(inspect: (event: InspectionEvent) => void) {
	const extra = { row: { title: CANARY }, token: CANARY, url: CANARY };
	const chart = startSync({ tables: { notes: [], payments: ['notes'] }, inspect });
	undo.push(() => chart.actor.stop());
	chart.hydrate();
	chart.actor.send({ type: 'session.changed', isValid: true, ...extra } as never);
	chart.sync(1);
	await chart.uploaded('notes', { errors: [`notes: ${CANARY}`], waitingConflicts: 1, ...extra } as never);
	await chart.resolved('notes', { resolved: [{ id: CANARY, outcome: 'remote' }], ...extra } as never);
	const options = { fault: 'no-answer', hint: CANARY, cause: { details: CANARY } } as const;
	await chart.fail('download', 'notes', new PixSyncError(CANARY, CANARY, options));
	chart.actor.send({ type: `forged.${CANARY}`, ...extra } as never);
	chart.send({ type: 'network.changed', isOnline: false });
	await flush();
	return chart;
}

function stateOf(arrived: readonly Arrived[], name: string): unknown {
	const actor = arrived.find((one) => one.type === '@xstate.actor' && one.name === name);
	return arrived.findLast((one) => one.type === '@xstate.snapshot' && one.sessionId === actor?.sessionId)
		?.snapshot?.value;
}

describe("Stately's inspector over a real WebSocket", () => {
	async function run() {
		const receiver = await startReceiver();
		const stately = createWebSocketInspector({ url: receiver.url });
		undo.push(() => stately.stop());
		const chart = await runLeaky(createStatelyInspect(stately));
		await expect.poll(() => stateOf(receiver.arrived(), 'table:notes')).toBe('offline');
		return { receiver, chart };
	}

	it('shows each machine with its chart and its states', async () => {
		const { receiver, chart } = await run();
		const arrived = receiver.arrived();
		const [root] = arrived;
		expect(root).toMatchObject({ type: '@xstate.actor', name: 'sync', rootId: chart.actor.sessionId });
		expect(Object.keys(JSON.parse(root?.definition ?? '').states).sort()).toEqual([
			'gate',
			'run',
			'schedule',
		]);
		const table = arrived.find(({ type, name }) => type === '@xstate.actor' && name === 'table:notes');
		expect(table).toMatchObject({ parentId: root?.sessionId });
		expect(Object.keys(JSON.parse(table?.definition ?? '').states)).toContain('uploading');
		expect(stateOf(arrived, 'sync')).toEqual({ gate: 'closed', schedule: 'manual', run: 'idle' });
		const seen = arrived
			.filter((one) => one.sessionId === table?.sessionId && one.type === '@xstate.snapshot')
			.map(({ snapshot }) => snapshot?.value);
		expect(seen).toEqual(
			expect.arrayContaining(['idle', 'uploading', 'resolving', 'downloading', 'backoff']),
		);
	});

	it('shows who told whom, and the allowed fields', async () => {
		const { receiver } = await run();
		const arrived = receiver.arrived();
		const tableId = arrived.find(({ name }) => name === 'table:notes')?.sessionId;
		const settled = arrived.find(
			({ type, event }) => type === '@xstate.event' && event?.type === 'table.settled',
		);
		expect(settled).toMatchObject({
			sourceId: tableId,
			event: { table: 'notes', served: 1, held: 0, error: { code: 'other', fault: 'no-answer' } },
		});
		const backoff = arrived.find(({ snapshot }) => snapshot?.value === 'backoff');
		expect(backoff?.snapshot?.context).toMatchObject({
			table: 'notes',
			attempts: 1,
			nextRetryAt: expect.any(Number),
			counts: { uploaded: 0, conflicts: 0, errors: 2 },
			error: { code: 'other', fault: 'no-answer' },
		});
	});

	it('[S33] no canary is on the wire: not in snapshots, inputs, outputs, errors, events or definitions', async () => {
		const { receiver } = await run();
		expect(receiver.texts.length).toBeGreaterThan(50);
		expect(receiver.texts.filter((text) => text.includes(CANARY))).toEqual([]);
		// What was sent did hold it: without the adapter the same run gives it away.
		const bare = await startReceiver();
		const stately = createWebSocketInspector({ url: bare.url });
		undo.push(() => stately.stop());
		await runLeaky((event) => stately.inspect.next?.(event));
		await expect.poll(() => bare.texts.some((text) => text.includes(CANARY))).toBe(true);
	});

	it("[S33] its own options cannot undo that, and an app's own actors are not shown", async () => {
		const receiver = await startReceiver();
		const stately = createWebSocketInspector({
			url: receiver.url,
			sanitizeContext: (context) => context,
			serialize: (event) => event,
		});
		undo.push(() => stately.stop());
		const inspect = createStatelyInspect(stately);
		const own = createMachine({ id: CANARY, context: { secret: CANARY }, initial: 'a', states: { a: {} } });
		const app = createActor(own, { inspect, id: CANARY }).start();
		undo.push(() => app.stop());
		await runLeaky(inspect);
		await expect.poll(() => stateOf(receiver.arrived(), 'table:notes')).toBe('offline');
		expect(receiver.texts.filter((text) => text.includes(CANARY))).toEqual([]);
	});
});

describe("Stately's inspector in a window", () => {
	/** As much of a window as it uses: a page opened beside it that says hello and gets messages. */
	function createWindow() {
		const target = new EventTarget();
		const messages: unknown[] = [];
		const opened = { postMessage: (message: unknown) => messages.push(message) };
		const window = {
			open: () => opened,
			addEventListener: (type: string, listener: EventListener) => target.addEventListener(type, listener),
		};
		const connect = () =>
			target.dispatchEvent(Object.assign(new Event('message'), { data: { type: '@statelyai.connected' } }));
		return { window: window as unknown as Window, messages, connect };
	}

	it('[S33] gets the states and no canary, also of what happened before it was open', async () => {
		const { window, messages, connect } = createWindow();
		// A factory does as well as an inspector.
		await runLeaky(createStatelyInspect(() => createBrowserInspector({ window })));
		await expect.poll(() => messages.length + Number(connect())).toBeGreaterThan(50);
		expect(stateOf(messages as Arrived[], 'table:notes')).toBe('offline');
		expect(JSON.stringify(messages)).not.toContain(CANARY);
	});

	it('without a window nothing is shown and nothing breaks', async () => {
		const chart = await runLeaky(createStatelyInspect(() => createBrowserInspector()));
		expect(chart.tableState('notes')).toBe('offline');
		expect(chart.errors).toEqual([]);
	});

	it('an inspector that throws is reported, and does not end the machines', async () => {
		vi.useFakeTimers({ toFake: ['setTimeout'] });
		undo.push(() => vi.useRealTimers());
		const broken = () => {
			throw new Error('a broken inspector');
		};
		const chart = startSync({ tables: { notes: [] }, inspect: createStatelyInspect({ inspect: broken }) });
		chart.hydrate();
		expect(() => vi.runAllTimers()).toThrow('a broken inspector');
		expect(chart.errors).toEqual([]);
		expect(chart.tableState('notes')).toBe('idle');
	});

	it('takes an `inspect` that is a function', () => {
		const types: string[] = [];
		const chart = startSync({
			inspect: createStatelyInspect({ inspect: ({ type }) => void types.push(type) }),
		});
		undo.push(() => chart.actor.stop());
		chart.hydrate();
		expect(new Set(types)).toEqual(new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']));
	});
});
