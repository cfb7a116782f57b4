import { describe, expect, it } from 'vitest';
import { createActor, fromTransition, SimulatedClock } from 'xstate';
import { PixSyncError } from '../../src/core/errors.ts';
import { StepError } from '../../src/core/run-contract.ts';
import { MAX_RESOLVINGS, tableMachine } from '../../src/machines/table.machine.ts';
import type { TableReport } from '../../src/machines/table-protocol.ts';
import {
	downloaded,
	fault,
	flush,
	lost,
	poke,
	request,
	resolved,
	restored,
	startTable,
	type TableChart,
	uploaded,
} from '../support/table-chart.ts';

type Active = 'uploading' | 'resolving' | 'downloading';
const ACTIVE: readonly Active[] = ['uploading', 'resolving', 'downloading'];
const ALL = ['offline', 'idle', ...ACTIVE, 'backoff'] as const;

/** A chart that has come to the state by its shortest way; the run has request 1. */
async function chartIn(state: (typeof ALL)[number], input = {}): Promise<TableChart> {
	const chart = startTable(input);
	if (state === 'offline') return chart;
	chart.send(restored);
	if (state === 'idle') return chart;
	chart.send(request(1));
	if (state === 'uploading') return chart;
	if (state === 'backoff') await chart.fail(fault('no-answer'));
	else await chart.done('upload', uploaded({ waitingConflicts: state === 'resolving' ? 1 : 0 }));
	expect(chart.state()).toBe(state);
	return chart;
}

