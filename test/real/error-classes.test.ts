import { createClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { classifyReply, type FailureClass } from '../../src/core/classify.ts';
import { NetworkMonitor, SyncManager } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';

/** The table of the field notes, every code and status of it, and what else is known of each class. */
const FIELD_NOTES: Readonly<
	Record<FailureClass, readonly (readonly [status: number, code: string | null])[]>
> = {
	transient: [
		...[408, 429, 502, 503, 504, 544].map((status) => [status, null] as const),
		...Array.from({ length: 11 }, (_, at) => [520 + at, null] as const),
		...['PGRST000', 'PGRST001', 'PGRST002', 'PGRST003'].map((code) => [503, code] as const),
		...['08000', '08003', '08006', '08P01'].map((code) => [503, code] as const),
		...['53000', '53100', '53200', '53300', '53400'].map((code) => [503, code] as const),
		...['40001', '40P01', '57P01', '57014'].map((code) => [500, code] as const),
	],
	pause: [
		[402, null],
		[540, null],
		[405, '25006'],
	],
	auth: [
		[401, 'PGRST301'],
		[401, 'PGRST302'],
		[401, 'PGRST303'],
		[401, '42501'],
		[401, null],
	],
	order: [[409, '23503']],
	unique: [[409, '23505']],
	row: [
		...['22001', '22003', '22007', '22P02', '22P05', '23502', '23514'].map((code) => [400, code] as const),
		[403, '42501'],
		[500, '21000'],
		[500, '54000'],
		[500, '54001'],
		[400, 'P0001'],
	],
	split: [
		[413, null],
		[414, null],
	],
	schema: [
		[404, 'PGRST202'],
		[400, 'PGRST204'],
		[404, 'PGRST205'],
		[404, '42P01'],
		[400, '42703'],
	],
	'server-bug': [...['P0000', 'P0002', 'P0003', 'P0004'].map((code) => [500, code] as const), [500, '42P17']],
	foreign: [
		[304, null],
		[400, null],
		[403, null],
		[405, null],
	],
};

/**
 * - `letter`: the row becomes a dead letter with the code, and is in nobody's way.
 * - `waits`: it stays queued and goes when the cause is gone; its table goes on.
 * - `pauses`: its table stops with the error; nothing of it is lost, and it goes when the cause is gone.
 */
type Promised = 'letter' | 'waits' | 'pauses';

interface Case {
	readonly name: string;
	/** What the columns of table `t` are, besides id and updated_at. @default 'title text' */
	readonly columns?: string;
	/** After the table was made. */
	readonly sql?: string;
	/** The body of a trigger on insert and update. */
	readonly trigger?: string;
	readonly data?: Readonly<Record<string, unknown>>;
	readonly code: string;
	readonly promised: Promised;
	/** Takes the cause away. */
	readonly cure?: string;
	/** Rows that are there before, with the title 'theirs'; the first of them is updated instead of one created. */
	readonly updates?: true;
}

const raise = (code: string, text = 'no') => `raise exception '${text}' using errcode = '${code}';`;
const UNTRIGGERED = 'drop trigger refuse on t';

const CASES: readonly Case[] = [
	{ name: 'check', columns: `title text check (title <> 'bad')`, code: '23514', promised: 'letter' },
	{
		name: 'unique',
		columns: 'title text unique',
		sql: `insert into t (id, title) values (gen_random_uuid(), 'bad')`,
		code: '23505',
		promised: 'letter',
	},
	{
		name: 'foreign key',
		columns: 'title text, up uuid references t',
		data: { up: crypto.randomUUID() },
		code: '23503',
		promised: 'letter',
	},
	{ name: 'not null', columns: 'title text, n int not null', code: '23502', promised: 'letter' },
	{ name: 'a type', columns: 'title text, n int', data: { n: 'many' }, code: '22P02', promised: 'letter' },
	{
		name: 'a number out of range',
		columns: 'title text, n smallint',
		data: { n: 99_999 },
		code: '22003',
		promised: 'letter',
	},
	{
		name: 'numeric overflow',
		columns: 'title text, n numeric(3, 1)',
		data: { n: 1234.5 },
		code: '22003',
		promised: 'letter',
	},
	{ name: 'text too long', columns: 'title varchar(2)', code: '22001', promised: 'letter' },
	{
		name: 'a bad timestamp',
		columns: 'title text, at timestamptz',
		data: { at: '2024-13-45' },
		code: '22008',
		promised: 'letter',
	},
	{
		name: 'RLS on insert',
		sql: 'alter table t enable row level security; create policy s on t for select using (true)',
		code: '42501',
		promised: 'letter',
	},
	{
		name: 'RLS on update',
		updates: true,
		sql: 'alter table t enable row level security; create policy s on t for select using (true)',
		code: 'denied',
		promised: 'letter',
	},
	{ name: 'RAISE EXCEPTION', trigger: raise('P0001'), code: 'P0001', promised: 'letter' },
	{
		name: 'a refusal whose text holds 401',
		trigger: raise('P0001', 'HTTP 401, 503, timeout after 4000ms'),
		code: 'P0001',
		promised: 'letter',
	},
	{
		name: 'a cardinality violation',
		trigger: 'perform (select 1 union select 2);',
		code: '21000',
		promised: 'letter',
	},
	{ name: 'a limit of the program', trigger: raise('54000'), code: '54000', promised: 'letter' },
	{
		name: 'a statement timeout',
		trigger: 'perform pg_sleep(5);',
		code: '57014',
		promised: 'waits',
		cure: UNTRIGGERED,
	},
	{
		name: 'a time-out whose text holds 400 and 401',
		trigger: raise('57014', 'timeout after 4000ms: 400 Bad Request, 401'),
		code: '57014',
		promised: 'waits',
		cure: UNTRIGGERED,
	},
	{ name: 'a deadlock', trigger: raise('40P01'), code: '40P01', promised: 'waits', cure: UNTRIGGERED },
	{
		name: 'a lock that cannot be had',
		trigger: raise('55P03'),
		code: '55P03',
		promised: 'waits',
		cure: UNTRIGGERED,
	},
	{
		name: 'too many connections',
		trigger: raise('53300'),
		code: '53300',
		promised: 'waits',
		cure: UNTRIGGERED,
	},
	{
		name: 'a read-only transaction',
		trigger: `set local transaction_read_only = on; update t set title = 'x';`,
		code: '25006',
		promised: 'waits',
		cure: UNTRIGGERED,
	},
	{
		name: 'a column that is not there',
		data: { colour: 'red' },
		code: 'PGRST204',
		promised: 'waits',
		cure: 'alter table t add column colour text',
	},
	{
		name: 'a function that a trigger lacks',
		trigger: 'perform no_such_function();',
		code: '42883',
		promised: 'pauses',
		cure: UNTRIGGERED,
	},
	{
		name: 'a column that a trigger lacks',
		trigger: 'perform no_such_column from t;',
		code: '42703',
		promised: 'pauses',
		cure: UNTRIGGERED,
	},
	{
		name: 'a table that a trigger lacks',
		trigger: 'perform 1 from no_such_table;',
		code: '42P01',
		promised: 'pauses',
		cure: UNTRIGGERED,
	},
	{ name: 'no data found', trigger: raise('P0002'), code: 'P0002', promised: 'pauses', cure: UNTRIGGERED },
	{
		name: 'a failed assertion',
		trigger: 'assert false;',
		code: 'P0004',
		promised: 'pauses',
		cure: UNTRIGGERED,
	},
	{
		name: 'a policy that refers to itself',
		sql: 'alter table t enable row level security; create policy p on t using (exists (select 1 from t))',
		code: '42P17',
		promised: 'pauses',
		cure: 'drop policy p on t; create policy p on t using (true)',
	},
	{
		name: 'no timestamp column',
		sql: 'alter table t drop column updated_at',
		code: 'timestamp-missing',
		promised: 'pauses',
		cure: 'alter table t add column updated_at timestamptz not null default now()',
	},
	{
		name: 'no such table',
		sql: 'alter table t rename to other',
		code: 'unknown-table',
		promised: 'pauses',
		cure: 'alter table other rename to t',
	},
	{
		name: 'no permission for the table',
		sql: 'revoke all on t from anon, authenticated',
		code: '42501',
		promised: 'pauses',
		cure: 'grant all on t to anon, authenticated',
	},
];

let supabase: Supabase;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		statementTimeoutMs: 400,
		sql: `
			create table good (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('good')}
			create table t (id uuid primary key);
			create function refuse() returns trigger language plpgsql as $$ begin return new; end $$;
		`,
	});
});

