/**
 * Timestamps as PostgreSQL knows them: microseconds, kept as the server's verbatim text (F10) and compared
 * as BigInt (F11). A `Date` never holds one, for it would cut the last three digits.
 */

const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND;

/** Beyond every finite timestamp. Not 2^63: PostgreSQL counts from the year 2000, so its last ones lie above that. */
const INFINITY = 2n ** 64n;
const MINUS_INFINITY = -INFINITY;

const DATE = /([+-]?\d{4,6})-(\d\d)-(\d\d)/;
const TIME = /(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{0,9}))?)?/;
const ZONE = /(z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)/;
const TIMESTAMP = new RegExp(`^${DATE.source}(?:[t ]${TIME.source} ?${ZONE.source}?)?( bc)?$`, 'i');

/**
 * Microseconds since 1970-01-01T00:00Z of a timestamp's text as PostgreSQL, PostgREST or `toISOString` write it;
 * `null` for anything else. No zone means UTC, a date alone its midnight; digits past the microsecond are cut.
 */
export function toMicros(text: unknown): bigint | null {
	if (typeof text !== 'string') return null;
	if (text === 'infinity') return INFINITY;
	if (text === '-infinity') return MINUS_INFINITY;
	const match = TIMESTAMP.exec(text);
	if (match === null) return null;
	const [, yearText, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'z', bc] =
		match;
	const year = bc === undefined ? Number(yearText) : 1 - Number(yearText);
	if (!isDate(year, Number(month), Number(day))) return null;
	if (!isTime(Number(hour), Number(minute), Number(second))) return null;
	const offset = toOffsetSeconds(zone);
	if (offset === null) return null;
	const seconds =
		toDays(year, Number(month), Number(day)) * 86_400 +
		Number(hour) * 3_600 +
		Number(minute) * 60 +
		Number(second) -
		offset;
	return BigInt(seconds) * MICROS_PER_SECOND + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

/** Orders two timestamps by instant. If either is unreadable, both are compared as text: deterministic, no more. */
export function compareTimestamps(a: string, b: string): -1 | 0 | 1 {
	if (a === b) return 0;
	const left = toMicros(a);
	const right = toMicros(b);
	if (left === null || right === null) return a < b ? -1 : 1;
	if (left === right) return 0;
	return left < right ? -1 : 1;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff+00:00`, with ` BC` behind years before 1, as PostgreSQL reads it. */
export function toTimestampText(micros: bigint): string {
	if (micros >= INFINITY) return 'infinity';
	if (micros <= MINUS_INFINITY) return '-infinity';
	const inDay = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
	const { year, month, day } = toDate(Number((micros - inDay) / MICROS_PER_DAY));
	const seconds = Number(inDay / MICROS_PER_SECOND);
	const fraction = Number(inDay % MICROS_PER_SECOND);
	const date = `${pad(year > 0 ? year : 1 - year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
	const time = `${pad(Math.floor(seconds / 3_600), 2)}:${pad(Math.floor(seconds / 60) % 60, 2)}:${pad(seconds % 60, 2)}`;
	return `${date}T${time}.${pad(fraction, 6)}+00:00${year > 0 ? '' : ' BC'}`;
}

/**
 * The stamp of a change sent now: never at or before the version that it builds on (R17).
 * @param noiseMicros added, so that two devices which stamp at one moment, or on one base that lies ahead, can
 * tell their stamps apart. @default 0n
 */
export function nextStamp(nowMicros: bigint, base: string | null, noiseMicros = 0n): string {
	const baseMicros = toMicros(base);
	if (baseMicros === null || nowMicros > baseMicros) return toTimestampText(nowMicros + noiseMicros);
	return toTimestampText(baseMicros + 1n + noiseMicros);
}

function isDate(year: number, month: number, day: number): boolean {
	if (month < 1 || month > 12 || day < 1) return false;
	const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
	const days = month === 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
	return day <= days;
}

/** 24:00:00 and a leap second are legal and roll over, as in PostgreSQL. */
function isTime(hour: number, minute: number, second: number): boolean {
	if (hour === 24) return minute === 0 && second === 0;
	return hour < 24 && minute < 60 && second <= 60;
}

function toOffsetSeconds(zone: string): number | null {
	if (zone === 'z' || zone === 'Z') return 0;
	const digits = zone.slice(1).replaceAll(':', '').padEnd(6, '0');
	const hours = Number(digits.slice(0, 2));
	const minutes = Number(digits.slice(2, 4));
	const seconds = Number(digits.slice(4));
	if (hours > 15 || minutes > 59 || seconds > 59) return null;
	const offset = hours * 3_600 + minutes * 60 + seconds;
	return zone.startsWith('-') ? -offset : offset;
}

// Howard Hinnant's civil calendar arithmetic (days_from_civil, civil_from_days): `Date.UTC` reads years below
// 100 as 19xx, and `Date` ends before PostgreSQL's range does. Years start in March, so that February is last.

function toDays(year: number, month: number, day: number): number {
	const marchYear = month > 2 ? year : year - 1;
	const era = Math.floor(marchYear / 400);
	const yearOfEra = marchYear - era * 400;
	const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
	const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
	return era * 146_097 + dayOfEra - 719_468;
}

function toDate(days: number): { year: number; month: number; day: number } {
	const shifted = days + 719_468;
	const era = Math.floor(shifted / 146_097);
	const dayOfEra = shifted - era * 146_097;
	const yearOfEra = Math.floor(
		(dayOfEra -
			Math.floor(dayOfEra / 1_460) +
			Math.floor(dayOfEra / 36_524) -
			Math.floor(dayOfEra / 146_096)) /
			365,
	);
	const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
	const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
	const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
	const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
	return { year: yearOfEra + era * 400 + (month > 2 ? 0 : 1), month, day };
}

function pad(value: number, width: number): string {
	return String(value).padStart(width, '0');
}