describe('table.machine: the rows of §4', () => {
	it('starts offline, at rest, and asks for nothing', () => {
		const chart = startTable();
		expect(chart.state()).toBe('offline');
		expect(chart.actor.getSnapshot().tags).toEqual(new Set(['offline', 'settled']));
		expect(chart.steps).toEqual([]);
		expect(chart.reports).toEqual([]);
	});

	it('offline | connection.restored → idle when nothing is wanted', () => {
		const chart = startTable();
		chart.send(restored);
		expect(chart.state()).toBe('idle');
		expect(chart.steps).toEqual([]);
	});

	it('offline | connection.restored → uploading for a sync asked for meanwhile', () => {
		const chart = startTable();
		chart.send(request(3, true));
		expect(chart.state()).toBe('offline');
		chart.send(restored);
		expect(chart.state()).toBe('uploading');
		expect(chart.step('upload').input).toMatchObject({ table: 'notes', force: true, holdDeletes: true });
	});

	it('idle | sync.request → uploading: all that is queued, forced, holding deletes as told', () => {
		const chart = startTable();
		chart.send(restored, request(1, true));
		expect(chart.step('upload').input).toEqual({
			table: 'notes',
			upTo: null,
			force: true,
			holdDeletes: true,
			retryAt: 500,
		});
		expect(chart.actor.getSnapshot().hasTag('syncing')).toBe(true);
	});

	it('idle | poke.received → downloading without an upload', () => {
		const chart = startTable();
		chart.send(restored, poke);
		expect(chart.state()).toBe('downloading');
		expect(chart.steps.map(({ name }) => name)).toEqual(['download']);
		expect(chart.step('download').input).toMatchObject({ isPoked: true });
	});

	for (const kind of ['no-answer', 'unauthorised', 'fatal'] as const) {
		it(`[R12][R13] what a step had done before a ${kind} error counts`, async () => {
			const chart = await chartIn('backoff');
			chart.send(request(2));
			expect(chart.actor.getSnapshot().context.attempts).toBe(1);
			const before = { uploaded: 3, downloaded: 0, conflicts: 0, errors: ['notes: refused (23505)'] };
			await chart.fail(new StepError(fault(kind), before));
			const { counts, attempts, error } = chart.actor.getSnapshot().context;
			expect(counts).toMatchObject({ uploaded: 3, errors: expect.arrayContaining(before.errors) });
			expect(attempts, 'reset on progress').toBe(kind === 'no-answer' ? 1 : 0);
			if (kind !== 'unauthorised') expect(error).toMatchObject({ code: fault(kind).code, fault: kind });
		});
	}

	it('uploading | done, conflicts met → resolving, whatever else is left', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ waitingConflicts: 2, more: true, held: 1 }));
		expect(chart.state()).toBe('resolving');
		expect(chart.step('resolve').input).toEqual({ table: 'notes', isExhausted: false, retryAt: 60_000 });
		expect(chart.reportsOf('table.uploaded')).toEqual([]);
	});

	it('[R11] uploading | done, more due → uploading again, up to the same mutation and by itself', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ more: true, upTo: 17 }));
		expect(chart.state()).toBe('uploading');
		expect(chart.steps).toHaveLength(2);
		expect(chart.step('upload').input).toMatchObject({ upTo: 17, force: false });
	});

	it('[R14] uploading | done, drained → downloading, and the root is told table.uploaded', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ held: 2 }));
		expect(chart.state()).toBe('downloading');
		expect(chart.reports).toEqual([{ type: 'table.uploaded', table: 'notes', served: 1, held: 2 }]);
	});

	it('a stuck upload never freezes downloads: downloading, and at its head backoff until the stored time', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ errors: ['notes: later (503)'] }));
		expect(chart.state()).toBe('downloading');
		await chart.done('download', downloaded({ downloaded: 4, waitUntil: 700 }));
		expect(chart.state()).toBe('backoff');
		expect(chart.context().nextRetryAt).toBe(700);
		expect(chart.reportsOf('table.settled')).toMatchObject([
			{ error: null, counts: { downloaded: 4, errors: ['notes: later (503)'] } },
		]);
		chart.clock.increment(699);
		expect(chart.state()).toBe('backoff');
		chart.clock.increment(1);
		expect(chart.state()).toBe('uploading');
		expect(chart.step('upload').input.force).toBe(false);
		expect(chart.context().nextRetryAt).toBeNull();
	});

	it('resolving | done, a local version won → uploading; else → downloading with table.uploaded', async () => {
		const won = await chartIn('resolving');
		await won.done('resolve', resolved({ due: true, resolved: [{ id: 'a', outcome: 'local' }] }));
		expect(won.state()).toBe('uploading');
		expect(won.step('upload').input.upTo).toBeNull();
		expect(won.reports).toEqual([]);
		expect(won.emitted).toEqual([
			{ type: 'conflicts.resolved', table: 'notes', resolved: [{ id: 'a', outcome: 'local' }] },
		]);

		const bowed = await chartIn('resolving');
		await bowed.done('resolve', resolved({ due: false }));
		expect(bowed.state()).toBe('downloading');
		expect(bowed.reportsOf('table.uploaded')).toHaveLength(1);
	});

	it('downloading | page done, more → downloading again, progress emitted', async () => {
		const chart = await chartIn('downloading');
		await chart.done('download', downloaded({ more: true, rowsRead: 1000, downloaded: 990 }));
		expect(chart.state()).toBe('downloading');
		expect(chart.steps.filter(({ name }) => name === 'download')).toHaveLength(2);
		expect(chart.context().rowsRead).toBe(1000);
		expect(chart.emitted).toEqual([
			{ type: 'page.applied', table: 'notes', rowsRead: 1000, downloaded: 990 },
		]);
		expect(chart.reportsOf('table.settled')).toEqual([]);
	});

	it('downloading | head, something became due → uploading, told as table.cycled', async () => {
		const chart = await chartIn('downloading');
		await chart.done('download', downloaded({ due: true, downloaded: 2 }));
		expect(chart.state()).toBe('uploading');
		expect(chart.step('upload').input).toMatchObject({ upTo: null, force: false });
		expect(chart.reportsOf('table.cycled')).toMatchObject([{ served: 1, counts: { downloaded: 2 } }]);
		expect(chart.reportsOf('table.settled')).toEqual([]);
	});

	it('downloading | head, poked meanwhile → downloading again', async () => {
		const chart = await chartIn('downloading');
		expect(chart.step('download').input).toMatchObject({ isPoked: false });
		chart.send(poke);
		await chart.done('download', downloaded());
		expect(chart.state()).toBe('downloading');
		expect(chart.step('download').input).toMatchObject({ isPoked: true });
		await chart.done('download', downloaded({ more: true }));
		expect(chart.step('download').input).toMatchObject({ isPoked: true });
		await chart.done('download', downloaded());
		expect(chart.state()).toBe('idle');
		chart.send(request(2));
		await chart.done('upload', uploaded());
		expect(chart.step('download').input).toMatchObject({ isPoked: false });
	});

	it('downloading | head, nothing waits → idle, settled, and the time of it noted', async () => {
		const chart = await chartIn('uploading');
		chart.clock.increment(40);
		await chart.done('upload', uploaded({ uploaded: 3 }));
		await chart.done('download', downloaded({ downloaded: 2 }));
		expect(chart.state()).toBe('idle');
		expect(chart.context().lastSyncedAt).toBe(40);
		expect(chart.reportsOf('table.settled')).toEqual([
			{
				type: 'table.settled',
				table: 'notes',
				served: 1,
				held: 0,
				error: null,
				counts: { uploaded: 3, downloaded: 2, conflicts: 0, errors: [] },
			},
		]);
	});

	it('a round with errors in it does not count as synced', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ errors: ['notes: refused (23505)'] }));
		await chart.done('download', downloaded());
		expect(chart.state()).toBe('idle');
		expect(chart.context().lastSyncedAt).toBeNull();
	});

	it.each(ACTIVE)('%s | retryable or no answer → backoff, settled with the error', async (state) => {
		for (const kind of ['no-answer', 'retryable'] as const) {
			const chart = await chartIn(state);
			await chart.fail(fault(kind));
			expect(chart.state()).toBe('backoff');
			expect(chart.actor.getSnapshot().hasTag('error')).toBe(true);
			expect(chart.reportsOf('table.settled')).toMatchObject([
				{ error: { fault: kind }, counts: { errors: [`notes: a ${kind} error (${kind})`] } },
			]);
			expect(chart.endedPulls).toEqual(['notes']);
		}
	});

	it.each(ACTIVE)(
		'%s | fatal or unknown → idle with the error; the next request tries again',
		async (state) => {
			for (const error of [fault('fatal'), fault('rejected'), new TypeError('a bug')]) {
				const chart = await chartIn(state);
				await chart.fail(error);
				expect(chart.state()).toBe('idle');
				expect(chart.context().error).toBeInstanceOf(PixSyncError);
				expect(chart.reportsOf('table.settled')).toHaveLength(1);
				expect(chart.endedPulls).toEqual(['notes']);
				chart.send(request(2));
				expect(chart.state()).toBe('uploading');
				expect(chart.context().error).toBeNull();
				await chart.done('upload', uploaded());
				await chart.done('download', downloaded());
				expect(chart.reportsOf('table.settled').at(-1)).toMatchObject({
					error: null,
					counts: { errors: [] },
				});
			}
		},
	);

	it.each(ACTIVE)(
		'[R7][R9] %s | connection.lost → offline: the work is aborted, settled once with the error',
		async (state) => {
			const chart = await chartIn(state);
			const [step] = chart.open();
			chart.send(lost);
			expect(chart.state()).toBe('offline');
			expect(step?.signal.aborted).toBe(true);
			expect(chart.endedPulls).toEqual(['notes']);
			expect(chart.reportsOf('table.settled')).toMatchObject([
				{ error: { code: 'offline' }, counts: { errors: ['notes: a no-answer error (offline)'] } },
			]);
			// What the aborted body still brings is nobody's concern.
			step?.reject(fault('fatal'));
			await flush();
			expect(chart.state()).toBe('offline');
			expect(chart.reportsOf('table.settled')).toHaveLength(1);
		},
	);

	it.each(['idle', 'backoff'] as const)(
		'%s | connection.lost → offline, without a second settled',
		async (state) => {
			const chart = await chartIn(state);
			const before = chart.reports.length;
			chart.send(lost);
			expect(chart.state()).toBe('offline');
			expect(chart.reports).toHaveLength(before);
			expect(chart.context().nextRetryAt).toBeNull();
			chart.clock.increment(3_600_000);
			expect(chart.state()).toBe('offline');
		},
	);

	it('[L4] every state can be left again', async () => {
		for (const state of ALL) {
			const chart = await chartIn(state);
			chart.send(lost, restored);
			expect(chart.state()).toBe('idle');
		}
	});
});

