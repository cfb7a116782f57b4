import type { Layout } from './layout.ts';
import type { Policy } from './policy.ts';
import type { Timers } from './timers.ts';
import type { Trace } from './trace.ts';
import type { Wire } from './wire.ts';

/*
 * The table machine of src/machines/table.machine.ts, for an empty outbox and a pull of one page: uploading takes no
 * request and no time, and resolving never happens.
 *
 *   offline ──open──▶ idle ──request, poke──▶ pulling ──rows──▶ idle, or pulling again if wished for meanwhile
 *      ▲                                       │    ▲
 *      └── close, from everywhere              └─▶ backoff ── after the delay, or request
 */
const OFFLINE = 0;
const IDLE = 1;
const PULLING = 2;
const BACKOFF = 3;

export interface DeviceTables {
	/** A sync of all tables is wished for, and the gate is open. */
	requestAll(device: number, by: 'schedule' | 'gate'): void;
	/** The server has told of a change to each table. */
	pokeAll(device: number): void;
	open(device: number): void;
	close(device: number): void;
	/** A reply, or a wait's end. */
	onTimer(slot: number): void;
}

export interface DeviceTablesOptions {
	readonly layout: Layout;
	readonly timers: Timers;
	readonly wire: Wire;
	readonly policy: Policy;
	readonly random: () => number;
	readonly trace: Trace | undefined;
	readonly onAnswered: (device: number) => void;
	readonly onMissed: (device: number) => void;
	/** @param sentAt of the pull. */
	readonly onSynced: (slot: number, sentAt: number) => void;
}

export function createDeviceTables(options: DeviceTablesOptions): DeviceTables {
	const { layout, timers, wire, policy, random, trace } = options;
	const state = new Uint8Array(layout.slots).fill(OFFLINE);
	const attempts = new Uint16Array(layout.slots);
	const isWanted = new Uint8Array(layout.slots);
	const isPoked = new Uint8Array(layout.slots);
	const sentAt = new Int32Array(layout.slots);

	const where = (slot: number) => ({
		at: timers.now,
		device: layout.deviceOf(slot),
		table: layout.tableOf(slot),
	});

	function pull(slot: number): void {
		state[slot] = PULLING;
		isWanted[slot] = 0;
		isPoked[slot] = 0;
		sentAt[slot] = timers.now;
		trace?.({ ...where(slot), kind: 'sent' });
		wire.send(slot, 'pull');
	}

	function onReply(slot: number): void {
		const device = layout.deviceOf(slot);
		if (wire.outcomeOf(slot) !== 'rows') {
			options.onMissed(device);
			wait(slot);
			return;
		}
		options.onAnswered(device);
		attempts[slot] = 0;
		trace?.({ ...where(slot), kind: 'synced' });
		options.onSynced(slot, sentAt[slot] ?? 0);
		if (isWanted[slot] || isPoked[slot]) pull(slot);
		else state[slot] = IDLE;
	}

	function wait(slot: number): void {
		const failures = (attempts[slot] ?? 0) + 1;
		attempts[slot] = failures;
		state[slot] = BACKOFF;
		const until = timers.now + policy.retryMs(failures, random, wire.retryAfterMs(slot));
		trace?.({ ...where(slot), kind: 'waits', until });
		timers.set(slot, until);
	}

	return {
		requestAll(device, by) {
			for (let table = 0; table < layout.tables; table++) {
				const slot = layout.tableSlot(device, table);
				if (state[slot] === PULLING) {
					isWanted[slot] = 1;
					continue;
				}
				if (state[slot] === BACKOFF) trace?.({ ...where(slot), kind: 'woken', by });
				pull(slot);
			}
		},
		pokeAll(device) {
			for (let table = 0; table < layout.tables; table++) {
				const slot = layout.tableSlot(device, table);
				if (state[slot] === IDLE) pull(slot);
				else isPoked[slot] = 1;
			}
		},
		open(device) {
			for (let table = 0; table < layout.tables; table++) {
				const slot = layout.tableSlot(device, table);
				if (isWanted[slot]) pull(slot);
				else state[slot] = IDLE;
			}
		},
		close(device) {
			for (let table = 0; table < layout.tables; table++) {
				const slot = layout.tableSlot(device, table);
				if (state[slot] === BACKOFF) trace?.({ ...where(slot), kind: 'woken', by: 'closed' });
				timers.cancel(slot);
				state[slot] = OFFLINE;
			}
		},
		onTimer(slot) {
			if (state[slot] === PULLING) onReply(slot);
			else pull(slot);
		},
	};
}