afterEach(async () => {
	await Promise.all(open.splice(0).map((one) => one.close()));
	supabase.faults.clear();
	await supabase.sql('truncate good');
});

afterAll(() => supabase?.stop());

async function prepare({ columns = 'title text', sql, trigger }: Case): Promise<void> {
	await supabase.sql(`
		drop table if exists other;
		drop table if exists t cascade;
		create table t (id uuid primary key, ${columns}, updated_at timestamptz not null default clock_timestamp());
	`);
	if (trigger !== undefined) {
		await supabase.sql(`
			create or replace function refuse() returns trigger language plpgsql as $$ begin ${trigger} return new; end $$;
			create trigger refuse before insert or update on t for each row execute function refuse();
		`);
	}
	if (sql !== undefined) await supabase.sql(sql);
	await supabase.reloadSchema();
}

async function signedIn(): Promise<Device> {
	const alice = await createDevice(supabase, 'alice', {
		tables: [{ table: 't' }, { table: 'good' }],
		options: { reconcileIntervalMs: 0, backoff: { baseMs: 600_000, capMs: 600_000 } },
	});
	open.push(alice);
	const email = `${crypto.randomUUID()}@example.com`;
	await alice.client.auth.signUp({ email, password: 'correct horse' });
	await expect.poll(() => alice.sync.getState().user).not.toBeNull();
	await alice.sync.ready();
	return alice;
}