describe('table.machine: wishes while it works', () => {
	it.each(ACTIVE)('[R12] %s remembers a sync.request: a pass that begins later serves it', async (state) => {
		const chart = await chartIn(state);
		chart.send(request(2));
		expect(chart.state()).toBe(state);
		expect(chart.open()).toHaveLength(1);
		if (state === 'uploading') await chart.done('upload', uploaded());
		if (state === 'resolving') await chart.done('resolve', resolved());
		await chart.done('download', downloaded({ downloaded: 1 }));
		expect(chart.reportsOf('table.cycled')).toMatchObject([{ served: 1, counts: { downloaded: 1 } }]);
		expect(chart.state()).toBe('uploading');
		expect(chart.step('upload').input).toMatchObject({ upTo: null, force: true });
		await chart.done('upload', uploaded({ uploaded: 5 }));
		await chart.done('download', downloaded());
		expect(chart.reportsOf('table.settled')).toMatchObject([
			{ served: 2, counts: { uploaded: 5, downloaded: 0 } },
		]);
		expect(chart.state()).toBe('idle');
	});

	it('[R12] a request joined between two batches is served by the next batch, which covers all again', async () => {
		const chart = await chartIn('uploading');
		chart.send(request(2));
		await chart.done('upload', uploaded({ more: true, upTo: 9 }));
		expect(chart.step('upload').input).toMatchObject({ upTo: null, force: true });
		await chart.done('upload', uploaded());
		expect(chart.reportsOf('table.uploaded')).toMatchObject([{ served: 2 }]);
	});

	it('[R14] a joined request can free held deletes, and never hold freed ones again', async () => {
		const chart = startTable();
		chart.send(restored, request(1, true), request(2, false), request(3, true));
		await chart.done('upload', uploaded());
		await chart.done('download', downloaded());
		expect(chart.step('upload').input.holdDeletes).toBe(false);
	});

	it.each(ACTIVE)('[R12] %s remembers a poke: a pull begins after it', async (state) => {
		const chart = await chartIn(state);
		chart.send(poke);
		expect(chart.state()).toBe(state);
		if (state === 'uploading') await chart.done('upload', uploaded());
		if (state === 'resolving') await chart.done('resolve', resolved());
		const pull = chart.step('download').input.pull;
		await chart.done('download', downloaded());
		if (state === 'downloading') {
			expect(chart.step('download').input.pull).toBe(pull + 1);
			await chart.done('download', downloaded());
		}
		// The pull that followed the upload began after the poke: one is enough.
		expect(chart.state()).toBe('idle');
	});

	it('[R12] a poke in backoff is answered by the pull of the retry', async () => {
		const chart = await chartIn('backoff');
		chart.send(poke);
		expect(chart.state()).toBe('backoff');
		chart.clock.increment(500);
		await chart.done('upload', uploaded());
		await chart.done('download', downloaded());
		expect(chart.state()).toBe('idle');
		expect(chart.context().isPoked).toBe(false);
	});

	it('[R12] a request joined to work that the connection cuts off is served after it, with its own counts', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ more: true, uploaded: 7 }));
		chart.send(request(2), lost);
		expect(chart.reportsOf('table.settled')).toMatchObject([{ counts: { uploaded: 7 } }]);
		chart.send(restored);
		expect(chart.state()).toBe('uploading');
		await chart.done('upload', uploaded({ uploaded: 1 }));
		await chart.done('download', downloaded());
		expect(chart.reportsOf('table.settled').at(-1)).toMatchObject({
			served: 2,
			error: null,
			counts: { uploaded: 1, errors: [] },
		});
		expect(chart.context().lastSyncedAt).not.toBeNull();
	});
});

