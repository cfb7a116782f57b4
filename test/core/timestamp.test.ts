import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareTimestamps, nextStamp, toMicros, toTimestampText } from '../../src/core/timestamp.ts';

/** 4713 BC to 294276 AD, PostgreSQL's range. */
const anyMicros = fc.bigInt(-210_866_803_200_000_000n, 9_224_318_015_999_999_999n);

describe('toMicros', () => {
	it.each([
		['2024-03-05T06:07:08.123456+00:00', 1_709_618_828_123_456n],
		['2024-03-05 06:07:08.123456+00', 1_709_618_828_123_456n],
		['2024-03-05T06:07:08.123456789Z', 1_709_618_828_123_456n],
		['2024-03-05T06:07:08.12Z', 1_709_618_828_120_000n],
		['2024-03-05T06:07:08.Z', 1_709_618_828_000_000n],
		['2024-03-05t06:07:08z', 1_709_618_828_000_000n],
		['2024-03-05T06:07:08', 1_709_618_828_000_000n],
		['2024-03-05T06:07', 1_709_618_820_000_000n],
		['2024-03-05', 1_709_596_800_000_000n],
		['2024-03-05T01:07:08-05', 1_709_618_828_000_000n],
		['2024-03-05T11:52:08+0545', 1_709_618_828_000_000n],
		['2024-03-05T06:24:38+00:17:30', 1_709_618_828_000_000n],
		['2024-03-04T24:00:00Z', 1_709_596_800_000_000n],
		['2024-03-05T06:06:60Z', 1_709_618_820_000_000n],
		['2024-03-05T22:07:07+15:59:59', 1_709_618_828_000_000n],
		['2000-02-29', 951_782_400_000_000n],
		['1969-12-31T23:59:59.999999Z', -1n],
		['10000-01-01T00:00:00+00:00', 253_402_300_800_000_000n],
		['+010000-01-01T00:00:00.000Z', 253_402_300_800_000_000n],
		['0044-03-15 12:00:00.5+00 BC', -63_517_780_799_500_000n],
		['-000043-03-15T12:00:00.500Z', -63_517_780_799_500_000n],
	])('[F11] reads %s', (text, micros) => {
		expect(toMicros(text)).toBe(micros);
	});

	it.each([
		null,
		undefined,
		12,
		new Date(0),
		'',
		'now',
		'12:00:00',
		'2024-13-01',
		'2024-00-01',
		'2023-02-29',
		'1900-02-29',
		'2100-02-29',
		'2024-02-30',
		'2024-01-32',
		'2024-04-31',
		'2024-01-00',
		'2024-01-01T24:00:01Z',
		'2024-01-01T25:00:00Z',
		'2024-01-01T00:60:00Z',
		'2024-01-01T00:00:61Z',
		'2024-01-01T00:00:00+16:00',
		'2024-01-01T00:00:00+05:60',
		'2024-01-01T00:00:00+05:00:60',
		'2024-01-01T00:00:00.1234567890Z',
		'2024-01-01Z',
		' 2024-01-01',
		'2024-01-01T00:00:00Zx',
	])('[F11] refuses %j', (text) => {
		expect(toMicros(text)).toBeNull();
	});

	it('[F11] reads years below 100 as they stand', () => {
		expect(toMicros('0099-12-31T23:59:59.999999Z')).toBe(-59_011_459_200_000_001n);
		expect(toMicros('0001-01-01')).toBe(-62_135_596_800_000_000n);
	});

	it('[F11] puts the infinities beyond all that PostgreSQL can hold', () => {
		const last = toMicros('294276-12-31 23:59:59.999999+00') ?? 0n;
		const first = toMicros('4713-01-01 00:00:00+00 BC') ?? 0n;
		expect(toMicros('infinity')).toBeGreaterThan(last);
		expect(toMicros('-infinity')).toBeLessThan(first);
		expect(['infinity', '-infinity'].map((text) => toTimestampText(toMicros(text) ?? 0n))).toEqual([
			'infinity',
			'-infinity',
		]);
	});

	it('[F11] agrees with Date on every ISO text that Date writes', () => {
		fc.assert(
			fc.property(fc.date({ noInvalidDate: true }), (date) => {
				expect(toMicros(date.toISOString())).toBe(BigInt(date.getTime()) * 1_000n);
			}),
		);
	});

	it('[F11] reads one instant alike in every zone and with trailing zeros trimmed', () => {
		const zone = fc.integer({ min: -15 * 60 - 59, max: 15 * 60 + 59 });
		fc.assert(
			fc.property(fc.bigInt(0n, 4_000_000_000_000_000n), zone, (micros, minutes) => {
				const local = toTimestampText(micros + BigInt(minutes) * 60_000_000n).replace('+00:00', '');
				const trimmed = local.replace(/\.?0+$/, (zeros) => (local.includes('.') ? '' : zeros));
				const abs = Math.abs(minutes);
				const pair = [Math.floor(abs / 60), abs % 60].map((part) => String(part).padStart(2, '0'));
				const sign = minutes < 0 ? '-' : '+';
				for (const text of [local, trimmed]) {
					expect(toMicros(`${text}${sign}${pair.join(':')}`)).toBe(micros);
					expect(toMicros(`${text.replace('T', ' ')}${sign}${pair.join('')}`)).toBe(micros);
				}
			}),
		);
	});
});

