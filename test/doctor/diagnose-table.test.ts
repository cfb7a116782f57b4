import { describe, expect, it } from 'vitest';
import { CHECKS, diagnoseTables } from '../../src/doctor/diagnose-table.ts';
import { toReport } from '../../src/doctor/report.ts';
import { toScript } from '../../src/doctor/script.ts';
import { COMMANDS, NO_FACTS, type PolicyFacts, type TableFacts } from '../../src/doctor/table-facts.ts';
import type { SyncConfig } from '../../src/index.ts';
import { checked, column, GOOD } from './facts.ts';

function look(facts: Partial<TableFacts> = {}, config: Partial<SyncConfig> = {}, tables?: readonly string[]) {
	const { findings, ...rest } = diagnoseTables([checked(facts, config, tables)]);
	return { ...rest, findings, codes: findings.map(({ code }) => code) };
}

const SOFT = { deletedField: 'deleted_at' };

function policy(name: string, more: Partial<PolicyFacts> = {}): PolicyFacts {
	return {
		name,
		command: 'select',
		isPermissive: true,
		using: '(user_id = auth.uid())',
		columns: ['user_id'],
		...more,
	};
}

function reading(...policies: readonly PolicyFacts[]): Partial<TableFacts> {
	const writing = (['insert', 'update'] as const).map((command) => policy(command, { command }));
	return { rowSecurity: { isEnabled: true, policies: [...policies, ...writing] } };
}

describe('what is known and good', () => {
	it('is found so', () => {
		expect(diagnoseTables([checked({}, SOFT)])).toEqual({ ok: true, findings: [], unknown: [] });
	});

	it('an index may begin with what a policy selects by, and run downwards', () => {
		const index = { columns: ['user_id', 'updated_at', 'id'], isDescending: [false, true, true] };
		expect(look({ indexes: [index] }).codes).toEqual([]);
		const apart = { columns: ['updated_at', 'user_id', 'id'], isDescending: [false, false, false] };
		expect(look({ indexes: [apart] }).codes).toEqual(['index-missing']);
	});

	it('soft deletes need no DELETE, neither granted nor by a policy', () => {
		const facts = { ...reading(policy('r')), grants: { ...GOOD.grants, delete: false } };
		expect(look(facts, SOFT).codes).toEqual([]);
		expect(look(facts).codes).toEqual(['grant-missing', 'policy-delete']);
	});
});

describe('what is not known', () => {
	it('is called unknown by every check that applies, and is no finding', () => {
		const { findings, unknown, ok } = look(NO_FACTS, SOFT);
		expect({ findings, ok }).toEqual({ findings: [], ok: true });
		expect(unknown).toEqual([{ table: 'notes', checks: CHECKS.map(({ name }) => name) }]);
	});

	it('in part does not hide what is known', () => {
		const { findings, unknown } = look({
			grants: { select: false, insert: true, update: null, delete: null },
		});
		expect(findings).toMatchObject([{ code: 'grant-missing', severity: 'error' }]);
		expect(unknown).toEqual([{ table: 'notes', checks: ['grants'] }]);
	});

	it('of a table that is not there, nothing else is said', () => {
		expect(look({ ...NO_FACTS, exists: false })).toMatchObject({
			codes: ['table-missing'],
			unknown: [],
			ok: false,
		});
	});
});

describe('severities', () => {
	it.each(COMMANDS)('[F24] [F29] only reading is needed by every app: %s', (command) => {
		const others = COMMANDS.filter((one) => one !== command).map((one) => policy(one, { command: one }));
		const severity = command === 'select' ? 'error' : 'warning';
		expect(look({ rowSecurity: { isEnabled: true, policies: others } }).findings).toMatchObject([
			{ code: `policy-${command}`, severity },
		]);
		expect(look({ grants: { ...GOOD.grants, [command]: false } }).findings).toMatchObject([
			{ code: 'grant-missing', severity },
		]);
	});

	it('warnings alone leave a diagnosis ok', () => {
		expect(look({ indexes: [] })).toMatchObject({ ok: true, codes: ['index-missing'] });
		expect(
			look({
				stamp: {
					kind: 'tried',
					onInsert: false,
					onUpdate: false,
					moves: false,
					isTimeOfWrite: false,
					isPartial: false,
				},
			}),
		).toMatchObject({
			ok: false,
			codes: ['stamp-missing'],
		});
	});
});

describe('[F20] policies and tombstones', () => {
	const hiding = policy('living', { using: '(deleted_at IS NULL)', columns: ['deleted_at'] });

	it('a policy that hides them beside one that shows them is a warning', () => {
		expect(look(reading(hiding, policy('own')), SOFT).findings).toMatchObject([
			{ severity: 'warning', sql: 'alter policy "living" on "public"."notes" using (true);' },
		]);
	});

	it('all that hide them, or a restrictive one, is an error', () => {
		expect(look(reading(hiding), SOFT).findings).toMatchObject([{ severity: 'error' }]);
		const restrictive = { ...hiding, isPermissive: false };
		expect(look(reading(restrictive, policy('own')), SOFT).findings).toMatchObject([{ severity: 'error' }]);
	});

	it('a policy that names the column otherwise is left to a person', () => {
		const using = '((deleted_at IS NULL) OR (user_id = auth.uid()))';
		const unsure = policy('unsure', { using, columns: ['deleted_at', 'user_id'] });
		expect(look(reading(unsure), SOFT).findings).toMatchObject([{ severity: 'warning', sql: null }]);
	});

	it('does not matter without deletedField', () => {
		expect(look({ ...reading(hiding), grants: GOOD.grants }).codes).toEqual(['policy-delete']);
	});
});

