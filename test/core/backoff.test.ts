import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fullJitter, isPutOff } from '../../src/core/backoff.ts';

const input = fc.record({
	attempts: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.constantFrom(1_000, 1e9, Number.MAX_SAFE_INTEGER)),
	baseMs: fc.integer({ min: 0, max: 5_000 }),
	capMs: fc.integer({ min: 0, max: 120_000 }),
	at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});

describe('fullJitter', () => {
	it('[S23] stays between 0 and the bound, in whole ms', () => {
		fc.assert(
			fc.property(input, ({ at, ...rest }) => {
				const delay = fullJitter({ ...rest, random: () => at });
				expect(Number.isInteger(delay)).toBe(true);
				expect(delay).toBeGreaterThanOrEqual(0);
				expect(delay).toBeLessThanOrEqual(Math.min(rest.capMs, rest.baseMs * 2 ** (rest.attempts - 1) || 0));
			}),
		);
	});

	it('[S23] the bound doubles from the base to the cap', () => {
		const bounds = [1, 2, 3, 6, 7, 8, 1e9].map((attempts) =>
			fullJitter({ attempts, baseMs: 1_000, capMs: 60_000, random: () => 1 }),
		);
		expect(bounds).toEqual([1_000, 2_000, 4_000, 32_000, 60_000, 60_000, 60_000]);
		expect(fullJitter({ attempts: 3, baseMs: 1_000, capMs: 60_000, random: () => 0.25 })).toBe(1_000);
		expect(fullJitter({ attempts: 0, baseMs: 1_000, capMs: 60_000, random: () => 1 })).toBe(1_000);
	});

	it('[F38] honours Retry-After past the cap, but not past an hour', () => {
		const common = { attempts: 1, baseMs: 1_000, capMs: 60_000, random: () => 0.5 };
		expect(fullJitter({ ...common, retryAfterMs: 90_000 })).toBe(90_000);
		expect(fullJitter({ ...common, retryAfterMs: 100 })).toBe(500);
		expect(fullJitter({ ...common, retryAfterMs: 86_400_000 })).toBe(3_600_000);
	});
});

describe('isPutOff', () => {
	it('until then, and no longer', () => {
		expect(isPutOff(undefined, 1_000)).toBe(false);
		expect(isPutOff(1_001, 1_000)).toBe(true);
		expect(isPutOff(1_000, 1_000)).toBe(false);
	});

	it('[F58] [S32] not by a clock that has been set back since: no wait is that long', () => {
		const nextYear = 1_000 + 400 * 86_400_000;
		expect(isPutOff(nextYear, 1_000)).toBe(false);
		expect(isPutOff(1_000 + 3_600_000, 1_000)).toBe(true);
	});
});