describe('table.machine: pulls', () => {
	it('[R11] the pages of one pull share its number, and nothing ends the prefetch between them', async () => {
		const chart = await chartIn('downloading');
		const first = chart.step('download').input.pull;
		for (let page = 0; page < 3; page++) {
			await chart.done('download', downloaded({ more: true }));
			expect(chart.step('download').input.pull).toBe(first);
		}
		expect(chart.endedPulls).toEqual([]);
		chart.send(poke);
		await chart.done('download', downloaded({ more: true }));
		expect(chart.step('download').input.pull).toBe(first);
		await chart.done('download', downloaded());
		expect(chart.step('download').input.pull).toBe(first + 1);
		expect(chart.context().rowsRead).toBe(0);
	});

	it('[R11] a pull after an upload is a new one', async () => {
		const chart = await chartIn('downloading');
		const first = chart.step('download').input.pull;
		await chart.done('download', downloaded({ due: true }));
		await chart.done('upload', uploaded());
		expect(chart.step('download').input.pull).toBe(first + 1);
	});

	it('[R11] a pull that is left half read is ended', async () => {
		for (const leave of [
			(chart: TableChart) => chart.fail(fault('no-answer')),
			(chart: TableChart) => chart.fail(fault('unauthorised')),
			(chart: TableChart) => chart.fail(fault('fatal')),
			async (chart: TableChart) => chart.send(lost),
		]) {
			const chart = await chartIn('downloading');
			await chart.done('download', downloaded({ more: true }));
			expect(chart.endedPulls).toEqual([]);
			await leave(chart);
			expect(chart.endedPulls).toEqual(['notes']);
		}
	});
});