describe('[F18] columns and keys', () => {
	const numbers = [
		...(GOOD.columns ?? []),
		column('n', 'bigint'),
		column('price', 'numeric', { typmod: ((15 << 16) | 2) + 4 }),
		column('amount', 'numeric', { typmod: ((16 << 16) | 2) + 4 }),
		column('any', 'numeric'),
	];

	it('names the columns that JSON may round, and the select that reads them', () => {
		const [finding] = look({ columns: numbers }).findings;
		expect(finding).toMatchObject({ code: 'column-rounds', sql: null });
		expect(finding?.problem).toContain('"n" (bigint), "amount" (numeric), "any" (numeric)');
		expect(finding?.mend).toContain(
			"select: 'id, user_id, title, deleted_at, updated_at, n::text, price, amount::text, any::text'",
		);
	});

	it('is content with columns that are read as text or not at all', () => {
		expect(look({ columns: numbers }, { select: 'id, updated_at, n::text, sum:amount::text' }).codes).toEqual(
			[],
		);
		expect(look({ columns: numbers }, { select: 'id, updated_at, n' }).codes).toEqual(['column-rounds']);
	});

	it.each([
		['bigint', {}, ['key-rounds']],
		['integer', { defaultSql: `nextval('notes_id_seq'::regclass)` }, ['key-serial']],
		['integer', {}, []],
		['text', {}, []],
		['uuid', { defaultSql: 'gen_random_uuid()' }, []],
		['jsonb', {}, ['key-type']],
		['text', { generated: 'stored' }, ['key-generated']],
	] as const)('a key of type %s, %o', (type, more, codes) => {
		const columns = (GOOD.columns ?? []).map((one) => (one.name === 'id' ? column('id', type, more) : one));
		expect(look({ columns }).codes).toEqual(codes);
	});
});

describe("[R3] a key with ids: 'server'", () => {
	it.each([
		['integer', { defaultSql: `nextval('notes_id_seq'::regclass)` }, []],
		['integer', { generated: 'identity-always' }, []],
		['uuid', { defaultSql: 'gen_random_uuid()' }, []],
		['bigint', { generated: 'identity' }, ['key-rounds']],
		['integer', {}, ['key-unmade']],
	] as const)('of type %s, %o', (type, more, codes) => {
		const columns = (GOOD.columns ?? []).map((one) => (one.name === 'id' ? column('id', type, more) : one));
		expect(look({ columns }, { ids: 'server' }).codes).toEqual(codes);
	});
});

describe('[F32] foreign keys', () => {
	const to = (parentTable: string, parentSchema: string | null = 'public') => ({
		columns: ['x'],
		parentSchema,
		parentTable,
	});

	it('only synced tables of this schema are wanted in dependsOn, the table itself too', () => {
		const foreignKeys = [to('users', 'auth'), to('lookup'), to('lists'), to('notes'), to('lists')];
		const tables = ['notes', 'lists', 'users'];
		expect(look({ foreignKeys }, {}, tables).findings).toMatchObject([
			{ code: 'foreign-key-order', mend: expect.stringContaining(`dependsOn: ['lists', 'notes']`) },
		]);
		expect(look({ foreignKeys }, { dependsOn: ['lists', 'notes'] }, tables).codes).toEqual([]);
	});
});

describe('what is printed', () => {
	const broken = diagnoseTables([
		checked({
			indexes: [],
			stamp: {
				kind: 'tried',
				onInsert: false,
				onUpdate: true,
				moves: false,
				isTimeOfWrite: false,
				isPartial: true,
			},
		}),
		{ ...checked({ exists: false }), spec: { ...checked().spec, table: 'gone' } },
	]);

	it('a script holds each statement once, in one transaction', () => {
		const script = toScript(broken);
		expect(script.match(/create or replace trigger/g)).toHaveLength(1);
		expect(script.match(/create index if not exists/g)).toHaveLength(1);
		expect(script.startsWith('begin;\n')).toBe(true);
		expect(script.endsWith(`notify pgrst, 'reload schema';\n\ncommit;\n`)).toBe(true);
		expect(toScript(diagnoseTables([checked()]))).toBe('');
	});

	it('a report names every table, and what was not seen', () => {
		const report = toReport({ ...broken, unknown: [{ table: 'notes', checks: ['schema'] }] }, [
			'notes',
			'gone',
			'fine',
		]);
		expect(report).toContain('notes\n  warning stamp-insert:');
		expect(report).toContain('\n  not seen from here: schema\n');
		expect(report).toContain('gone\n  error table-missing:');
		expect(report).toContain('fine\n  nothing to mend\n');
		expect(report.endsWith('1 error, 4 warnings, 0 notes.\n')).toBe(true);
	});
});
