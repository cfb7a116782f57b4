import { describe, expect, expectTypeOf, it } from 'vitest';
import { createActor, fromPromise, type InspectionEvent, SimulatedClock, setup } from 'xstate';
import { PixSyncError } from '../../src/core/errors.ts';
import { toNetworkStatus, toQuality } from '../../src/core/network-quality.ts';
import {
	type NetworkEvent,
	type NetworkInput,
	networkMachine,
	toMeanRtt,
	toProbeDelay,
} from '../../src/machines/network.machine.ts';
import { notProvidedAction, notProvidedActor } from '../../src/machines/not-provided.ts';

/** Outside [0, 1) on purpose: every delay is then its upper bound, to the millisecond. */
const noJitter = () => 1;

interface OpenProbe {
	readonly resolve: (reachable: boolean) => void;
	readonly reject: (error: unknown) => void;
}

/** The chart on a simulated clock; its probes wait for the test's verdict, its timers are counted. */
function start(input: Partial<NetworkInput> = {}, inspect?: (event: InspectionEvent) => void) {
	const clock = new SimulatedClock();
	const timers = new Set<unknown>();
	let asked = 0;
	const open = new Set<OpenProbe>();
	const probe = fromPromise<boolean>(({ signal }) => {
		asked += 1;
		return new Promise((resolve, reject) => {
			const handle: OpenProbe = {
				resolve: (reachable) => {
					open.delete(handle);
					resolve(reachable);
				},
				reject: (error) => {
					open.delete(handle);
					reject(error);
				},
			};
			open.add(handle);
			signal.addEventListener('abort', () => open.delete(handle));
		});
	});
	const errors: unknown[] = [];
	const actor = createActor(networkMachine.provide({ actors: { probe } }), {
		clock: {
			setTimeout: (callback, ms) => {
				const id = clock.setTimeout(() => {
					timers.delete(id);
					callback();
				}, ms);
				timers.add(id);
				return id;
			},
			clearTimeout: (id) => {
				timers.delete(id);
				clock.clearTimeout(id);
			},
		},
		input: { random: noJitter, ...input },
		...(inspect ? { inspect } : {}),
	});
	actor.subscribe({ error: (error) => errors.push(error) });
	actor.start();

	return {
		actor,
		clock,
		timers,
		open,
		errors,
		asked: () => asked,
		state: () => {
			const { status, value } = actor.getSnapshot();
			expect(status).toBe('active');
			return typeof value === 'string' ? value : Object.entries(value)[0]?.join('.');
		},
		isOnline: () => actor.getSnapshot().hasTag('online'),
		send: (...events: NetworkEvent[]) => {
			for (const event of events) actor.send(event);
		},
		miss: (times: number) => {
			for (let i = 0; i < times; i++) actor.send({ type: 'request.unanswered' });
		},
		settle: async (verdict: boolean | Error) => {
			const [probe] = open;
			if (probe === undefined) throw new Error('no probe is open');
			if (verdict instanceof Error) probe.reject(verdict);
			else probe.resolve(verdict);
			await flush();
		},
	};
}

async function flush() {
	for (let i = 0; i < 5; i++) await Promise.resolve();
}

const answered: NetworkEvent = { type: 'request.answered', rttMs: 50 };

describe('network.machine: start', () => {
	it('[F56] is online until evidence says otherwise, with no probe and no timer', () => {
		const chart = start();
		expect(chart.state()).toBe('online.trusted');
		expect(chart.timers.size).toBe(0);
		chart.clock.increment(24 * 3_600_000);
		expect(chart.asked()).toBe(0);
		expect(chart.state()).toBe('online.trusted');
	});

	it.each([undefined, true])('[F56] navigator.onLine %s proves nothing and opens online', (onLine) => {
		expect(start({ onLine }).state()).toBe('online.trusted');
	});

	it('[F56] navigator.onLine false starts paused', () => {
		const chart = start({ onLine: false });
		expect(chart.state()).toBe('offline.paused');
		expect(chart.asked()).toBe(0);
	});
});

