import { afterEach, describe, expect, it } from 'vitest';
import { type AnyEventObject, waitFor } from 'xstate';
import { downloaded, fault, resolved, uploaded } from '../support/table-chart.ts';
import { startTinySync, type TinySync, type TinySyncOptions } from '../support/tiny-sync.ts';

const ERROR = fault('fatal');

/** Each as XState itself would write it; the reports of a step are as generous as can be. */
const ENDS: readonly AnyEventObject[] = [
	{ type: 'xstate.done.actor.upload', output: uploaded({ uploaded: 99, upTo: 99 }) },
	{ type: 'xstate.done.actor.download', output: downloaded({ downloaded: 99 }) },
	{ type: 'xstate.done.actor.resolve', output: resolved({ conflicts: 99 }) },
	{ type: 'xstate.done.actor.refreshSession', output: undefined },
	{ type: 'xstate.done.actor.table:notes', output: undefined },
	{ type: 'xstate.done.actor.nobody', output: undefined },
	{ type: 'xstate.error.actor.upload', error: ERROR },
	{ type: 'xstate.error.actor.download', error: ERROR },
	{ type: 'xstate.error.actor.resolve', error: ERROR },
	{ type: 'xstate.error.actor.refreshSession', error: ERROR },
	{ type: 'xstate.error.actor.table:notes', error: ERROR },
	{ type: 'xstate.error.actor.nobody', error: ERROR },
	{ type: 'xstate.done.state.table.uploading' },
	{ type: 'xstate.done.state.sync.gate.open' },
	{ type: 'xstate.done.state.sync', output: undefined },
];

/** With the id of the actor that the event names, without any, and with that of one that is there. */
const FORGED: readonly AnyEventObject[] = ENDS.flatMap((end) => [
	end,
	{ ...end, actorId: end.type.replace(/^xstate\.(done|error)\.(actor|state)\./, '') },
	{ ...end, actorId: 'table:notes' },
	{ ...end, actorId: Symbol('upload') },
]);

const running: TinySync[] = [];

function start(options: TinySyncOptions = {}): TinySync {
	const tiny = startTinySync(options);
	running.push(tiny);
	return tiny;
}

afterEach(() => {
	for (const { actor } of running.splice(0)) {
		// [S29] Whatever was forged, no machine has ended.
		const { status, context } = actor.getSnapshot();
		const statuses = Object.values(context.tables).map(({ ref }) => ref.getSnapshot().status);
		actor.stop();
		expect([status, ...statuses]).toEqual(['active', ...statuses.map(() => 'active')]);
	}
});

/** Sends all forgeries to the root and to the table, and expects that none of them leaves a trace. */
function expectRefusals({ actor, app, remote, told, completed, ...tiny }: TinySync) {
	const ref = tiny.ref();
	const before = {
		root: actor.getSnapshot(),
		table: ref.getSnapshot(),
		calls: app.calls.length,
		requests: remote.requests,
		answers: completed.length,
		pending: app.pending(),
	};
	for (const target of [actor, ref]) {
		for (const event of FORGED) {
			told.length = 0;
			target.send(event as never);
			expect(told, `${event.type} to ${target.id}`).toEqual([
				`PixSync: refused '${event.type}', which no step of the machine has sent. Send the events of the public types only.`,
			]);
			expect(actor.getSnapshot()).toBe(before.root);
			expect(ref.getSnapshot()).toBe(before.table);
		}
	}
	expect(before.root.status).toBe('active');
	expect({
		root: actor.getSnapshot(),
		table: ref.getSnapshot(),
		calls: app.calls.length,
		requests: remote.requests,
		answers: completed.length,
		pending: app.pending(),
	}).toEqual(before);
}

