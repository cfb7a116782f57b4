import type { ConnectionInfo, NetworkStatus } from '../../../src/core/network-quality.ts';
import type { Answer, NetworkMemory } from './network-expectations.ts';
import type { NetworkEventName, NetworkStart } from './network-model.ts';

/** What the design remembers of a path, kept beside the chart and not read from it. */
export interface NetworkLedger extends NetworkMemory {
	/** Waits since the server was last known to be there, or the browser last said "online". */
	readonly waits: number;
	/** Requests answered, and changes of the connection told, since the start. */
	readonly answered: number;
	readonly changed: number;
}

/** Requests that are answered, in order, and what the app hears of the connection after each. */
export const READINGS = [
	{ rttMs: 40, told: { quality: 'excellent', rtt: 50 } },
	{ rttMs: 340, told: { quality: 'good', rtt: 125 } },
] as const satisfies readonly { readonly rttMs: number; readonly told: Told }[];

/** What the connection becomes, in order, and what the app hears of it then. */
export const CONNECTIONS = [
	{ info: { effectiveType: '2g', downlink: 0.3, rtt: 1_800 }, quality: 'poor' },
	{ info: { effectiveType: '4g', downlink: 10, rtt: 50 }, quality: 'excellent' },
] as const satisfies readonly { readonly info: ConnectionInfo; readonly quality: string }[];

type Told = Pick<NetworkStatus, 'quality' | 'rtt'>;

/** 1 s, 2 s, 4 s and a minute, less the quarter that `random` takes. */
const WAITS_MS = [750, 1_500, 3_000] as const;
const RECHECK_MS = 45_000;
const PROBE_TIMEOUT_MS = 30_000;

export function openLedger({ onLine, canProbe }: NetworkStart): NetworkLedger {
	return { browserOffline: !onLine, blind: !canProbe, misses: 0, waits: 0, answered: 0, changed: 0 };
}

/** The ledger after an event, and what the chart owed to it. */
export function remember(ledger: NetworkLedger, event: NetworkEventName, answer: Answer): NetworkLedger {
	if (answer === 'ignored') return ledger;
	switch (event) {
		case 'browser.online':
			return { ...ledger, ...onTrial(answer), browserOffline: false, waits: 0 };
		case 'browser.offline':
			return { ...ledger, browserOffline: true };
		case 'request.answered':
			return { ...ledger, misses: 0, waits: 0, answered: ledger.answered + 1 };
		case 'probe reachable':
			return { ...ledger, misses: 0, waits: 0 };
		case 'request.unanswered':
			return { ...ledger, misses: ledger.misses + 1 };
		case 'wait over':
			return { ...ledger, ...onTrial(answer), waits: ledger.waits + 1 };
		case 'probe.requested':
			return { ...ledger, ...onTrial(answer) };
		case 'quality.changed':
			return { ...ledger, changed: ledger.changed + 1 };
		case 'probe lent':
			return { ...ledger, blind: false };
		case 'probe gone':
			return { ...ledger, blind: true };
		default:
			return ledger;
	}
}

/** Trusted without proof: the next miss is the second. */
function onTrial(answer: Answer): { readonly misses?: 1 } {
	return answer === 'online.trusted' ? { misses: 1 } : {};
}

/** What the app is to be told. */
export function toldBy({ answered, changed }: NetworkLedger, isOnline: boolean): NetworkStatus {
	const measured = answered === 0 ? { quality: 'good' as const } : at(READINGS, answered - 1).told;
	if (changed === 0) return { ...measured, isOnline, ...(isOnline ? {} : { quality: 'offline' }) };
	const { info, quality } = at(CONNECTIONS, changed - 1);
	return { ...info, isOnline, quality: isOnline ? quality : 'offline' };
}

/** How long after its state was entered an event of the clock comes, in ms; 0: it is none. */
export function toDelayMs(event: NetworkEventName, { waits }: NetworkLedger): number {
	switch (event) {
		case 'wait over':
			return at(WAITS_MS, waits);
		case 'recheck due':
			return RECHECK_MS;
		case 'doubt overdue':
		case 'probing overdue':
			return PROBE_TIMEOUT_MS;
		default:
			return 0;
	}
}

/** @throws past the end: no path is that long, and what would follow is not written down. */
export function at<T>(list: readonly T[], index: number): T {
	const found = list[index];
	if (found === undefined) throw new Error(`${index + 1} of them, but only ${list.length} are written down`);
	return found;
}
