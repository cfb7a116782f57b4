import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	chunkByBytes,
	columnName,
	encodedLength,
	eqParam,
	idListParam,
	keysetParam,
	quoteInList,
	rowFilterParams,
	toQuery,
	versionedIdsParam,
} from '../../src/core/encode-filter.ts';
import { isPixSyncError } from '../../src/core/errors.ts';
import type { RowFilter } from '../../src/core/types.ts';

const nasty = fc.constantFrom(...',.():*"\\\'+&=%#?/ {}<>|!~^é漢🦄\n\t', 'a', 'null');
const anyText = fc.oneof(fc.string({ unit: nasty }), fc.string({ unit: 'grapheme' }));

/** PostgREST's pQuotedValue (QueryParams.hs, 12.0.2): reads one quoted text, returns it and what is left. */
function readQuoted(source: string): [string, string] {
	expect(source.startsWith('"')).toBe(true);
	let text = '';
	for (let at = 1; at < source.length; at += 1) {
		const char = source.charAt(at);
		if (char === '"') return [text, source.slice(at + 1)];
		if (char === '\\') at += 1;
		text += source.charAt(at);
	}
	throw new Error(`no closing quote: ${source}`);
}

/** What a server makes of a query: `+` is a space, and the parts are decoded after the split. */
function readQuery(query: string): [string, string][] {
	return [...new URLSearchParams(query)];
}

function codeOf(run: () => unknown): string {
	try {
		run();
	} catch (error) {
		if (isPixSyncError(error) && error.hint !== '') return error.code;
		throw error;
	}
	return 'nothing was thrown';
}

describe('quoting', () => {
	it('[F13] any text inside a list is read back by the server as it was', () => {
		fc.assert(
			fc.property(anyText, anyText, (a, b) => {
				const [first, rest] = readQuoted(`${quoteInList(a)},${quoteInList(b)}`);
				const [second, end] = readQuoted(rest.slice(1));
				expect([first, second, end]).toEqual([a, b, '']);
			}),
		);
	});

	it('[F13] numbers and booleans in a list are plain', () => {
		expect([quoteInList(12), quoteInList(-1.5), quoteInList(true)]).toEqual(['12', '-1.5', 'true']);
	});

	it('[F13] a top-level eq is not quoted, and null is not a text', () => {
		expect(eqParam('a "b", (c)')).toBe('eq.a "b", (c)');
		expect([eqParam(null), eqParam('null'), eqParam(0), eqParam(false)]).toEqual([
			'is.null',
			'eq.null',
			'eq.0',
			'eq.false',
		]);
	});

	it.each([
		['title', 'title'],
		['_a$1', '_a$1'],
		['my.col', '"my.col"'],
		['my col', '"my col"'],
		['a-b', '"a-b"'],
		['1a', '"1a"'],
		['a->>b', '"a->>b"'],
		['q"u\\o', '"q\\"u\\\\o"'],
		['select', '"select"'],
		['or', '"or"'],
		['limit', '"limit"'],
		['', '""'],
	])('[F13] column %s is written %s', (name, written) => {
		expect(columnName(name)).toBe(written);
	});
});

describe('toQuery', () => {
	it('[F12] whatever goes in comes out at the server', () => {
		const params = fc.array(fc.tuple(anyText, anyText), { minLength: 1 });
		fc.assert(
			fc.property(params, (pairs) => {
				expect(readQuery(toQuery(pairs))).toEqual(pairs);
			}),
		);
	});

	it('[F12] a browser sends the query as it stands, in characters that RFC 3986 allows', () => {
		fc.assert(
			fc.property(anyText, (value) => {
				const query = toQuery([['a', value]]);
				expect(query).toMatch(/^[\w\-.~!$()*,:=%]*$/);
				expect(new URL(`https://x.test/?${query}`).search).toBe(`?${query}`);
			}),
		);
	});

	it('[F12] encodes the plus of a zone, and keeps what is harmless', () => {
		expect(toQuery([['t', 'gt.2024-01-01T00:00:00+00:00']])).toBe('t=gt.2024-01-01T00:00:00%2B00:00');
		expect(toQuery([['or', '(a.eq.*,b c)']])).toBe('or=(a.eq.*,b%20c)');
		expect(toQuery([["'", '&=']])).toBe('%27=%26%3D');
	});

	it('[F34] counts encoded bytes', () => {
		expect(encodedLength('aé漢🦄"+:')).toBe(1 + 6 + 9 + 12 + 3 + 3 + 1);
		fc.assert(fc.property(anyText, (text) => encodedLength(text) === toQuery([['', text]]).length - 1));
	});

	it('[F13] half a surrogate pair is a bad id, not a URIError', () => {
		expect(codeOf(() => toQuery([['id', 'eq.\ud83d']]))).toBe('bad-id');
		expect(codeOf(() => encodedLength('\udc00'))).toBe('bad-id');
	});
});

