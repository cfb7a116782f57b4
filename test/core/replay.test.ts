import { describe, expect, it } from 'vitest';
import type { Base } from '../../src/core/mutation.ts';
import { replay } from '../../src/core/replay.ts';
import { create, remove, specOf, toMutations, update } from '../support/mutations.ts';

const spec = specOf();
const soft = specOf({ deletedField: 'deleted_at' });
const row = { id: 'r', a: 1, b: 1, updated_at: 'v1' };
const held: Base = { kind: 'held', row };

describe('replay', () => {
	it('[R6] with nothing pending the view is the base itself', () => {
		expect(replay(spec, held, [])).toBe(row);
		expect(replay(spec, { kind: 'absent' }, [])).toBeNull();
		expect(replay(spec, { kind: 'unknown' }, [])).toBeNull();
	});

	it('[R6] patches lie on the base in queue order; columns that nobody touched follow a new base', () => {
		const pending = toMutations(update({ a: 2 }), update({ a: 3, c: 1 }));
		expect(replay(spec, held, pending)).toEqual({ ...row, a: 3, c: 1 });
		const moved: Base = { kind: 'held', row: { ...row, a: 9, b: 9, updated_at: 'v2' } };
		expect(replay(spec, moved, pending)).toEqual({ id: 'r', a: 3, b: 9, c: 1, updated_at: 'v2' });
		expect(row).toEqual({ id: 'r', a: 1, b: 1, updated_at: 'v1' });
	});

	it('[R6] a delete hides the row, a later create shows a new one without the old columns', () => {
		expect(replay(spec, held, toMutations(remove()))).toBeNull();
		expect(replay(spec, held, toMutations(remove(), create({ a: 5 })))).toEqual({ id: 'r', a: 5 });
		expect(replay(spec, held, toMutations(remove(), update({ a: 5 })))).toBeNull();
	});

	it('a create carries the id of its row', () => {
		expect(replay(spec, { kind: 'absent' }, toMutations(create({ a: 1 })))).toEqual({ id: 'r', a: 1 });
		expect(replay(specOf({ idField: 'key' }), { kind: 'absent' }, toMutations(create({ a: 1 })))).toEqual({
			key: 'r',
			a: 1,
		});
	});

	it('[R2] a patch on a row that is not held shows nothing', () => {
		expect(replay(spec, { kind: 'unknown' }, toMutations(update({ a: 1 })))).toBeNull();
		expect(replay(spec, { kind: 'unknown' }, toMutations(remove(), create({ a: 1 })))).toEqual({
			id: 'r',
			a: 1,
		});
	});

	it('[S9] a tombstone is no row, and an update does not bring it back; a create does', () => {
		const gone: Base = { kind: 'held', row: { ...row, deleted_at: '2024-01-01' } };
		expect(replay(soft, gone, [])).toBeNull();
		expect(replay(soft, gone, toMutations(update({ a: 2 })))).toBeNull();
		expect(replay(soft, gone, toMutations(create({ a: 2 })))).toEqual({ id: 'r', a: 2 });
	});
});
