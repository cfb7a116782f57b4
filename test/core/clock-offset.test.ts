import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type OffsetEstimate, observeDate, offsetMs } from '../../src/core/clock-offset.ts';

const T = 1_700_000_000_000;
const latency = fc.double({ min: 0, max: 30_000, noNaN: true });
const exchange = fc.record({
	pauseMs: fc.double({ min: 0, max: 3_600_000, noNaN: true }),
	wayThere: latency,
	wayBack: latency,
	staleMs: fc.double({ min: 0, max: 999, noNaN: true }),
});

/** @param staleMs how long ago the server last renewed the header's text, below a second. */
function toDateHeader(serverMs: number, staleMs = 0): number {
	return Math.floor((serverMs - staleMs) / 1_000) * 1_000;
}

describe('observeDate', () => {
	it('[F58] the true offset, drifting or not, never leaves the interval', () => {
		const offset = fc.double({ min: -1e9, max: 1e9, noNaN: true });
		const drift = fc.double({ min: -0.000_19, max: 0.000_19, noNaN: true });
		fc.assert(
			fc.property(offset, drift, fc.array(exchange, { minLength: 1 }), (startOffset, perMs, exchanges) => {
				const offsetAt = (deviceMs: number) => startOffset + (deviceMs - T) * perMs;
				let estimate: OffsetEstimate | null = null;
				let now = T;
				for (const { pauseMs, wayThere, wayBack, staleMs } of exchanges) {
					const sentAt = now + pauseMs;
					const answeredAt = sentAt + wayThere;
					const receivedAt = answeredAt + wayBack;
					const serverDateMs = toDateHeader(answeredAt + offsetAt(answeredAt), staleMs);
					estimate = observeDate(estimate, { sentAt, receivedAt, serverDateMs });
					// 0.01 ms for the doubles' own rounding at 1e12
					expect(offsetAt(receivedAt)).toBeGreaterThanOrEqual(estimate.lowMs - 0.01);
					expect(offsetAt(receivedAt)).toBeLessThanOrEqual(estimate.highMs + 0.01);
					now = receivedAt;
				}
			}),
		);
	});

	it('[F58] replies at other fractions of the second narrow it down', () => {
		let estimate: OffsetEstimate | null = null;
		for (let index = 0; index < 20; index += 1) {
			const sentAt = T + index * 1_370;
			const sample = { sentAt, receivedAt: sentAt + 20, serverDateMs: toDateHeader(sentAt + 10 + 90_000) };
			estimate = observeDate(estimate, sample);
		}
		expect(estimate).not.toBeNull();
		if (estimate !== null) expect(estimate.highMs - estimate.lowMs).toBeLessThan(1_150);
	});

	it('[F58] one reply knows two seconds and its round trip', () => {
		const estimate = observeDate(null, { sentAt: 5_000, receivedAt: 5_200, serverDateMs: 9_000 });
		expect(estimate.lowMs).toBe(3_800);
		expect(estimate.highMs).toBeCloseTo(6_000, 0);
		expect(estimate.measuredAt).toBe(5_200);
	});

	it('[F58] an old estimate is widened by the drift that its age allows', () => {
		const previous = { lowMs: 10, highMs: 20, measuredAt: T };
		const later = T + 100_000;
		const estimate = observeDate(previous, { sentAt: later, receivedAt: later, serverDateMs: later - 500 });
		expect(estimate.lowMs).toBeCloseTo(-10, 6);
		expect(estimate.highMs).toBeCloseTo(40, 6);
	});

	it('[F58] a contradiction means that a clock was set: it starts anew', () => {
		const previous = { lowMs: -10, highMs: 10, measuredAt: T };
		const sample = { sentAt: T + 1_000, receivedAt: T + 1_000, serverDateMs: T + 3_601_000 };
		expect(observeDate(previous, sample)).toEqual({
			lowMs: 3_600_000,
			highMs: 3_602_000,
			measuredAt: T + 1_000,
		});
	});

	it('[F58] a clock set back during the request leaves an interval that is one', () => {
		const previous = { lowMs: -10, highMs: 10, measuredAt: T };
		const estimate = observeDate(previous, { sentAt: T + 3_600_000, receivedAt: T, serverDateMs: T });
		expect(estimate.lowMs).toBeLessThanOrEqual(-3_600_000);
		expect(estimate.highMs).toBeGreaterThanOrEqual(1_000);
	});
});

describe('offsetMs', () => {
	it('[F58] believes a device clock that nothing contradicts', () => {
		expect(offsetMs({ lowMs: -300, highMs: 700, measuredAt: T })).toBe(0);
	});

	it('[F58] corrects a wrong one to no later than the server’s time can be', () => {
		expect(offsetMs({ lowMs: 3_599_500, highMs: 3_600_500, measuredAt: T })).toBe(3_599_500);
		expect(offsetMs({ lowMs: -900, highMs: -100, measuredAt: T })).toBe(-900);
	});
});
