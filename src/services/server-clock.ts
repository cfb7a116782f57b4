import { type OffsetEstimate, observeDate, offsetMs } from '../core/clock-offset.ts';
import type { LocalStore } from './local-store.ts';

/** What an answer tells of the time, as `HttpReply` has it. */
export interface Answer {
	readonly sentAt: number;
	readonly receivedAt: number;
	readonly tookMs: number;
	readonly serverDateMs: number | null;
}

/** Server time less device time, learnt from the `Date` headers of answers (F58) and kept across restarts. */
export interface ServerClock {
	/** Ms; null until first measured on this device. */
	offset(): number | null;
	/**
	 * Whether the estimate holds now: measured in this session, and the device's clock has run on since as the
	 * monotonic one has. A clock that was set, or a sleep that one of the two slept through: it must be measured anew.
	 */
	isSure(): boolean;
	/** What the server said; `serverDateMs` null: it does not tell the time. */
	observe(answer: Answer): void;
	/** The estimate was shown to be wrong, as after the device's clock was set: nothing is known until the next answer. */
	forget(): void;
	/** Takes up what an earlier session learnt, and stores there from now on. */
	attach(store: LocalStore): Promise<void>;
}

const KEY = 'clock';

/** A change below this is noise of the header's one-second resolution, and not worth a write. */
const STORE_STEP_MS = 250;

/** How far the two clocks may part: a step of NTP's, and what it slews besides, ms per ms, up to as much again. */
const STEP_MS = 1_000;
const SLEW = 0.001;

/** @param device its clock, which may be set, and one that may not. */
export function createServerClock(device: {
	readonly now: () => number;
	readonly monotonic: () => number;
}): ServerClock {
	let estimate: OffsetEstimate | null = null;
	/** The server answers and tells no time: asking again is of no use. */
	let isMute = false;
	/** Both clocks at the last answer; null: none came. */
	let measuredAt: { readonly now: number; readonly monotonic: number } | null = null;
	let storedOffset: number | null = null;
	let store: LocalStore | null = null;

	const offset = () => (estimate ? offsetMs(estimate) : storedOffset);

	function keep(value: number): void {
		if (!store || (storedOffset !== null && Math.abs(value - storedOffset) < STORE_STEP_MS)) return;
		storedOffset = value;
		// Losing it costs accuracy until the next answer, no data: nobody waits for this write.
		store.transact('rw', [], (stores) => stores.meta.put({ key: KEY, value })).catch(() => undefined);
	}

	function forget(): void {
		estimate = null;
		storedOffset = null;
		measuredAt = null;
	}

	function isSure(): boolean {
		if (!measuredAt) return isMute;
		const passed = device.monotonic() - measuredAt.monotonic;
		return Math.abs(device.now() - measuredAt.now - passed) <= STEP_MS + Math.min(SLEW * passed, STEP_MS);
	}

	return {
		offset,
		isSure,
		observe({ sentAt, receivedAt, tookMs, serverDateMs }) {
			isMute = serverDateMs === null;
			if (serverDateMs === null) return;
			// The clock was set while the request was under way: when by it the answer was made nobody can tell. What was
			// measured since is as good as it was.
			if (Math.abs(receivedAt - sentAt - tookMs) > STEP_MS) {
				if (!isSure()) forget();
				return;
			}
			measuredAt = { now: device.now(), monotonic: device.monotonic() };
			estimate = observeDate(estimate, { sentAt, receivedAt, serverDateMs });
			keep(offsetMs(estimate));
		},
		forget,
		async attach(next) {
			store = next;
			const record = await next.transact('r', [], (stores) => stores.meta.get(KEY));
			if (typeof record?.value === 'number') storedOffset = record.value;
			else if (storedOffset !== null) {
				const known = storedOffset;
				storedOffset = null;
				keep(known);
			}
		},
	};
}
