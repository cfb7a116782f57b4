import { isPixSyncError, PixSyncError } from './errors.ts';
import type { Row } from './types.ts';

const MAX_DEPTH = 100;

/**
 * A deep copy of a caller's data as plain JSON values, made before anything is written (F50). Proxies (Vue, MobX,
 * Immer) become plain objects, `Date` becomes ISO text, an `undefined` property is left out, symbol keys too.
 * Throws `bad-data` naming the path for whatever JSON or the local database could not keep as it is.
 */
export function toPlainData(data: unknown, where: { readonly table: string }): Row {
	const place: Place = { path: 'data', table: where.table, above: [] };
	return readable(place, () => {
		if (!isPlainObject(data)) throw badData('data', nameOf(data), 'Pass an object of columns.', where.table);
		return copyObject(data, place);
	});
}

/** Deep equality of JSON values. The order of keys says nothing, -0 is 0, an `undefined` property is a missing one. */
export function isSameJson(a: unknown, b: unknown): boolean {
	if (a === b) return true;
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
	if (Array.isArray(a) || Array.isArray(b)) {
		if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
		const other: readonly unknown[] = b;
		return a.every((element: unknown, index) => isSameJson(element, other[index]));
	}
	const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
	for (const key of keys) if (!isSameJson(ownValue(a, key), ownValue(b, key))) return false;
	return true;
}

/** A property of the object's own: a column may be called `constructor`. */
export function ownValue(object: object, key: string): unknown {
	return Object.hasOwn(object, key) ? (object as Row)[key] : undefined;
}

/** What PostgreSQL could not store of a text, and what to do about it; null: it stores the text as it is. */
export function textFlaw(text: string): { readonly found: string; readonly hint: string } | null {
	if (text.includes('\0')) {
		return { found: 'a NUL character (U+0000)', hint: 'PostgreSQL cannot store it in any text: remove it.' };
	}
	if (/\p{Cs}/u.test(text)) {
		const hint = 'It often comes from cutting text in the middle of an emoji: cut between whole characters.';
		return { found: 'half a surrogate pair, which is no Unicode', hint };
	}
	return null;
}

interface Place {
	readonly path: string;
	readonly table: string;
	/** The objects around this one, outermost first. */
	readonly above: readonly object[];
}

/** What throws as it is read (a getter, a revoked proxy, a proxied Date) is the caller's data all the same. */
function readable<T>({ path, table }: Place, read: () => T): T {
	try {
		return read();
	} catch (error) {
		if (isPixSyncError(error)) throw error;
		const hint = 'A getter throws, or a proxy is revoked: pass a plain copy, such as { ...row }.';
		throw badData(path, 'not readable', hint, table);
	}
}

function copyValue(value: unknown, place: Place): unknown {
	if (value === null || typeof value === 'boolean') return value;
	if (typeof value === 'string') {
		assertStorable(value, place);
		return value;
	}
	if (typeof value === 'number' && Number.isFinite(value)) return value;
	if (Array.isArray(value)) return copyArray(value, place);
	if (isPlainObject(value)) return copyObject(value, place);
	if (isDate(value) && Number.isFinite(value.getTime())) return value.toISOString();
	throw badData(place.path, nameOf(value), adviceOn(value), place.table);
}

function assertStorable(text: string, { path, table }: Place): void {
	const flaw = textFlaw(text);
	if (flaw !== null) throw badData(path, `text with ${flaw.found}`, flaw.hint, table);
}

function copyObject(source: object, place: Place): Row {
	const above = descend(source, place);
	const copy: Record<string, unknown> = {};
	for (const key of Object.keys(source)) {
		const value = (source as Row)[key];
		if (value === undefined) continue;
		const path = /^[a-z_$][\w$]*$/i.test(key)
			? `${place.path}.${key}`
			: `${place.path}[${JSON.stringify(key)}]`;
		assertStorable(key, { ...place, path: `a name in ${place.path}` });
		const inner = { path, table: place.table, above };
		const plain = readable(inner, () => copyValue(value, inner));
		if (key !== '__proto__') copy[key] = plain;
		// An assignment would set the copy's prototype.
		else
			Object.defineProperty(copy, key, {
				value: plain,
				enumerable: true,
				writable: true,
				configurable: true,
			});
	}
	return copy;
}

function copyArray(source: readonly unknown[], place: Place): unknown[] {
	const above = descend(source, place);
	return Array.from(source, (value, index) => {
		const inner = { path: `${place.path}[${index}]`, table: place.table, above };
		return readable(inner, () => copyValue(value, inner));
	});
}

function descend(source: object, { path, table, above }: Place): readonly object[] {
	if (above.includes(source))
		throw badData(path, 'a reference to an object around it', 'Remove the cycle.', table);
	if (above.length >= MAX_DEPTH) {
		throw badData(path, `nested deeper than ${MAX_DEPTH} levels`, 'Flatten it, or store it as text.', table);
	}
	return [...above, source];
}

/** Also an object of another realm, whose `Object.prototype` is not ours. */
function isPlainObject(value: unknown): value is object {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
	if (Symbol.toStringTag in value || Symbol.iterator in value) return false;
	const prototype: unknown = Object.getPrototypeOf(value);
	return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function isDate(value: unknown): value is Date {
	return Object.prototype.toString.call(value) === '[object Date]';
}

function nameOf(value: unknown): string {
	if (value === null || value === undefined || typeof value === 'number') return String(value);
	if (Array.isArray(value)) return 'an array';
	if (isDate(value)) return 'an invalid Date';
	if (typeof value !== 'object') return `a ${typeof value}`;
	const maker: unknown = value.constructor;
	return `an instance of ${typeof maker === 'function' && maker.name !== '' ? maker.name : 'a class'}`;
}

function adviceOn(value: unknown): string {
	if (typeof value === 'bigint') return 'Send it as text: String(value).';
	if (typeof value === 'number') return 'JSON has no such number: send null, or text.';
	if (value === undefined) return 'An array cannot leave a place empty: send null.';
	if (isDate(value)) return 'Check what the Date was made from, or send null.';
	if (typeof value === 'object')
		return 'Send plain objects and arrays, such as Object.fromEntries(map) or [...set]; encode bytes as text.';
	return 'Leave it out: it cannot be stored.';
}

function badData(path: string, found: string, hint: string, table: string): PixSyncError {
	return new PixSyncError('bad-data', `${path} is ${found}`, { hint, table });
}
