import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, expectTypeOf, it, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import {
	defaultNetworkEnvironment,
	type NetworkEnvironment,
} from '../../src/services/network-environment.ts';
import { NetworkMonitor, type NetworkStatus, networkMonitor } from '../../src/services/network-monitor.ts';
import { createProbe, type Probe } from '../../src/services/probe.ts';

/** A browser whose listeners can be counted. */
class FakeBrowser implements NetworkEnvironment {
	onLine: boolean | undefined = true;
	reads = 0;
	readonly #listeners = new Map<string, Set<() => void>>();
	readonly info: { effectiveType?: string; downlink?: number; rtt?: number } = {};
	#connection: NetworkEnvironment['connection'];

	constructor({ connection = false } = {}) {
		if (!connection) return;
		this.#connection = new FakeConnection(this);
	}

	get connection() {
		this.reads += 1;
		return this.#connection;
	}

	get listeners() {
		return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0);
	}

	addEventListener(type: string, listener: () => void) {
		const set = this.#listeners.get(type) ?? new Set();
		this.#listeners.set(type, set.add(listener));
	}

	removeEventListener(type: string, listener: () => void) {
		this.#listeners.get(type)?.delete(listener);
	}

	fire(type: 'online' | 'offline' | 'change') {
		if (type !== 'change') this.onLine = type === 'online';
		for (const listener of this.#listeners.get(type) ?? []) listener();
	}

	change(info: FakeBrowser['info']) {
		Object.assign(this.info, info);
		this.fire('change');
	}
}

/** As in browsers, its values are the prototype's getters. */
class FakeConnection {
	readonly #browser: FakeBrowser;

	constructor(browser: FakeBrowser) {
		this.#browser = browser;
	}

	get effectiveType() {
		return this.#browser.info.effectiveType;
	}

	get downlink() {
		return this.#browser.info.downlink;
	}

	get rtt() {
		return this.#browser.info.rtt;
	}

	addEventListener(type: string, listener: () => void) {
		this.#browser.addEventListener(type, listener);
	}

	removeEventListener(type: string, listener: () => void) {
		this.#browser.removeEventListener(type, listener);
	}
}

/** A clock that counts the timers set and not yet run or cleared. */
class CountingClock extends SimulatedClock {
	readonly pending = new Set<unknown>();

	override setTimeout(callback: () => void, ms: number) {
		const id = super.setTimeout(() => {
			this.pending.delete(id);
			callback();
		}, ms);
		this.pending.add(id);
		return id;
	}

	override clearTimeout(id: number) {
		this.pending.delete(id);
		super.clearTimeout(id);
	}
}

function setUp({ probe, connection = false }: { probe?: Probe; connection?: boolean } = {}) {
	const browser = new FakeBrowser({ connection });
	const clock = new CountingClock();
	const monitor = new NetworkMonitor({
		environment: browser,
		clock,
		random: () => 1,
		...(probe ? { probe } : {}),
	});
	const heard: NetworkStatus[] = [];
	return { browser, clock, monitor, heard, listen: () => monitor.subscribe((status) => heard.push(status)) };
}

const flush = () => new Promise((resolve) => setImmediate(resolve));
const unanswered = { answered: false } as const;

afterEach(() => {
	vi.unstubAllGlobals();
	vi.restoreAllMocks();
});

describe('NetworkMonitor: nobody subscribed', () => {
	it('[S31] reads the platform afresh, with no listener and no timer', () => {
		const { browser, clock, monitor } = setUp();
		expect(browser.reads).toBe(0);
		expect(monitor.isOnline()).toBe(true);
		browser.onLine = false;
		expect(monitor.getStatus()).toEqual({ isOnline: false, quality: 'offline' });
		expect(monitor.getQuality()).toBe('offline');
		browser.onLine = undefined;
		expect(monitor.getStatus()).toEqual({ isOnline: true, quality: 'good' });
		expect([browser.listeners, clock.pending.size]).toEqual([0, 0]);
	});

	it('is the same object while nothing changed', () => {
		const { browser, monitor } = setUp();
		const first = monitor.getStatus();
		expect(monitor.getStatus()).toBe(first);
		browser.onLine = false;
		expect(monitor.getStatus()).not.toBe(first);
		expect(monitor.getStatus()).toBe(monitor.getStatus());
	});

	it('reports, rechecks and loans do nothing', () => {
		const probe = vi.fn<Probe>();
		const { monitor, clock } = setUp({ probe });
		monitor.report(unanswered);
		monitor.report(unanswered);
		monitor.recheck();
		monitor.lendProbe(probe)();
		expect(monitor.isOnline()).toBe(true);
		expect(probe).not.toHaveBeenCalled();
		expect(clock.pending.size).toBe(0);
	});
});

