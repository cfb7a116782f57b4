import { expect } from 'vitest';
import type { NetworkStatus } from '../../../src/core/network-quality.ts';
import { type Answer, NETWORK_EXPECTATIONS, toAnswer } from './network-expectations.ts';
import { type NetworkLedger, remember, toDelayMs, toldBy } from './network-ledger.ts';
import {
	type NetworkEventName,
	type NetworkHost,
	type NetworkStateName,
	toStateName,
} from './network-model.ts';
import type { NetworkRun } from './network-run.ts';

/** What can be seen of a network at one moment. */
export interface Observed {
	readonly state: NetworkStateName;
	readonly machine: string;
	/** What the app reads, and how often it was called back. */
	readonly status: NetworkStatus;
	readonly heard: number;
	readonly timers: number;
	readonly listeners: number;
	/** Probes: begun so far, neither answered nor aborted, aborted so far. */
	readonly begun: number;
	readonly open: number;
	readonly aborted: number;
}

interface Traits {
	readonly isOnline: boolean;
	/** Probes that run, and timers. */
	readonly probes: 0 | 1;
	readonly timers: 0 | 1;
}

/** [F56][S31] A quiet app makes no request: trusted has neither timer nor probe. */
const TRAITS: Readonly<Record<NetworkStateName, Traits>> = {
	'online.trusted': { isOnline: true, probes: 0, timers: 0 },
	'online.doubted': { isOnline: true, probes: 1, timers: 1 },
	'offline.waiting': { isOnline: false, probes: 0, timers: 1 },
	'offline.paused': { isOnline: false, probes: 0, timers: 1 },
	'offline.probing': { isOnline: false, probes: 1, timers: 1 },
};

/** `online`, `offline` and the connection's `change`. */
const MONITOR_LISTENERS = 3;

export function observe({ host, probes, clock, snapshot }: NetworkRun): Observed {
	return {
		state: toStateName(snapshot),
		machine: snapshot.status,
		status: host.status,
		heard: host.heard?.length ?? 0,
		timers: clock.pending,
		listeners: host.listeners,
		begun: probes.begun,
		open: probes.open.length,
		aborted: probes.aborted.length,
	};
}

/** What a network that has just begun looks like. */
export function checkStart(run: NetworkRun, ledger: NetworkLedger): void {
	const state = ledger.browserOffline ? 'offline.paused' : 'online.trusted';
	const { isOnline, timers } = TRAITS[state];
	expect(observe(run), 'the start').toStrictEqual({
		state,
		machine: 'active',
		status: toldBy(ledger, isOnline),
		heard: 0,
		timers,
		listeners: run.host.heard ? MONITOR_LISTENERS : 0,
		begun: 0,
		open: 0,
		aborted: 0,
	});
}

/** Makes an event happen, and compares all that can be seen with what the design wants. Returns the ledger after it. */
export async function takeStep(
	run: NetworkRun,
	event: NetworkEventName,
	ledger: NetworkLedger,
): Promise<NetworkLedger> {
	const before = observe(run);
	const { snapshot } = run;
	const title = `${event} in ${before.state}`;
	const delayMs = toDelayMs(event, ledger);
	if (delayMs > 0) {
		await run.elapse(delayMs - 1);
		expect(run.snapshot, `${title}, a millisecond early`).toBe(snapshot);
	}
	await run.perform(event);
	const answer = toAnswer(NETWORK_EXPECTATIONS[before.state][event], ledger);
	if (answer === 'ignored') expect(run.snapshot, title).toBe(snapshot);
	const after = remember(ledger, event, answer);
	const expected = expectedAfter(event, answer, before, after);
	expect(observe(run), title).toStrictEqual(expected);
	checkTold(run, before, expected);
	return after;
}

function expectedAfter(
	event: NetworkEventName,
	answer: Answer,
	before: Observed,
	ledger: NetworkLedger,
): Observed {
	const isEntered = answer === 'again' || answer in TRAITS;
	const state = answer in TRAITS ? (answer as NetworkStateName) : before.state;
	const { isOnline, probes, timers } = TRAITS[state];
	const status = toldBy(ledger, isOnline);
	const isTold = before.listeners > 0 && !isSame(status, before.status);
	const told = { ...before, state, status, heard: before.heard + Number(isTold) };
	if (answer === 'ended') return { ...told, machine: 'error', timers: 0, open: 0 };
	if (!isEntered) {
		// Paused without a probe: the timer has run out for nothing.
		return event === 'recheck due' ? { ...told, timers: 0 } : told;
	}
	return {
		...told,
		timers,
		begun: before.begun + probes,
		open: probes,
		aborted: before.aborted + (event in PROBE_ENDS ? 0 : before.open),
	};
}

const PROBE_ENDS: Readonly<Partial<Record<NetworkEventName, true>>> = {
	'probe reachable': true,
	'probe unreachable': true,
	'probe throws': true,
	'probe bearable': true,
	'probe fatal': true,
};

/** The app is called back with the very object that it reads, which stays the same while nothing changes. */
function checkTold({ host }: NetworkRun, before: Observed, after: Observed): void {
	if (!host.heard) return;
	const isTold = after.heard > before.heard;
	expect(host.status).toBe(isTold ? host.heard.at(-1) : before.status);
}

function isSame(one: NetworkStatus, other: NetworkStatus): boolean {
	const keys = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof NetworkStatus>;
	return [...keys].every((key) => one[key] === other[key]);
}

/** What a probe finds that nobody waits for any more changes nothing. Returns how many were played. */
export async function checkLateEnds(run: NetworkRun, by: NetworkHost): Promise<number> {
	const { snapshot } = run;
	const before = observe(run);
	const unwelcome = TRAITS[before.state].isOnline ? 'probe unreachable' : 'probe reachable';
	await run.endLate(by === 'app' ? 'probe fatal' : unwelcome);
	expect(run.snapshot, 'late ends').toBe(snapshot);
	expect(observe(run), 'late ends').toStrictEqual(before);
	return before.aborted;
}

/** [S31] Let go of, nothing is left of it: no listener, no timer, no probe. */
export function checkEnd(run: NetworkRun): void {
	run.host.stop();
	expect({
		timers: run.clock.pending,
		listeners: run.host.listeners,
		open: run.probes.open.length,
	}).toEqual({ timers: 0, listeners: 0, open: 0 });
}