describe('network.machine: requests decide', () => {
	it('[F56] one unanswered request changes nothing; an answer in between forgives it', () => {
		const chart = start();
		chart.miss(1);
		chart.send(answered);
		chart.miss(1);
		expect(chart.state()).toBe('online.trusted');
		expect(chart.asked()).toBe(0);
	});

	it('[F56] two in a row raise doubt, asked of one probe, while still online', () => {
		const chart = start();
		chart.miss(7);
		expect(chart.state()).toBe('online.doubted');
		expect(chart.isOnline()).toBe(true);
		expect(chart.asked()).toBe(1);
	});

	it('[F56] a probe that reaches the server clears the doubt, and the count begins anew', async () => {
		const chart = start();
		chart.miss(2);
		await chart.settle(true);
		expect(chart.state()).toBe('online.trusted');
		chart.miss(1);
		expect(chart.state()).toBe('online.trusted');
		chart.miss(1);
		expect(chart.state()).toBe('online.doubted');
	});

	it.each([
		['says no', false],
		['throws', new TypeError('Failed to fetch')],
		[
			'throws an error of ours that is not fatal',
			new PixSyncError('network', 'x', { fault: 'no-answer', hint: 'x' }),
		],
	])('[F56] a probe that %s confirms the doubt: offline', async (_, verdict) => {
		const chart = start();
		chart.miss(2);
		await chart.settle(verdict);
		expect(chart.state()).toBe('offline.waiting');
		expect(chart.isOnline()).toBe(false);
	});

	it('[F56] a probe that hangs is given up', () => {
		const chart = start();
		chart.miss(2);
		chart.clock.increment(29_999);
		expect(chart.state()).toBe('online.doubted');
		chart.clock.increment(1);
		expect(chart.state()).toBe('offline.waiting');
		expect(chart.open.size).toBe(0);
		chart.clock.increment(1_000);
		expect(chart.state()).toBe('offline.probing');
		chart.clock.increment(30_000);
		expect(chart.state()).toBe('offline.waiting');
		expect(chart.open.size).toBe(0);
	});

	it('[F56] an answered request ends doubt, probing, waiting and the browser’s pause; the probe is aborted', async () => {
		const chart = start();
		chart.miss(2);
		chart.send(answered);
		expect(chart.state()).toBe('online.trusted');
		expect(chart.open.size).toBe(0);

		chart.miss(2);
		await chart.settle(false);
		chart.send(answered);
		expect(chart.state()).toBe('online.trusted');

		chart.miss(2);
		await chart.settle(false);
		chart.clock.increment(1_000);
		expect(chart.state()).toBe('offline.probing');
		chart.send(answered);
		expect(chart.state()).toBe('online.trusted');
		expect(chart.open.size).toBe(0);

		chart.send({ type: 'browser.offline' }, answered);
		expect(chart.state()).toBe('online.trusted');
		expect(chart.timers.size).toBe(0);
	});
});

describe('network.machine: looking again', () => {
	it('[F56] [F38] probes at 1, 2, 4 … 60 s, and no faster', async () => {
		const chart = start();
		chart.miss(2);
		await chart.settle(false);
		for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
			chart.clock.increment(seconds * 1_000 - 1);
			expect(chart.state()).toBe('offline.waiting');
			chart.clock.increment(1);
			expect(chart.state()).toBe('offline.probing');
			await chart.settle(false);
		}
		chart.clock.increment(60_000);
		await chart.settle(true);
		expect(chart.state()).toBe('online.trusted');

		chart.miss(2);
		await chart.settle(false);
		chart.clock.increment(1_000);
		expect(chart.state(), 'success resets the delay').toBe('offline.probing');
	});

	it('[F38] the jitter keeps at least half of the delay', () => {
		expect(toProbeDelay(0, () => 0)).toBe(500);
		expect(toProbeDelay(3, () => 0.5)).toBe(6_000);
		expect(toProbeDelay(2_000, () => 0)).toBe(30_000);
	});

	it('unanswered requests while offline neither probe nor postpone', async () => {
		const chart = start();
		chart.miss(2);
		await chart.settle(false);
		chart.clock.increment(999);
		chart.miss(3);
		expect(chart.asked()).toBe(1);
		chart.clock.increment(1);
		expect(chart.asked()).toBe(2);
	});

	it('probe.requested looks at once, without growing the delay', async () => {
		const chart = start();
		chart.send({ type: 'probe.requested' });
		expect(chart.state()).toBe('online.doubted');
		await chart.settle(false);
		for (let i = 0; i < 10; i++) {
			chart.send({ type: 'probe.requested' });
			expect(chart.state()).toBe('offline.probing');
			await chart.settle(false);
		}
		chart.clock.increment(1_000);
		expect(chart.state()).toBe('offline.probing');
	});
});

