import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import { diagnoseDatabase } from '../../src/doctor/diagnose-database.ts';
import type { Query } from '../../src/doctor/facts-from-catalog.ts';
import type { Diagnosis, FindingCode } from '../../src/doctor/finding.ts';
import { toScript } from '../../src/doctor/script.ts';
import type { SyncConfig } from '../../src/index.ts';
import { createDevice } from '../support/device.ts';
import { toCodeBlocks } from '../support/readme-blocks.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

const root = join(import.meta.dirname, '../..');

/** A table that lacks nothing; tests break one thing each. */
function goodTable(name: string): string {
	return `
		create table ${name} (
			id uuid primary key,
			user_id uuid not null default auth.uid(),
			title text,
			deleted_at timestamptz,
			updated_at timestamptz not null default now()
		);
		create index on ${name} (updated_at, id);
		create trigger touch before insert or update on ${name} for each row execute function touch_updated_at();
		alter table ${name} enable row level security;
		create policy "own" on ${name} for all to authenticated
			using (user_id = auth.uid()) with check (user_id = auth.uid());
		alter publication supabase_realtime add table ${name};
	`;
}

const SOFT = { deletedField: 'deleted_at' };

let supabase: Supabase;
let client: Client;
let connectionString: string;

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create publication supabase_realtime;
			create function touch_updated_at() returns trigger language plpgsql as $$
			begin
				new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
				return new;
			end $$;
			create function touch_now() returns trigger language plpgsql as $$
			begin new.updated_at := now(); return new; end $$;
			create function touch_from_start() returns trigger language plpgsql as $$
			begin new.updated_at := greatest(now(), old.updated_at + interval '1 microsecond'); return new; end $$;
			create function touch_if_missing() returns trigger language plpgsql as $$
			begin new.updated_at := coalesce(new.updated_at, now()); return new; end $$;
			create sequence counted;
			create table audit (what text);
			create function touch_and_count() returns trigger language plpgsql as $$
			begin
				perform nextval('counted');
				insert into audit values (tg_op);
				new.updated_at := clock_timestamp();
				return new;
			end $$;
			create schema apart;
			create role teller login password 'told';
			grant pg_read_all_data to teller;
		`,
	});
	client = await supabase.connect();
	const { host, port, database } = client;
	await supabase.sql(`create role doctor superuser login password 'p w'`);
	connectionString = `postgres://doctor:p%20w@${host}:${port}/${database}`;
});

afterAll(() => supabase?.stop());

const query: Query = async (sql, params) => (await client.query(sql, params && [...params])).rows;

function look(configs: readonly SyncConfig[], schema = 'public'): Promise<Diagnosis> {
	return diagnoseDatabase(query, schema, configs.map(toTableSpec));
}

const codesOf = ({ findings }: Diagnosis) => findings.map(({ code }) => code);

/** Everything that is stored of schemas, tables and rows. */
async function everything(): Promise<unknown> {
	return supabase.sql(`
		select (select json_agg(c order by oid) from (select oid, relname, relhastriggers, relrowsecurity, relacl::text from pg_class) c) as classes,
			(select json_agg(t order by oid) from (select oid, tgname, tgenabled from pg_trigger) t) as triggers,
			(select json_agg(p order by oid) from (select oid, polname from pg_policy) p) as policies,
			(select json_agg(proname order by oid) from pg_proc) as functions,
			(select json_agg(nspname order by oid) from pg_namespace) as schemas,
			(select last_value || '/' || is_called from counted) as counted,
			(select count(*) from audit) as audit
	`);
}

interface Broken {
	readonly title: string;
	readonly codes: readonly FindingCode[];
	/** Given the table's name, breaks a good table of that name. */
	readonly sql: (table: string) => string;
	readonly config?: Partial<SyncConfig>;
	readonly severity?: 'error' | 'warning' | 'info';
}

