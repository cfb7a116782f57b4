import { createDeviceChannel } from './device-channel.ts';
import { createDeviceNetwork } from './device-network.ts';
import { createDeviceTables } from './device-tables.ts';
import { CHANNEL, createLayout, NETWORK, SCHEDULE, WORLD } from './layout.ts';
import { createMeter, type Meter, toSecond } from './meter.ts';
import type { Policy } from './policy.ts';
import { createRandom } from './random.ts';
import { createServer, type ServerOptions } from './server.ts';
import { createTimers } from './timers.ts';
import type { Trace } from './trace.ts';
import { createWire } from './wire.ts';

export interface HerdOptions {
	readonly devices: number;
	/** Of each device; none depends on another. */
	readonly tables: number;
	readonly intervalMs: number;
	/** Auto-sync was turned on at a moment of its own on each device, evenly within this time, ms. */
	readonly startSpreadMs: number;
	readonly policy: Policy;
	readonly server: ServerOptions;
	/** Whether each device has a Realtime channel. */
	readonly hasChannel: boolean;
	/** All devices lose their network, and have it back within `spreadMs` after `until`. */
	readonly offline: { readonly from: number; readonly until: number; readonly spreadMs: number } | null;
	/** A row of each table changes that all may see; they are told within `spreadMs`. */
	readonly change: { readonly at: number; readonly spreadMs: number } | null;
	/** From when on a sync counts: the server's return, or the change. */
	readonly markAt: number;
	readonly endAt: number;
	readonly seed: number;
	/** Instead of the seed's draws, in [0, 1). @default draws of `seed` */
	readonly random?: () => number;
	readonly trace?: Trace;
}

export interface HerdRun {
	readonly meter: Meter;
	/** Ms after the mark at which 99 % of the devices had synced all their tables; null: not before the end. */
	readonly syncedMs: number | null;
	/** Tables with a sync that began after the mark. */
	readonly tablesSynced: number;
}

const SYNCED_SHARE = 0.99;

/** Runs a herd of devices against one server from 0 to `endAt`, on virtual time; the same options give the same run. */
export function runHerd(options: HerdOptions): HerdRun {
	const { policy, offline, change, trace, markAt } = options;
	const random = options.random ?? createRandom(options.seed);
	const layout = createLayout(options.devices, options.tables);
	const timers = createTimers(layout.slots);
	const server = createServer(options.server);
	const meter = createMeter(toSecond(options.endAt) + 1);
	const wire = createWire({ slots: layout.slots, timers, server, meter });
	const isSynced = new Uint8Array(layout.slots);
	const toSync = new Uint16Array(layout.devices).fill(layout.tables);
	const enough = Math.ceil(layout.devices * SYNCED_SHARE);
	let tablesSynced = 0;
	let devicesSynced = 0;
	let syncedMs: number | null = null;

	const tables = createDeviceTables({
		...{ layout, timers, wire, policy, random, trace },
		onAnswered: (device) => network.answered(device),
		onMissed: (device) => network.missed(device),
		onSynced: noteSynced,
	});
	const channel = createDeviceChannel({
		...{ layout, timers, server, meter, random },
		poke: (device) => tables.pokeAll(device),
	});
	const network = createDeviceNetwork({
		...{ layout, timers, wire, random, trace },
		hasProbe: policy.hasProbe,
		onOpened(device) {
			tables.open(device);
			tables.requestAll(device, 'gate');
			if (options.hasChannel) channel.follow(device);
		},
		onClosed(device) {
			tables.close(device);
			channel.unfollow(device);
		},
	});

	function noteSynced(slot: number, sentAt: number): void {
		if (isSynced[slot] || sentAt < markAt) return;
		isSynced[slot] = 1;
		tablesSynced++;
		const device = layout.deviceOf(slot);
		const rest = (toSync[device] ?? 0) - 1;
		toSync[device] = rest;
		if (rest > 0) return;
		devicesSynced++;
		if (devicesSynced === enough) syncedMs = timers.now - markAt;
	}

	function onSchedule(device: number): void {
		timers.set(layout.slotOf(device, SCHEDULE), timers.now + policy.tickMs(options.intervalMs, random));
		if (network.isOnline(device)) tables.requestAll(device, 'schedule');
	}

	const within = (ms: number) => Math.floor(random() * ms);

	function onWorld(slot: number): void {
		const device = layout.deviceOf(slot);
		if (offline && timers.now < offline.until) {
			network.browserOffline(device);
			timers.set(slot, offline.until + within(offline.spreadMs));
		} else if (offline) network.browserOnline(device);
		else if (change && network.isOnline(device)) tables.pokeAll(device);
	}

	function setWorld(at: number, spreadMs: number): void {
		for (let device = 0; device < layout.devices; device++)
			timers.set(layout.slotOf(device, WORLD), at + within(spreadMs));
	}

	function onDue(slot: number): void {
		const part = layout.partOf(slot);
		if (part === SCHEDULE) onSchedule(layout.deviceOf(slot));
		else if (part === NETWORK) network.onTimer(slot);
		else if (part === CHANNEL) channel.onTimer(slot);
		else if (part === WORLD) onWorld(slot);
		else tables.onTimer(slot);
	}

	for (let device = 0; device < layout.devices; device++) {
		tables.open(device);
		timers.set(layout.slotOf(device, SCHEDULE), within(options.startSpreadMs));
		if (options.hasChannel) timers.set(layout.slotOf(device, CHANNEL), within(options.startSpreadMs));
	}
	if (offline) setWorld(offline.from, 1);
	if (change) setWorld(change.at, change.spreadMs);

	const { outage } = options.server;
	if (outage && options.hasChannel) {
		timers.run(outage.from, onDue);
		for (let device = 0; device < layout.devices; device++) channel.drop(device);
	}
	timers.run(options.endAt, onDue);
	return { meter, syncedMs, tablesSynced };
}