describe('network.machine: the browser’s word', () => {
	it('[F56] browser.offline pauses at once and aborts the probe', async () => {
		const chart = start();
		chart.miss(2);
		chart.send({ type: 'browser.offline' });
		expect(chart.state()).toBe('offline.paused');
		expect(chart.open.size).toBe(0);
		chart.send({ type: 'probe.requested' });
		await chart.settle(false);
		expect(chart.state(), 'the browser still says offline').toBe('offline.paused');
	});

	it('[F56] browser.online is a reason to probe, from every offline state', async () => {
		const chart = start({ onLine: false });
		chart.send({ type: 'browser.online' });
		expect(chart.state(), 'believed until the probe says no').toBe('online.doubted');
		await chart.settle(false);
		expect(chart.state(), 'the browser is no longer believed').toBe('offline.waiting');

		chart.send({ type: 'browser.online' });
		expect(chart.state()).toBe('online.doubted');
		chart.send({ type: 'browser.online' });
		expect(chart.asked(), 'the new connection gets a probe of its own').toBe(3);
		expect(chart.open.size).toBe(1);
		await chart.settle(true);
		expect(chart.state()).toBe('online.trusted');
	});

	it('[F56] browser.online in doubt probes anew; when trusted it does nothing', async () => {
		const chart = start();
		chart.send({ type: 'browser.online' });
		expect(chart.asked()).toBe(0);
		chart.miss(2);
		chart.send({ type: 'browser.online' });
		expect(chart.asked()).toBe(2);
		expect(chart.open.size).toBe(1);
	});

	it('[F56] onLine === false only delays: asked about once a minute, and overruled by the server', async () => {
		const chart = start({ onLine: false });
		chart.clock.increment(59_999);
		expect(chart.asked()).toBe(0);
		chart.clock.increment(1);
		expect(chart.state()).toBe('offline.probing');
		await chart.settle(false);
		expect(chart.state()).toBe('offline.paused');
		chart.clock.increment(60_000);
		await chart.settle(new TypeError('Failed to fetch'));
		expect(chart.state()).toBe('offline.paused');
		chart.send({ type: 'probe.requested' });
		await chart.settle(true);
		expect(chart.state()).toBe('online.trusted');
	});
});

describe('network.machine: without a probe', () => {
	it('browser.online is taken at its word', () => {
		const chart = start({ onLine: false, canProbe: false });
		chart.clock.increment(600_000);
		chart.send({ type: 'probe.requested' });
		expect(chart.state()).toBe('offline.paused');
		chart.send({ type: 'browser.online' });
		expect(chart.state()).toBe('online.trusted');
	});

	it('two misses lead offline; after the delay it is online on trial, where one miss doubts, and later each time', () => {
		const chart = start({ canProbe: false });
		chart.send({ type: 'probe.requested' });
		chart.miss(1);
		expect(chart.state()).toBe('online.trusted');
		chart.miss(1);
		for (const seconds of [1, 2, 4]) {
			chart.clock.increment(seconds * 1_000 - 1);
			expect(chart.state()).toBe('offline.waiting');
			chart.clock.increment(1);
			expect(chart.state()).toBe('online.trusted');
			chart.miss(1);
		}
		chart.send({ type: 'probe.requested' });
		expect(chart.state()).toBe('online.trusted');
		chart.send(answered);
		chart.miss(1);
		expect(chart.state()).toBe('online.trusted');
		expect(chart.asked()).toBe(0);
	});

	it('a probe that comes is used at once when waiting, and in its time when paused', () => {
		const waiting = start({ canProbe: false });
		waiting.miss(2);
		waiting.send({ type: 'probe.changed', available: false });
		expect(waiting.state()).toBe('offline.waiting');
		waiting.send({ type: 'probe.changed', available: true });
		expect(waiting.state()).toBe('offline.probing');

		const paused = start({ canProbe: false, onLine: false });
		paused.clock.increment(600_000);
		paused.send({ type: 'probe.changed', available: true });
		expect(paused.state()).toBe('offline.paused');
		paused.clock.increment(60_000);
		expect(paused.state()).toBe('offline.probing');
	});

	it('a probe that goes is not asked any more', () => {
		const chart = start();
		chart.send({ type: 'probe.changed', available: false });
		chart.miss(2);
		expect(chart.state()).toBe('offline.waiting');
		expect(chart.asked()).toBe(0);
	});
});

