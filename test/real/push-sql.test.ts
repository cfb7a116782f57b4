import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { uuid } from '../contract/contract-kit.ts';
import { pullPage } from '../support/pull-as.ts';
import { rpcSql } from '../support/rpc-sql.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

const STAMP = 'updated_at timestamptz not null default now()';
const TABLES = [
	...['notes', 'tree', 'renamed', 'silent', 'swapped', 'audited'].map((table) => ({ table })),
	...['t', 'pixsync_given', 'Odd "name"'].map((table) => ({ table, idField: 'v', timestampField: 't' })),
];

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
			create table swapped (id uuid primary key, place int unique, ${STAMP});
			${['t', 'pixsync_given', 'Odd ""name""']
				.map(
					(
						table,
					) => `create table "${table}" (v text primary key, t timestamptz not null default now(), p int, g int,
						m int, c int, row_key text, reply text, sending text, value text, place int, names text, "a ""b"" %I" text);`,
				)
				.join('\n')}
			create table audited (id uuid primary key, title text, ${STAMP});
			create table audit (id uuid, title text);
			create function audit_it() returns trigger language plpgsql security definer as $$ begin
				insert into audit values (new.id, new.title);
				return case when new.title = 'divert' then null else new end; end $$;
			create trigger audit_it before insert or update on audited for each row execute function audit_it();
			create table statements (at text);
			create function count_it() returns trigger language plpgsql security definer as $$ begin
				insert into statements values (tg_table_name); return null; end $$;
			create trigger count_it after insert or update or delete on notes for each statement execute function count_it();
			${rpcSql(TABLES)}`,
	});
});
afterEach(async () => {
	for (const client of clients.splice(0)) await client.end();
	await supabase.sql(
		`truncate notes, tree, renamed, silent, swapped, audited, audit, t, pixsync_given, "Odd ""name""", statements;
			truncate pixsync.ledger`,
	);
});
afterAll(() => supabase?.stop());

async function connect(): Promise<Client> {
	const client = await supabase.connect();
	clients.push(client);
	await client.query('set role anon');
	return client;
}

interface Change {
	readonly kind: 'create' | 'update' | 'delete';
	readonly id: string;
	readonly base: string | null;
	readonly push: string | null;
	readonly body: Readonly<Record<string, unknown>> | null;
}

function create(n: number, more: Readonly<Record<string, unknown>> = {}): Change {
	return {
		...{ kind: 'create', id: uuid(n), base: null, push: crypto.randomUUID() },
		body: { id: uuid(n), ...more },
	};
}

/** On the row as it stands, or as it was stamped. No body: it is deleted. */
async function change(
	n: number,
	body: Change['body'],
	{ table = 'notes', base }: { readonly table?: string; readonly base?: string } = {},
): Promise<Change> {
	const [row] = await supabase.sql<{ at: string }>(
		`select updated_at::text as at from ${table} where id = $1`,
		[uuid(n)],
	);
	const seen = base ?? row?.at ?? '2026-01-01';
	return { kind: body ? 'update' : 'delete', id: uuid(n), base: seen, push: crypto.randomUUID(), body };
}

interface Reply {
	readonly is: string;
	readonly code?: string;
	readonly row?: Readonly<Record<string, unknown>> | null;
}

async function call(
	client: Client,
	table: string,
	mutations: readonly Change[],
	{ key = 'id', stamp = 'updated_at' } = {},
): Promise<readonly Reply[]> {
	const request = { schema: 'public', table, key, stamp, columns: [{ column: '*' }], mutations };
	const { rows } = await client.query('select public.pixsync_push($1) as replies', [JSON.stringify(request)]);
	return rows[0].replies;
}

/** What the function says of each, and the row's id. */
async function push(client: Client, table: string, mutations: readonly Change[]) {
	const replies = await call(client, table, mutations);
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

describe('[F28] [S2] a batch of updates and deletes', () => {
	const all = [1, 2, 3, 4, 5];
	const fill = (client: Client) =>
		push(
			client,
			'notes',
			all.map((n) => create(n, { title: `t${n}`, n })),
		);
	const titles = async () =>
		(await supabase.sql<{ title: string }>('select title from notes order by id')).map(({ title }) => title);

	it('is a statement for those of one kind and the same columns, whatever their order', async () => {
		const client = await connect();
		await fill(client);
		await supabase.sql('truncate statements');
		const given = [
			await change(3, { title: 'three' }),
			await change(1, { n: 10 }),
			await change(2, { title: 'two' }),
			await change(4, { n: 40 }),
			await change(5, null),
		];
		const replies = await call(client, 'notes', given);
		expect(replies.map(({ is, row }) => [is, row?.title ?? null, row?.n ?? null])).toEqual([
			['applied', 'three', 3],
			['applied', 't1', 10],
			['applied', 'two', 2],
			['applied', 't4', 40],
			['applied', null, null],
		]);
		expect(await supabase.sql('select title, n from notes order by id')).toEqual([
			{ title: 't1', n: 10 },
			{ title: 'two', n: 2 },
			{ title: 'three', n: 3 },
			{ title: 't4', n: 40 },
		]);
		expect(await statements()).toBe(3);
	});

	it('goes over no version but the one that was seen, and tells of the one that is there', async () => {
		const client = await connect();
		await fill(client);
		const given = [
			await change(1, { title: 'mine' }),
			await change(2, { title: 'mine' }, { base: '2020-01-01' }),
			await change(9, { title: 'mine' }),
			await change(3, null, { base: '2020-01-01' }),
			await change(4, null),
			await change(8, null),
		];
		const replies = await call(client, 'notes', given);
		expect(replies.map(({ is, row }) => [is, row?.title ?? null])).toEqual([
			['applied', 'mine'],
			['missed', 't2'],
			['missed', null],
			['missed', 't3'],
			['applied', null],
			['missed', null],
		]);
		expect(await titles()).toEqual(['mine', 't2', 't3', 't5']);
	});

	it('sent again is done, and goes over nobody’s later write', async () => {
		const client = await connect();
		await fill(client);
		const given = [
			...(await Promise.all([1, 2].map((n) => change(n, { title: 'mine' })))),
			await change(3, null),
		];
		await push(client, 'notes', given);
		await supabase.sql(`update notes set title = 'theirs' where id = $1`, [uuid(2)]);
		await supabase.sql(`insert into notes (id, title) values ($1, 'anew')`, [uuid(3)]);
		const replies = await call(client, 'notes', given);
		expect(replies.map(({ is, row }) => [is, row?.title ?? null])).toEqual([
			['done', 'mine'],
			['done', 'theirs'],
			['done', 'anew'],
		]);
		expect(await titles()).toEqual(['mine', 'theirs', 'anew', 't4', 't5']);
	});

	it('[F27] of which one is refused: the others are made', async () => {
		const client = await connect();
		await fill(client);
		const given = [
			await change(1, { title: 'good' }),
			await change(2, { title: 'bad' }),
			await change(3, { title: 'better' }),
			await change(4, null),
		];
		expect(await push(client, 'notes', given)).toEqual([
			['applied', uuid(1)],
			['refused', '23514'],
			['applied', uuid(3)],
			['applied', null],
		]);
		expect(await titles()).toEqual(['good', 't2', 'better', 't5']);
	});

	it('sent twice at the same time is done once, and the second is told so', async () => {
		const [first, second] = [await connect(), await connect()];
		await fill(first);
		const later = { updated_at: '2027-01-01' };
		const given = [
			...(await Promise.all([1, 2].map((n) => change(n, { title: 'mine', ...later })))),
			await change(3, null),
			await change(4, null),
		];
		await first.query('begin');
		await push(first, 'notes', given);
		const waiting = push(second, 'notes', given);
		await new Promise((resolve) => setTimeout(resolve, 200));
		await first.query('commit');
		expect(await waiting).toEqual([
			['done', uuid(1)],
			['done', uuid(2)],
			['done', null],
			['done', null],
		]);
	});

	it('of one row, twice: the second is told what the first has made of it', async () => {
		const client = await connect();
		await fill(client);
		const given = [
			await change(1, { title: 'first', updated_at: '2027-01-01' }),
			await change(1, { title: 'second', updated_at: '2027-01-02' }),
		];
		const replies = await call(client, 'notes', given);
		expect(replies.map(({ is, row }) => [is, row?.title])).toEqual([
			['applied', 'first'],
			['missed', 'first'],
		]);
	});

	it('a row deleted and made anew keeps that order', async () => {
		const client = await connect();
		await fill(client);
		const given = [await change(1, null), await change(2, null), create(1, { title: 'anew' }), create(6)];
		expect(await push(client, 'notes', given)).toEqual([
			['applied', null],
			['applied', null],
			['applied', uuid(1)],
			['applied', uuid(6)],
		]);
		expect(await titles()).toEqual(['anew', 't3', 't4', 't5', null]);
	});

	it('[S33] touches no row that a policy keeps from it', async () => {
		await supabase.sql('insert into tree (id) values ($1), ($2)', [uuid(1), uuid(2)]);
		const given = [await change(1, null, { table: 'tree' }), await change(2, null, { table: 'tree' })];
		// There is a policy to see them, none to delete them.
		expect(await push(await connect(), 'tree', given)).toEqual([1, 2].map((n) => ['missed', uuid(n)]));
		expect(await idsIn('tree')).toEqual([1, 2].map(uuid));
	});

	it('values that may be there once are given on in the order of the batch', async () => {
		const client = await connect();
		await push(client, 'swapped', [create(1, { place: 1 }), create(2, { place: 2 })]);
		const to = (n: number, place: number) => change(n, { place }, { table: 'swapped' });
		expect(await push(client, 'swapped', [await to(1, 3), await to(2, 1)])).toEqual(
			[1, 2].map((n) => ['applied', uuid(n)]),
		);
		const swap = [await to(1, 1), await to(2, 3)];
		expect(await push(client, 'swapped', swap)).toEqual(swap.map(() => ['refused', '23505']));
	});
});

describe('[F34] names that the function uses, too', () => {
	it.each(['t', 'pixsync_given', 'Odd "name"'])('a table %j with such columns', async (table) => {
		const client = await connect();
		const names = { key: 'v', stamp: 't' };
		const columns = {
			...{ p: 1, g: 2, m: 3, c: 4, row_key: 'a', reply: 'b' },
			...{ sending: 'x', value: 'y', place: 5, names: 'n' },
		};
		const t = '2026-01-02T00:00:00+00:00';
		const rows = ['a', 'b', "c'd"].map((v) => ({ v, ...columns, t, 'a "b" %I': v }));
		const mutation = (kind: Change['kind'], id: string, body: Change['body']): Change => ({
			...{ kind, id, body, base: kind === 'create' ? null : t, push: crypto.randomUUID() },
		});
		const creates = rows.map((row) => mutation('create', row.v, row));
		expect(await call(client, table, creates, names)).toEqual(rows.map((row) => ({ is: 'applied', row })));
		expect((await pullPage(client, null, { table, ...names })).rows).toEqual(rows);
		const changes = { p: 9, 'a "b" %I': null };
		const updates = rows.map(({ v }) => mutation('update', v, changes));
		expect(await call(client, table, updates, names)).toEqual(
			rows.map((row) => ({ is: 'applied', row: { ...row, ...changes } })),
		);
		expect(await call(client, table, updates, names)).toEqual(
			rows.map((row) => ({ is: 'done', row: { ...row, ...changes } })),
		);
		const deletes = rows.map(({ v }) => mutation('delete', v, null));
		expect(await call(client, table, deletes, names)).toEqual(rows.map(() => ({ is: 'applied', row: null })));
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

	it('a trigger that gives the id of another change of the batch', async () => {
		const moved = uuid(1).replaceAll('-0000', '-ffff');
		const given = [
			create(1, { title: 'move' }),
			{ ...create(2), id: moved, body: { id: moved, title: 'mine' } },
			create(3, { title: 'stay' }),
		];
		expect(await push(await connect(), 'renamed', given)).toEqual([
			['applied', moved],
			['missed', moved],
			['applied', uuid(3)],
		]);
		expect(await supabase.sql('select title from renamed order by id')).toEqual([
			{ title: 'stay' },
			{ title: 'move' },
		]);
	});

	it('a trigger that writes elsewhere does so once a change, be it made, refused by its id, or sent again', async () => {
		const client = await connect();
		await supabase.sql(`insert into audited (id, title) values ($1, 'theirs')`, [uuid(9)]);
		await supabase.sql('truncate audit');
		const written = async () => {
			const rows = await supabase.sql<{ title: string }>('select title from audit order by title');
			await supabase.sql('truncate audit');
			return rows.map(({ title }) => title);
		};
		const given = [create(1, { title: 'a' }), create(2, { title: 'divert' }), create(3, { title: 'c' })];
		const taken = [create(4, { title: 'd' }), create(9, { title: 'mine' })];
		expect(await push(client, 'audited', given)).toEqual([
			['applied', uuid(1)],
			['missed', null],
			['applied', uuid(3)],
		]);
		expect(await written()).toEqual(['a', 'c', 'divert']);
		expect(await push(client, 'audited', taken)).toEqual([
			['applied', uuid(4)],
			['missed', uuid(9)],
		]);
		expect(await written()).toEqual(['d', 'mine']);
		expect(await push(client, 'audited', [given[0], given[2], taken[0]] as Change[])).toEqual(
			[1, 3, 4].map((n) => ['done', uuid(n)]),
		);
		expect(await written()).toEqual([]);
		const base = '2020-01-01';
		const late = [
			await change(1, { title: 'e' }, { table: 'audited', base }),
			await change(3, { title: 'f' }, { table: 'audited' }),
		];
		expect(await push(client, 'audited', late)).toEqual([
			['missed', uuid(1)],
			['applied', uuid(3)],
		]);
		expect(await written()).toEqual(['f']);
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
