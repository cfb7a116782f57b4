import { IDBKeyRange } from 'fake-indexeddb';
import type { NetworkMonitor, SyncManager } from '../../src/index.ts';
import type { TabChannel } from '../../src/services/tabs.ts';
import { locksOfTab } from '../support/fake-locks.ts';
import { createRandomSource } from '../support/random-source.ts';
import type { SimDevice } from './sim-device.ts';
import { configsOf } from './sim-schema.ts';
import { openTabDisk, type TabDisk } from './tab-disk.ts';

/** The build under test: the package's own, or one with a planted bug. */
export interface SimBuild {
	readonly SyncManager: typeof SyncManager;
	readonly NetworkMonitor: typeof NetworkMonitor;
}

/** One tab of a device: an app with a SyncManager. What it is cut off from when it dies is decided here alone. */
export interface SimTab {
	/** `device/tab`. */
	readonly name: string;
	readonly device: SimDevice;
	readonly sync: SyncManager;
	readonly disk: TabDisk;
	readonly isAlive: boolean;
	readonly isFrozen: boolean;
	/** The browser ends it: nothing of it has an effect any more. */
	kill(): void;
	/** As a computer that sleeps: timers, answers and messages wait. */
	freeze(): void;
	thaw(): void;
	/** Runs `work` now, or as the tab wakes up; never where it is dead. */
	deliver(work: () => void): void;
	close(): Promise<void>;
}

/** Starts the app anew, on what the device's disk holds. */
export function openTab(device: SimDevice, label: string): SimTab {
	const { world } = device;
	const { time, build, seed } = world;
	const name = `${device.name}/${label}`;
	const random = createRandomSource(seed * 7919 + world.serial());
	let isAlive = true;
	let isFrozen = false;
	let asleep: (() => void)[] = [];
	let end: () => void = () => undefined;
	const gone = new Promise<void>((resolve) => {
		end = resolve;
	});
	const thawed = new Set<() => void>();

	const disk = openTabDisk(device.disk, {
		isAlive: () => isAlive,
		began: (database, mode, stores) => world.transactionBegan(tab, database, mode, stores),
		committed: (database) => world.transactionCommitted(tab, database),
	});

	function deliver(work: () => void): void {
		if (!isAlive) return;
		if (isFrozen) asleep.push(work);
		else work();
	}

	const clock = {
		setTimeout: (callback: () => void, ms: number) => time.setTimeout(() => deliver(callback), ms),
		clearTimeout: (timer: unknown) => time.clearTimeout(timer as number),
	};

	function openChannel(channelName: string): TabChannel {
		const port = device.openPort(channelName, name, deliver);
		channels.add(port);
		return port;
	}
	const channels = new Set<TabChannel>();

	const client = {
		...{ supabaseUrl: 'http://sim.test', supabaseKey: 'anon-key', from: () => undefined },
		rest: { url: 'http://sim.test/rest/v1', headers: {} },
		auth: Object.assign(
			device.auth.connect(() => isAlive),
			{ fetch: (input: unknown, init?: RequestInit) => world.fetch(tab, String(input), init ?? {}) },
		),
	};

	const monitor = new build.NetworkMonitor({
		environment: {
			get onLine() {
				return device.isOnline;
			},
			addEventListener: (type, listener) => void device.listeners.set(listener, { type, tab }),
			removeEventListener: (_, listener) => void device.listeners.delete(listener),
		},
		clock: clock as never,
		random: () => random.next(),
	});

	const tab: SimTab = {
		...{ name, device, disk },
		sync: undefined as unknown as SyncManager,
		get isAlive() {
			return isAlive;
		},
		get isFrozen() {
			return isFrozen;
		},
		kill() {
			if (!isAlive) return;
			isAlive = false;
			isFrozen = false;
			asleep = [];
			disk.abortAll();
			for (const channel of channels) channel.close();
			end();
			world.note(`${name} dies`);
			// In this process its live queries would go on for ever; nothing else of it has an effect any more.
			void tab.sync.close();
		},
		freeze() {
			if (isAlive) isFrozen = true;
		},
		thaw() {
			if (!isFrozen) return;
			isFrozen = false;
			const waiting = asleep;
			asleep = [];
			// The worst that may come: what is overdue runs before what was missed is heard.
			for (const work of waiting) deliver(work);
			for (const wake of thawed) wake();
			thawed.clear();
		},
		deliver,
		async close() {
			await tab.sync.close();
			isAlive = false;
			disk.abortAll();
			end();
		},
	};

	const sync = new build.SyncManager(client, {
		...{ databaseName: 'app', indexedDB: disk.factory, IDBKeyRange, networkMonitor: monitor },
		...{ realtime: false, persistStorage: false, pageSize: world.pageSize, batchSize: 4 },
		...{ requestTimeoutMs: 10_000, reconcileIntervalMs: 0, transport: world.transport },
		platform: {
			now: () => device.now(),
			monotonic: () => time.now,
			random: () => random.next(),
			randomBytes: (bytes) => bytes.map(() => random.below(256)),
			clock,
			locks: locksOfTab(device.locks, {
				isGone: () => !isAlive,
				gone,
				awake: () => (isFrozen ? new Promise((resolve) => thawed.add(resolve)) : Promise.resolve()),
			}),
			openChannel,
			isHidden: () => false,
			asksLeave: () => world.isElsewhere,
		},
	});
	for (const config of configsOf(world.schema).filter(({ table }) => world.isRegistered(table)))
		sync.registerTable(config);
	for (const name of ['error', 'rejected', 'conflict'] as const)
		sync.on(name, (notice) => world.overhear(tab, notice));
	return Object.assign(tab, { sync });
}
