import { afterEach, describe, expect, it } from 'vitest';
import { createActor, SimulatedClock } from 'xstate';
import { PixSyncError } from '../../src/core/errors.ts';
import { syncMachine } from '../../src/machines/sync.machine.ts';
import type { SyncEvent } from '../../src/machines/sync-protocol.ts';
import { LIVE_DELAY_MS } from '../../src/machines/sync-setup.ts';
import { type SyncChart, startSync } from '../support/sync-chart.ts';
import { fault, flush } from '../support/table-chart.ts';

const offline: SyncEvent = { type: 'network.changed', isOnline: false };
const online: SyncEvent = { type: 'network.changed', isOnline: true };
const poke: SyncEvent = { type: 'poke.received' };
const enable = (intervalMs: number): SyncEvent => ({ type: 'schedule.enable', intervalMs });
const wrote = (...tables: string[]): SyncEvent => ({ type: 'mutation.queued', tables });

const charts: SyncChart[] = [];

function start(options: Parameters<typeof startSync>[0] = {}): SyncChart {
	const chart = startSync({ tables: { a: [], b: [] }, ...options });
	charts.push(chart);
	return chart;
}

function startOpen(options: Parameters<typeof startSync>[0] = {}): SyncChart {
	const chart = start(options);
	chart.hydrate();
	expect(chart.value().gate).toEqual({ open: 'steady' });
	return chart;
}

afterEach(() => {
	// [S29] Whatever a test did, no machine has ended in an error.
	for (const { actor, errors } of charts.splice(0)) {
		expect(errors).toEqual([]);
		expect(actor.getSnapshot().status).toBe('active');
		for (const { ref } of Object.values(actor.getSnapshot().context.tables)) {
			expect(ref.getSnapshot().status).toBe('active');
		}
		actor.stop();
	}
});

describe('sync.machine: gate', () => {
	it('[F53] is closed until storage is hydrated; then the tables may talk', () => {
		const chart = start();
		expect(chart.value()).toMatchObject({ gate: 'hydrating', schedule: 'manual', run: 'idle' });
		expect(chart.tableState('a')).toBe('offline');
		chart.hydrate();
		expect(chart.value().gate).toEqual({ open: 'steady' });
		expect(chart.tableState('a')).toBe('idle');
		expect(chart.calls).toEqual([]);
	});

	const facts: [string, SyncEvent, SyncEvent, string][] = [
		['offline', offline, online, 'There is no connection (offline)'],
		[
			'unauthorised',
			{ type: 'session.changed', isValid: false },
			{ type: 'session.changed', isValid: true },
			'There is no valid session (unauthorised)',
		],
		[
			'not-leader',
			{ type: 'leadership.changed', isLeader: false },
			{ type: 'leadership.changed', isLeader: true },
			'Another tab of this app does the syncing (not-leader)',
		],
		[
			'closed',
			{ type: 'storage.closed' },
			{ type: 'storage.hydrated', dirty: [] },
			'The local database is not open (closed)',
		],
	];

	it.each(facts)('[R22] one missing fact keeps it closed: %s', (_, missing, present, reason) => {
		const chart = startOpen();
		chart.send(missing);
		expect(chart.value().gate).not.toHaveProperty('open');
		expect([chart.tableState('a'), chart.tableState('b')]).toEqual(['offline', 'offline']);
		for (const [, , other] of facts) if (other !== present) chart.send(other);
		expect(chart.value().gate).not.toHaveProperty('open');
		chart.sync(1);
		expect(chart.completed).toEqual([
			{
				token: 1,
				result: {
					success: false,
					uploaded: 0,
					downloaded: 0,
					conflicts: 0,
					errors: [`a: ${reason}`, `b: ${reason}`],
				},
			},
		]);
		chart.send(present);
		expect(chart.value().gate).toEqual({ open: 'steady' });
		expect([chart.tableState('a'), chart.tableState('b')]).toEqual(['idle', 'idle']);
		expect(chart.calls).toEqual([]);
	});

	it.each(facts)(
		'[R12] closing in mid-flight aborts and answers: %s',
		async (_, missing, present, reason) => {
			const chart = startOpen();
			chart.sync(1);
			await chart.uploaded('a', { uploaded: 3 });
			expect(chart.open()).toEqual(['upload b', 'download a']);
			chart.send(missing);
			expect(chart.open()).toEqual([]);
			expect(chart.completed).toEqual([
				{
					token: 1,
					result: expect.objectContaining({
						success: false,
						uploaded: 3,
						errors: [`a: ${reason}`, `b: ${reason}`],
					}),
				},
			]);
			expect(chart.value().run).toBe('idle');
			chart.send(present);
			expect(chart.open()).toEqual([]);
			chart.sync(2);
			await chart.finish();
			expect(chart.completed.at(-1)).toMatchObject({ token: 2, result: { success: true } });
		},
	);

	it('[R14] closing answers tables that had not begun, too, each with one error', async () => {
		const chart = startOpen({ tables: { parent: [], child: ['parent'] } });
		chart.sync(1);
		expect(chart.open()).toEqual(['upload parent']);
		chart.send(offline);
		expect(chart.completed).toMatchObject([
			{
				token: 1,
				result: {
					errors: expect.arrayContaining([
						'parent: There is no connection (offline)',
						'child: There is no connection (offline)',
					]),
				},
			},
		]);
		expect(chart.completed[0]?.result.errors).toHaveLength(2);
		expect(chart.of('upload')).toHaveLength(1);
	});

	it('[R12] a call without tables is answered, whether the gate is open or closed', () => {
		const chart = start({ tables: {} });
		chart.sync(1);
		chart.hydrate();
		chart.sync(2);
		const done = { success: true, uploaded: 0, downloaded: 0, conflicts: 0, errors: [] };
		expect(chart.completed).toEqual([
			{ token: 1, result: done },
			{ token: 2, result: done },
		]);
	});

	it('[S11] nothing is asked of a service while it is closed', async () => {
		const chart = start({ tables: { a: [] } });
		chart.send(offline);
		chart.hydrate(['a']);
		chart.send(enable(1_000), wrote('a'), poke, { type: 'visibility.gained' });
		chart.sync(1);
		chart.clock.increment(10_000);
		await flush();
		expect(chart.calls).toEqual([]);
	});

	it('sync while closed names the registered tables asked for, and answers at once', () => {
		const chart = start();
		chart.sync(4, ['b', 'unknown']);
		expect(chart.completed).toMatchObject([
			{ token: 4, result: { errors: ['b: The local database is not open (closed)'] } },
		]);
	});
});