describe('rowFilterParams', () => {
	it('[F13] knows every operator', () => {
		const filter: RowFilter = {
			a: 'x',
			b: null,
			'c.d': 5,
			e: { op: 'neq', value: null },
			f: { op: 'eq', value: null },
			g: { op: 'gt', value: 1 },
			h: { op: 'gte', value: 'm' },
			i: { op: 'lt', value: 2.5 },
			j: { op: 'lte', value: true },
			k: { op: 'in', value: ['a,b', 3, false] },
			l: { op: 'is', value: null },
			m: { op: 'is', value: true },
			n: { op: 'neq', value: 'y"' },
			o: { op: 'in', value: [] },
			p: { op: 'is', value: 'unknown' },
		};
		expect(rowFilterParams(filter)).toEqual([
			['a', 'eq.x'],
			['b', 'is.null'],
			['"c.d"', 'eq.5'],
			['e', 'not.is.null'],
			['f', 'is.null'],
			['g', 'gt.1'],
			['h', 'gte.m'],
			['i', 'lt.2.5'],
			['j', 'lte.true'],
			['k', 'in.("a,b",3,false)'],
			['l', 'is.null'],
			['m', 'is.true'],
			['n', 'neq.y"'],
			['o', 'in.()'],
			['p', 'is.unknown'],
		]);
	});

	it.each([
		['a list without in', { op: 'eq', value: ['a'] }],
		['in without a list', { op: 'in', value: 'a' }],
		['in with null', { op: 'in', value: ['a', null] }],
		['in with an object', { op: 'in', value: [{}] }],
		['gt null', { op: 'gt', value: null }],
		['is 5', { op: 'is', value: 5 }],
		['is with a list', { op: 'is', value: [null] }],
		['an unknown operator', { op: 'like', value: 'a' }],
		['a missing value', { op: 'eq' }],
		['NaN', { op: 'eq', value: Number.NaN }],
		['plain NaN', Number.NaN],
		['undefined', undefined],
		['an object', {}],
		['a plain list', ['a']],
	])('[F13] refuses %s', (_name, condition) => {
		const filter = { a: condition } as unknown as RowFilter;
		expect(codeOf(() => rowFilterParams(filter))).toBe('bad-config');
	});
});

describe('positions and id lists', () => {
	it('[F9] continues behind (timestamp, id), never by offset', () => {
		const after = { timestamp: '2024-01-01T00:00:00.12+00:00', id: 'a"b' };
		expect(keysetParam('updated_at', 'id', after)).toEqual([
			'or',
			'(updated_at.gt."2024-01-01T00:00:00.12+00:00",' +
				'and(updated_at.eq."2024-01-01T00:00:00.12+00:00",id.gt."a\\"b"))',
		]);
		expect(keysetParam('t.s', 'i d', { timestamp: 'T', id: 7 })).toEqual([
			'or',
			'("t.s".gt."T",and("t.s".eq."T","i d".gt.7))',
		]);
	});

	it('[F13] lists ids', () => {
		expect(idListParam('id', ['a', 'b,c', 3])).toEqual(['id', 'in.("a","b,c",3)']);
	});

	it('[F13] an empty text alone does not become an empty list', () => {
		// PostgREST turns `in.("")` into `= any('{}')` (tried on 12.0.2).
		expect(idListParam('id', [''])).toEqual(['id', 'in.("","")']);
		expect(rowFilterParams({ a: { op: 'in', value: [''] } })).toEqual([['a', 'in.("","")']]);
		expect(idListParam('id', ['', 'a'])).toEqual(['id', 'in.("","a")']);
	});

	it('[R16] deletes by id and version in bulk', () => {
		const pairs = [
			{ id: 'x', version: '2024-01-01T00:00:00+00:00' },
			{ id: 2, version: null },
		];
		expect(versionedIdsParam('id', 'ts', pairs)).toEqual([
			'or',
			'(and(id.eq."x",ts.eq."2024-01-01T00:00:00+00:00"),and(id.eq.2,ts.is.null))',
		]);
	});
});

describe('chunkByBytes', () => {
	it('[F34] fills a run to the last byte', () => {
		const sizeOf = (size: number) => size;
		expect(chunkByBytes([5, 5, 5, 5, 11, 1], sizeOf, 10, 9)).toEqual([[5, 5], [5, 5], [11], [1]]);
		expect(chunkByBytes([], sizeOf, 10, 9)).toEqual([]);
	});

	it('[F34] loses nothing, keeps the order, and is over a bound only with a single item', () => {
		const sizes = fc.array(fc.nat(50));
		fc.assert(
			fc.property(
				sizes,
				fc.integer({ min: 1, max: 100 }),
				fc.integer({ min: 1, max: 9 }),
				(items, bytes, count) => {
					const chunks = chunkByBytes(items, (size) => size, bytes, count);
					expect(chunks.flat()).toEqual(items);
					for (const [index, chunk] of chunks.entries()) {
						const sum = chunk.reduce((total, size) => total + size, 0);
						expect(chunk.length).toBeGreaterThan(0);
						expect(chunk.length).toBeLessThanOrEqual(count);
						expect(sum <= bytes || chunk.length === 1).toBe(true);
						const next = chunks[index + 1]?.[0];
						// A chunk is closed only because the next item did not fit.
						if (next !== undefined) expect(chunk.length === count || sum + next > bytes).toBe(true);
					}
				},
			),
		);
	});
});
