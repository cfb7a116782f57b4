import { fullJitter } from '../../src/core/backoff.ts';
import { CHANNEL, type Layout } from './layout.ts';
import { type Meter, toSecond } from './meter.ts';
import { DEFAULTS } from './policy.ts';
import type { Server } from './server.ts';
import type { Timers } from './timers.ts';

/*
 * The channel of src/services/realtime.ts: a pull after the join, and another when the server says that changes flow.
 *
 *   none ──follow──▶ joining ──▶ joined ──▶ flowing
 *     ▲                 └─ refused, or dropped ─▶ waiting (backoff) ──▶ joining
 *     └── unfollow, from everywhere
 */
const NONE = 0;
const JOINING = 1;
const JOINED = 2;
const FLOWING = 3;
const WAITING = 4;

/** From the join to the server's word for it, and from there to its word that changes flow; of the order of what is seen. */
const JOIN_MS = 300;
const FLOW_MS = 1_000;

export interface DeviceChannel {
	follow(device: number): void;
	unfollow(device: number): void;
	/** The socket is gone. */
	drop(device: number): void;
	onTimer(slot: number): void;
}

export interface DeviceChannelOptions {
	readonly layout: Layout;
	readonly timers: Timers;
	readonly server: Pick<Server, 'isDown'>;
	readonly meter: Meter;
	readonly random: () => number;
	readonly poke: (device: number) => void;
}

export function createDeviceChannel(options: DeviceChannelOptions): DeviceChannel {
	const { layout, timers, server, meter, random, poke } = options;
	const state = new Uint8Array(layout.devices).fill(NONE);
	const tries = new Uint16Array(layout.devices);

	function join(device: number): void {
		const second = toSecond(timers.now);
		meter.joins[second] = (meter.joins[second] ?? 0) + 1;
		if (server.isDown(timers.now)) {
			retry(device);
			return;
		}
		state[device] = JOINING;
		timers.set(layout.slotOf(device, CHANNEL), timers.now + JOIN_MS);
	}

	function retry(device: number): void {
		state[device] = WAITING;
		const attempts = (tries[device] ?? 0) + 1;
		tries[device] = attempts;
		const { baseMs, capMs } = DEFAULTS.backoff;
		const delay = Math.floor(baseMs / 2) + fullJitter({ attempts, baseMs, capMs, random });
		timers.set(layout.slotOf(device, CHANNEL), timers.now + delay);
	}

	return {
		follow(device) {
			tries[device] = 0;
			join(device);
		},
		unfollow(device) {
			timers.cancel(layout.slotOf(device, CHANNEL));
			state[device] = NONE;
		},
		drop(device) {
			if (state[device] !== NONE) retry(device);
		},
		onTimer(slot) {
			const device = layout.deviceOf(slot);
			if (state[device] === WAITING) join(device);
			else if (state[device] === JOINING) {
				tries[device] = 0;
				state[device] = JOINED;
				timers.set(slot, timers.now + FLOW_MS);
				poke(device);
			} else {
				state[device] = FLOWING;
				poke(device);
			}
		},
	};
}
