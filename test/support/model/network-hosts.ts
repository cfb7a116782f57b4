import { vi } from 'vitest';
import { type AnyActorRef, createActor, fromPromise, type InspectionEvent } from 'xstate';
import {
	type ConnectionInfo,
	type NetworkStatus,
	toNetworkStatus,
} from '../../../src/core/network-quality.ts';
import { networkMachine } from '../../../src/machines/network.machine.ts';
import { NetworkMonitor } from '../../../src/services/network-monitor.ts';
import { type NetworkHost, type NetworkStart, random } from './network-model.ts';
import { type CountingClock, createFakeBrowser, type HeldProbes } from './network-world.ts';

/** A running chart, and what can be done to it where it runs. */
export interface HostedNetwork {
	readonly actor: AnyActorRef;
	readonly status: NetworkStatus;
	/** What the subscriber was told; null: this host has none. */
	readonly heard: readonly NetworkStatus[] | null;
	readonly listeners: number;
	tell(type: 'online' | 'offline'): void;
	change(connection: ConnectionInfo): void;
	answer(rttMs: number): void;
	miss(): void;
	look(): void;
	lend(): void;
	/** There is no probe any more, however many were lent. */
	takeBack(): void;
	stop(): void;
}

export interface HostOptions {
	readonly start: NetworkStart;
	readonly clock: CountingClock;
	readonly probes: HeldProbes;
	/** The shipping one, or a mutant of it. */
	readonly chart: typeof networkMachine;
	readonly inspect: (event: InspectionEvent) => void;
}

export const NETWORK_HOSTS: Readonly<Record<NetworkHost, (options: HostOptions) => HostedNetwork>> = {
	monitor: hostOnMonitor,
	app: hostOnApp,
};

function hostOnMonitor({ start, clock, probes, chart, inspect }: HostOptions): HostedNetwork {
	const browser = createFakeBrowser(start.onLine);
	const heard: NetworkStatus[] = [];
	const loans: (() => void)[] = [];
	let actor: AnyActorRef | undefined;
	const monitor = new NetworkMonitor({
		environment: browser.environment,
		clock,
		random,
		inspect(event) {
			if (event.type === '@xstate.actor') actor ??= event.actorRef as AnyActorRef;
			inspect(event);
		},
	});
	const { lendProbe } = monitor;
	const lend = () => void loans.push(lendProbe(probes.ask));
	if (start.canProbe) lend();
	const stop = withChart(chart, () => monitor.subscribe((status) => heard.push(status)));
	if (!actor) throw new Error('inspect heard of no actor');
	return {
		actor,
		get status() {
			return monitor.getStatus();
		},
		heard,
		get listeners() {
			return browser.listeners;
		},
		tell: browser.fire,
		change: browser.change,
		answer: (rttMs) => monitor.report({ answered: true, rttMs }),
		miss: () => monitor.report({ answered: false }),
		look: monitor.recheck,
		lend,
		takeBack() {
			for (const undo of loans.splice(0)) undo();
		},
		stop,
	};
}

/** An app that runs the chart itself; its probe may reject, where the monitor's own never does. */
function hostOnApp({ start, clock, probes, chart, inspect }: HostOptions): HostedNetwork {
	const probe = fromPromise<boolean>(({ signal }) => probes.ask(signal));
	const actor = createActor(chart.provide({ actors: { probe } }), {
		clock,
		inspect,
		input: { ...start, random },
	});
	// A fatal error is the app's to hear of; unheard it would end the test run.
	actor.subscribe({ error: () => undefined });
	actor.start();
	return {
		actor,
		get status() {
			const snapshot = actor.getSnapshot();
			const { connection, meanRttMs } = snapshot.context;
			return toNetworkStatus(snapshot.hasTag('online'), connection, meanRttMs);
		},
		heard: null,
		listeners: 0,
		tell: (type) => actor.send({ type: `browser.${type}` }),
		change: (connection) => actor.send({ type: 'quality.changed', ...connection }),
		answer: (rttMs) => actor.send({ type: 'request.answered', rttMs }),
		miss: () => actor.send({ type: 'request.unanswered' }),
		look: () => actor.send({ type: 'probe.requested' }),
		lend: () => actor.send({ type: 'probe.changed', available: true }),
		takeBack: () => actor.send({ type: 'probe.changed', available: false }),
		stop: () => actor.stop(),
	};
}

/** The monitor ties its probe to the chart that ships by `provide`: there a mutant takes its place. */
function withChart<T>(chart: typeof networkMachine, work: () => T): T {
	if (chart === networkMachine) return work();
	const provide = vi.spyOn(networkMachine, 'provide');
	provide.mockImplementation((implementations) => chart.provide(implementations));
	try {
		return work();
	} finally {
		provide.mockRestore();
	}
}