describe('table.machine: the session', () => {
	it.each(ACTIVE)('[F1] %s | unauthorised → offline, told once, and not settled', async (state) => {
		const chart = await chartIn(state);
		await chart.fail(fault('unauthorised'));
		expect(chart.state()).toBe('offline');
		expect(chart.reportsOf('table.unauthorised')).toMatchObject([{ error: { fault: 'unauthorised' } }]);
		expect(chart.reportsOf('table.settled')).toEqual([]);
		chart.send(restored);
		expect(chart.state()).toBe('uploading');
		await chart.done('upload', uploaded({ uploaded: 1 }));
		await chart.done('download', downloaded());
		expect(chart.reportsOf('table.settled')).toMatchObject([
			{ served: 1, error: null, counts: { uploaded: 1, errors: [] } },
		]);
	});

	it('[F7] a second refusal in a row ends the round: offline and settled, no third try', async () => {
		const chart = await chartIn('uploading');
		await chart.fail(fault('unauthorised'));
		chart.send(restored);
		await chart.fail(fault('unauthorised'));
		expect(chart.state()).toBe('offline');
		expect(chart.reportsOf('table.unauthorised')).toHaveLength(1);
		expect(chart.reportsOf('table.settled')).toMatchObject([{ error: { fault: 'unauthorised' } }]);
		chart.send(restored);
		expect(chart.state()).toBe('idle');
	});

	it('[F1] an answer in between makes the next refusal a first one again', async () => {
		const chart = await chartIn('uploading');
		await chart.fail(fault('unauthorised'));
		chart.send(restored);
		await chart.done('upload', uploaded({ uploaded: 1 }));
		await chart.fail(fault('unauthorised'));
		expect(chart.reportsOf('table.unauthorised')).toHaveLength(2);
		expect(chart.reportsOf('table.settled')).toEqual([]);
	});

	it('[F7] a new round may ask for a fresh session again', async () => {
		const chart = await chartIn('uploading');
		await chart.fail(fault('unauthorised'));
		chart.send(restored);
		await chart.fail(fault('unauthorised'));
		chart.send(restored, request(2));
		await chart.fail(fault('unauthorised'));
		expect(chart.reportsOf('table.unauthorised')).toHaveLength(2);
		expect(chart.reportsOf('table.settled')).toHaveLength(1);
	});

	it('[R12] connection.lost while the session is awaited settles the round, once', async () => {
		const chart = await chartIn('uploading');
		await chart.done('upload', uploaded({ uploaded: 2, more: true }));
		await chart.fail(fault('unauthorised'));
		chart.send(lost);
		expect(chart.reportsOf('table.settled')).toMatchObject([
			{ error: { code: 'offline' }, counts: { uploaded: 2 } },
		]);
		chart.send(lost, restored);
		expect(chart.reportsOf('table.settled')).toHaveLength(1);
		expect(chart.state()).toBe('idle');
	});

	it('[R12] a request joined while the session is awaited keeps what the round had counted', async () => {
		const chart = startTable();
		chart.send(restored, request(1));
		await chart.done('upload', uploaded({ uploaded: 2, more: true }));
		await chart.fail(fault('unauthorised'));
		chart.send(request(2, true), restored);
		expect(chart.step('upload').input).toMatchObject({ force: true, holdDeletes: false });
		await chart.done('upload', uploaded({ uploaded: 1 }));
		await chart.done('download', downloaded());
		expect(chart.reportsOf('table.settled')).toMatchObject([{ served: 2, counts: { uploaded: 3 } }]);
	});
});

