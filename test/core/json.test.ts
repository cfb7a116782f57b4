import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPixSyncError, type PixSyncError } from '../../src/core/errors.ts';
import { isSameJson, toPlainData } from '../../src/core/json.ts';

const where = { table: 'notes' };

function errorOf(data: unknown): PixSyncError {
	try {
		toPlainData(data, where);
	} catch (error) {
		if (isPixSyncError(error)) return error;
		throw error;
	}
	throw new Error('nothing was refused');
}

function nest(levels: number): object {
	let value: object = {};
	for (let level = 1; level < levels; level += 1) value = level % 2 === 0 ? { a: value } : [value];
	return { a: value };
}

/** A reactive proxy as Vue makes them: nested objects come out as proxies too. */
function reactive<T extends object>(target: T): T {
	return new Proxy(target, {
		get(object, key) {
			const value: unknown = Reflect.get(object, key);
			return typeof value === 'object' && value !== null ? reactive(value) : value;
		},
	});
}

describe('toPlainData', () => {
	it('[F50] copies JSON deeply, and changes nothing', () => {
		fc.assert(
			fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (data) => {
				const copy = toPlainData(data, where);
				expect(isSameJson(copy, data)).toBe(true);
				expect(JSON.stringify(copy)).toBe(JSON.stringify(data));
				expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
			}),
		);
		const data = { tags: ['a'], nested: { deep: [1] } };
		const copy = toPlainData(data, where);
		data.tags.push('b');
		data.nested.deep.push(2);
		expect(copy).toEqual({ tags: ['a'], nested: { deep: [1] } });
	});

	it('[F50] unwraps proxies so that IndexedDB can clone them', () => {
		const data = reactive({ tags: ['a', { b: 1 }], nested: { c: null } });
		expect(() => structuredClone(data)).toThrow();
		expect(structuredClone(toPlainData(data, where))).toEqual({ tags: ['a', { b: 1 }], nested: { c: null } });
	});

	it('[F50] takes objects of another realm and without a prototype', () => {
		const data: unknown = runInNewContext('({ a: { b: [1] }, at: new Date(0) })');
		expect(toPlainData(data, where)).toEqual({ a: { b: [1] }, at: '1970-01-01T00:00:00.000Z' });
		expect(toPlainData(Object.assign(Object.create(null), { a: 1 }), where)).toEqual({ a: 1 });
	});

	it('[F50] writes dates as text, leaves undefined and symbol keys out, copies a shared object twice', () => {
		const shared = { x: 1 };
		const copy = toPlainData(
			{ at: new Date(5), gone: undefined, [Symbol('mobx')]: 1, one: shared, two: [shared] },
			where,
		);
		expect(copy).toEqual({ at: '1970-01-01T00:00:00.005Z', one: { x: 1 }, two: [{ x: 1 }] });
		expect(Object.keys(copy)).not.toContain('gone');
	});

	it('[F50] a __proto__ key stays a key', () => {
		const copy = toPlainData(JSON.parse('{"__proto__": {"admin": true}, "a": {"__proto__": 1}}'), where);
		expect(Reflect.get(copy, 'admin')).toBeUndefined();
		expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
		expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true},"a":{"__proto__":1}}');
	});

	class Money {
		readonly cents = 1;
	}
	it.each([
		['a function', { a: () => 1 }, 'data.a is a function'],
		['a symbol', { a: Symbol('x') }, 'data.a is a symbol'],
		['a bigint', { a: 1n }, 'data.a is a bigint'],
		['NaN', { a: Number.NaN }, 'data.a is NaN'],
		['Infinity', { a: [Number.NEGATIVE_INFINITY] }, 'data.a[0] is -Infinity'],
		['undefined in a list', { tags: ['a', 'b', undefined] }, 'data.tags[2] is undefined'],
		// biome-ignore lint/suspicious/noSparseArray: the hole is the point
		['a hole in a list', { tags: [1, , 2] }, 'data.tags[1] is undefined'],
		['an invalid date', { a: new Date(Number.NaN) }, 'data.a is an invalid Date'],
		['a proxied date', { a: new Proxy(new Date(0), {}) }, 'data.a is an instance of Date'],
		['a Map', { a: { 'x y': new Map() } }, 'data.a["x y"] is an instance of Map'],
		['a Set', { a: new Set() }, 'data.a is an instance of Set'],
		['bytes', { a: new Uint8Array(2) }, 'data.a is an instance of Uint8Array'],
		['a Blob', { a: new Blob([]) }, 'data.a is an instance of Blob'],
		['a class instance', { a: new Money() }, 'data.a is an instance of Money'],
		['a namespace object', { a: Math }, 'data.a is an instance of Object'],
		['an iterable', { a: { *[Symbol.iterator]() {} } }, 'data.a is an instance of Object'],
		['a boxed text', { a: Object('x') }, 'data.a is an instance of String'],
		['an inheriting object', { a: Object.create({ b: 1 }) }, 'data.a is an instance of Object'],
		['an array', [1], 'data is an array'],
		['null', null, 'data is null'],
		['undefined', undefined, 'data is undefined'],
		['text', 'x', 'data is a string'],
		['a date as data', new Date(0), 'data is'],
	])('[F50] refuses %s by its path', (_name, data, message) => {
		const error = errorOf(data);
		expect(error).toMatchObject({ code: 'bad-data', table: 'notes', fault: 'input' });
		expect(error.message).toContain(message);
		expect(error.hint).not.toBe('');
	});

	it.each([
		[1n, 'String(value)'],
		[Number.NaN, 'send null'],
		[[undefined], 'send null'],
		[new Date(Number.NaN), 'Date'],
		[new Map(), 'Object.fromEntries'],
		[() => 1, 'Leave it out'],
	])('[F50] says how to mend %o', (value, advice) => {
		expect(errorOf({ a: value }).hint).toContain(advice);
	});

	it('[F50] refuses cycles and endless depth', () => {
		const ring: { list: unknown[] } = { list: [] };
		ring.list.push(ring);
		expect(errorOf(ring).message).toBe('data.list[0] is a reference to an object around it');
		expect(() => toPlainData(nest(99), where)).not.toThrow();
		expect(errorOf(nest(100)).message).toContain('deeper than 100');
		expect(errorOf({ a: nest(50_000) }).code).toBe('bad-data');
	});
});