describe('sync.machine: the session', () => {
	it('[F1] several tables refused: one refresh, then all go on, and the call succeeds', async () => {
		const chart = startOpen();
		chart.sync(1);
		await chart.fail('upload', 'a', fault('unauthorised'));
		await chart.fail('upload', 'b', fault('unauthorised'));
		expect(chart.value().gate).toEqual({ open: 'refreshing' });
		expect(chart.of('refresh')).toHaveLength(1);
		expect(chart.completed).toEqual([]);
		await chart.refreshed();
		expect(chart.value().gate).toEqual({ open: 'steady' });
		expect(chart.open()).toEqual(['upload a', 'upload b']);
		await chart.finish();
		expect(chart.of('refresh')).toHaveLength(1);
		expect(chart.completed).toMatchObject([{ token: 1, result: { success: true, errors: [] } }]);
	});

	it('[F1] a table that was not refused works on during the refresh', async () => {
		const chart = startOpen();
		chart.sync(1);
		await chart.fail('upload', 'a', fault('unauthorised'));
		await chart.uploaded('b');
		await chart.downloaded('b');
		expect(chart.tableState('b')).toBe('idle');
		expect(chart.tableState('a')).toBe('offline');
		expect(chart.completed).toEqual([]);
	});

	it('[F1] a refresh that fails closes the gate and settles the calls', async () => {
		const chart = startOpen();
		chart.sync(1);
		await chart.fail('upload', 'a', fault('unauthorised'));
		await chart.fail('refresh', '', fault('unauthorised'));
		expect(chart.value().gate).toBe('closed');
		expect(chart.open()).toEqual([]);
		expect(chart.completed).toMatchObject([
			{
				token: 1,
				result: {
					errors: [
						'a: There is no valid session (unauthorised)',
						'b: There is no valid session (unauthorised)',
					],
				},
			},
		]);
		chart.send({ type: 'session.changed', isValid: true });
		chart.sync(2);
		await chart.finish();
		expect(chart.completed.at(-1)).toMatchObject({ token: 2, result: { success: true } });
	});

	it('[R12] the connection is lost during the refresh: the calls are answered, the refresh is let go', async () => {
		const chart = startOpen();
		chart.sync(1, ['a']);
		await chart.fail('upload', 'a', fault('unauthorised'));
		const refresh = chart.running('refresh', '');
		chart.send(offline);
		expect(refresh.signal.aborted).toBe(true);
		expect(chart.completed).toMatchObject([
			{ token: 1, result: { errors: ['a: There is no connection (offline)'] } },
		]);
		chart.send(online);
		chart.sync(2, ['a']);
		await chart.finish();
		expect(chart.completed.at(-1)).toMatchObject({ token: 2, result: { success: true } });
	});

	it('[F7] a table refused with a fresh session, too, answers with the error, and later calls still end', async () => {
		const chart = startOpen();
		for (const token of [1, 2]) {
			chart.sync(token, ['a']);
			await chart.fail('upload', 'a', fault('unauthorised'));
			await chart.refreshed();
			await chart.fail('upload', 'a', fault('unauthorised'));
			expect(chart.completed.at(-1)).toMatchObject({
				token,
				result: { success: false, errors: ['a: a unauthorised error (unauthorised)'] },
			});
		}
		expect(chart.of('refresh')).toHaveLength(2);
		// The other table never noticed.
		chart.sync(3, ['b']);
		await chart.finish();
		expect(chart.completed.at(-1)).toMatchObject({ token: 3, result: { success: true } });
		chart.sync(4, ['a']);
		await chart.finish();
		expect(chart.completed.at(-1)).toMatchObject({ token: 4, result: { success: true } });
	});
});