describe('the table of classes', () => {
	const rows = Object.entries(FIELD_NOTES).flatMap(([failure, list]) =>
		list.map(([status, code]) => [status, code, failure] as const),
	);

	it.each(rows)('[S22] status %s with code %s is %s', (status, code, failure) => {
		expect(classifyReply({ status, code })).toBe(failure);
	});
});

describe('errors of a real PostgreSQL', () => {
	it.each(CASES)('[S22] [F35] [F36] $name ($code): $promised', async (given) => {
		const { sql, ...bare } = given;
		const { code, promised, data = {}, cure, updates } = bare;
		await prepare(bare);
		const id = crypto.randomUUID();
		if (updates) await supabase.sql(`insert into t (id, title) values ($1, 'theirs')`, [id]);
		if (sql !== undefined) await supabase.sql(sql);
		await supabase.reloadSchema();
		const alice = await signedIn();
		if (updates) await alice.sync.sync();

		await supabase.sql(`insert into good (id, title) values (gen_random_uuid(), 'theirs')`);
		await alice.sync.queueAction('t', updates ? 'update' : 'create', { title: 'bad', ...data }, id);
		await alice.sync.queueAction('good', 'create', { title: 'mine' });
		const result = await alice.sync.sync();

		expect(result.errors).toEqual([expect.stringMatching(new RegExp(`^t: .*\\(${code}\\)$`, 's'))]);
		// Another table's trouble keeps nobody up, in neither direction.
		expect(await supabase.sql(`select 1 from good where title = 'mine'`)).toHaveLength(1);
		expect(await alice.sync.table('good').toArray()).toHaveLength(2);
		expect(await alice.sync.getPendingCount('good')).toBe(0);

		const told = await alice.sync.explain('t', id);
		expect(told.mutations.map((mutation) => mutation.data)).toEqual([
			expect.objectContaining({ title: 'bad', ...data }),
		]);
		if (promised === 'letter') {
			expect(told.status).toBe('rejected');
			expect(told.mutations[0]?.error?.code).toBe(code);
			expect(await alice.sync.getPendingCount('t')).toBe(0);
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
			expect((await alice.sync.explain('t', id)).status).toBe('rejected');
			return;
		}
		expect(told.status).toBe('pending');
		expect(alice.sync.getState().tables.t?.error?.code ?? null).toBe(promised === 'pauses' ? code : null);
		await supabase.sql(cure ?? '');
		await supabase.reloadSchema();
		// PostgREST's pooled connections may hold a plan from before the cure for a request more.
		await expect.poll(async () => (await alice.sync.sync()).success).toBe(true);
		expect(await alice.sync.getPendingCount('t')).toBe(0);
		expect(await supabase.sql('select title from t')).toEqual([{ title: 'bad' }]);
	});
});

describe('a serialization failure', () => {
	it('[S22] [S2] is repeated by PostgREST itself: the write arrives, once', async () => {
		await prepare({
			name: '',
			code: '40001',
			promised: 'waits',
			trigger: `if nextval('tries') < 4 then ${raise('40001')} end if;`,
		});
		await supabase.sql('create sequence tries; grant usage on sequence tries to authenticated');
		const alice = await signedIn();
		await alice.sync.queueAction('t', 'create', { title: 'once' });
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await supabase.sql(`select title, nextval('tries')::int n from t`)).toEqual([
			{ title: 'once', n: 5 },
		]);
	});
});

describe('a session that the server refuses', () => {
	it.each(['PGRST301', 'unauthorised'])(
		'[F7] [L7] a bad token (%s) loses nothing; a good one sends it all',
		async (code) => {
			await prepare({ name: '', code: '', promised: 'waits' });
			const sub = crypto.randomUUID();
			const good = await supabase.jwt({ sub });
			// The signature of another token; or one whose time is over, which is not even sent.
			const other = await supabase.jwt({ sub: crypto.randomUUID() });
			const forged = [...good.split('.').slice(0, 2), other.split('.')[2]].join('.');
			let token = code === 'PGRST301' ? forged : await supabase.jwt({ sub, expiresInS: -60 });
			const client = createClient(supabase.url, supabase.anonKey, {
				accessToken: async () => token,
				realtime: { transport: webSocketTransport },
			});
			const sync = new SyncManager(client, {
				indexedDB: new IDBFactory(),
				IDBKeyRange,
				networkMonitor: new NetworkMonitor(),
			});
			open.push(sync);
			sync.registerTable({ table: 't' });
			const { id } = await sync.queueAction('t', 'create', { title: 'kept' });
			const refused = await sync.sync();
			expect(refused.success).toBe(false);
			expect(await supabase.sql('select 1 from t')).toEqual([]);
			expect(await sync.table('t').state(id)).toMatchObject({ status: 'pending' });
			token = good;
			await expect.poll(async () => (await sync.sync()).success).toBe(true);
			expect(await supabase.sql('select title from t')).toEqual([{ title: 'kept' }]);
		},
	);
});