/** Tables whose printed SQL mends all that is found. */
const BROKEN: readonly Broken[] = [
	{
		title: 'no id column and no key',
		codes: ['key-missing', 'index-missing'],
		sql: (t) => `alter table ${t} drop column id`,
		config: SOFT,
	},
	{
		title: 'no id column, and a key of two',
		codes: ['key-missing', 'index-missing'],
		sql: (t) => `alter table ${t} drop column id; alter table ${t} add primary key (user_id, updated_at)`,
		config: SOFT,
	},
	{
		title: 'an id that is no key',
		codes: ['key-not-unique'],
		sql: (t) => `alter table ${t} drop constraint ${t}_pkey`,
		config: SOFT,
	},
	{
		title: 'an id that is part of a key only',
		codes: ['key-not-unique'],
		sql: (t) => `alter table ${t} drop constraint ${t}_pkey; alter table ${t} add primary key (id, user_id)`,
		config: SOFT,
	},
	{
		title: 'a unique id that may be NULL',
		codes: ['key-nullable'],
		sql: (t) => `alter table ${t} drop constraint ${t}_pkey;
			alter table ${t} add unique (id); alter table ${t} alter column id drop not null`,
		config: SOFT,
	},
	{
		title: '[F15] no timestamp column',
		codes: ['timestamp-missing', 'stamp-missing', 'index-missing'],
		sql: (t) => `drop trigger touch on ${t}; alter table ${t} drop column updated_at`,
		config: SOFT,
	},
	{
		title: 'a timestamp without a zone',
		codes: ['timestamp-type'],
		sql: (t) => `alter table ${t} alter column updated_at type timestamp`,
		config: SOFT,
	},
	{
		title: 'a timestamp that is text, without a default, which the trigger cannot add to',
		codes: ['timestamp-type', 'timestamp-default', 'stamp-untried'],
		sql: (t) => `alter table ${t} alter column updated_at drop default, alter column updated_at type text`,
		config: SOFT,
	},
	{
		title: '[F10] a timestamp without microseconds',
		codes: ['timestamp-precision', 'stamp-stands-still'],
		sql: (t) => `alter table ${t} alter column updated_at type timestamptz(0)`,
		config: SOFT,
	},
	{
		title: '[F15] a timestamp that may be NULL, with a NULL in it',
		codes: ['timestamp-nullable'],
		sql: (
			t,
		) => `alter table ${t} alter column updated_at drop not null; alter table ${t} disable trigger touch;
			insert into ${t} (id, user_id, updated_at) values (gen_random_uuid(), gen_random_uuid(), null);
			alter table ${t} enable trigger touch`,
		config: SOFT,
	},
	{
		title: '[R17] no trigger and no default',
		codes: ['timestamp-default', 'stamp-missing'],
		sql: (t) => `drop trigger touch on ${t}; alter table ${t} alter column updated_at drop default`,
		config: SOFT,
	},
	{
		title: '[F15] a disabled trigger',
		codes: ['stamp-missing'],
		sql: (t) => `alter table ${t} disable trigger touch`,
		config: SOFT,
	},
	{
		title: '[F15] a trigger that believes the client',
		codes: ['stamp-missing'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch before insert or update on ${t} for each row execute function touch_if_missing()`,
		config: SOFT,
	},
	{
		title: 'a trigger that comes too late',
		codes: ['stamp-missing'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch after insert or update on ${t} for each row execute function touch_updated_at()`,
		config: SOFT,
	},
	{
		title: '[F58] a trigger for updates alone',
		codes: ['stamp-insert'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch before update on ${t} for each row execute function touch_updated_at()`,
		config: SOFT,
	},
	{
		title: 'a trigger for some columns alone',
		codes: ['stamp-partial'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch before insert or update of title, updated_at on ${t} for each row execute function touch_updated_at()`,
		config: SOFT,
	},
	{
		title: '[F8] a trigger that takes now()',
		codes: ['stamp-stands-still'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch before insert or update on ${t} for each row execute function touch_now()`,
		config: SOFT,
	},
	{
		title: '[F8] a trigger that moves on, but from the start of the transaction',
		codes: ['stamp-transaction-time'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch before insert or update on ${t} for each row execute function touch_from_start()`,
		config: SOFT,
	},
	{
		title: '[F8] the same for updates alone',
		codes: ['stamp-insert', 'stamp-transaction-time'],
		sql: (t) => `drop trigger touch on ${t};
			create trigger touch before update on ${t} for each row execute function touch_from_start()`,
		config: SOFT,
	},
	{
		title: '[R15] no index',
		codes: ['index-missing'],
		sql: (t) => `drop index ${t}_updated_at_id_idx; create index on ${t} (updated_at);
			create index on ${t} (updated_at, id) where deleted_at is null; create index on ${t} (id, updated_at);
			create index on ${t} (updated_at desc, id)`,
		config: SOFT,
	},
	{
		title: 'no soft-delete column',
		codes: ['deleted-missing'],
		sql: (t) => `alter table ${t} drop column deleted_at`,
		config: SOFT,
	},
	{
		title: 'no soft-delete column of type boolean',
		codes: ['deleted-missing'],
		sql: () => '',
		config: { deletedField: { field: 'is_gone', type: 'boolean' } },
	},
	{
		title: 'missing grants',
		codes: ['grant-missing'],
		sql: (t) => `revoke select, delete on ${t} from authenticated`,
	},
	{
		title: 'row level security switched off, with its policies',
		codes: ['rls-disabled'],
		sql: (t) => `alter table ${t} disable row level security`,
		config: SOFT,
	},
	{
		title: 'neither row level security nor policies',
		codes: ['rls-disabled', 'policy-select', 'policy-insert', 'policy-update', 'policy-delete'],
		sql: (t) => `alter table ${t} disable row level security; drop policy "own" on ${t}`,
	},
	{
		title: '[F29] no SELECT policy, and a restrictive one',
		codes: ['policy-select', 'policy-update'],
		sql: (t) => `drop policy "own" on ${t};
			create policy "in" on ${t} for insert to authenticated with check (user_id = auth.uid());
			create policy "not so" on ${t} as restrictive for all to authenticated using (title <> 'x');
			create policy "server" on ${t} for all to service_role using (true)`,
		config: SOFT,
	},
	{
		title: '[F24] no policy for deletes, where they are hard',
		codes: ['policy-delete'],
		sql: (t) => `drop policy "own" on ${t};
			create policy "r" on ${t} for select to public using (user_id = auth.uid());
			create policy "a" on ${t} for insert to authenticated with check (user_id = auth.uid());
			create policy "w" on ${t} for update to authenticated using (user_id = auth.uid())`,
	},
	{
		title: '[F20] a SELECT policy that hides tombstones',
		codes: ['policy-hides-tombstones'],
		sql: (t) => `drop policy "own" on ${t};
			create policy "its ""living"" rows" on ${t} for all to authenticated
				using (deleted_at is null and (user_id = auth.uid() or title = 'a AND b'));`,
		config: SOFT,
	},
	{
		title: '[F20] a restrictive policy that hides tombstones, by a boolean',
		codes: ['policy-hides-tombstones'],
		sql: (t) => `alter table ${t} add column "Is Gone" boolean not null default false;
			create policy "living" on ${t} as restrictive for select to authenticated using (not "Is Gone")`,
		config: { deletedField: { field: 'Is Gone', type: 'boolean' } },
	},
	{
		title: 'a table that Realtime does not tell of',
		codes: ['realtime-missing'],
		sql: (t) => `alter publication supabase_realtime drop table ${t}`,
		config: SOFT,
		severity: 'info',
	},
	{
		title: '[F18] a key that the server alone counts',
		codes: ['key-generated', 'key-rounds'],
		sql: (t) => `alter table ${t} drop column id;
			alter table ${t} add column id bigint generated always as identity primary key;
			create index on ${t} (updated_at, id)`,
		config: SOFT,
	},
];

/** What no SQL mends: the app's config does, or a person. */
const BY_HAND: readonly FindingCode[] = ['key-rounds', 'key-serial'];

describe('a table that lacks nothing', () => {
	it('has no findings, and all that the database tells is known', async () => {
		await supabase.sql(goodTable('good'));
		expect(await look([{ table: 'good', ...SOFT }])).toEqual({
			ok: true,
			findings: [],
			// The gateway serves the schemas that its own settings name.
			unknown: [{ table: 'good', checks: ['schema'] }],
		});
	});

	it('may be named and cased as it likes', async () => {
		const name = `"Möbel's ""List"""`;
		await supabase.sql(`
			${goodTable(name)}
			alter table ${name} rename column id to "Key";
			alter table ${name} rename column updated_at to "order";
			create function touch_order() returns trigger language plpgsql as $$
			begin
				new."order" := greatest(clock_timestamp(), old."order" + interval '1 microsecond');
				return new;
			end $$;
			drop trigger touch on ${name};
			create trigger "a ON public.x FOR" before insert or update on ${name}
				for each row when (new."Key" is not null or true) execute function touch_order()`);
		const config = { table: `Möbel's "List"`, idField: 'Key', timestampField: 'order' };
		expect(codesOf(await look([config]))).toEqual([]);

		await supabase.sql(
			`drop trigger "a ON public.x FOR" on ${name}; alter table ${name} alter "order" drop not null`,
		);
		const broken = await look([config]);
		expect(codesOf(broken)).toEqual(['timestamp-nullable', 'stamp-missing']);
		await supabase.sql(toScript(broken));
		expect(codesOf(await look([config]))).toEqual([]);
	});
});

describe('the tables of the README', () => {
	it('lack nothing', async () => {
		const blocks = toCodeBlocks(readFileSync(join(root, 'README.md'), 'utf8'));
		const sql = blocks.filter(
			({ language, code }) => language === 'sql' && /create table (notes|payments)/.test(code),
		);
		expect(sql).toHaveLength(2);
		await supabase.sql(`
			begin; create schema readme; set local search_path = readme, public;
			${sql.map(({ code }) => code).join('\n')}
			grant usage on schema readme to authenticated; grant all on all tables in schema readme to authenticated;
			commit`);
		const { findings } = await look(
			[
				{ table: 'notes', ...SOFT },
				{
					table: 'payments',
					dependsOn: ['notes'],
					deletedField: { field: 'is_void', type: 'boolean' },
					select: 'id, note_id, amount::text, is_void, updated_at',
				},
			],
			'readme',
		);
		expect(findings.map(({ code }) => code)).toEqual(['realtime-missing', 'realtime-missing']);
	});
});

describe('what is found, and mended by the SQL that is printed', () => {
	it.each(BROKEN.map((broken, at) => ({ ...broken, table: `broken_${at}` })))(
		'$title',
		async ({ table, codes, sql, config, severity }) => {
			await supabase.sql(goodTable(table));
			await supabase.sql(sql(table));
			const before = await everything();
			const found = await look([{ table, ...config }]);
			expect(await everything(), 'looking changed something').toEqual(before);
			expect(codesOf(found)).toEqual(codes);
			if (severity) expect(found.findings.map((finding) => finding.severity)).toEqual([severity]);

			await supabase.sql(toScript(found));
			const mended = codesOf(await look([{ table, ...config }]));
			expect(mended.filter((code) => !BY_HAND.includes(code))).toEqual([]);
			// And may be run twice.
			await supabase.sql(toScript(found));
			expect(codesOf(await look([{ table, ...config }]))).toEqual(mended);
		},
	);

	it('keeps the instants of a timestamp whose type it changes, in any zone and also when run twice', async () => {
		await supabase.sql(goodTable('zoned'));
		await supabase.sql(`
			drop trigger touch on zoned;
			alter table zoned alter column updated_at type timestamp;
			insert into zoned (id, user_id, updated_at) values (gen_random_uuid(), gen_random_uuid(), '2026-01-31 10:00:00.123456')`);
		const script = toScript(await look([{ table: 'zoned', ...SOFT }]));
		for (const zone of ['Asia/Tokyo', 'America/Lima']) {
			await supabase.sql(`set time zone '${zone}'; ${script} reset time zone`);
		}
		const [row] = await supabase.sql<{ text: string }>(
			`select to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as text from zoned`,
		);
		expect(row?.text).toBe('2026-01-31 10:00:00.123456');
	});

	it('the mended trigger moves versions within one transaction and past a clock that was ahead', async () => {
		await supabase.sql(goodTable('moved'));
		await supabase.sql('drop trigger touch on moved');
		await supabase.sql(
			`insert into moved (id, user_id, updated_at) values (gen_random_uuid(), gen_random_uuid(), '2999-01-01')`,
		);
		await supabase.sql(toScript(await look([{ table: 'moved', ...SOFT }])));
		await supabase.sql(
			`update moved set title = 'a'; update moved set title = 'b', updated_at = '2000-01-01'`,
		);
		expect(await supabase.sql('select updated_at from moved')).toEqual([
			{ updated_at: '2999-01-01T00:00:00.000002+00:00' },
		]);
	});

	it('[F20] after mending, a soft delete that was refused is taken and reaches another device', async () => {
		await supabase.sql(goodTable('shelved'));
		await supabase.sql(`alter policy "own" on shelved using (user_id = auth.uid() and deleted_at is null)`);
		await supabase.reloadSchema();
		const tables = [{ table: 'shelved', ...SOFT }];
		const alice = await createDevice(supabase, 'alice', { tables, options: { reconcileIntervalMs: 0 } });
		const credentials = { email: 'alice@example.com', password: 'correct horse' };
		await alice.client.auth.signUp(credentials);
		await alice.sync.ready();
		const { id } = await alice.sync.queueAction('shelved', 'create', { title: 'x' });
		// The scripts of the tests before had the schema reloaded many times; what comes of the last may still come.
		await expect
			.poll(async () => {
				const { errors } = await alice.sync.sync();
				if (errors.length > 0) console.log(`before the delete: ${errors.join('; ')}`);
				return errors;
			})
			.toEqual([]);
		const other = await createDevice(supabase, 'alice', { tables, options: { reconcileIntervalMs: 0 } });
		await other.client.auth.signInWithPassword(credentials);
		await other.sync.ready();
		expect(await other.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 1 });

		await alice.sync.queueAction('shelved', 'delete', null, id);
		expect((await alice.sync.sync()).errors).toEqual([expect.stringContaining('(42501)')]);

		await supabase.sql(toScript(await look(tables)));
		await alice.sync.queueAction('shelved', 'delete', null, id);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await other.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 1 });
		expect(await other.sync.table('shelved').get(id)).toBeUndefined();
		await Promise.all([alice.close(), other.close()]);
	});

	it('a schema that nobody may reach is served once it is mended', async () => {
		await supabase.sql(`
			create table apart.things (id uuid primary key, updated_at timestamptz not null default now());
			create index on apart.things (updated_at, id);
			create trigger touch before insert or update on apart.things for each row execute function touch_updated_at();
			grant all on apart.things to authenticated;
			alter table apart.things enable row level security;
			create policy "all" on apart.things for all to authenticated using (true);
			alter publication supabase_realtime add table apart.things;
			alter role authenticator set pgrst.db_schemas = 'public, pixsync_probe'`);
		const things = [{ table: 'things' }];
		const token = await supabase.jwt({ role: 'authenticated', sub: crypto.randomUUID() });
		const status = async () => {
			const headers = {
				apikey: supabase.anonKey,
				authorization: `Bearer ${token}`,
				'accept-profile': 'apart',
			};
			return (await fetch(`${supabase.url}/rest/v1/things`, { headers })).status;
		};
		const found = await look(things, 'apart');
		expect(codesOf(found)).toEqual(['schema-hidden', 'schema-usage']);
		expect(await status()).toBe(406);
		await supabase.sql(toScript(found));
		expect(codesOf(await look(things, 'apart'))).toEqual([]);
		await expect.poll(status).toBe(200);
		expect(codesOf(await look([{ table: 'good', ...SOFT }]))).toEqual([]);
		// Beside the one that was served before.
		expect((await look([{ table: 'good', ...SOFT }])).unknown).toEqual([]);
		await supabase.sql(`alter role authenticator reset pgrst.db_schemas; notify pgrst, 'reload config'`);
	});
});