describe('sync.machine: run', () => {
	it('joins the tables’ results into one', async () => {
		const chart = startOpen();
		chart.sync(1);
		expect(chart.value().run).toBe('syncing');
		expect(chart.actor.getSnapshot().hasTag('syncing')).toBe(true);
		await chart.uploaded('a', { uploaded: 2 });
		await chart.uploaded('b', { uploaded: 1, conflicts: 1, errors: ['b: no (23505)'] });
		await chart.downloaded('a', { downloaded: 4 });
		expect(chart.completed).toEqual([]);
		await chart.downloaded('b');
		expect(chart.completed).toEqual([
			{
				token: 1,
				result: { success: false, uploaded: 3, downloaded: 4, conflicts: 1, errors: ['b: no (23505)'] },
			},
		]);
		expect(chart.value().run).toBe('idle');
	});

	it('[R12] a call while another runs is answered by passes begun after it', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.sync(1);
		chart.sync(2);
		await chart.uploaded('a', { uploaded: 1 });
		await chart.downloaded('a');
		expect(chart.completed.map(({ token }) => token)).toEqual([1]);
		await chart.uploaded('a', { uploaded: 1 });
		await chart.downloaded('a');
		expect(chart.completed.map(({ token }) => token)).toEqual([1, 2]);
	});

	it('[R12] no answer: sync() returns while the table goes on by itself in backoff', async () => {
		const chart = startOpen({ tables: { a: [] }, input: { backoff: { baseMs: 100, capMs: 100 } } });
		chart.sync(1);
		await chart.fail('upload', 'a', fault('no-answer'));
		expect(chart.completed).toMatchObject([{ token: 1, result: { success: false } }]);
		expect(chart.tableState('a')).toBe('backoff');
		chart.clock.increment(50);
		expect(chart.open()).toEqual(['upload a']);
	});

	it('[R14] parents upload before their dependants, and deletes in the reverse order', async () => {
		const chart = startOpen({ tables: { child: ['parent'], parent: [] } });
		chart.sync(1);
		expect(chart.open()).toEqual(['upload parent']);
		expect(chart.running('upload', 'parent').input).toMatchObject({ holdDeletes: true });
		await chart.uploaded('parent', { held: 1 });
		expect(chart.running('upload', 'child').input).toMatchObject({ holdDeletes: false });
		await chart.downloaded('parent');
		expect(chart.open()).toEqual(['upload child']);
		await chart.uploaded('child');
		expect(chart.running('upload', 'parent').input).toMatchObject({ holdDeletes: false, force: true });
		await chart.downloaded('child');
		expect(chart.completed).toEqual([]);
		await chart.uploaded('parent', { uploaded: 1 });
		await chart.downloaded('parent');
		expect(chart.completed).toMatchObject([{ token: 1, result: { success: true, uploaded: 1 } }]);
	});

	it('[R14] two calls at once keep the order of dependsOn', async () => {
		const chart = startOpen({ tables: { parent: [], child: ['parent'] } });
		chart.sync(1);
		chart.sync(2);
		expect(chart.open()).toEqual(['upload parent']);
		await chart.finish();
		expect(chart.completed.map(({ token, result }) => [token, result.success])).toEqual([
			[1, true],
			[2, true],
		]);
	});

	it('[R14] sync([child]) takes along ancestors with something pending, and no others', async () => {
		const tables = { top: [], middle: ['top'], bottom: ['middle'], other: [] };
		const chart = start({ tables });
		chart.hydrate(['top', 'other']);
		chart.sync(1, ['bottom']);
		expect(chart.open()).toEqual(['upload top', 'upload bottom']);
		await chart.finish();
		chart.sync(2, ['bottom']);
		expect(chart.open()).toEqual(['upload bottom']);
		await chart.finish();
		chart.send(wrote('middle'));
		chart.sync(3, ['bottom']);
		expect(chart.open()).toEqual(['upload middle']);
		await chart.uploaded('middle');
		expect(chart.open().sort()).toEqual(['download middle', 'upload bottom']);
	});

	it('a table stays dirty until a round of it ended well with nothing held', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.send(wrote('a'));
		const dirty = () => chart.actor.getSnapshot().context.dirty;
		chart.sync(1);
		await chart.uploaded('a');
		await chart.fail('download', 'a', fault('fatal'));
		expect(dirty()).toEqual(['a']);
		chart.sync(2);
		await chart.finish();
		expect(dirty()).toEqual([]);
	});

	it('without tables there is nothing to wait for', () => {
		const chart = startOpen({ tables: {} });
		chart.sync(1);
		expect(chart.completed).toMatchObject([{ token: 1, result: { success: true, errors: [] } }]);
	});
});

