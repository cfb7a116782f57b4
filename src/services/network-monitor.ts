import {
	type Actor,
	type ActorOptions,
	createActor,
	fromPromise,
	type InspectionEvent,
	type SnapshotFrom,
} from 'xstate';
import {
	type ConnectionInfo,
	type NetworkQuality,
	type NetworkStatus,
	toNetworkStatus,
} from '../core/network-quality.ts';
import { reportUncaught } from '../core/report-uncaught.ts';
import { type NetworkEvent, networkMachine } from '../machines/network.machine.ts';
import { refuseForged } from '../machines/refuse-forged.ts';
import { defaultNetworkEnvironment, type NetworkEnvironment } from './network-environment.ts';
import type { Probe } from './probe.ts';

export type { NetworkQuality, NetworkStatus };

/** XState's clock, such as its `SimulatedClock`. */
export type Clock = NonNullable<ActorOptions<typeof networkMachine>['clock']>;

export interface NetworkMonitorOptions {
	/** The platform. @default the globals */
	environment?: NetworkEnvironment;
	/** Asks whether the server is within reach, when no sync manager lends a better one. @default none */
	probe?: Probe;
	/** @default the timers of the platform */
	clock?: Clock;
	/** In [0, 1), for the jitter between probes. @default Math.random */
	random?: () => number;
	/** Hears every event of the machine; see XState's `inspect`. */
	inspect?: (event: InspectionEvent) => void;
}

/** How a request ended: with an answer, whatever its status, or without. */
export type RequestReport =
	| { readonly answered: true /** From sending to the first byte. */; readonly rttMs: number }
	| { readonly answered: false };

/**
 * Tells whether the server is within reach, and how well. While somebody subscribes it follows the browser's events
 * and the requests reported to it; with nobody subscribed it holds no listener and no timer, and `getStatus` is the
 * browser's word alone. Does nothing until it is first asked. Its methods may be passed on unbound.
 */
export class NetworkMonitor {
	readonly #options: NetworkMonitorOptions;
	readonly #environment: NetworkEnvironment;
	readonly #subscriptions = new Set<{ readonly callback: (status: NetworkStatus) => void }>();
	readonly #lent: { readonly probe: Probe }[] = [];
	#running: { readonly actor: Actor<typeof networkMachine>; readonly detach: () => void } | undefined;
	#status: NetworkStatus | undefined;
	/** How often the browser has said that it is offline. */
	#offlines = 0;

	constructor(options: NetworkMonitorOptions = {}) {
		this.#options = options;
		this.#environment = options.environment ?? defaultNetworkEnvironment();
	}