describe('what is found, and left to a person', () => {
	it('[F18] serial keys, numbers that JSON rounds, generated columns, foreign keys', async () => {
		await supabase.sql(`
			${goodTable('parents')} ${goodTable('children')}
			alter table parents drop column id; alter table parents add column id bigserial primary key;
			create index on parents (updated_at, id);
			create domain money_amount as numeric;
			alter table children add column parent_id bigint references parents, add column up uuid references children,
				add column amount money_amount, add column price numeric(15, 2), add column "Big One" numeric(16, 2),
				add column other_id uuid references auth.users,
				add column shout text generated always as (upper(title)) stored`);
		const tables: SyncConfig[] = [
			{ table: 'parents', ...SOFT },
			{ table: 'children', ...SOFT },
		];
		const { findings, ok } = await look(tables);
		expect(ok).toBe(true);
		expect(findings.map(({ table, severity, code, sql }) => [table, severity, code, sql])).toEqual([
			['parents', 'warning', 'key-serial', null],
			['parents', 'warning', 'key-rounds', null],
			['children', 'warning', 'column-rounds', null],
			['children', 'info', 'column-generated', null],
			['children', 'warning', 'foreign-key-order', null],
		]);
		const [, , rounds, , order] = findings;
		expect(order?.mend).toContain(`dependsOn: ['children', 'parents']`);
		const select = /select: '(.*)'/.exec(rounds?.mend ?? '')?.[1] ?? '';
		expect(select).toContain('parent_id::text, up, amount::text, price, "Big One"::text, other_id');

		// The advice, taken.
		const mended = await look([
			{ table: 'parents', ...SOFT },
			{ table: 'children', ...SOFT, select, dependsOn: ['children', 'parents'] },
		]);
		expect(mended.findings.filter(({ table }) => table === 'children').map(({ code }) => code)).toEqual([
			'column-generated',
		]);
	});

	it('tables that are not there, views, columns of other types, policies that cannot be judged', async () => {
		await supabase.sql(`
			${goodTable('judged')}
			drop policy "own" on judged;
			create policy "maybe" on judged for all to authenticated using (deleted_at is null or user_id = auth.uid());
			${goodTable('typed')}
			alter table typed drop column id, add column id date primary key;
			drop trigger touch on typed;
			alter table typed drop column updated_at, add column updated_at bigint not null default 0;
			create index on typed (updated_at, id);
			${goodTable('ownerless')}
			drop policy "own" on ownerless;
			alter table ownerless drop column user_id, disable row level security;
			create view seen as select * from judged`);
		const { findings, ok } = await look([
			{ table: 'judged', ...SOFT },
			{ table: 'typed', deletedField: { field: 'deleted_at', type: 'boolean' } },
			{ table: 'ownerless', ...SOFT },
			{ table: 'seen' },
			{ table: 'Judged' },
		]);
		expect(ok).toBe(false);
		expect(findings.map(({ table, severity, code, sql }) => [table, severity, code, sql !== null])).toEqual([
			['judged', 'warning', 'policy-hides-tombstones', false],
			['typed', 'warning', 'key-type', false],
			['typed', 'error', 'timestamp-type', false],
			['typed', 'error', 'deleted-type', false],
			['typed', 'error', 'stamp-missing', true],
			// No SQL: switched on without a policy, it would take the rows away from everybody.
			['ownerless', 'error', 'rls-disabled', false],
			['seen', 'error', 'not-a-table', false],
			['Judged', 'error', 'table-missing', false],
		]);
	});
});