const tableStates: Record<string, (tiny: TinySync) => Promise<unknown>> = {
	offline: async () => undefined,
	idle: async (tiny) => tiny.hydrate(),
	uploading: (tiny) => tiny.walk('uploading'),
	resolving: (tiny) => tiny.walk('uploading', 'resolving'),
	downloading: (tiny) => tiny.walk('uploading', 'resolving', 'uploading', 'downloading'),
	backoff: (tiny) => tiny.fail('down'),
};

const rootStates: [object, (tiny: TinySync) => Promise<unknown>][] = [
	[{ gate: 'hydrating' }, async () => undefined],
	[
		{ gate: 'closed' },
		async (tiny) => {
			tiny.hydrate();
			tiny.send({ type: 'network.changed', isOnline: false });
		},
	],
	[{ gate: { open: 'steady' }, schedule: 'manual', run: 'idle' }, async (tiny) => tiny.hydrate()],
	[{ gate: { open: 'steady' }, run: 'syncing' }, (tiny) => tiny.walk('uploading')],
	[{ gate: { open: 'refreshing' }, run: 'syncing' }, (tiny) => tiny.refresh()],
	[
		{ schedule: { auto: 'quiet' } },
		async (tiny) => {
			tiny.hydrate();
			tiny.send({ type: 'schedule.enable', intervalMs: 600_000 });
			await tiny.settled();
		},
	],
	[
		{ schedule: { auto: 'gathering' } },
		async (tiny) => {
			tiny.hydrate();
			tiny.send({ type: 'schedule.enable', intervalMs: 600_000 });
			await tiny.settled();
			tiny.send({ type: 'mutation.queued', tables: ['notes'] });
		},
	],
];

describe('ends from outside are refused', () => {
	it.each(Object.keys(tableStates))('[S3] while a table is %s', async (state) => {
		const tiny = start();
		await tableStates[state]?.(tiny);
		expect(tiny.ref().getSnapshot().value).toBe(state);
		expectRefusals(tiny);
	});

	it.each(rootStates)('[S3] while the root is %j', async (value, arrange) => {
		const tiny = start();
		await arrange(tiny);
		expect(tiny.actor.getSnapshot().value).toMatchObject(value);
		expectRefusals(tiny);
	});

	it.each(['constructor', 'toString', '__proto__'])(
		'[S29] of an actor called as every object has something: %s',
		(actorId) => {
			const { actor, told, ...tiny } = start();
			for (const target of [actor, tiny.ref()]) {
				target.send({ type: `xstate.done.actor.${actorId}`, actorId, output: undefined } as never);
				target.send({ type: `xstate.error.actor.${actorId}`, actorId, error: ERROR } as never);
				expect(target.getSnapshot().status).toBe('active');
			}
			expect(told).toHaveLength(4);
		},
	);

	it('[S1] nothing counts as sent that was not: the genuine ends decide', async () => {
		const tiny = start();
		await tiny.walk('uploading', 'resolving', 'uploading');
		expectRefusals(tiny);
		tiny.letGo();
		await tiny.settled();
		expect(tiny.completed).toEqual([
			{ token: 1, result: { success: true, uploaded: 1, downloaded: 0, conflicts: 1, errors: [] } },
		]);
		expect(tiny.remote.get('notes', 'a')).toMatchObject({ title: 'ours' });
	});

	it('[L7] a session is not fresh because somebody says so', async () => {
		const tiny = start();
		tiny.app.canRefresh = false;
		await tiny.refresh();
		expectRefusals(tiny);
		tiny.letGo();
		await tiny.settled();
		expect(tiny.completed).toMatchObject([
			{ result: { success: false, errors: [expect.stringContaining('(unauthorised)')] } },
		]);
		expect(tiny.actor.getSnapshot().value).toMatchObject({ gate: 'closed' });
	});

	it.each([
		['provided once more', { adapt: (machine) => machine.provide({}) }],
		['provided twice more', { adapt: (machine) => machine.provide({}).provide({ delays: { interval: 1 } }) }],
	] satisfies [string, TinySyncOptions][])('[S3] by a machine that was %s', async (_, options) => {
		const tiny = start(options);
		await tiny.walk('uploading');
		expectRefusals(tiny);
		tiny.letGo();
		await tiny.settled();
		expect(tiny.completed).toMatchObject([{ result: { success: true, uploaded: 1 } }]);
	});
});

