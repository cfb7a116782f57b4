import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uuid } from '../contract/contract-kit.ts';
import { rpcSql } from '../support/rpc-sql.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

const STAMP = 'updated_at timestamptz not null default now()';
const TABLES = ['notes', 'tree', 'renamed', 'silent'].map((table) => ({ table }));

let supabase: Supabase;
const clients: Client[] = [];
beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text check (title <> 'bad'), n int, ${STAMP});
			create table tree (id uuid primary key, up uuid references tree, ${STAMP});
			alter table tree enable row level security;
			create policy seen on tree for select using (true);
			-- Sees the rows alone that were there when the statement began.
			create policy rooted on tree for insert with check (up is null or exists (select from tree t where t.id = tree.up));
			create table renamed (id uuid primary key, title text, ${STAMP});
			create function upend() returns trigger language plpgsql as $$ begin
				new.id := replace(new.id::text, '-0000', '-ffff')::uuid; return new; end $$;
			create trigger upend before insert on renamed for each row when (new.title = 'move') execute function upend();
			create table silent (id uuid primary key, title text, ${STAMP});
			create function drop_it() returns trigger language plpgsql as $$ begin return null; end $$;
			create trigger drop_it before insert on silent for each row when (new.title = 'drop') execute function drop_it();
			create table statements (at text);
			create function count_it() returns trigger language plpgsql security definer as $$ begin
				insert into statements values (tg_table_name); return null; end $$;
			create trigger count_it after insert on notes for each statement execute function count_it();
			${rpcSql(TABLES)}`,
	});
});
afterEach(async () => {
	for (const client of clients.splice(0)) await client.end();
	await supabase.sql('truncate notes, tree, renamed, silent, statements; truncate pixsync.ledger');
});
afterAll(() => supabase?.stop());

async function connect(): Promise<Client> {
	const client = await supabase.connect();
	clients.push(client);
	await client.query('set role anon');
	return client;
}

interface Create {
	readonly id: string;
	readonly push: string | null;
	readonly body: Readonly<Record<string, unknown>>;
}

function create(n: number, more: Readonly<Record<string, unknown>> = {}): Create {
	return { id: uuid(n), push: crypto.randomUUID(), body: { id: uuid(n), ...more } };
}

/** What the function says of each, and the row's id. */
async function push(client: Client, table: string, creates: readonly Create[]) {
	const mutations = creates.map((one) => ({ kind: 'create', base: null, ...one }));
	const request = {
		...{ schema: 'public', table, key: 'id', stamp: 'updated_at', columns: [{ column: '*' }] },
		mutations,
	};
	const { rows } = await client.query('select public.pixsync_push($1) as replies', [JSON.stringify(request)]);
	const replies = rows[0].replies as readonly { is: string; code?: string; row?: { id: string } | null }[];
	return replies.map(({ is, code, row }) => [is, code ?? row?.id ?? null]);
}

const idsIn = async (table: string) =>
	(await supabase.sql<{ id: string }>(`select id from ${table} order by id`)).map(({ id }) => id);
const statements = async () => (await supabase.sql('select * from statements')).length;
const sendings = async () =>
	(await supabase.sql<{ row_key: string }>('select row_key from pixsync.ledger order by row_key')).map(
		({ row_key }) => row_key,
	);

describe('[F28] [S2] a batch of creates', () => {
	it('is one statement, and each is in the ledger', async () => {
		const given = [3, 1, 2].map((n) => create(n, { title: `t${n}`, n }));
		expect(await push(await connect(), 'notes', given)).toEqual([3, 1, 2].map((n) => ['applied', uuid(n)]));
		expect(await supabase.sql('select id, title, n from notes order by n')).toEqual(
			[1, 2, 3].map((n) => ({ id: uuid(n), title: `t${n}`, n })),
		);
		expect(await sendings()).toEqual([1, 2, 3].map(uuid));
		expect(await statements()).toBe(1);
	});

	it('sent again is done, be it all or a part of it, and makes no row anew that is gone', async () => {
		const client = await connect();
		const given = [1, 2, 3].map((n) => create(n, { title: `t${n}` }));
		await push(client, 'notes', given);
		expect(await push(client, 'notes', given)).toEqual([1, 2, 3].map((n) => ['done', uuid(n)]));
		const four = create(4, { title: 't4' });
		expect(await push(client, 'notes', [...given.slice(1), four])).toEqual([
			...[2, 3].map((n) => ['done', uuid(n)]),
			['applied', uuid(4)],
		]);
		await supabase.sql('delete from notes where id = $1', [uuid(2)]);
		const five = create(5, { title: 't5' });
		expect(await push(client, 'notes', [...given, five])).toEqual([
			['done', uuid(1)],
			['done', null],
			['done', uuid(3)],
			['applied', uuid(5)],
		]);
		expect(await idsIn('notes')).toEqual([1, 3, 4, 5].map(uuid));
		expect(await sendings()).toEqual([1, 2, 3, 4, 5].map(uuid));
	});

	it('sent twice at the same time makes each row once', async () => {
		const [first, second] = [await connect(), await connect()];
		const given = [1, 2, 3].map((n) => create(n, { title: `t${n}` }));
		await first.query('begin');
		expect(await push(first, 'notes', given)).toEqual([1, 2, 3].map((n) => ['applied', uuid(n)]));
		const waiting = push(second, 'notes', [...given].reverse());
		await new Promise((resolve) => setTimeout(resolve, 200));
		await first.query('commit');
		expect(await waiting).toEqual([3, 2, 1].map((n) => ['done', uuid(n)]));
		expect(await idsIn('notes')).toEqual([1, 2, 3].map(uuid));
	});

	it('tells of ids that are taken, and makes the others', async () => {
		await supabase.sql(`insert into notes (id, title) values ($1, 'theirs')`, [uuid(2)]);
		const given = [1, 2, 3].map((n) => create(n, { title: 'mine' }));
		expect(await push(await connect(), 'notes', given)).toEqual([
			['applied', uuid(1)],
			['missed', uuid(2)],
			['applied', uuid(3)],
		]);
		expect(await supabase.sql('select title from notes order by id')).toEqual(
			['mine', 'theirs', 'mine'].map((title) => ({ title })),
		);
		expect(await sendings()).toEqual([uuid(1), uuid(3)]);
	});

	it('[F27] of which one is refused: the others are made', async () => {
		const given = ['good', 'bad', 'better'].map((title, n) => create(n, { title }));
		expect(await push(await connect(), 'notes', given)).toEqual([
			['applied', uuid(0)],
			['refused', '23514'],
			['applied', uuid(2)],
		]);
		expect(await idsIn('notes')).toEqual([uuid(0), uuid(2)]);
		expect(await sendings()).toEqual([uuid(0), uuid(2)]);
	});

	it('with one id twice: the second is told that it is taken', async () => {
		const given = [create(1, { title: 'first' }), create(1, { title: 'second' }), create(2, { title: 'x' })];
		expect(await push(await connect(), 'notes', given)).toEqual([
			['applied', uuid(1)],
			['missed', uuid(1)],
			['applied', uuid(2)],
		]);
		expect(await supabase.sql('select title from notes order by id')).toEqual([
			{ title: 'first' },
			{ title: 'x' },
		]);
	});

	it('of other columns each: all are made, and what was not given has its default', async () => {
		const given = [create(1, { title: 'a' }), create(2, { n: 2 })];
		const client = await connect();
		expect(await push(client, 'notes', given)).toEqual([1, 2].map((n) => ['applied', uuid(n)]));
		const rest = [create(4), create(5, { title: 'e' }), create(3, { title: 'c', n: 3 })];
		expect(await push(client, 'notes', rest)).toEqual([4, 5, 3].map((n) => ['applied', uuid(n)]));
		expect(await supabase.sql('select title, n from notes order by id')).toEqual([
			{ title: 'a', n: null },
			{ title: null, n: 2 },
			{ title: 'c', n: 3 },
			{ title: null, n: null },
			{ title: 'e', n: null },
		]);
	});

	it('without names is made, and remembered by nobody', async () => {
		const given = [1, 2].map((n) => ({ ...create(n, { title: 'x' }), push: null }));
		const client = await connect();
		expect(await push(client, 'notes', given)).toEqual([1, 2].map((n) => ['applied', uuid(n)]));
		expect(await push(client, 'notes', given)).toEqual([1, 2].map((n) => ['missed', uuid(n)]));
		expect(await sendings()).toEqual([]);
	});
});

describe('where one statement would not do what each by itself does', () => {
	it('a policy that looks for the parent in its own table lets a child of the same batch in', async () => {
		const given = [create(1, { up: null }), create(2, { up: uuid(1) }), create(3, { up: uuid(2) })];
		expect(await push(await connect(), 'tree', given)).toEqual([1, 2, 3].map((n) => ['applied', uuid(n)]));
	});

	it('a trigger that gives another id: each change is told its own row', async () => {
		const moved = (n: number) => uuid(n).replaceAll('-0000', '-ffff');
		const given = [create(1, { title: 'stay' }), create(2, { title: 'move' }), create(3, { title: 'move' })];
		expect(await push(await connect(), 'renamed', given)).toEqual([
			['applied', uuid(1)],
			['applied', moved(2)],
			['applied', moved(3)],
		]);
		expect(await sendings()).toEqual([uuid(1), moved(2), moved(3)].sort());
	});

	it('a trigger that makes no row of it: it is told as missed', async () => {
		const given = [create(1, { title: 'stay' }), create(2, { title: 'drop' })];
		expect(await push(await connect(), 'silent', given)).toEqual([
			['applied', uuid(1)],
			['missed', null],
		]);
		expect(await sendings()).toEqual([uuid(1)]);
	});
});
