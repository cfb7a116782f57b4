import type { AnyMachineSnapshot, InspectionEvent } from 'xstate';
import { unreachable } from '../../../src/core/errors.ts';
import { networkMachine } from '../../../src/machines/network.machine.ts';
import { type HostedNetwork, NETWORK_HOSTS } from './network-hosts.ts';
import { at, CONNECTIONS, READINGS } from './network-ledger.ts';
import {
	bearable,
	fatal,
	type NetworkEventName,
	type NetworkHost,
	type NetworkStart,
} from './network-model.ts';
import { CountingClock, createHeldProbes, type HeldProbes } from './network-world.ts';

/** A network as its host runs it, and the hands that make happen what a path says. */
export interface NetworkRun {
	readonly host: HostedNetwork;
	readonly probes: HeldProbes;
	readonly clock: CountingClock;
	readonly snapshot: AnyMachineSnapshot;
	/** Makes the event happen. Before one of the clock's, time must have passed up to its last millisecond. */
	perform(event: NetworkEventName): Promise<void>;
	elapse(ms: number): Promise<void>;
	/** The probes that were aborted answer all the same. */
	endLate(event: NetworkEventName): Promise<void>;
}

export interface RunOptions {
	/** @default the chart that ships */
	readonly chart?: typeof networkMachine;
	readonly inspect?: (event: InspectionEvent) => void;
}

const VERDICTS: Readonly<Partial<Record<NetworkEventName, boolean | Error>>> = {
	'probe reachable': true,
	'probe unreachable': false,
	// The worst that a machine could be told: the monitor shields it.
	'probe throws': fatal,
	'probe bearable': bearable,
	'probe fatal': fatal,
};

export function startNetworkRun(
	by: NetworkHost,
	start: NetworkStart,
	{ chart = networkMachine, inspect = () => undefined }: RunOptions = {},
): NetworkRun {
	const clock = new CountingClock();
	const probes = createHeldProbes();
	const host = NETWORK_HOSTS[by]({ start, clock, probes, chart, inspect });
	let answered = 0;
	let changed = 0;

	function make(event: NetworkEventName) {
		switch (event) {
			case 'browser.online':
				return host.tell('online');
			case 'browser.offline':
				return host.tell('offline');
			case 'request.answered':
				return host.answer(at(READINGS, answered++).rttMs);
			case 'request.unanswered':
				return host.miss();
			case 'quality.changed':
				return host.change(at(CONNECTIONS, changed++).info);
			case 'probe.requested':
				return host.look();
			case 'probe lent':
				return host.lend();
			case 'probe gone':
				return host.takeBack();
			case 'probe reachable':
			case 'probe unreachable':
			case 'probe throws':
			case 'probe bearable':
			case 'probe fatal':
				return probes.end(toVerdict(event));
			case 'wait over':
			case 'recheck due':
			case 'doubt overdue':
			case 'probing overdue':
				return clock.increment(1);
			default:
				return unreachable(event);
		}
	}

	return {
		host,
		probes,
		clock,
		get snapshot() {
			return host.actor.getSnapshot() as AnyMachineSnapshot;
		},
		async perform(event) {
			make(event);
			await settle();
		},
		async elapse(ms) {
			clock.increment(ms);
			await settle();
		},
		async endLate(event) {
			for (const probe of probes.aborted) probe.end(toVerdict(event));
			await settle();
		},
	};
}

function toVerdict(event: NetworkEventName): boolean | Error {
	const verdict = VERDICTS[event];
	if (verdict === undefined) throw new Error(`${event} is not a probe's end`);
	return verdict;
}

/** Lets answers reach the chart. */
function settle(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
