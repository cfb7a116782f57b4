import { describe, expect, it } from 'vitest';
import { isPixSyncError } from '../../src/core/errors.ts';
import { isSameSpec, isTombstone, toTableSpec, versionOf } from '../../src/core/table-spec.ts';
import type { SyncConfig } from '../../src/core/types.ts';

/** What an app in plain JavaScript may pass. */
const specOf = (config: unknown) => toTableSpec(config as SyncConfig);

function refusal(config: unknown) {
	try {
		specOf(config);
	} catch (error) {
		if (isPixSyncError(error)) return error;
		throw error;
	}
	throw new Error('it was accepted');
}

describe('toTableSpec', () => {
	it('fills in the defaults', () => {
		expect(toTableSpec({ table: 'notes' })).toEqual({
			table: 'notes',
			idField: 'id',
			timestampField: 'updated_at',
			strategy: 'latest-wins',
			resolver: null,
			dependsOn: [],
			deleted: null,
			indexes: [],
			select: '*',
			filter: {},
			ids: 'client',
			references: {},
		});
	});

	it('takes all options, and copies lists', () => {
		const dependsOn = ['projects'];
		const spec = toTableSpec({
			table: 'tasks',
			idField: 'key',
			timestampField: 'changed_at',
			conflictResolution: 'local-wins',
			dependsOn,
			deletedField: { field: 'gone', type: 'boolean' },
			indexes: ['[a+b]'],
			select: 'key, changed_at,gone,a:b,c::text,rel(x,y)',
			filter: { owner: 'me', n: { op: 'gt', value: 1 } },
			ids: 'client',
		});
		expect(spec).toMatchObject({
			strategy: 'local-wins',
			deleted: { field: 'gone', type: 'boolean' },
			indexes: ['[a+b]'],
			filter: { owner: 'me', n: { op: 'gt', value: 1 } },
		});
		dependsOn.push('users');
		expect(spec.dependsOn).toEqual(['projects']);
		for (const strategy of ['merge', 'manual'] as const) {
			const { strategy: kept, resolver } = toTableSpec({ table: 'x', conflictResolution: strategy });
			expect([kept, resolver]).toEqual([strategy, null]);
		}
		expect(toTableSpec({ table: 'x', deletedField: 'deleted_at' }).deleted).toEqual({
			field: 'deleted_at',
			type: 'timestamp',
		});
	});

	const bad: [string, unknown, RegExp][] = [
		['null', null, /config/],
		['undefined', undefined, /config/],
		['text', 'notes', /config/],
		['no table', {}, /table/],
		['an empty table', { table: ' ' }, /table/],
		['a number as table', { table: 7 }, /table/],
		['an array', ['notes'], /table/],
		['an unknown option', { table: 'n', primaryKey: 'id' }, /primaryKey/],
		['idField', { table: 'n', idField: '' }, /idField/],
		['idField of another type', { table: 'n', idField: 7 }, /idField/],
		['timestampField', { table: 'n', timestampField: ' ' }, /timestampField/],
		['select', { table: 'n', select: '' }, /select/],
		['one column as id and timestamp', { table: 'n', idField: 'x', timestampField: 'x' }, /same column/],
		['a select without the id', { table: 'n', select: 'title,updated_at' }, /"id"/],
		['a select without the timestamp', { table: 'n', select: 'id,title' }, /"updated_at"/],
		['a select that renames the id', { table: 'n', select: 'key:id,updated_at' }, /"id"/],
		['a select with the id of a relation only', { table: 'n', select: 'rel(id),updated_at' }, /"id"/],
		[
			'a select with the id of a nested relation only',
			{ table: 'n', select: 'rel(a,id,deep(x)),updated_at' },
			/"id"/,
		],
		['a select without the mark', { table: 'n', select: 'id,updated_at', deletedField: 'gone' }, /"gone"/],
		['deletedField: empty', { table: 'n', deletedField: '' }, /deletedField/],
		['deletedField: null', { table: 'n', deletedField: null }, /deletedField/],
		['deletedField: another type', { table: 'n', deletedField: { field: 'x', type: 'int' } }, /deletedField/],
		['deletedField: no field', { table: 'n', deletedField: { type: 'boolean' } }, /deletedField/],
		['deletedField: the timestamp', { table: 'n', deletedField: 'updated_at' }, /deletedField/],
		['deletedField: the id', { table: 'n', deletedField: 'id' }, /deletedField/],
		['dependsOn: text', { table: 'n', dependsOn: 'projects' }, /dependsOn/],
		['dependsOn: an empty name', { table: 'n', dependsOn: [''] }, /dependsOn/],
		['indexes: numbers', { table: 'n', indexes: [1] }, /indexes/],
		['filter: text', { table: 'n', filter: 'a=1' }, /filter/],
		['filter: an array', { table: 'n', filter: [] }, /filter/],
		['an unknown strategy', { table: 'n', conflictResolution: 'first-wins' }, /first-wins/],
		['a strategy that is no text', { table: 'n', conflictResolution: 7 }, /7/],
		['unknown ids', { table: 'n', ids: 'serial' }, /ids/],
		['references: a list', { table: 'n', references: ['projects'] }, /references/],
		['references: no table', { table: 'n', references: { project_id: '' } }, /references/],
		['references: the id', { table: 'n', references: { id: 'projects' } }, /"id"/],
	];

	it.each(bad)('refuses %s: bad-config, naming the field and the fix', (_, config, named) => {
		const error = refusal(config);
		expect(error).toMatchObject({ code: 'bad-config', fault: 'input' });
		expect(error.message).toMatch(named);
		expect(error.hint).not.toBe('');
		expect(error.table).toBeTypeOf('string');
	});

	it('[R14] a table that is referred to is depended on', () => {
		const spec = toTableSpec({ table: 'n', dependsOn: ['a'], references: { a_id: 'a', b_id: 'b', up: 'n' } });
		expect(spec.dependsOn).toEqual(['a', 'b', 'n']);
		expect(spec.references).toEqual({ a_id: 'a', b_id: 'b', up: 'n' });
	});
});