describe('looking changes nothing', () => {
	it('a trigger that counts and keeps a log is not let to, and is called untried', async () => {
		await supabase.sql(goodTable('logged'));
		await supabase.sql(`drop trigger touch on logged;
			create trigger touch before insert or update on logged for each row execute function touch_and_count()`);
		const before = await everything();
		const { findings } = await look([{ table: 'logged', ...SOFT }]);
		expect(await everything()).toEqual(before);
		expect(findings).toMatchObject([
			{ code: 'stamp-untried', severity: 'info', problem: expect.stringContaining('read-only transaction') },
		]);
	});

	it('a role that may only read is told what it could not try', async () => {
		await supabase.sql(goodTable('watched'));
		const { host, port } = client;
		const { default: pg } = await import('pg');
		const teller = new pg.Client({
			host,
			port,
			user: 'teller',
			password: 'told',
			database: 'postgres',
			ssl: false,
		});
		await teller.connect();
		await supabase.sql('revoke temporary on database postgres from public');
		const ask: Query = async (sql, params) => (await teller.query(sql, params && [...params])).rows;
		const { findings } = await diagnoseDatabase(ask, 'public', [toTableSpec({ table: 'watched', ...SOFT })]);
		await supabase.sql('grant temporary on database postgres to public');
		await teller.end();
		expect(findings).toMatchObject([
			{ code: 'stamp-untried', problem: expect.stringContaining('permission denied') },
		]);
	});
});

