import { type OffsetEstimate, observeDate, offsetMs } from '../core/clock-offset.ts';
import type { LocalStore } from './local-store.ts';

/** Server time less device time, learnt from the `Date` headers of answers (F58) and kept across restarts. */
export interface ServerClock {
	/** Ms; null until first measured on this device. */
	offset(): number | null;
	observe(answer: { sentAt: number; receivedAt: number; serverDateMs: number | null }): void;
	/** The estimate was shown to be wrong, as after the device's clock was set: nothing is known until the next answer. */
	forget(): void;
	/** Takes up what an earlier session learnt, and stores there from now on. */
	attach(store: LocalStore): Promise<void>;
}

const KEY = 'clock';

/** A change below this is noise of the header's one-second resolution, and not worth a write. */
const STORE_STEP_MS = 250;

export function createServerClock(): ServerClock {
	let estimate: OffsetEstimate | null = null;
	let storedOffset: number | null = null;
	let store: LocalStore | null = null;

	const offset = () => (estimate ? offsetMs(estimate) : storedOffset);

	function keep(value: number): void {
		if (!store || (storedOffset !== null && Math.abs(value - storedOffset) < STORE_STEP_MS)) return;
		storedOffset = value;
		// Losing it costs accuracy until the next answer, no data: nobody waits for this write.
		store.transact('rw', [], (stores) => stores.meta.put({ key: KEY, value })).catch(() => undefined);
	}

	return {
		offset,
		observe({ sentAt, receivedAt, serverDateMs }) {
			if (serverDateMs === null) return;
			estimate = observeDate(estimate, { sentAt, receivedAt, serverDateMs });
			keep(offsetMs(estimate));
		},
		forget() {
			estimate = null;
			storedOffset = null;
		},
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