describe('table.machine: backoff', () => {
	it.each([0, 0.25, 0.999_999])('[S23] stays within base · 2ⁿ and the cap (random %d)', async (random) => {
		const backoff = { baseMs: 100, capMs: 1_500 };
		const chart = startTable({ random: () => random, backoff });
		chart.send(restored, request(1));
		for (let attempt = 1; attempt <= 8; attempt++) {
			const before = chart.clock.now();
			await chart.fail(fault('no-answer'));
			const bound = Math.min(backoff.capMs, backoff.baseMs * 2 ** (attempt - 1));
			const delay = (chart.context().nextRetryAt ?? Number.NaN) - before;
			expect(delay).toBe(Math.floor(random * bound));
			if (delay > 0) {
				chart.clock.increment(delay - 1);
				expect(chart.state()).toBe('backoff');
			}
			chart.clock.increment(1);
			expect(chart.state()).toBe('uploading');
			expect(chart.step('upload').input.force).toBe(false);
		}
	});

	it('[S23] Retry-After is honoured past the cap', async () => {
		const chart = startTable({ backoff: { baseMs: 100, capMs: 200 } });
		chart.send(restored, request(1));
		await chart.fail(fault('retryable', { retryAfterMs: 30_000 }));
		expect(chart.context().nextRetryAt).toBe(30_000);
		chart.clock.increment(29_999);
		expect(chart.state()).toBe('backoff');
		chart.clock.increment(1);
		expect(chart.state()).toBe('uploading');
	});

	it('[S23] a Retry-After of days is cut to an hour, whatever the header said', async () => {
		const chart = await chartIn('uploading');
		await chart.fail(fault('retryable', { retryAfterMs: 30 * 86_400_000 }));
		expect(chart.context().nextRetryAt).toBe(3_600_000);
	});

	it('[R13] sync.request → uploading at once, forced; the timer is gone', async () => {
		const chart = await chartIn('backoff');
		chart.send(request(2));
		expect(chart.state()).toBe('uploading');
		expect(chart.step('upload').input.force).toBe(true);
		await chart.done('upload', uploaded());
		await chart.done('download', downloaded());
		chart.clock.increment(600_000);
		expect(chart.state()).toBe('idle');
		expect(chart.steps).toHaveLength(3);
	});

	it('[R13] progress resets the attempts', async () => {
		const chart = startTable({ random: () => 0.999_999 });
		chart.send(restored, request(1));
		for (let attempt = 1; attempt <= 4; attempt++) {
			await chart.fail(fault('no-answer'));
			expect(chart.context().attempts).toBe(attempt);
			chart.clock.increment(60_000);
		}
		await chart.done('upload', uploaded({ uploaded: 1 }));
		expect(chart.context().attempts).toBe(0);
		await chart.fail(fault('no-answer'));
		expect(chart.context().retryInMs).toBe(999);
	});

	it('[R13] the upload knows when a retry would come before it is sent', async () => {
		const chart = startTable({ random: () => 0.5 });
		chart.clock.increment(10_000);
		chart.send(restored, request(1));
		expect(chart.step('upload').input.retryAt).toBe(10_500);
		await chart.fail(fault('no-answer'));
		chart.clock.increment(500);
		expect(chart.step('upload').input.retryAt).toBe(11_500);
	});

	it('a retry is a round of its own: the errors of the former are not told again', async () => {
		const chart = await chartIn('backoff');
		chart.clock.increment(500);
		await chart.done('upload', uploaded({ uploaded: 1 }));
		await chart.done('download', downloaded());
		expect(chart.reportsOf('table.settled').at(-1)).toMatchObject({
			error: null,
			counts: { uploaded: 1, errors: [] },
		});
	});
});

