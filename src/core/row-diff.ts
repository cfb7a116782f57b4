import { isSameJson, ownValue } from './json.ts';
import { toMicros } from './timestamp.ts';
import type { Row } from './types.ts';
import { isUuid } from './uuid.ts';

/** What became of each column that changed on either side; a column unchanged on both is in none of the lists. */
export interface ThreeWayDiff {
	readonly localOnly: readonly string[];
	readonly remoteOnly: readonly string[];
	/** Changed on both sides to different values: a clash. */
	readonly both: readonly string[];
	/** Changed on both sides to the same value. */
	readonly same: readonly string[];
}

const NO_COLUMNS: Row = {};

/** The columns of `to` that differ from `from`. A column that `to` lacks, or has as `undefined`, is not named. */
export function changedColumns(from: Row, to: Row, ignore: ReadonlySet<string>): string[] {
	return Object.keys(to).filter((column) => !ignore.has(column) && isChanged(from, to, column));
}

/**
 * Compares two descendants of one confirmed row by column. A side that lacks a column did not change it;
 * without a base (`null`) every column that a side has is changed there.
 */
export function threeWayDiff(base: Row | null, local: Row, remote: Row): ThreeWayDiff {
	const from = base ?? NO_COLUMNS;
	const lists: Record<keyof ThreeWayDiff, string[]> = { localOnly: [], remoteOnly: [], both: [], same: [] };
	for (const column of new Set([...Object.keys(local), ...Object.keys(remote)])) {
		const list = judge(from, local, remote, column);
		if (list !== null) lists[list].push(column);
	}
	return lists;
}

function judge(from: Row, local: Row, remote: Row, column: string): keyof ThreeWayDiff | null {
	const isLocal = isChanged(from, local, column);
	const isRemote = isChanged(from, remote, column);
	if (!isRemote) return isLocal ? 'localOnly' : null;
	if (!isLocal) return 'remoteOnly';
	return isSameOnServer(ownValue(local, column), ownValue(remote, column)) ? 'same' : 'both';
}

/**
 * Whether a value read back may be the one that was sent (R7). PostgreSQL rewrites some: timestamps are compared by
 * instant, a number and its text by exact decimal value, UUIDs without case, the rest as JSON. It does not know
 * the column's type, so it also takes two spellings of one instant in a text column for the same.
 */
export function isSameOnServer(sent: unknown, got: unknown): boolean {
	if (isSameJson(sent, got)) return true;
	if (typeof sent === 'string' && typeof got === 'string') return isSameText(sent, got);
	if (typeof sent === 'number' && typeof got === 'string') return isSameNumber(sent, got);
	if (typeof sent === 'string' && typeof got === 'number') return isSameNumber(got, sent);
	return false;
}

function isChanged(from: Row, to: Row, column: string): boolean {
	const value = ownValue(to, column);
	return value !== undefined && !isSameJson(ownValue(from, column), value);
}

function isSameText(a: string, b: string): boolean {
	if (isUuid(a) && isUuid(b)) return a.toLowerCase() === b.toLowerCase();
	if (!hasTime(a) || !hasTime(b)) return false;
	const micros = toMicros(a);
	return micros !== null && micros === toMicros(b);
}

function hasTime(text: string): boolean {
	return /\d[T ]\d\d:/i.test(text);
}

/** By digits, not by `Number(text)`: 9007199254740993 as text is not the number ...992. */
function isSameNumber(number: number, text: string): boolean {
	const decimal = toDecimal(text);
	return decimal !== null && decimal === toDecimal(String(number));
}

/** One spelling for all spellings of a decimal number: `-15e-1` for `-1.50`. */
function toDecimal(text: string): string | null {
	const match = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d{1,6}))?$/i.exec(text);
	if (match === null) return null;
	const [, sign, whole = '', fraction = '', exponent = '0'] = match;
	if (whole + fraction === '') return null;
	const digits = (whole + fraction).replace(/^0+/, '');
	const significant = digits.replace(/0+$/, '');
	if (significant === '') return '0';
	const power = Number(exponent) - fraction.length + digits.length - significant.length;
	return `${sign === '-' ? '-' : ''}${significant}e${power}`;
}
