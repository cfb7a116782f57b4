import { createActor, fromPromise } from 'xstate';
import { PixSyncError } from '../../src/core/errors.ts';
import { NO_COUNTS } from '../../src/core/run-contract.ts';
import { createSyncMachine } from '../../src/machines/create-sync-machine.ts';
import { networkMachine } from '../../src/machines/network.machine.ts';
import { DEFAULTS, PROBE_TIMEOUT_MS } from './policy.ts';
import type { Reply, Server } from './server.ts';

/** A request as it leaves. `table`: its number; null: a probe. */
export interface Sent {
	readonly at: number;
	readonly table: number | null;
}

export interface ShippedDeviceOptions {
	readonly tables: number;
	readonly intervalMs: number;
	/** When the app turns auto-sync on, ms. */
	readonly startAt: number;
	readonly server: Server;
	readonly random: () => number;
	readonly offline: { readonly from: number; readonly until: number } | null;
	readonly endAt: number;
}

interface Timer {
	readonly at: number;
	readonly callback: () => void;
}

/**
 * One device of the shipping machines, wired as src/engine.ts wires them, against the same server. Thousands of times
 * slower than the herd's own rules; it is there to show that these are the same.
 */
export async function runShippedDevice(options: ShippedDeviceOptions): Promise<readonly Sent[]> {
	const { server, random } = options;
	const sent: Sent[] = [];
	const timers = new Map<number, Timer>();
	let now = 0;
	let ids = 0;
	const clock = {
		setTimeout(callback: () => void, ms: number) {
			timers.set(++ids, { at: now + ms, callback });
			return ids;
		},
		clearTimeout: (id: number) => void timers.delete(id),
	};
	const at = (ms: number, callback: () => void) => clock.setTimeout(callback, ms - now);

	/** Fails at once without a network, and ends with its signal. */
	function ask(table: number | null, limitMs: number, signal: AbortSignal): Promise<Readonly<Reply>> {
		const { offline } = options;
		if (offline && now >= offline.from && now < offline.until)
			return Promise.resolve({ outcome: 'nobody', afterMs: 0, retryAfterMs: 0 });
		sent.push({ at: now, table });
		const reply = { ...server.ask(now) };
		return new Promise((resolve, reject) => {
			const timer = clock.setTimeout(
				() => resolve(reply),
				reply.outcome === 'silence' ? limitMs : reply.afterMs,
			);
			signal.addEventListener('abort', () => {
				clock.clearTimeout(timer);
				reject(signal.reason);
			});
		});
	}

	const probe = fromPromise<boolean>(async ({ signal }) => {
		const { outcome } = await ask(null, PROBE_TIMEOUT_MS, signal);
		return outcome === 'rows' || outcome === 'refusal';
	});
	const network = createActor(networkMachine.provide({ actors: { probe } }), {
		clock: clock as never,
		input: { random },
	});

	async function download(table: string, signal: AbortSignal) {
		const sentAt = now;
		const { outcome, retryAfterMs } = await ask(Number(table), DEFAULTS.requestTimeoutMs, signal);
		if (outcome === 'rows') {
			network.send({ type: 'request.answered', rttMs: now - sentAt });
			return { ...NO_COUNTS, rowsRead: 0, more: false, due: false, waitUntil: null };
		}
		network.send({ type: 'request.unanswered' });
		throw new PixSyncError('network', 'nobody', { fault: 'no-answer', hint: '', retryAfterMs });
	}

	const sync = createActor(
		createSyncMachine({
			upload: async () => ({ ...NO_COUNTS, waitingConflicts: 0, more: false, held: 0, upTo: 0 }),
			download: ({ table }, signal) => download(table, signal),
			resolve: async () => ({ ...NO_COUNTS, due: false, resolved: [] }),
			endPull: () => undefined,
			refreshSession: async () => undefined,
		}),
		{ clock: clock as never, input: { backoff: DEFAULTS.backoff, random, now: () => now } },
	);
	network.subscribe((snapshot) =>
		sync.send({ type: 'network.changed', isOnline: snapshot.hasTag('online') }),
	);
	network.start();
	sync.start();
	for (let table = 0; table < options.tables; table++)
		sync.send({ type: 'table.register', spec: { table: String(table), dependsOn: [] } });
	sync.send({ type: 'storage.hydrated', dirty: [] });

	at(options.startAt, () => sync.send({ type: 'schedule.enable', intervalMs: options.intervalMs }));
	if (options.offline) {
		at(options.offline.from, () => network.send({ type: 'browser.offline' }));
		at(options.offline.until, () => network.send({ type: 'browser.online' }));
	}

	for (;;) {
		await settle();
		const next = [...timers].sort(([idA, a], [idB, b]) => a.at - b.at || idA - idB)[0];
		if (!next || next[1].at >= options.endAt) break;
		timers.delete(next[0]);
		now = next[1].at;
		next[1].callback();
	}
	sync.stop();
	network.stop();
	return sent;
}

/** All promises that need no timer have ended. */
function settle(): Promise<void> {
	return new Promise((resolve) => {
		setImmediate(resolve);
	});
}