describe('isSameSpec', () => {
	const spec = toTableSpec({ table: 'n', filter: { a: 1, b: { op: 'gt', value: 2 } } });

	it('takes a resolver for itself alone: nobody can tell whether two functions do the same', () => {
		const resolver = () => 'local' as const;
		const own = toTableSpec({ table: 'n', conflictResolution: resolver });
		expect(own).toMatchObject({ strategy: 'custom', resolver });
		expect(isSameSpec(own, toTableSpec({ table: 'n', conflictResolution: resolver }))).toBe(true);
		expect(isSameSpec(own, toTableSpec({ table: 'n', conflictResolution: () => 'local' }))).toBe(false);
	});

	it('sees no difference in defaults spelt out or in the order of keys', () => {
		expect(isSameSpec(toTableSpec({ table: 'n' }), toTableSpec({ idField: 'id', table: 'n' }))).toBe(true);
		const turned = toTableSpec({ table: 'n', filter: { b: { value: 2, op: 'gt' }, a: 1 } });
		expect(isSameSpec(spec, turned)).toBe(true);
	});

	it.each([
		[{ filter: { a: 1 } }],
		[{ filter: { a: 1, b: { op: 'gt' as const, value: 3 } } }],
		[{ filter: { a: 1, b: { op: 'gt' as const, value: 2 } }, idField: 'key' }],
		[{ filter: { a: 1, b: { op: 'gt' as const, value: 2 } }, dependsOn: ['x'] }],
		[{ filter: { a: 1, b: { op: 'gt' as const, value: 2 } }, deletedField: 'x' }],
		[{ filter: { a: 1, b: { op: 'gt' as const, value: 2 } }, conflictResolution: 'local-wins' as const }],
	])('sees the difference of %o', (config) => {
		expect(isSameSpec(spec, toTableSpec({ table: 'n', ...config }))).toBe(false);
	});
});

describe('isTombstone and versionOf', () => {
	it.each([
		['deleted_at', '2024-01-01', true],
		['deleted_at', null, false],
		['deleted_at', undefined, false],
		[{ field: 'deleted_at', type: 'boolean' as const }, true, true],
		[{ field: 'deleted_at', type: 'boolean' as const }, false, false],
		[{ field: 'deleted_at', type: 'boolean' as const }, null, false],
		[{ field: 'deleted_at', type: 'boolean' as const }, 'true', false],
	])('deletedField %o with %o: %o', (deletedField, deleted_at, wanted) => {
		expect(isTombstone(toTableSpec({ table: 'n', deletedField }), { deleted_at })).toBe(wanted);
	});

	it('without deletedField nothing is a tombstone', () => {
		expect(isTombstone(toTableSpec({ table: 'n' }), { deleted_at: '2024-01-01' })).toBe(false);
	});

	it('[F10][F15] the version is the server’s text, or null', () => {
		const spec = toTableSpec({ table: 'n' });
		expect(versionOf(spec, { updated_at: '2024-01-01T00:00:00.1+00' })).toBe('2024-01-01T00:00:00.1+00');
		for (const updated_at of [null, undefined, 7]) expect(versionOf(spec, { updated_at })).toBeNull();
	});
});