describe('network.machine: loud stubs', () => {
	it.each([
		['doubted', ['request.unanswered', 'request.unanswered']],
		['probing', ['browser.offline', 'probe.requested']],
	] as const)('a forgotten probe ends the machine with not-provided when %s', async (_, types) => {
		const actor = createActor(networkMachine, { input: { random: noJitter } });
		const errors: unknown[] = [];
		actor.subscribe({ error: (error) => errors.push(error) });
		actor.start();
		for (const type of types) actor.send({ type });
		await flush();
		expect(actor.getSnapshot().status).toBe('error');
		expect(errors).toEqual([expect.objectContaining({ code: 'not-provided', fault: 'fatal' })]);
	});

	it('an action that was not provided throws', () => {
		const machine = setup({
			types: { events: {} as { type: 'go'; count: number } },
			actions: { save: notProvidedAction<{ count: number }>('save'), ring: notProvidedAction('ring') },
		}).createMachine({
			on: {
				go: { actions: ['ring', { type: 'save', params: ({ event }) => ({ count: event.count }) }] },
			},
		});
		const actor = createActor(machine);
		const errors: unknown[] = [];
		actor.subscribe({ error: (error) => errors.push(error) });
		actor.start();
		actor.send({ type: 'go', count: 1 });
		expect(errors).toEqual([
			expect.objectContaining({ code: 'not-provided', hint: expect.stringContaining('ring') }),
		]);

		const saved: number[] = [];
		const provided = createActor(
			machine.provide({ actions: { ring: () => {}, save: (_, params) => saved.push(params.count) } }),
		).start();
		provided.send({ type: 'go', count: 3 });
		expect(saved).toEqual([3]);
	});

	it('the stub carries the types of what it stands for', () => {
		const machine = setup({
			actors: { load: notProvidedActor<{ rows: number }, { table: string }>('load') },
			types: { context: {} as { rows: number } },
		}).createMachine({
			context: { rows: 0 },
			invoke: {
				id: 'load',
				src: 'load',
				input: { table: 'todos' },
				onDone: { actions: ({ event }) => expectTypeOf(event.output).toEqualTypeOf<{ rows: number }>() },
			},
		});
		// @ts-expect-error: a stand-in with another output is not one
		machine.provide({ actors: { load: fromPromise<string, { table: string }>(async () => 'x') } });
	});
});

describe('network.machine: quality', () => {
	it.each([
		['slow-2g', { effectiveType: 'slow-2g', rtt: 10 }, 'poor'],
		['2g', { effectiveType: '2g', rtt: 10, downlink: 10 }, 'poor'],
		['3g', { effectiveType: '3g', rtt: 10, downlink: 10 }, 'good'],
		['4g alone', { effectiveType: '4g' }, 'good'],
		['4g, fast', { effectiveType: '4g', rtt: 75, downlink: 10 }, 'excellent'],
		['4g, 100 ms', { effectiveType: '4g', rtt: 100, downlink: 10 }, 'good'],
		['4g, 400 ms', { effectiveType: '4g', rtt: 400, downlink: 10 }, 'poor'],
		['4g, 4.9 Mbps', { effectiveType: '4g', rtt: 50, downlink: 4.9 }, 'good'],
		['4g, 0.9 Mbps', { effectiveType: '4g', rtt: 50, downlink: 0.9 }, 'poor'],
		['bandwidth alone', { downlink: 10 }, 'excellent'],
		['nothing known', {}, 'good'],
		['a word of the future', { effectiveType: '6g', rtt: 20 }, 'excellent'],
	] as const)('[F57] %s', (_, connection, quality) => {
		expect(toQuality(connection)).toBe(quality);
	});

	it('[F57] without the API the measured round trips decide; with it they do not', () => {
		expect(toQuality({}, 99)).toBe('excellent');
		expect(toQuality({}, 399)).toBe('good');
		expect(toQuality({}, 400)).toBe('poor');
		expect(toQuality({ effectiveType: '4g', rtt: 50 }, 5_000)).toBe('excellent');
		expect(toQuality({ effectiveType: '4g' }, 50)).toBe('excellent');
	});

	it('the mean follows slowly, and a clock that jumped is ignored', () => {
		expect(toMeanRtt(undefined, 100)).toBe(100);
		expect(toMeanRtt(100, 200)).toBeCloseTo(130);
		for (const reading of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
			expect(toMeanRtt(100, reading)).toBe(100);
			expect(toMeanRtt(undefined, reading)).toBeUndefined();
		}
	});

	it('status: offline has no quality; a measured rtt is rounded to 25 ms; what is unknown is absent', () => {
		expect(toNetworkStatus(false, { rtt: 10, downlink: 10 })).toEqual({
			isOnline: false,
			quality: 'offline',
			rtt: 10,
			downlink: 10,
		});
		expect(toNetworkStatus(true, {}, 88)).toEqual({ isOnline: true, quality: 'excellent', rtt: 100 });
		expect(Object.keys(toNetworkStatus(true, { effectiveType: undefined }))).toEqual(['isOnline', 'quality']);
	});

	it('[F57] quality.changed replaces all of it, in any state', () => {
		const chart = start({ connection: { effectiveType: '4g', rtt: 50 } });
		chart.send({ type: 'quality.changed', effectiveType: '3g' });
		expect(chart.actor.getSnapshot().context.connection).toEqual({ effectiveType: '3g' });
		expect(chart.state()).toBe('online.trusted');
	});
});