describe('NetworkMonitor: subscriptions', () => {
	it('[S31] listeners go on with the first subscriber and off with the last, again and again', () => {
		const { browser, monitor } = setUp({ connection: true });
		for (let round = 0; round < 3; round++) {
			const one = monitor.subscribe(() => {});
			expect(browser.listeners).toBe(3);
			const two = monitor.subscribe(() => {});
			expect(browser.listeners).toBe(3);
			one();
			one();
			expect(browser.listeners).toBe(3);
			two();
			expect(browser.listeners).toBe(0);
		}
	});

	it('[S31] the last unsubscription ends the wait and aborts the probe', async () => {
		const signals: AbortSignal[] = [];
		const probe: Probe = (signal) => {
			signals.push(signal);
			return new Promise(() => {});
		};
		const { clock, monitor, listen } = setUp({ probe });
		const stop = listen();
		monitor.report(unanswered);
		monitor.report(unanswered);
		expect(signals.map((signal) => signal.aborted)).toEqual([false]);
		expect(clock.pending.size).toBe(1);
		stop();
		expect(signals.map((signal) => signal.aborted)).toEqual([true]);
		expect(clock.pending.size).toBe(0);
		await flush();
		expect(monitor.isOnline(), 'the browser’s word alone again').toBe(true);
	});

	it('what happens without a change is not told, even if nobody asked before', () => {
		const { monitor, heard, listen } = setUp();
		const stop = listen();
		monitor.report(unanswered);
		expect(heard).toEqual([]);
		stop();
	});

	it('calls back at changes only, with the object that getStatus returns', () => {
		const { browser, monitor, heard, listen } = setUp();
		const stop = listen();
		const before = monitor.getStatus();
		browser.fire('online');
		monitor.report({ answered: true, rttMs: 210 });
		monitor.report({ answered: true, rttMs: 210 });
		monitor.report({ answered: true, rttMs: 212 });
		expect(heard).toEqual([{ isOnline: true, quality: 'good', rtt: 200 }]);
		expect(monitor.getStatus()).toBe(heard[0]);
		expect(before).toEqual({ isOnline: true, quality: 'good' });
		browser.fire('offline');
		browser.fire('offline');
		expect(heard.slice(1)).toEqual([{ isOnline: false, quality: 'offline', rtt: 200 }]);
		stop();
		browser.fire('online');
		expect(heard).toHaveLength(2);
	});

	it('the same callback subscribed twice is called twice and undone one by one', () => {
		const { browser, monitor } = setUp();
		const callback = vi.fn();
		const one = monitor.subscribe(callback);
		const two = monitor.subscribe(callback);
		browser.fire('offline');
		expect(callback).toHaveBeenCalledTimes(2);
		one();
		browser.fire('online');
		expect(callback).toHaveBeenCalledTimes(3);
		two();
		expect(browser.listeners).toBe(0);
	});

	it('a subscriber may unsubscribe anybody from within', () => {
		const { browser, monitor } = setUp();
		const second = vi.fn();
		const undo = monitor.subscribe(() => {
			undo();
			undoSecond();
		});
		const undoSecond = monitor.subscribe(second);
		browser.fire('offline');
		expect(second).not.toHaveBeenCalled();
		expect(browser.listeners).toBe(0);
		expect(monitor.isOnline()).toBe(false);
	});

	it('a subscriber that throws is reported and breaks nobody', () => {
		const reported = vi.fn();
		vi.stubGlobal('reportError', reported);
		const { browser, monitor, heard, listen } = setUp();
		const error = new Error('theirs');
		const undo = monitor.subscribe(() => {
			throw error;
		});
		const stop = listen();
		browser.fire('offline');
		browser.fire('online');
		expect(heard.map((status) => status.isOnline)).toEqual([false, true]);
		expect(reported.mock.calls).toEqual([[error], [error]]);
		undo();
		stop();
	});

	it('without reportError the error is thrown where nobody can catch it', () => {
		vi.stubGlobal('reportError', undefined);
		const tasks: (() => void)[] = [];
		const { browser, monitor } = setUp();
		const undo = monitor.subscribe(() => {
			throw new Error('theirs');
		});
		vi.stubGlobal('queueMicrotask', (task: () => void) => tasks.push(task));
		browser.fire('offline');
		expect(tasks).toHaveLength(1);
		expect(tasks[0]).toThrow('theirs');
		undo();
	});

	it('its methods may be passed on unbound, as useSyncExternalStore does', () => {
		const { monitor, browser } = setUp();
		const { subscribe, getStatus, isOnline, getQuality, report } = monitor;
		const undo = subscribe(() => {});
		report({ answered: true, rttMs: 10 });
		expect([getStatus().isOnline, isOnline(), getQuality()]).toEqual([true, true, 'excellent']);
		undo();
		expect(browser.listeners).toBe(0);
	});
});