describe('toTimestampText', () => {
	it('[R17] writes every microsecond of the server range so that it reads back', () => {
		fc.assert(
			fc.property(anyMicros, (micros) => toMicros(toTimestampText(micros)) === micros),
			{
				numRuns: 2_000,
			},
		);
	});

	it.each([
		[0n, '1970-01-01T00:00:00.000000+00:00'],
		[-1n, '1969-12-31T23:59:59.999999+00:00'],
		[1_709_164_800_000_001n, '2024-02-29T00:00:00.000001+00:00'],
		[-62_135_596_800_000_001n, '0001-12-31T23:59:59.999999+00:00 BC'],
		[-62_135_596_800_000_000n, '0001-01-01T00:00:00.000000+00:00'],
		[253_402_300_800_000_000n, '10000-01-01T00:00:00.000000+00:00'],
	])('[R17] %s → %s', (micros, text) => {
		expect(toTimestampText(micros)).toBe(text);
	});
});

describe('compareTimestamps', () => {
	it('[F11] orders by instant, not by text', () => {
		expect(compareTimestamps('2024-01-01T00:00:00.12+00:00', '2024-01-01T00:00:00.120000Z')).toBe(0);
		expect(compareTimestamps('2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00.000001+00:00')).toBe(-1);
		expect(compareTimestamps('2023-12-31T20:00:00-05:00', '2024-01-01T00:00:00Z')).toBe(1);
		expect(compareTimestamps('10000-01-01', '9999-01-01')).toBe(1);
	});

	it('[F10] keeps microseconds apart that a Date would merge', () => {
		fc.assert(
			fc.property(anyMicros, anyMicros, (a, b) => {
				expect(compareTimestamps(toTimestampText(a), toTimestampText(b))).toBe(a < b ? -1 : a > b ? 1 : 0);
			}),
		);
	});

	it('[F11] falls back to text, antisymmetrically', () => {
		fc.assert(
			fc.property(
				fc.string(),
				fc.string(),
				(a, b) => compareTimestamps(a, b) + compareTimestamps(b, a) === 0,
			),
		);
		expect(compareTimestamps('abc', '2024-01-01')).toBe(1);
	});
});

describe('nextStamp', () => {
	it('[R17] is never at or before its base, and now if it can be', () => {
		fc.assert(
			fc.property(fc.bigInt(0n, 10n ** 16n), fc.bigInt(0n, 10n ** 16n), (now, base) => {
				const stamp = toMicros(nextStamp(now, toTimestampText(base)));
				expect(stamp).toBe(now > base ? now : base + 1n);
			}),
		);
		expect(nextStamp(5n, toTimestampText(5n))).toBe(toTimestampText(6n));
	});

	it('[R17] is now without a readable base', () => {
		expect(nextStamp(7n, null)).toBe(toTimestampText(7n));
		expect(nextStamp(7n, 'soon')).toBe(toTimestampText(7n));
	});
});
