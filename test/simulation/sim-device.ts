import { IDBFactory } from 'fake-indexeddb';
import type { LockManagerLike } from '../../src/services/leadership.ts';
import type { TabChannel } from '../../src/services/tabs.ts';
import { createFakeLocks } from '../support/fake-locks.ts';
import { createSimAuth, type SimAuth } from './sim-auth.ts';
import type { SimTab } from './sim-tab.ts';
import type { World } from './world.ts';

/** A browser on somebody's machine: what its tabs share, and what outlives them. */
export interface SimDevice {
	readonly name: string;
	readonly world: World;
	readonly disk: IDBFactory;
	readonly auth: SimAuth;
	readonly locks: LockManagerLike;
	readonly tabs: SimTab[];
	/** Of `online` and `offline`. */
	readonly listeners: Map<() => void, { readonly type: 'online' | 'offline'; readonly tab: SimTab }>;
	/** How far its clock is ahead of the server's, ms. */
	skewMs: number;
	readonly isOnline: boolean;
	setOnline(isOnline: boolean): void;
	now(): number;
	openPort(name: string, tab: string, deliver: (work: () => void) => void): TabChannel;
}

export function createDevice(world: World, name: string): SimDevice {
	const ports = new Map<
		TabChannel,
		{ readonly name: string; readonly deliver: (work: () => void) => void }
	>();
	let isOnline = true;
	const device: SimDevice = {
		...{ name, world, tabs: [], listeners: new Map(), skewMs: 0 },
		disk: new IDBFactory(),
		locks: createFakeLocks(),
		auth: createSimAuth({
			now: () => world.time.now,
			deviceNow: () => device.now(),
			isOnline: () => isOnline,
		}),
		get isOnline() {
			return isOnline;
		},
		setOnline(next) {
			if (next === isOnline) return;
			isOnline = next;
			const type = next ? 'online' : 'offline';
			for (const [listener, told] of [...device.listeners]) {
				if (told.type === type) told.tab.deliver(listener);
			}
		},
		now: () => world.time.now + device.skewMs,
		openPort(channel, tab, deliver) {
			const port: TabChannel = {
				onmessage: null,
				postMessage(data) {
					if (!device.tabs.some((one) => one.name === tab && one.isAlive && ports.has(port))) return;
					const copy = structuredClone(data);
					for (const [other, { name: otherName, deliver: tell }] of ports) {
						if (other === port || otherName !== channel) continue;
						world.time.setTimeout(() => tell(() => other.onmessage?.({ data: copy } as MessageEvent)), 1);
					}
				},
				close: () => void ports.delete(port),
			};
			ports.set(port, { name: channel, deliver });
			return port;
		},
	};
	return device;
}