describe('sync.machine: registration', () => {
	it('[R4] a table registered while the gate is open may talk at once', async () => {
		const chart = startOpen({ tables: {} });
		chart.register('late');
		expect(chart.tableState('late')).toBe('idle');
		chart.sync(1);
		expect(chart.open()).toEqual(['upload late']);
		await chart.finish();
		expect(chart.completed).toMatchObject([{ token: 1, result: { success: true } }]);
	});

	it('[R4] one registered while it is closed waits for it', () => {
		const chart = start({ tables: {} });
		chart.register('early');
		expect(chart.tableState('early')).toBe('offline');
		chart.hydrate();
		expect(chart.tableState('early')).toBe('idle');
	});

	it('a table registered twice stays the one it was', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.sync(1);
		const { ref } = chart.actor.getSnapshot().context.tables.a ?? {};
		chart.register('a');
		expect(chart.actor.getSnapshot().context.tables.a?.ref).toBe(ref);
		expect(chart.tableState('a')).toBe('uploading');
		await chart.finish();
		expect(chart.completed).toHaveLength(1);
	});
});

describe('sync.machine: schedule', () => {
	it('manual: time, writes, visibility and an opening gate ask for nothing', async () => {
		const chart = startOpen();
		chart.send(wrote('a'), { type: 'visibility.gained' }, offline, online);
		chart.clock.increment(3_600_000);
		await flush();
		expect(chart.calls).toEqual([]);
	});

	it('auto: at once, and then at each interval', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.send(enable(1_000));
		expect(chart.open()).toEqual(['upload a']);
		await chart.finish();
		chart.clock.increment(999);
		expect(chart.open()).toEqual([]);
		for (let round = 2; round <= 4; round++) {
			chart.clock.increment(round === 2 ? 1 : 1_000);
			expect(chart.of('upload')).toHaveLength(round);
			await chart.finish();
		}
		expect(chart.completed.every(({ token }) => token === null)).toBe(true);
	});

	it('[R12] to turn it on or off in mid-sync disturbs no run', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.sync(1);
		const upload = chart.running('upload', 'a');
		chart.send(enable(1_000), enable(2_000), { type: 'schedule.disable' });
		expect(upload.signal.aborted).toBe(false);
		expect(chart.completed).toEqual([]);
		await chart.finish();
		expect(chart.completed.find(({ token }) => token === 1)).toMatchObject({ result: { success: true } });
	});

	it('a new interval counts from now; disabled, nothing comes any more', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.send(enable(1_000));
		await chart.finish();
		chart.clock.increment(900);
		chart.send(enable(5_000));
		await chart.finish();
		expect(chart.of('upload')).toHaveLength(2);
		chart.clock.increment(4_999);
		expect(chart.of('upload')).toHaveLength(2);
		chart.clock.increment(1);
		expect(chart.of('upload')).toHaveLength(3);
		await chart.finish();
		chart.send({ type: 'schedule.disable' }, wrote('a'), { type: 'visibility.gained' });
		chart.clock.increment(60_000);
		expect(chart.of('upload')).toHaveLength(3);
	});

	it('syncs on becoming visible and on regaining the connection', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.send(enable(1_000_000));
		await chart.finish();
		chart.send({ type: 'visibility.gained' });
		expect(chart.of('upload')).toHaveLength(2);
		await chart.finish();
		chart.send(offline, online);
		expect(chart.of('upload')).toHaveLength(3);
		await chart.finish();
		chart.send(offline, { type: 'visibility.gained' });
		expect(chart.open()).toEqual([]);
	});

	it('syncs as the gate opens for the first time, if it was enabled before', () => {
		const chart = start({ tables: { a: [] } });
		chart.send(enable(1_000));
		expect(chart.calls).toEqual([]);
		chart.hydrate();
		expect(chart.open()).toEqual(['upload a']);
	});

	it('live: a write is uploaded soon, its own table alone; many writes travel together', async () => {
		const chart = startOpen();
		chart.send(enable(1_000_000));
		await chart.finish();
		const before = chart.of('upload').length;
		chart.send(wrote('b'));
		chart.clock.increment(LIVE_DELAY_MS - 1);
		expect(chart.open()).toEqual([]);
		chart.clock.increment(1);
		expect(chart.open()).toEqual(['upload b']);
		await chart.finish();
		chart.send(wrote('a'), wrote('a'), wrote('b'));
		chart.clock.increment(LIVE_DELAY_MS);
		expect(chart.open()).toEqual(['upload a', 'upload b']);
		await chart.finish();
		chart.clock.increment(10 * LIVE_DELAY_MS);
		expect(chart.of('upload')).toHaveLength(before + 3);
	});

	it('[R14] live: a parent written before comes along with the child', async () => {
		const chart = startOpen({ tables: { parent: [], child: ['parent'] } });
		chart.send(enable(1_000_000));
		await chart.finish();
		chart.send(wrote('parent'), wrote('child'));
		chart.clock.increment(LIVE_DELAY_MS);
		expect(chart.open()).toEqual(['upload parent']);
	});

	it('liveUpload: false leaves writes to the interval', async () => {
		const chart = startOpen({ tables: { a: [] }, input: { liveUpload: false } });
		chart.send(enable(10_000));
		await chart.finish();
		chart.send(wrote('a'));
		chart.clock.increment(9_999);
		expect(chart.of('upload')).toHaveLength(1);
		chart.clock.increment(1);
		expect(chart.of('upload')).toHaveLength(2);
	});

	it('a write while the gate is closed is known as soon as it opens', () => {
		const chart = start({ tables: { a: [], child: ['a'] } });
		chart.hydrate();
		chart.send(enable(1_000_000), offline, wrote('a'));
		expect(chart.actor.getSnapshot().context.dirty).toEqual(['a']);
	});
});