describe('table.machine: resolving is bounded', () => {
	async function loop(chart: TableChart) {
		await chart.done('upload', uploaded({ waitingConflicts: 1 }));
		const { isExhausted, retryAt } = chart.step('resolve').input;
		await chart.done('resolve', resolved({ due: !isExhausted }));
		return { isExhausted, retryAt };
	}

	it('[R13] after MAX_RESOLVINGS rounds the resolver is told to put off, and the count begins anew', async () => {
		const chart = startTable({ backoff: { baseMs: 10, capMs: 5_000 } });
		chart.clock.increment(1_000);
		chart.send(restored, request(1));
		for (let round = 1; round <= MAX_RESOLVINGS; round++) {
			expect(await loop(chart)).toMatchObject({ isExhausted: false });
		}
		expect(await loop(chart)).toEqual({ isExhausted: true, retryAt: 6_000 });
		await chart.done('download', downloaded({ waitUntil: 6_000 }));
		expect(chart.state()).toBe('backoff');
		chart.clock.increment(5_000);
		expect(await loop(chart)).toMatchObject({ isExhausted: false });
	});

	it('[R13] rounds that the download makes due count on', async () => {
		const chart = await chartIn('uploading');
		for (let round = 1; round <= MAX_RESOLVINGS; round++) {
			await chart.done('upload', uploaded({ waitingConflicts: 1 }));
			expect(chart.step('resolve').input.isExhausted).toBe(false);
			await chart.done('resolve', resolved());
			await chart.done('download', downloaded({ due: true }));
		}
		await chart.done('upload', uploaded({ waitingConflicts: 1 }));
		expect(chart.step('resolve').input.isExhausted).toBe(true);
	});
});

describe('table.machine: what a state does not own', () => {
	const owned: Record<(typeof ALL)[number], readonly string[]> = {
		offline: ['connection.restored', 'sync.request', 'poke.received'],
		idle: ['connection.lost', 'sync.request', 'poke.received'],
		uploading: ['connection.lost', 'sync.request', 'poke.received'],
		resolving: ['connection.lost', 'sync.request', 'poke.received'],
		downloading: ['connection.lost', 'sync.request', 'poke.received'],
		backoff: ['connection.lost', 'sync.request', 'poke.received'],
	};
	const events = [restored, lost, request(9), poke];
	const pairs = ALL.flatMap((state) =>
		events.filter(({ type }) => !owned[state].includes(type)).map((event) => [state, event] as const),
	);

	it.each(pairs)('[S29] %s × %o changes nothing', async (state, event) => {
		const chart = await chartIn(state);
		const before = chart.actor.getSnapshot();
		const seen = [chart.steps.length, chart.reports.length, chart.emitted.length, chart.endedPulls.length];
		expect(before.can(event)).toBe(false);
		chart.send(event);
		const after = chart.actor.getSnapshot();
		expect(after.value).toEqual(before.value);
		expect(after.context).toEqual(before.context);
		expect([chart.steps.length, chart.reports.length, chart.emitted.length, chart.endedPulls.length]).toEqual(
			seen,
		);
	});

	it('[S29] the pairs above are all there are: each state owns every other event', async () => {
		expect(pairs).toHaveLength(6);
		for (const state of ALL) {
			const chart = await chartIn(state);
			for (const event of events.filter(({ type }) => owned[state].includes(type))) {
				expect([state, event.type, chart.actor.getSnapshot().can(event)]).toEqual([state, event.type, true]);
			}
		}
	});

	it.each(ALL)('[S29] %s ignores the end of a step that it does not run', async (state) => {
		const chart = await chartIn(state);
		const running = chart.open()[0]?.name;
		for (const id of ['upload', 'download', 'resolve'].filter((name) => name !== running)) {
			const before = chart.actor.getSnapshot();
			chart.actor.send({ type: `xstate.done.actor.${id}`, output: uploaded() } as never);
			expect(chart.actor.getSnapshot().value).toBe(before.value);
			expect(chart.actor.getSnapshot().context).toEqual(before.context);
		}
	});
});

describe('table.machine: loud stubs', () => {
	it('a machine whose actors were left out lands in idle with not-provided, not in silence', async () => {
		const reports: TableReport[] = [];
		const parent = createActor(
			fromTransition((state: null, event: TableReport) => {
				reports.push(event);
				return state;
			}, null),
		).start();
		const bare = createActor(tableMachine.provide({ actions: { endPull: () => undefined } }), {
			clock: new SimulatedClock(),
			input: { table: 'notes', parent },
		}).start();
		for (const event of [request(1), poke]) {
			bare.send(restored);
			bare.send(event);
			await flush();
			expect(bare.getSnapshot().status).toBe('active');
			expect(bare.getSnapshot().value).toBe('idle');
			expect(bare.getSnapshot().context.error?.code).toBe('not-provided');
			expect(reports.at(-1)).toMatchObject({ type: 'table.settled', error: { code: 'not-provided' } });
		}
	});
});
