import { describe, expect, it } from 'vitest';
import { toArguments, UsageError } from '../../src/cli/arguments.ts';
import { main } from '../../src/cli/main.ts';
import { toTableSpec } from '../../src/core/table-spec.ts';
import { conjunctsOf } from '../../src/doctor/conjuncts.ts';
import { factsFromOpenApi, toOpenApi } from '../../src/doctor/facts-from-openapi.ts';
import { selectedAs } from '../../src/doctor/selected-as.ts';
import { qualifiedName, quoteText, toShortName } from '../../src/doctor/sql-text.ts';
import { toMigration } from '../../src/sql/migration.ts';

describe('SQL text', () => {
	it('quotes names and texts', () => {
		expect(qualifiedName('public', 'a "b" C')).toBe('"public"."a ""b"" C"');
		expect(quoteText("it's")).toBe(`'it''s'`);
		expect(quoteText("a\\'b")).toBe(` E'a\\\\''b'`);
	});

	it('keeps names within 63 bytes, and two long ones apart', () => {
		const long = 'ü'.repeat(40);
		const [a, b] = [toShortName(`${long}_a`), toShortName(`${long}_b`)];
		expect(a).not.toBe(b);
		for (const name of [a, b]) expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(63);
		expect(toShortName('notes_updated_at_id')).toBe('notes_updated_at_id');
	});

	it.each([
		['(deleted_at IS NULL)', ['(deleted_at IS NULL)']],
		['((a = 1) AND (b = 2))', ['(a = 1)', '(b = 2)']],
		['(((a = 1) AND (b = 2)) AND (NOT c))', ['(a = 1)', '(b = 2)', '(NOT c)']],
		['((a = 1) OR ((b = 2) AND (c = 3)))', ['((a = 1) OR ((b = 2) AND (c = 3)))']],
		[`((a = ') AND (x'::text) AND (" AND " = 1))`, [`(a = ') AND (x'::text)`, '(" AND " = 1)']],
		['(a = 1) AND (b = 2)', ['(a = 1)', '(b = 2)']],
		['true', ['true']],
	])('%s is joined by AND of its parts', (condition, parts) => {
		expect(conjunctsOf(condition)).toEqual(parts);
	});

	it.each([
		['*', 'number'],
		['id, n', 'number'],
		['id, n::text', 'text'],
		['id, sum:n::text', 'text'],
		['id, "n"::text', 'text'],
		['id, n::int', 'number'],
		['id, n2::text, lines(n)', 'absent'],
	])('[F18] select=%s brings the column n as %s', (select, how) => {
		expect(selectedAs(select, 'n')).toBe(how);
	});
});

describe('the OpenAPI root', () => {
	it('is nothing else', () => {
		for (const body of [null, [], 'x', { message: 'no' }, { definitions: null }])
			expect(toOpenApi(body)).toBe(null);
	});

	it('tells keys, types, NOT NULL and foreign keys; what it leaves out stays unknown', () => {
		const api = toOpenApi({
			definitions: {
				notes: {
					required: ['id'],
					properties: {
						id: { format: 'bigint', description: 'Note:\nThis is a Primary Key.<pk/>' },
						list: {
							format: 'uuid',
							description: "This is a Foreign Key to `lists.id`.<fk table='lists' column='id'/>",
						},
						done: { format: 'boolean', default: false },
					},
				},
			},
		});
		const facts = api && factsFromOpenApi(api, 'notes');
		expect(facts).toMatchObject({
			exists: true,
			isTable: null,
			primaryKey: ['id'],
			uniqueKeys: null,
			foreignKeys: [{ columns: ['list'], parentTable: 'lists' }],
			stamp: null,
		});
		expect(facts?.columns).toEqual([
			{ name: 'id', type: 'bigint', typmod: null, isNotNull: true, defaultSql: null, generated: null },
			{ name: 'list', type: 'uuid', typmod: null, isNotNull: false, defaultSql: null, generated: null },
			{ name: 'done', type: 'boolean', typmod: null, isNotNull: false, defaultSql: 'false', generated: null },
		]);
		expect(api && factsFromOpenApi(api, 'toString')).toBe(null);
	});
});

describe('arguments of npx pixsync', () => {
	const db = ['--db', 'postgres://x'];

	it('names tables in short, or as JSON', () => {
		const found = toArguments(
			[
				'doctor',
				...db,
				'--table=notes',
				'--table=a:idField=uid,timestampField=at,dependsOn=notes+b,deletedField=gone:boolean',
				'--table={"table":"b","select":"id, n::text, updated_at"}',
				'--sql',
			],
			{},
		);
		expect(found).toMatchObject({ db: 'postgres://x', schema: 'public', form: 'sql' });
		expect(found?.specs).toMatchObject([
			{ table: 'notes', idField: 'id', deleted: null },
			{
				table: 'a',
				idField: 'uid',
				timestampField: 'at',
				dependsOn: ['notes', 'b'],
				deleted: { field: 'gone', type: 'boolean' },
			},
			{ table: 'b', select: 'id, n::text, updated_at' },
		]);
	});

	it('takes the database from DATABASE_URL, and --db before it', () => {
		const env = { DATABASE_URL: 'postgres://env' };
		expect(toArguments(['doctor', '--table', 'x'], env)).toMatchObject({ db: 'postgres://env' });
		expect(toArguments(['doctor', '--table', 'x', ...db], env)).toMatchObject({ db: 'postgres://x' });
		expect(toArguments(['--help'], {})).toBe(null);
	});

	it('sql: names tables one after the other, and needs no database', () => {
		expect(toArguments(['sql', 'notes', 'a:idField=uid', '--schema', 'app'], {})).toMatchObject({
			command: 'sql',
			schema: 'app',
			specs: [{ table: 'notes' }, { table: 'a', idField: 'uid' }],
		});
	});

	it('sql: prints the migration, and reads no database', async () => {
		const printed: string[] = [];
		const io = {
			env: {},
			print: (text: string) => void printed.push(text),
			complain: (text: string) => void printed.push(text),
		};
		expect(await main(['sql', 'notes'], io)).toBe(0);
		expect(printed).toEqual([toMigration([toTableSpec({ table: 'notes' })], 'public')]);
		expect(printed[0]).toContain(`select pixsync.track('"public"."notes"', 'id', 'pixsync_deleted_public');`);
	});

	it.each([
		[['sql'], 'pixsync sql notes payments'],
		[['sql', 'notes', ...db], '--db is an option of the doctor'],
		[['doctor', 'notes', ...db], 'pixsync doctor notes'],
		[['doctor', '--table', 'x'], 'Name the database'],
		[['doctor', ...db], 'Name the tables'],
		[['docter', ...db], 'pixsync docter'],
		[[], 'pixsync doctor'],
		[['doctor', ...db, '--table', 'x:id=uid'], '"id=uid" is none of idField'],
		[['doctor', ...db, '--table', '{"table"'], '--table {"table"'],
		[['doctor', ...db, '--table', 'x', '--sql', '--json'], 'not for both'],
		[['doctor', ...db, '--what'], '--what'],
	])('%j is refused', (given, message) => {
		expect(() => toArguments(given, {})).toThrow(UsageError);
		expect(() => toArguments(given, {})).toThrow(message);
	});
});
