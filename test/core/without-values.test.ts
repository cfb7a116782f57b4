import { describe, expect, it } from 'vitest';
import { withoutValues } from '../../src/core/without-values.ts';

const nothing = { body: undefined, filters: [] };

describe('withoutValues', () => {
	it.each([
		[
			'invalid input syntax for type uuid: "no uuid"',
			{ owner: 'no uuid' },
			'invalid input syntax for type uuid: "…"',
		],
		[
			'invalid input syntax for type integer: "x"',
			[{ a: 'x' }],
			'invalid input syntax for type integer: "…"',
		],
		['value "99999999999" is out of range', { size: 99999999999 }, 'value "…" is out of range'],
		['the note Secret plan is locked', [{ title: 'Secret plan' }], 'the note … is locked'],
		['no Secret in Secret plan', [{ a: 'Secret', b: 'Secret plan' }], 'no … in …'],
		['bad "deep"', { meta: { tags: ['deep'] } }, 'bad "…"'],
	])('[S33] takes out what was sent: %s', (text, body, expected) => {
		expect(withoutValues(text, { body, filters: [] })).toBe(expected);
	});

	it('[S33] takes out what a condition held', () => {
		const filters = ['eq.not-a-uuid', 'in.("a b","c")'];
		expect(withoutValues('invalid: "not-a-uuid"', { body: null, filters })).toBe('invalid: "…"');
		expect(withoutValues('invalid: "a b"', { body: null, filters })).toBe('invalid: "…"');
	});

	it('[S33] leaves names, and words that short values occur in', () => {
		const text = 'new row for relation "notes" violates check constraint "notes_title_check"';
		expect(withoutValues(text, nothing)).toBe(text);
		expect(withoutValues(text, { body: { title: 'row', size: 1, done: true, empty: '' }, filters: [] })).toBe(
			text,
		);
	});
});
