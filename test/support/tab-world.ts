import { PixSyncError } from '../../src/core/errors.ts';
import type { LockManagerLike } from '../../src/services/leadership.ts';
import type { TabCallName } from '../../src/services/tab-message.ts';
import { joinTabs, type TabChannel, type Tabs } from '../../src/services/tabs.ts';
import { createFakeLocks, locksOfTab } from './fake-locks.ts';

/** One tab, and what it was told. */
export interface FakeTab {
	readonly name: string;
	readonly tabs: Tabs;
	/** What it believes: set by `lead` and `lose`. */
	epoch: number | null;
	isHidden: boolean;
	readonly states: unknown[];
	readonly queued: (readonly string[])[];
	readonly called: { readonly name: TabCallName; readonly args: readonly unknown[] }[];
	readonly notices: unknown[];
	/** What its database waits for before it gives the lead, or refuses it with; null: nothing. */
	database: Promise<void> | null;
	/** What it answers a call with. */
	answer: (name: TabCallName) => Promise<unknown>;
	/** Its timers and messages wait until it thaws, as does all that it was told meanwhile. */
	freeze(): void;
	thaw(): void;
	/** The browser ends the tab: no code of it runs any more, and its locks are free. */
	crash(): void;
	close(): void;
}

interface Timer {
	readonly at: number;
	readonly tab: string;
	readonly callback: () => void;
}

/** The tabs of one database: their clock, locks and channel, and the epoch in the database. */
export function createTabWorld() {
	let now = 1_000_000;
	/** By how much the device's clock was set. */
	let setBy = 0;
	let epoch = 0;
	let ids = 0;
	const locks = createFakeLocks();
	const timers = new Set<Timer>();
	const ports = new Map<string, (data: unknown) => void>();
	const frozen = new Map<string, unknown[]>();
	const gone = new Set<string>();
	/** Of frozen tabs. */
	const waking = new Map<string, { readonly promise: Promise<void>; readonly wake: () => void }>();
	/** Let a crashed tab's locks go. */
	const crashes = new Map<string, () => void>();

	/** Lets what was promised happen. */
	const settle = async () => {
		for (let turn = 0; turn < 25; turn++) await Promise.resolve();
	};

	function deliver(to: string, data: unknown): void {
		const waiting = frozen.get(to);
		if (waiting) waiting.push(data);
		else if (!gone.has(to)) ports.get(to)?.(data);
	}

	function openChannel(tab: string): TabChannel {
		const channel: TabChannel = {
			onmessage: null,
			postMessage(data) {
				if (gone.has(tab)) return;
				const copy = structuredClone(data);
				for (const other of ports.keys()) if (other !== tab) deliver(other, copy);
			},
			close: () => void ports.delete(tab),
		};
		ports.set(tab, (data) => channel.onmessage?.({ data } as MessageEvent));
		return channel;
	}

	function locksOf(tab: string): LockManagerLike {
		const crashed = new Promise<void>((resolve) => crashes.set(tab, resolve));
		const awake = async () => waking.get(tab)?.promise;
		return locksOfTab(locks, { isGone: () => gone.has(tab), gone: crashed, awake });
	}

	return {
		get now() {
			return now;
		},
		settle,
		/** Sets the device's clock by so many ms. */
		setClock(ms: number): void {
			setBy += ms;
		},
		/** Somebody else's message on the channel. */
		say(data: unknown) {
			for (const port of ports.keys()) deliver(port, data);
		},
		async advance(ms: number): Promise<void> {
			const end = now + ms;
			await settle();
			for (;;) {
				const due = [...timers].filter(({ at, tab }) => at <= end && !frozen.has(tab) && !gone.has(tab));
				const [next] = due.sort((a, b) => a.at - b.at);
				if (!next) break;
				timers.delete(next);
				now = Math.max(now, next.at);
				next.callback();
				await settle();
			}
			now = end;
			await settle();
		},
		async open(
			name: string,
			{ timersEveryMs = 0, hasChannel = true }: { timersEveryMs?: number; hasChannel?: boolean } = {},
		): Promise<FakeTab> {
			const tab: FakeTab = {
				...{
					name,
					epoch: null,
					isHidden: false,
					database: null,
					states: [],
					queued: [],
					called: [],
					notices: [],
				},
				answer: async () => name,
				tabs: undefined as unknown as Tabs,
				freeze() {
					if (frozen.has(name)) return;
					frozen.set(name, []);
					let wake: () => void = () => undefined;
					const promise = new Promise<void>((resolve) => {
						wake = resolve;
					});
					waking.set(name, { promise, wake });
				},
				thaw() {
					const waiting = frozen.get(name) ?? [];
					frozen.delete(name);
					waking.get(name)?.wake();
					waking.delete(name);
					// The worst that may come: what is overdue runs before what was missed is heard.
					for (const timer of [...timers].filter(({ at, tab: own }) => own === name && at <= now)) {
						timers.delete(timer);
						timer.callback();
					}
					for (const data of waiting) deliver(name, data);
				},
				crash() {
					gone.add(name);
					ports.delete(name);
					crashes.get(name)?.();
				},
				close: () => tab.tabs.release(),
			};
			const tabs = joinTabs({
				...{ name: 'app:alice', locks: locksOf(name), now: () => now + setBy },
				openChannel: () => (hasChannel ? openChannel(name) : null),
				isHidden: () => tab.isHidden,
				setTimer(callback, ms) {
					// A throttled timer runs at the next full interval.
					const at = timersEveryMs ? Math.ceil((now + ms) / timersEveryMs) * timersEveryMs : now + ms;
					const timer = { at, tab: name, callback };
					timers.add(timer);
					return () => void timers.delete(timer);
				},
				createId: () => `${name}-${++ids}`,
				async takeLead() {
					await tab.database;
					return ++epoch;
				},
				began(own) {
					tab.epoch = own;
				},
				lose() {
					tab.epoch = null;
				},
				isStillLeading: async () => tab.epoch === epoch,
				state: () => ({ of: name }),
				stateChanged: (state) => tab.states.push(state),
				queued: (tables) => tab.queued.push(tables),
				async called(call, args) {
					tab.called.push({ name: call, args });
					return tab.answer(call);
				},
				noticed: (_, notice) => tab.notices.push(notice),
			});
			Object.assign(tab, { tabs });
			await settle();
			return tab;
		},
		/** Whether a write of the tab would get through to the server, and count. */
		async mayWrite(tab: FakeTab): Promise<boolean> {
			if (frozen.has(tab.name) || gone.has(tab.name) || tab.epoch === null) return false;
			try {
				await tab.tabs.confirm();
			} catch (error) {
				if (error instanceof PixSyncError && error.code === 'superseded') return false;
				throw error;
			}
			return tab.epoch === epoch;
		},
	};
}