	/** The same object as long as nothing changes, as `useSyncExternalStore` wants it. */
	readonly getStatus = (): NetworkStatus => {
		if (this.#running && this.#status) return this.#status;
		const { onLine, connection } = this.#environment;
		return this.#keep(toNetworkStatus(onLine !== false, toConnectionInfo(connection)));
	};

	/** Calls back at each change, not at once. Returns the undo. */
	readonly subscribe = (callback: (status: NetworkStatus) => void): (() => void) => {
		const subscription = { callback };
		this.#subscriptions.add(subscription);
		if (!this.#running) this.#start();
		return () => {
			if (this.#subscriptions.delete(subscription) && this.#subscriptions.size === 0) this.#stop();
		};
	};

	readonly isOnline = (): boolean => this.getStatus().isOnline;

	readonly getQuality = (): NetworkQuality => this.getStatus().quality;

	/** For the engine: how a real request ended. Without a subscriber it is lost. */
	readonly report = (result: RequestReport): void => {
		this.#send(
			result.answered ? { type: 'request.answered', rttMs: result.rttMs } : { type: 'request.unanswered' },
		);
	};

	/**
	 * For the engine: a request is being sent. Returns what its end is reported to. An answer to what was sent before the
	 * browser last said offline tells of before: a tab that wakes up hears of both at once.
	 */
	readonly begin = (): ((result: RequestReport) => void) => {
		const offlines = this.#offlines;
		return (result) => {
			if (!result.answered || offlines === this.#offlines) this.report(result);
		};
	};

	/** For the engine: look now instead of when the next probe is due. Without a subscriber it does nothing. */
	readonly recheck = (): void => this.#send({ type: 'probe.requested' });

	/** For the engine: lends its probe until undone; of several the last one lent is used. Returns the undo. */
	readonly lendProbe = (probe: Probe): (() => void) => {
		const loan = { probe };
		this.#lent.push(loan);
		this.#send({ type: 'probe.changed', available: true });
		return () => {
			const index = this.#lent.indexOf(loan);
			if (index === -1) return;
			this.#lent.splice(index, 1);
			if (this.#probe() === undefined) this.#send({ type: 'probe.changed', available: false });
		};
	};

	#start(): void {
		const { onLine, connection } = this.#environment;
		const { clock, inspect, random = Math.random } = this.#options;
		const machine = refuseForged(
			networkMachine.provide({ actors: { probe: fromPromise(({ signal }) => this.#ask(signal)) } }),
		);
		const actor = createActor(machine, {
			logger: (text: string) => console.warn(text),
			...(clock ? { clock } : {}),
			...(inspect ? { inspect } : {}),
			input: {
				onLine,
				canProbe: this.#probe() !== undefined,
				connection: toConnectionInfo(connection),
				random,
			},
		});
		this.#running = { actor, detach: this.#attach() };
		actor.start();
		this.#keep(toStatus(actor.getSnapshot()));
		actor.subscribe({ next: (snapshot) => this.#update(toStatus(snapshot)), error: reportUncaught });
	}

	#stop(): void {
		this.#running?.detach();
		this.#running?.actor.stop();
		this.#running = undefined;
	}

	#attach(): () => void {
		const environment = this.#environment;
		// Held: the listener must come off the object that it was put on.
		const { connection } = environment;
		const online = () => this.#send({ type: 'browser.online' });
		const offline = () => {
			this.#offlines++;
			this.#send({ type: 'browser.offline' });
		};
		const change = () => this.#send({ type: 'quality.changed', ...toConnectionInfo(connection) });
		environment.addEventListener?.('online', online);
		environment.addEventListener?.('offline', offline);
		connection?.addEventListener?.('change', change);
		return () => {
			environment.removeEventListener?.('online', online);
			environment.removeEventListener?.('offline', offline);
			connection?.removeEventListener?.('change', change);
		};
	}

	#send(event: NetworkEvent): void {
		this.#running?.actor.send(event);
	}

	#probe(): Probe | undefined {
		return this.#lent.at(-1)?.probe ?? this.#options.probe;
	}

	/** A probe that throws has not reached the server; its error says no more than that. */
	async #ask(signal: AbortSignal): Promise<boolean> {
		try {
			return (await this.#probe()?.(signal)) === true;
		} catch {
			return false;
		}
	}

	#keep(status: NetworkStatus): NetworkStatus {
		if (this.#status === undefined || !isSameStatus(this.#status, status)) this.#status = status;
		return this.#status;
	}

	#update(status: NetworkStatus): void {
		const before = this.#status;
		const now = this.#keep(status);
		if (now === before) return;
		for (const subscription of [...this.#subscriptions]) {
			if (!this.#subscriptions.has(subscription)) continue;
			try {
				subscription.callback(now);
			} catch (error) {
				reportUncaught(error);
			}
		}
	}
}

/** The monitor that the app and its sync managers share; it too does nothing until it is first asked. */
export const networkMonitor: NetworkMonitor = /*#__PURE__*/ new NetworkMonitor();

function toStatus(snapshot: SnapshotFrom<typeof networkMachine>): NetworkStatus {
	const { connection, meanRttMs } = snapshot.context;
	return toNetworkStatus(snapshot.hasTag('online'), connection, meanRttMs);
}

/** A copy: the browser's object changes in place, and its values are not its own properties. */
function toConnectionInfo(connection: ConnectionInfo | undefined): ConnectionInfo {
	return {
		effectiveType: connection?.effectiveType,
		downlink: connection?.downlink,
		rtt: connection?.rtt,
	};
}

function isSameStatus(a: NetworkStatus, b: NetworkStatus): boolean {
	return (
		a.isOnline === b.isOnline &&
		a.quality === b.quality &&
		a.effectiveType === b.effectiveType &&
		a.downlink === b.downlink &&
		a.rtt === b.rtt
	);
}