describe('sync.machine: pokes', () => {
	it('[F40] a poke pulls and uploads nothing; one for some tables touches those alone', async () => {
		const chart = startOpen();
		chart.send({ type: 'poke.received', tables: ['b'] });
		expect(chart.open()).toEqual(['download b']);
		await chart.finish();
		chart.send(poke);
		expect(chart.open()).toEqual(['download a', 'download b']);
		expect(chart.of('upload')).toEqual([]);
	});

	it('a poke at a closed gate is dropped: the opening syncs anyhow', () => {
		const chart = start();
		chart.send(poke);
		chart.hydrate();
		expect(chart.open()).toEqual([]);
	});
});

describe('sync.machine: a change of user', () => {
	it('[R23] closing the storage ends every table’s work; the next user’s starts clean', async () => {
		const chart = startOpen({ tables: { a: [] } });
		chart.send(wrote('a'));
		chart.sync(1);
		const upload = chart.running('upload', 'a');
		chart.send({ type: 'storage.closed' });
		expect(upload.signal.aborted).toBe(true);
		expect(chart.value().gate).toBe('hydrating');
		expect(chart.actor.getSnapshot().context.dirty).toEqual([]);
		chart.hydrate([]);
		expect(chart.open()).toEqual([]);
		chart.sync(2);
		await chart.finish();
		expect(chart.completed.at(-1)).toMatchObject({ token: 2, result: { success: true, errors: [] } });
	});
});

describe('sync.machine: loud stubs', () => {
	it('without services the tables say so, and a refresh that was left out closes the gate', async () => {
		const bare = createActor(syncMachine, { clock: new SimulatedClock(), input: {} });
		const errors: unknown[] = [];
		bare.subscribe({ error: (error) => errors.push(error) });
		bare.start();
		bare.send({ type: 'table.register', spec: { table: 'a', dependsOn: [] } });
		bare.send({ type: 'storage.hydrated', dirty: [] });
		bare.send({ type: 'sync.request', token: 1 });
		await flush();
		// The stub of an action throws: nobody can run the machine half wired without noticing.
		expect(bare.getSnapshot().status).toBe('error');
		expect(errors[0]).toBeInstanceOf(PixSyncError);
		expect(errors[0]).toMatchObject({ code: 'not-provided' });
	});
});