describe('NetworkMonitor: evidence', () => {
	it('[F56] onLine false is a pause: a request that gets through overrules it', () => {
		const { browser, monitor, listen } = setUp({ probe: async () => false });
		const stop = listen();
		browser.fire('offline');
		expect(monitor.isOnline()).toBe(false);
		monitor.report({ answered: true, rttMs: 20 });
		expect(monitor.isOnline()).toBe(true);
		stop();
	});

	it('[S11] an answer to what was sent before the browser said offline overrules nothing; the next one does', () => {
		const { browser, monitor, listen } = setUp({ probe: async () => false });
		const stop = listen();
		const [early, lost] = [monitor.begin(), monitor.begin()];
		browser.fire('offline');
		const later = monitor.begin();
		early({ answered: true, rttMs: 20 });
		expect(monitor.isOnline()).toBe(false);
		lost(unanswered);
		later({ answered: true, rttMs: 20 });
		expect(monitor.isOnline()).toBe(true);
		browser.fire('offline');
		later({ answered: true, rttMs: 20 });
		expect(monitor.isOnline()).toBe(false);
		stop();
	});

	it('[F56] without a probe the browser’s "online" counts at once', () => {
		const { browser, monitor, listen } = setUp();
		const stop = listen();
		browser.fire('offline');
		browser.fire('online');
		expect(monitor.isOnline()).toBe(true);
		stop();
	});

	it.each([
		['throws', () => fail()],
		['rejects', async () => fail()],
		['answers nonsense', async () => 'yes' as unknown as boolean],
	])('[F56] a probe that %s has not reached the server; the monitor lives on', async (_, probe) => {
		const { clock, monitor, listen } = setUp({ probe });
		const stop = listen();
		monitor.report(unanswered);
		monitor.report(unanswered);
		await flush();
		expect(monitor.isOnline()).toBe(false);
		clock.increment(1_000);
		await flush();
		expect(monitor.isOnline()).toBe(false);
		monitor.report({ answered: true, rttMs: 20 });
		expect(monitor.isOnline()).toBe(true);
		stop();
		expect(clock.pending.size).toBe(0);
	});

	it('[F56] [S31] online with nothing reported: no probe and no timer, for days', () => {
		const probe = vi.fn<Probe>();
		const { clock, listen } = setUp({ probe });
		const stop = listen();
		for (let hour = 0; hour < 72; hour++) clock.increment(3_600_000);
		expect(probe).not.toHaveBeenCalled();
		expect(clock.pending.size).toBe(0);
		stop();
	});

	it('[F56] the browser says online behind a captive portal: believed until the probe sees the portal', async () => {
		let loggedIn = false;
		const server = createServer((_, response) => {
			response.writeHead(200, { 'content-type': loggedIn ? 'application/json' : 'text/html' });
			response.end(loggedIn ? '[]' : '<html>Welcome to the airport</html>');
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		const { port } = server.address() as AddressInfo;
		let asked = 0;
		const probe = createProbe({
			fetch: globalThis.fetch,
			url: () => `http://127.0.0.1:${port}/rest/v1/`,
			headers: () => ({}),
			timeoutMs: 5_000,
		});
		const counted: Probe = async (signal) => {
			const verdict = await probe(signal);
			asked += 1;
			return verdict;
		};
		const { browser, clock, heard, monitor, listen } = setUp({ probe: counted });
		const stop = listen();
		browser.fire('offline');
		browser.fire('online');
		await vi.waitFor(() => expect(asked).toBe(1));
		await flush();
		expect(monitor.isOnline()).toBe(false);
		loggedIn = true;
		clock.increment(1_000);
		await vi.waitFor(() => expect(asked).toBe(2));
		await flush();
		expect(heard.map((status) => status.isOnline)).toEqual([false, true, false, true]);
		stop();
		server.closeAllConnections();
		await new Promise((resolve) => server.close(resolve));
	});

	it('recheck looks now', async () => {
		let reachable = false;
		const { monitor, listen } = setUp({ probe: async () => reachable });
		const stop = listen();
		monitor.recheck();
		await flush();
		expect(monitor.isOnline()).toBe(false);
		reachable = true;
		monitor.recheck();
		await flush();
		expect(monitor.isOnline()).toBe(true);
		stop();
	});
});

describe('NetworkMonitor: lent probes', () => {
	it('the last one lent is asked; undone, the one before; and the app’s own at the end', async () => {
		const asked: string[] = [];
		const lend =
			(name: string): Probe =>
			async () => {
				asked.push(name);
				return true;
			};
		const { monitor, listen } = setUp({ probe: lend('own') });
		const stop = listen();
		const ask = async () => {
			monitor.recheck();
			await flush();
		};
		const undoAlice = monitor.lendProbe(lend('alice'));
		const undoBob = monitor.lendProbe(lend('bob'));
		await ask();
		undoAlice();
		undoAlice();
		await ask();
		const undoCarol = monitor.lendProbe(lend('carol'));
		undoBob();
		await ask();
		undoCarol();
		await ask();
		expect(asked).toEqual(['bob', 'bob', 'carol', 'own']);
		stop();
	});

	it('the same probe lent twice is undone one by one', async () => {
		const probe = vi.fn<Probe>(async () => true);
		const { monitor, listen } = setUp();
		const stop = listen();
		const one = monitor.lendProbe(probe);
		const two = monitor.lendProbe(probe);
		one();
		one();
		monitor.recheck();
		await flush();
		expect(probe).toHaveBeenCalledTimes(1);
		two();
		monitor.recheck();
		await flush();
		expect(probe).toHaveBeenCalledTimes(1);
		stop();
	});

	it('one lent before the first subscriber counts, and one lent while waiting is asked at once', async () => {
		const probe = vi.fn<Probe>(async () => false);
		const { monitor, listen } = setUp();
		const undo = monitor.lendProbe(probe);
		const stop = listen();
		monitor.report(unanswered);
		monitor.report(unanswered);
		await flush();
		expect(probe).toHaveBeenCalledTimes(1);
		expect(monitor.isOnline()).toBe(false);
		monitor.lendProbe(async () => true);
		await flush();
		expect(monitor.isOnline()).toBe(true);
		undo();
		stop();
	});

	it('a loan that ends is not a reason to probe', async () => {
		const probe = vi.fn<Probe>(async () => false);
		const { monitor, listen } = setUp({ probe });
		const stop = listen();
		const undo = monitor.lendProbe(probe);
		monitor.recheck();
		await flush();
		undo();
		await flush();
		expect(probe).toHaveBeenCalledTimes(1);
		stop();
	});
});

describe('NetworkMonitor: quality', () => {
	it('[F57] follows the Network Information API where there is one', () => {
		const { browser, monitor, heard, listen } = setUp({ connection: true });
		Object.assign(browser.info, { effectiveType: '4g', downlink: 10, rtt: 50 });
		expect(monitor.getStatus()).toEqual({
			isOnline: true,
			quality: 'excellent',
			effectiveType: '4g',
			downlink: 10,
			rtt: 50,
		});
		const stop = listen();
		monitor.report({ answered: true, rttMs: 3_000 });
		browser.change({});
		expect(heard).toEqual([]);
		browser.change({ effectiveType: '2g', rtt: 1_800 });
		expect(heard).toMatchObject([{ quality: 'poor', effectiveType: '2g', rtt: 1_800, downlink: 10 }]);
		stop();
	});

	it('[F57] without it, measured requests decide', () => {
		const { monitor, listen } = setUp();
		const stop = listen();
		expect(monitor.getStatus()).toEqual({ isOnline: true, quality: 'good' });
		monitor.report({ answered: true, rttMs: 20 });
		expect(monitor.getQuality()).toBe('excellent');
		for (let i = 0; i < 20; i++) monitor.report({ answered: true, rttMs: 900 });
		expect(monitor.getQuality()).toBe('poor');
		stop();
	});
});

describe('NetworkEnvironment: the platform', () => {
	it('[F57] Node: no navigator, no listeners, and online all the same', () => {
		vi.stubGlobal('navigator', undefined);
		const monitor = new NetworkMonitor();
		const undo = monitor.subscribe(() => {});
		expect(monitor.getStatus()).toEqual({ isOnline: true, quality: 'good' });
		undo();
	});

	it('[F57] Node 21: a navigator that knows no onLine', () => {
		vi.stubGlobal('navigator', { hardwareConcurrency: 8, userAgent: 'Node.js/22' });
		expect(new NetworkMonitor().getStatus()).toEqual({ isOnline: true, quality: 'good' });
	});

	it('a connection and a global without events', () => {
		vi.stubGlobal('navigator', { onLine: true, connection: { effectiveType: '3g' } });
		const monitor = new NetworkMonitor();
		monitor.subscribe(() => {})();
		expect(monitor.getStatus()).toEqual({ isOnline: true, quality: 'good', effectiveType: '3g' });
	});

	it('[S31] window and worker: the globals of the moment of use, listeners back to none', () => {
		const environment = defaultNetworkEnvironment();
		const browser = new FakeBrowser();
		browser.onLine = false;
		vi.stubGlobal('navigator', browser);
		vi.stubGlobal('addEventListener', browser.addEventListener.bind(browser));
		vi.stubGlobal('removeEventListener', browser.removeEventListener.bind(browser));
		const monitor = new NetworkMonitor({ environment });
		expect(monitor.isOnline()).toBe(false);
		const undo = monitor.subscribe(() => {});
		expect(browser.listeners).toBe(2);
		browser.fire('online');
		expect(monitor.isOnline()).toBe(true);
		undo();
		expect(browser.listeners).toBe(0);
	});

	it('[S31] importing has no side effect: no global is read, and nothing keeps the process', () => {
		const watched = ['navigator', 'addEventListener', 'removeEventListener', 'window', 'self', 'document'];
		const script = `
			const touched = [];
			for (const name of ${JSON.stringify(watched)})
				Object.defineProperty(globalThis, name, { configurable: true, get() { touched.push(name); } });
			const timers = [];
			const original = globalThis.setTimeout;
			globalThis.setTimeout = (...args) => { timers.push(args); return original(...args); };
			import(${JSON.stringify(new URL('../../src/services/network-monitor.ts', import.meta.url).href)}).then(
				({ networkMonitor }) => {
					const atImport = [...touched];
					const { isOnline } = networkMonitor.getStatus();
					console.log(JSON.stringify({ atImport, timers: timers.length, isOnline, later: touched.length > 0 }));
				},
			);`;
		const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', '--eval', script], {
			encoding: 'utf8',
			timeout: 20_000,
		});
		expect([status, stderr]).toEqual([0, '']);
		expect(JSON.parse(stdout)).toEqual({ atImport: [], timers: 0, isOnline: true, later: true });
	});

	it('the shared monitor is one, and has the types of the seed', () => {
		expect(networkMonitor).toBeInstanceOf(NetworkMonitor);
		expectTypeOf<NetworkStatus>().toMatchTypeOf<{
			readonly isOnline: boolean;
			readonly quality: 'offline' | 'poor' | 'good' | 'excellent';
			readonly effectiveType?: string;
			readonly downlink?: number;
			readonly rtt?: number;
		}>();
		expectTypeOf<Navigator>().toExtend<Pick<NetworkEnvironment, 'onLine'>>();
		expectTypeOf<typeof globalThis>().toExtend<
			Pick<Required<NetworkEnvironment>, 'addEventListener' | 'removeEventListener'>
		>();
	});
});

function fail(): never {
	throw new Error('boom');
}