describe('npx pixsync doctor', () => {
	const run = (args: readonly string[], env: Record<string, string> = {}) =>
		promisify(execFile)(process.execPath, ['--import', 'tsx', join(root, 'src/cli/pixsync.ts'), ...args], {
			cwd: root,
			env: { ...process.env, DATABASE_URL: '', ...env },
		}).then(
			({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
			(error: { code: number; stdout: string; stderr: string }) => error,
		);

	it('reports, exits with 1, prints a script that mends, and then exits with 0', async () => {
		await supabase.sql(goodTable('told'));
		await supabase.sql('drop trigger touch on told; drop index told_updated_at_id_idx');
		const table = ['--table', 'told:deletedField=deleted_at'];
		const report = await run(['doctor', '--db', connectionString, ...table]);
		expect(report).toMatchObject({ code: 1, stderr: '' });
		expect(report.stdout).toContain('told\n  error stamp-missing: No trigger sets "updated_at"');
		expect(report.stdout).toContain('1 error, 1 warning, 0 notes.');

		const script = await run(['doctor', '--db', connectionString, ...table, '--sql']);
		expect(script.code).toBe(1);
		await supabase.sql(script.stdout);

		const json = await run(['doctor', '--json', '--table', '{"table":"told","deletedField":"deleted_at"}'], {
			DATABASE_URL: connectionString,
		});
		expect(json).toMatchObject({ code: 0, stderr: '' });
		expect(JSON.parse(json.stdout)).toEqual(await look([{ table: 'told', ...SOFT }]));
	});

	it('exits with 2 where it cannot look, and tells no password', async () => {
		const refused = await run([
			'doctor',
			'--db',
			'postgres://doctor:s3cret@127.0.0.1:1/postgres',
			'--table',
			'told',
		]);
		expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('ECONNREFUSED') });
		const wrong = await run([
			'doctor',
			'--db',
			connectionString.replace('p%20w', 's3cret'),
			'--table',
			'told',
		]);
		expect(wrong).toMatchObject({
			code: 2,
			stderr: expect.stringContaining('password authentication failed'),
		});
		expect(refused.stderr + wrong.stderr).not.toContain('s3cret');
		const lacking = await run(['doctor', '--table', 'told']);
		expect(lacking).toMatchObject({ code: 2, stderr: expect.stringContaining('Name the database') });
	});
});

