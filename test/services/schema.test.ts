import { describe, expect, it } from 'vitest';
import { mergedSchema, OWN_STORES, storeOf, storeSpec } from '../../src/services/schema.ts';
import { specOf } from '../support/mutations.ts';

const notes = specOf({ table: 'notes', indexes: ['created_at', '[a+b]'] });

describe('schema', () => {
	it('[R4] a table’s store has its id as key and the indexes asked for, nothing else', () => {
		expect(storeSpec(notes)).toBe('id,created_at,[a+b]');
		expect(storeSpec(specOf({ idField: 'key' }))).toBe('key');
	});

	it('[R4] a new database holds PixSync’s own stores and the tables', () => {
		expect(mergedSchema({}, [notes])).toEqual({ ...OWN_STORES, notes: 'id,created_at,[a+b]' });
	});

	it('[R4] what is on disk and not registered stays; what is there already asks for nothing', () => {
		const disk = { ...OWN_STORES, notes: 'id,created_at,[a+b]', old: 'id,x', foreign: '++n' };
		expect(mergedSchema(disk, [notes])).toBeNull();
		expect(mergedSchema(disk, [])).toBeNull();
		expect(mergedSchema(disk, [specOf({ table: 'tags' })])).toEqual({ ...disk, tags: 'id' });
	});

	it('[R4] a change of indexes is a change; their order and spaces are none', () => {
		const disk = { ...OWN_STORES, notes: 'id,[a+b],created_at' };
		expect(mergedSchema(disk, [notes])).toBeNull();
		expect(mergedSchema(disk, [specOf({ table: 'notes', indexes: ['[a+b]', ' created_at '] })])).toBeNull();
		expect(mergedSchema(disk, [specOf({ table: 'notes', indexes: ['x'] })])).toMatchObject({ notes: 'id,x' });
	});

	it('[R4] a changed key is refused in words, before anything is opened: IndexedDB cannot change one', () => {
		const disk = { ...OWN_STORES, notes: 'created_at,id' };
		expect(() => mergedSchema(disk, [specOf({ table: 'notes', indexes: ['created_at'] })])).toThrow(
			expect.objectContaining({ code: 'bad-config', hint: expect.stringContaining('created_at') }),
		);
	});

	it('[R4] an older PixSync’s own stores are brought up to date', () => {
		const disk = { ...OWN_STORES, outbox: '++seq', notes: 'id,created_at,[a+b]' };
		expect(mergedSchema(disk, [notes])).toEqual({ ...OWN_STORES, notes: 'id,created_at,[a+b]' });
	});

	it('a table called like a store of PixSync’s own steps aside', () => {
		for (const name of Object.keys(OWN_STORES)) {
			expect(storeOf(name)).toBe(`rows:${name}`);
			expect(mergedSchema({}, [specOf({ table: name })])).toMatchObject({
				...OWN_STORES,
				[`rows:${name}`]: 'id',
			});
		}
		expect(storeOf('notes')).toBe('notes');
	});
});