describe('isSameJson', () => {
	it('[F25] every value is itself after JSON, and the order of keys says nothing', () => {
		fc.assert(fc.property(fc.jsonValue(), (value) => isSameJson(value, JSON.parse(JSON.stringify(value)))));
		expect(isSameJson({ a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 })).toBe(true);
	});

	it('[F25] is true exactly where the JSON is the same', () => {
		const small = fc.letrec<{ value: unknown }>((tie) => ({
			value: fc.oneof(
				{ maxDepth: 2 },
				fc.constantFrom(null, 0, 1, '', 'a', true),
				fc.array(tie('value'), { maxLength: 2 }),
				fc.dictionary(fc.constantFrom('a', 'b'), tie('value'), { noNullPrototype: true }),
			),
		})).value;
		const sorted = (value: unknown): unknown =>
			JSON.stringify(value, (_key, inner: unknown) =>
				typeof inner === 'object' && inner !== null && !Array.isArray(inner)
					? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
					: inner,
			);
		fc.assert(
			fc.property(small, small, (a, b) => {
				expect(isSameJson(a, b)).toBe(sorted(a) === sorted(b));
			}),
			{ numRuns: 2_000 },
		);
	});

	it('[F25] knows what is no difference, and what is', () => {
		expect(isSameJson(0, -0)).toBe(true);
		expect(isSameJson({ a: undefined }, {})).toBe(true);
		expect(isSameJson({ constructor: 1 }, {})).toBe(false);
		expect(isSameJson(null, undefined)).toBe(false);
		expect(isSameJson({ a: null }, {})).toBe(false);
		expect(isSameJson([], { length: 0 })).toBe(false);
		expect(isSameJson({ length: 0 }, [])).toBe(false);
		expect(isSameJson([1], [1, 2])).toBe(false);
		expect(isSameJson('1', 1)).toBe(false);
		expect(isSameJson(null, {})).toBe(false);
	});
});