describe('sync.diagnose()', () => {
	async function signedIn(tables: readonly SyncConfig[]) {
		const alice = await createDevice(supabase, 'alice', { tables, options: { reconcileIntervalMs: 0 } });
		await alice.client.auth.signUp({
			email: `${crypto.randomUUID()}@example.com`,
			password: 'correct horse',
		});
		await alice.sync.ready();
		return alice;
	}

	it('finds nothing wrong with a good table, says what it cannot see, and sends nothing that writes', async () => {
		await supabase.sql(goodTable('clean'));
		await supabase.reloadSchema();
		const alice = await signedIn([{ table: 'clean', ...SOFT }]);
		supabase.clearRequests();
		const diagnosis = await alice.sync.diagnose();
		expect(diagnosis).toMatchObject({ ok: true, findings: [] });
		expect(diagnosis.unknown).toEqual([
			{
				table: 'clean',
				checks: [
					'schema',
					'key',
					'timestamp-precision',
					'stamp',
					'index',
					'grants',
					'row-security',
					'tombstones',
					'columns',
					'realtime',
				],
			},
		]);
		expect(supabase.requests.length).toBeGreaterThan(0);
		expect([...new Set(supabase.requests.map(({ method }) => method))]).toEqual(['GET']);
		await alice.close();
		await expect(alice.sync.diagnose()).rejects.toMatchObject({ code: 'closed' });
	});

	it('[F15] [F18] finds what the client can see, with and without the OpenAPI root', async () => {
		await supabase.sql(`
			${goodTable('nulled')}
			alter table nulled alter column updated_at drop not null; alter table nulled disable trigger touch;
			alter table nulled disable row level security;
			insert into nulled (id, user_id, updated_at) values (gen_random_uuid(), gen_random_uuid(), null);
			${goodTable('counted_key')} alter table counted_key drop column id; alter table counted_key add column id bigserial primary key, add column n bigint;
			${goodTable('untimed')} drop trigger touch on untimed; alter table untimed drop column updated_at;
			${goodTable('ungranted')} revoke all on ungranted from authenticated;
			${goodTable('child')} alter table child add column n_id uuid references nulled`);
		await supabase.reloadSchema();
		const alice = await signedIn([
			{ table: 'nulled', ...SOFT },
			{ table: 'counted_key', ...SOFT },
			{ table: 'untimed', ...SOFT },
			{ table: 'ungranted', ...SOFT },
			{ table: 'child', ...SOFT },
			{ table: 'nowhere' },
		]);
		const codes = async () =>
			(await alice.sync.diagnose()).findings.map(({ table, code }) => `${table} ${code}`);
		expect(await codes()).toEqual([
			'nulled timestamp-nullable',
			'counted_key key-rounds',
			'counted_key column-rounds',
			'untimed timestamp-missing',
			'ungranted grant-missing',
			'child foreign-key-order',
			'nowhere table-missing',
		]);

		// A hosted project may refuse it.
		const fault = supabase.faults.add({
			match: ({ path }) => path === '/rest/v1/',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'status', status: 401, body: { message: 'no' } },
		});
		expect(await codes()).toEqual([
			'nulled timestamp-nullable',
			'untimed timestamp-missing',
			'ungranted grant-missing',
			'nowhere table-missing',
		]);
		expect(fault.hits).toBe(1);
		supabase.faults.clear();
		await alice.close();
	});

	it('says so when nobody is signed in, when the schema is not served, and when the server is away', async () => {
		const signedOut = await createDevice(supabase, 'alice', { tables: [{ table: 'good' }] });
		expect((await signedOut.sync.diagnose()).findings).toMatchObject([
			{ code: 'signed-out', severity: 'info' },
		]);
		signedOut.network.isOn = false;
		const away = await signedOut.sync.diagnose();
		expect(away).toMatchObject({ ok: false, findings: [{ code: 'unreachable' }] });
		expect(away.unknown[0]?.checks).toContain('key');
		await signedOut.close();

		const elsewhere = await createDevice(supabase, 'alice', {
			tables: [{ table: 'good' }],
			options: { schema: 'unserved' },
		});
		expect((await elsewhere.sync.diagnose()).findings.map(({ code }) => code)).toContain('schema-hidden');
		await elsewhere.close();
	});
});
