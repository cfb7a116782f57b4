import { describe, expect, it } from 'vitest';
import { isOurs } from '../../src/core/is-ours.ts';
import type { PushMutation } from '../../src/core/mutation.ts';
import { specOf } from '../support/mutations.ts';

const spec = specOf();
const STAMP = '2024-01-01T00:00:00.123456+00:00';

const patch = (body: PushMutation['body'], kind: PushMutation['kind'] = 'update'): PushMutation => ({
	kind,
	id: 'r',
	seqs: [1],
	body,
	base: '2023-01-01T00:00:00+00:00',
	stamp: STAMP,
});

describe('isOurs', () => {
	it('[R7][F28] by the stamp, whatever the columns became since', () => {
		const row = { id: 'r', a: 'changed by a trigger', updated_at: '2024-01-01 00:00:00.123456+00' };
		expect(isOurs(spec, patch({ a: 1, updated_at: STAMP }), row)).toBe(true);
	});

	it('[F10] a microsecond off is another stamp', () => {
		const row = { id: 'r', a: 2, updated_at: '2024-01-01T00:00:00.123457+00:00' };
		expect(isOurs(spec, patch({ a: 1, updated_at: STAMP }), row)).toBe(false);
	});

	it('[R7][R17] by value where a trigger set the timestamp: every column sent, none but those', () => {
		const row = {
			id: 'r',
			a: 1,
			b: 'theirs',
			at: '2024-05-05T10:00:00+00:00',
			meta: { y: 1, x: [1] },
			updated_at: 'z',
		};
		const sent = { a: 1, at: '2024-05-05T12:00:00.000+02:00', meta: { x: [1], y: 1 }, updated_at: STAMP };
		expect(isOurs(spec, patch(sent), row)).toBe(true);
		expect(isOurs(spec, patch({ ...sent, a: 2 }), row)).toBe(false);
		expect(isOurs(spec, patch({ ...sent, missing: 1 }), row)).toBe(false);
	});

	it('[R7] nothing sent but the stamp proves nothing by value', () => {
		expect(isOurs(spec, patch({ updated_at: STAMP }), { id: 'r', updated_at: 'z' })).toBe(false);
	});

	it('[R7] a hard delete is never the maker of a row that is still there, not even with its stamp', () => {
		const remove = patch(null, 'delete');
		expect(isOurs(spec, remove, { id: 'r', a: 1, updated_at: 'z' })).toBe(false);
		expect(isOurs(spec, remove, { id: 'r', a: 1, updated_at: STAMP })).toBe(false);
	});

	it('[R7] a soft delete is ours by its stamp or by its mark', () => {
		const soft = specOf({ deletedField: 'deleted_at' });
		const remove = patch({ deleted_at: STAMP, updated_at: STAMP }, 'delete');
		expect(isOurs(soft, remove, { id: 'r', deleted_at: STAMP, updated_at: 'z' })).toBe(true);
		expect(isOurs(soft, remove, { id: 'r', deleted_at: null, updated_at: 'z' })).toBe(false);
	});

	it('reads the table’s own timestamp column', () => {
		const other = specOf({ timestampField: 'changed' });
		expect(isOurs(other, patch({ a: 1, changed: STAMP }), { id: 'r', a: 2, changed: STAMP })).toBe(true);
		expect(isOurs(other, patch({ a: 1, changed: STAMP }), { id: 'r', a: 2, updated_at: STAMP })).toBe(false);
	});
});