describe('ends of the steps themselves are believed', () => {
	it('[R11] also when a step of the same id is entered again', async () => {
		const { app, remote, told, ...tiny } = start();
		for (const id of ['a', 'b', 'c']) app.edit('notes', id, `ours ${id}`);
		for (const id of ['x', 'y', 'z']) remote.write('notes', { id, title: `theirs ${id}` }, null);
		tiny.hydrate();
		expect(await tiny.sync(1)).toEqual({
			success: true,
			uploaded: 3,
			downloaded: 3,
			conflicts: 0,
			errors: [],
		});
		expect(app.steps('notes')).toEqual([
			...['upload', 'upload'],
			...['download', 'download', 'download', 'download'],
		]);
		expect(told).toEqual([]);
	});

	it('[L7] errors and refreshed sessions, too', async () => {
		const { remote, told, ...tiny } = start();
		tiny.hydrate();
		remote.link = 'signed-out';
		expect(await tiny.sync(1)).toMatchObject({ success: true });
		remote.link = 'down';
		expect(await tiny.sync(2)).toMatchObject({ errors: ['notes: Nobody answered (network)'] });
		expect(tiny.ref().getSnapshot().value).toBe('backoff');
		expect(told).toEqual([]);
	});

	it('[S2] each once: the same end sent again does not pass for that of the step that runs now', async () => {
		const ends: AnyEventObject[] = [];
		const { app, told, ...tiny } = start({
			inspect: (one) => {
				if (one.type === '@xstate.event' && one.event.type === 'xstate.done.actor.upload')
					ends.push(one.event);
			},
		});
		tiny.hydrate();
		for (const id of ['a', 'b', 'c']) app.edit('notes', id, 'ours');
		tiny.hold();
		tiny.send({ type: 'sync.request', token: 1 });
		tiny.pass();
		await waitFor(tiny.ref(), ({ context }) => context.counts.uploaded === 2);
		expect(ends).toMatchObject([{ actorId: 'upload', output: { uploaded: 2 } }]);
		const second = tiny.ref().getSnapshot();
		expect(second.value).toBe('uploading');
		tiny.ref().send(ends[0] as never);
		expect(tiny.ref().getSnapshot()).toBe(second);
		expect(told).toHaveLength(1);
		tiny.letGo();
		await tiny.settled();
		expect(tiny.completed).toMatchObject([{ result: { uploaded: 3 } }]);
		tiny.ref().send(ends[0] as never);
		tiny.ref().send(ends[1] as never);
		expect(told).toHaveLength(3);
		expect(tiny.ref().getSnapshot().value).toBe('idle');
	});

	it('[S2] each with its own report: who sees a step end cannot put another report before it', async () => {
		const { app, told, ...tiny } = start();
		for (const id of ['a', 'b', 'c']) app.edit('notes', id, 'ours');
		tiny.hydrate();
		tiny.hold();
		tiny.send({ type: 'sync.request', token: 1 });
		const ref = tiny.ref();
		const type = 'xstate.done.actor.upload';
		ref.getSnapshot().children.upload?.subscribe(({ status, output }) => {
			if (status !== 'done') return;
			ref.send({ type, actorId: 'upload', output: uploaded({ uploaded: 99 }) } as never);
			// Its true report comes early, and is then one too many.
			ref.send({ type, actorId: 'upload', output } as never);
		});
		tiny.letGo();
		await tiny.settled();
		expect(told).toHaveLength(2);
		expect(tiny.completed).toMatchObject([{ result: { success: true, uploaded: 3 } }]);
		expect(app.steps('notes')).toEqual(['upload', 'upload', 'download', 'download']);
	});
});
