import { toProbeDelay } from '../../src/machines/network.machine.ts';
import { type Layout, NETWORK } from './layout.ts';
import type { Timers } from './timers.ts';
import type { Trace } from './trace.ts';
import type { Wire } from './wire.ts';

/*
 * The network machine of src/machines/network.machine.ts, with a probe.
 *
 *   trusted ──2nd miss in a row, browser online──▶ doubted ──found nobody──▶ waiting ◀──▶ probing
 *      ▲ └──── browser offline ────▶ paused ◀──▶ probing                       │
 *      └──────────────────────────── reached ──────────────────────────────────┘
 */
const TRUSTED = 0;
const DOUBTED = 1;
const WAITING = 2;
const PROBING = 3;
const PAUSED = 4;

/** As there, where it is not exported. */
const MISSES_TO_DOUBT = 2;

/** A jittered delay of the cap, as `recheckDelay` is. */
const CAPPED_ATTEMPTS = 16;

export interface DeviceNetwork {
	isOnline(device: number): boolean;
	/** A request got an answer. */
	answered(device: number): void;
	missed(device: number): void;
	browserOffline(device: number): void;
	browserOnline(device: number): void;
	onTimer(slot: number): void;
}

export interface DeviceNetworkOptions {
	readonly layout: Layout;
	readonly timers: Timers;
	readonly wire: Wire;
	/** Without: whatever fails, the device is online. */
	readonly hasProbe: boolean;
	readonly random: () => number;
	readonly trace: Trace | undefined;
	readonly onOpened: (device: number) => void;
	readonly onClosed: (device: number) => void;
}

export function createDeviceNetwork(options: DeviceNetworkOptions): DeviceNetwork {
	const { layout, timers, wire, hasProbe, random, trace } = options;
	const state = new Uint8Array(layout.devices).fill(TRUSTED);
	const misses = new Uint8Array(layout.devices);
	const attempts = new Uint16Array(layout.devices);
	const isBrowserOffline = new Uint8Array(layout.devices);

	const where = (device: number) => ({ at: timers.now, device, table: null });

	function probe(device: number): void {
		const slot = layout.slotOf(device, NETWORK);
		// Without a network it fails on the device: nothing reaches the server.
		if (isBrowserOffline[device]) {
			pause(device);
			return;
		}
		trace?.({ ...where(device), kind: 'sent' });
		wire.send(slot, 'probe');
	}

	function wait(device: number, nextState: number, ms: number): void {
		state[device] = nextState;
		const until = timers.now + ms;
		trace?.({ ...where(device), kind: 'waits', until });
		timers.set(layout.slotOf(device, NETWORK), until);
	}

	function pause(device: number): void {
		wait(device, PAUSED, toProbeDelay(CAPPED_ATTEMPTS, random));
	}

	function trust(device: number): void {
		timers.cancel(layout.slotOf(device, NETWORK));
		misses[device] = 0;
		attempts[device] = 0;
		const wasOffline = !isOnline(device);
		state[device] = TRUSTED;
		if (wasOffline) options.onOpened(device);
	}

	function leaveOnline(device: number): void {
		if (isBrowserOffline[device]) pause(device);
		else wait(device, WAITING, toProbeDelay(attempts[device] ?? 0, random));
	}

	function isOnline(device: number): boolean {
		return state[device] === TRUSTED || state[device] === DOUBTED;
	}

	return {
		isOnline,
		answered: trust,
		missed(device) {
			if (!hasProbe || state[device] !== TRUSTED) return;
			if ((misses[device] ?? 0) + 1 < MISSES_TO_DOUBT) {
				misses[device] = (misses[device] ?? 0) + 1;
				return;
			}
			state[device] = DOUBTED;
			probe(device);
		},
		browserOffline(device) {
			isBrowserOffline[device] = 1;
			const wasOnline = isOnline(device);
			pause(device);
			if (wasOnline) options.onClosed(device);
		},
		browserOnline(device) {
			isBrowserOffline[device] = 0;
			attempts[device] = 0;
			const wasOffline = !isOnline(device);
			if (wasOffline) trace?.({ ...where(device), kind: 'woken', by: 'browser' });
			state[device] = hasProbe ? DOUBTED : TRUSTED;
			timers.cancel(layout.slotOf(device, NETWORK));
			if (hasProbe) probe(device);
			if (wasOffline) options.onOpened(device);
		},
		onTimer(slot) {
			const device = layout.deviceOf(slot);
			switch (state[device]) {
				case WAITING:
					attempts[device] = (attempts[device] ?? 0) + 1;
					state[device] = PROBING;
					probe(device);
					return;
				case PAUSED:
					state[device] = PROBING;
					probe(device);
					return;
				default: {
					const found = wire.outcomeOf(slot);
					if (found === 'rows' || found === 'refusal') {
						trust(device);
						return;
					}
					const wasOnline = isOnline(device);
					leaveOnline(device);
					if (wasOnline) options.onClosed(device);
				}
			}
		},
	};
}
