import { readFileSync } from 'node:fs';
import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncConfig } from '../../src/index.ts';
import { ODD_IDS, uuid } from '../contract/contract-kit.ts';
import { asUser, idsOf, type PullAsk, pullPage, pullPages, pullToHead } from '../support/pull-as.ts';
import { rpcSql } from '../support/rpc-sql.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

const ALICE = '00000000-0000-4000-8000-00000000000a';
const BOB = '00000000-0000-4000-8000-00000000000b';

const TABLES: readonly SyncConfig[] = [
	{ table: 'bare' },
	{ table: 'own' },
	{ table: 'shared' },
	{ table: 'tags' },
	{ table: 'counters' },
	{ table: 'whole' },
	{ table: 'parents' },
	{ table: 'kids' },
	{ table: 'changing' },
];

const STAMP = 'updated_at timestamptz not null default now()';

const SQL = `
	create table bare (id uuid primary key, title text, n int, ${STAMP});
	create table own (id uuid primary key, user_id uuid, title text, ${STAMP});
	alter table own enable row level security;
	create policy own on own using (user_id = (select auth.uid()));
	create table members (team int, user_id uuid);
	create table shared (id uuid primary key, team int, title text, ${STAMP});
	alter table shared enable row level security;
	create policy team on shared for select to authenticated
		using (exists (select from members m where m.team = shared.team and m.user_id = auth.uid()));
	create policy "not 'secret'" on shared as restrictive for select using (title is distinct from 'secret');
	create table tags (id text primary key, title text, ${STAMP});
	create table counters (id bigint primary key, title text, ${STAMP});
	create table whole (id uuid primary key, title text, ${STAMP});
	alter table whole enable row level security;
	create policy whole on whole using ((to_jsonb(whole) ->> 'title') <> 'hidden');
	create table parents (id uuid primary key, ${STAMP});
	create table kids (id uuid primary key, parent_id uuid references parents on delete cascade on update cascade, ${STAMP});
	create table changing (id uuid primary key, user_id uuid, title text, ${STAMP});
	alter table changing enable row level security;
	create policy own on changing using (user_id = auth.uid());
	create table unnamed (id uuid primary key, ${STAMP});
`;

let supabase: Supabase;
let client: Client;
beforeAll(async () => {
	supabase = await startSupabase({ sql: SQL + rpcSql(TABLES) });
	client = await supabase.connect();
});
afterAll(() => supabase?.stop());

const pull = (user: string | null, ask: PullAsk, limit?: number) => pullPage(client, user, ask, limit);
const toHead = (user: string | null, ask: PullAsk, limit?: number) => pullToHead(client, user, ask, limit);
/** A cursor that has seen all that there is. */
const head = async (table: string, user: string | null = null) => {
	const pages = await toHead(user, { table });
	return String(pages.at(-1)?.cursor);
};
const some = (n: number, from = 0) => Array.from({ length: n }, (_, at) => uuid(from + at));
const insert = (table: string, ids: readonly string[]) =>
	supabase.sql(`insert into ${table} (id) select unnest($1::uuid[])`, [ids]);

describe('[S15] the cursor', () => {
	it('a late commit is neither missed nor keeps others waiting, and nothing is brought twice', async () => {
		const cursor = await head('bare');
		const late = await supabase.connect();
		await late.query('begin');
		await late.query(`insert into bare (id, title) values ($1, 'late')`, [uuid(1)]);
		await supabase.sql(`insert into bare (id, title) values ($1, 'early')`, [uuid(2)]);
		const first = await pull(null, { table: 'bare', cursor });
		expect([idsOf(first.rows), first.more]).toEqual([[uuid(2)], false]);
		await supabase.sql(`insert into bare (id) values ($1)`, [uuid(3)]);
		const second = await pull(null, { table: 'bare', cursor: first.cursor });
		expect(idsOf(second.rows)).toEqual([uuid(3)]);
		await late.query('commit');
		const third = await pull(null, { table: 'bare', cursor: second.cursor });
		expect(third.rows).toMatchObject([{ id: uuid(1), title: 'late' }]);
		expect((await pull(null, { table: 'bare', cursor: third.cursor })).rows).toEqual([]);
		await late.end();
	});

	it('the rows of one transaction come over several pages, each once, and the last page knows that it is', async () => {
		const cursor = await head('bare');
		const ids = some(120, 100);
		await insert('bare', ids);
		const pages = await toHead(null, { table: 'bare', cursor }, 40);
		expect(pages.map(({ rows }) => rows.length)).toEqual([40, 40, 40]);
		expect(pages.flatMap(({ rows }) => idsOf(rows))).toEqual(ids);
		const anew = await toHead(null, { table: 'bare' }, 40);
		const all = anew.flatMap(({ rows }) => idsOf(rows));
		expect(new Set(all).size).toBe(all.length);
		expect(all).toEqual(expect.arrayContaining(ids));
	});

	it('what is changed while a pull goes on comes with the next one: a pull ends, and misses nothing', async () => {
		for (const isFirst of [false, true]) {
			const ids = some(30, 300);
			await supabase.sql('delete from bare');
			const start = isFirst ? null : await head('bare');
			await insert('bare', ids);
			let cursor = start;
			const seen: unknown[] = [];
			const gone = new Set<unknown>();
			for (let pages = 0; ; pages++) {
				const page = await pull(null, { table: 'bare', cursor }, 10);
				seen.push(...idsOf(page.rows));
				for (const id of idsOf(page.gone)) gone.add(id);
				cursor = page.cursor;
				if (!page.more) break;
				expect(pages).toBeLessThan(10);
				// Before, at and behind the place.
				await supabase.sql(`update bare set title = 'again' where id = any($1)`, [[ids[0], ids[9], ids[29]]]);
				await supabase.sql('delete from bare where id = $1', [ids[5]]);
				await insert('bare', [uuid(310 + 50 * (pages + 1))]);
			}
			expect(seen.length).toBe(new Set(seen).size);
			const next = await toHead(null, { table: 'bare', cursor });
			const known = new Set([...seen, ...next.flatMap(({ rows }) => idsOf(rows))]);
			for (const { gone } of next) for (const id of idsOf(gone)) known.delete(id);
			const all = await supabase.sql<{ id: string }>('select id from bare');
			expect(known).toEqual(new Set(all.map(({ id }) => id)));
			expect(next.flatMap(({ gone }) => idsOf(gone))).toEqual([ids[5]]);
		}
	});

	it('[F12] ids of any text keep their place, in a first pull and in a later one', async () => {
		const cursor = await head('tags');
		await supabase.sql('insert into tags (id) select unnest($1::text[])', [ODD_IDS]);
		for (const start of [null, cursor]) {
			const pages = await toHead(null, { table: 'tags', cursor: start }, 4);
			const ids = pages.flatMap(({ rows }) => idsOf(rows));
			expect(ids).toHaveLength(ODD_IDS.length);
			expect(new Set(ids)).toEqual(new Set(ODD_IDS));
		}
		const before = await head('tags');
		await supabase.sql('delete from tags');
		const gone = await toHead(null, { table: 'tags', cursor: before }, 4);
		expect(new Set(gone.flatMap((page) => idsOf(page.gone)))).toEqual(new Set(ODD_IDS));
	});

	it('from a time: rows of that time and later, and ids have to be compared once', async () => {
		await supabase.sql(`insert into counters (id, updated_at) select n, timestamptz '2020-01-01' + n * interval '1 day'
			from generate_series(1, 9) n`);
		const pages = await toHead(null, { table: 'counters', from: '2020-01-06T00:00:00+00:00' }, 2);
		expect(pages.flatMap(({ rows }) => idsOf(rows))).toEqual([5, 6, 7, 8, 9]);
		expect(pages.at(-1)?.compare).toBe(true);
		const next = await pull(null, { table: 'counters', cursor: pages.at(-1)?.cursor ?? null });
		expect(next).toMatchObject({ rows: [], more: false, compare: false, reset: false });
	});

	it('[F21] filter: rows come as it lets them in, and one that it no longer lets in has left', async () => {
		await supabase.sql('truncate bare');
		await supabase.sql(`insert into bare (id, title, n) values ($1, 'it''s', 1), ($2, 'b', null)`, [
			uuid(1),
			uuid(2),
		]);
		const filters = [
			[{ column: 'title', op: 'eq', value: "it's" }],
			[{ column: 'n', op: 'is', value: null }],
			[{ column: 'n', op: 'in', value: [1, 7] }],
			[{ column: 'n', op: 'in', value: [] }],
			[
				{ column: 'title', op: 'neq', value: null },
				{ column: 'n', op: 'lte', value: 1 },
			],
		];
		const found = [];
		for (const filter of filters)
			found.push(
				idsOf((await pull(null, { table: 'bare', filter })).rows).map((id) => Number(String(id).slice(-1))),
			);
		expect(found).toEqual([[1], [2], [1], [], [1]]);
		const filter = [{ column: 'n', op: 'lt', value: 5 }];
		const { cursor } = await pull(null, { table: 'bare', filter });
		await supabase.sql('update bare set n = 9 where id = $1', [uuid(1)]);
		expect(await pull(null, { table: 'bare', filter, cursor })).toMatchObject({
			...{ rows: [], gone: [], left: [{ id: uuid(1) }] },
		});
	});

	it('[F18] select: rows, and ids of what is gone, are told under the names and types asked for', async () => {
		const columns = [
			{ column: 'id', type: 'text' },
			{ column: 'title', as: 'heading' },
			{ column: 'updated_at' },
		];
		const cursor = await head('counters');
		await supabase.sql(`insert into counters (id, title) values (9007199254740993, 'big')`);
		const page = await pull(null, { table: 'counters', columns, cursor });
		expect(page.rows).toEqual([{ id: '9007199254740993', heading: 'big', updated_at: expect.any(String) }]);
		await supabase.sql('delete from counters where id > 1000');
		expect((await pull(null, { table: 'counters', columns, cursor: page.cursor })).gone).toEqual([
			{ id: '9007199254740993' },
		]);
	});
});

describe('starting over', () => {
	const forge = (cursor: string, change: object) => JSON.stringify({ ...JSON.parse(cursor), ...change });

	it('a cursor of another life, of another table, of a time to come, too old, or none at all is reset', async () => {
		await supabase.sql('truncate bare');
		await insert('bare', [uuid(1)]);
		const cursor = await head('bare');
		const { life } = JSON.parse(cursor);
		const cases = [
			...['', 'x', '{}', 'null', '[]', '1', forge(cursor, { seen: null })],
			...[forge(cursor, { life: `${life}0` }), await head('tags')],
			...[forge(cursor, { seen: '1:900000000:' }), forge(cursor, { xid: 'x' }), forge(cursor, { seen: 'x' })],
			forge(cursor, { seenAt: new Date(Date.now() - 90 * 86_400_000).toISOString() }),
		];
		for (const bad of cases) {
			const page = await pull(null, { table: 'bare', cursor: bad });
			expect([bad, page.reset, page.compare, idsOf(page.rows)]).toEqual([bad, true, true, [uuid(1)]]);
			expect(await pull(null, { table: 'bare', cursor: page.cursor })).toMatchObject({
				reset: false,
				rows: [],
			});
		}
		expect(await pull(null, { table: 'bare', cursor })).toMatchObject({
			reset: false,
			compare: false,
			rows: [],
		});
	});

	it('a reset in the middle of a pull starts over from the first row', async () => {
		await supabase.sql('truncate bare');
		await insert('bare', some(5));
		const { cursor } = await pull(null, { table: 'bare' }, 2);
		await supabase.sql('truncate bare');
		await insert('bare', some(5));
		const page = await pull(null, { table: 'bare', cursor }, 2);
		expect([page.reset, idsOf(page.rows)]).toEqual([true, some(2)]);
	});

	it('[F19] after TRUNCATE, which tells of no row, all start over', async () => {
		await insert('kids', [uuid(1)]);
		const cursor = await head('kids');
		await supabase.sql('truncate parents cascade');
		await insert('kids', [uuid(2)]);
		const page = await pull(null, { table: 'kids', cursor });
		expect([page.reset, idsOf(page.rows)]).toEqual([true, [uuid(2)]]);
	});
});

describe('[F19] [S18] hard deletes', () => {
	it('are told to those who could see the row, and to nobody else', async () => {
		await supabase.sql(`insert into own (id, user_id) values ($1, $2), ($3, $4)`, [
			...[uuid(1), ALICE, uuid(2), BOB],
		]);
		const [alice, bob, nobody] = [await head('own', ALICE), await head('own', BOB), await head('own')];
		await supabase.sql('delete from own');
		expect((await pull(ALICE, { table: 'own', cursor: alice })).gone).toEqual([{ id: uuid(1) }]);
		expect((await pull(BOB, { table: 'own', cursor: bob })).gone).toEqual([{ id: uuid(2) }]);
		expect((await pull(null, { table: 'own', cursor: nobody })).gone).toEqual([]);
		expect((await pull(ALICE, { table: 'own' })).gone).toEqual([]);
	});

	it('by a policy that looks into another table: to the team, but for what a restrictive policy hides', async () => {
		await supabase.sql(`insert into members values (1, '${ALICE}'), (2, '${BOB}')`);
		await supabase.sql(
			`insert into shared (id, team, title) values ($1, 1, 'a'), ($2, 2, 'b'), ($3, 1, 'secret')`,
			[...[uuid(1), uuid(2), uuid(3)]],
		);
		const alice = await head('shared', ALICE);
		const bob = await head('shared', BOB);
		await supabase.sql('delete from shared');
		const told = await pull(ALICE, { table: 'shared', cursor: alice });
		expect([told.gone, told.tellsAll]).toEqual([[{ id: uuid(1) }], false]);
		expect((await pull(BOB, { table: 'shared', cursor: bob })).gone).toEqual([{ id: uuid(2) }]);
	});

	it('a row that is given away is gone to whom it was shown, and comes to whom it is given', async () => {
		await supabase.sql(`insert into own (id, user_id) values ($1, $2)`, [uuid(5), ALICE]);
		const alice = await head('own', ALICE);
		const bob = await head('own', BOB);
		await supabase.sql(`update own set title = 'x' where id = $1`, [uuid(5)]);
		const seen = await pull(ALICE, { table: 'own', cursor: alice });
		expect([seen.rows.length, seen.gone, seen.tellsAll]).toEqual([1, [], true]);
		await supabase.sql('update own set user_id = $2 where id = $1', [uuid(5), BOB]);
		expect(await pull(ALICE, { table: 'own', cursor: seen.cursor })).toMatchObject({
			rows: [],
			gone: [{ id: uuid(5) }],
		});
		expect(await pull(BOB, { table: 'own', cursor: bob })).toMatchObject({
			rows: [{ id: uuid(5) }],
			gone: [],
		});
	});

	it('[S9] a row made again under its id is no tombstone; to whom the new one is hidden the old one is gone', async () => {
		await supabase.sql(`insert into own (id, user_id) values ($1, $2)`, [uuid(6), ALICE]);
		const alice = await head('own', ALICE);
		await supabase.sql(`delete from own where id = $1`, [uuid(6)]);
		await supabase.sql(`insert into own (id, user_id, title) values ($1, $2, 'new')`, [uuid(6), ALICE]);
		const again = await pull(ALICE, { table: 'own', cursor: alice });
		expect(again).toMatchObject({ rows: [{ id: uuid(6), title: 'new' }], gone: [] });
		await supabase.sql(`delete from own where id = $1`, [uuid(6)]);
		await supabase.sql(`insert into own (id, user_id) values ($1, $2)`, [uuid(6), BOB]);
		await supabase.sql(`delete from own where id = $1`, [uuid(6)]);
		expect(await pull(ALICE, { table: 'own', cursor: again.cursor })).toMatchObject({
			...{ rows: [], gone: [{ id: uuid(6) }] },
		});
	});

	it('come over several pages, between changes, each once; cascades and changed ids are told, too', async () => {
		await supabase.sql('delete from kids; delete from parents');
		await insert('parents', some(12));
		await supabase.sql('insert into kids (id, parent_id) select id, id from parents');
		const [kids, parents] = [await head('kids'), await head('parents')];
		await supabase.sql(`delete from parents where id <= $1`, [uuid(9)]);
		await supabase.sql(`update parents set id = $2 where id = $1`, [uuid(11), uuid(50)]);
		const pages = await toHead(null, { table: 'kids', cursor: kids }, 4);
		expect(pages.flatMap(({ gone }) => idsOf(gone))).toEqual(some(10));
		expect(pages.flatMap(({ rows }) => rows)).toMatchObject([{ id: uuid(11), parent_id: uuid(50) }]);
		const own = await toHead(null, { table: 'parents', cursor: parents }, 4);
		expect(own.flatMap(({ gone }) => idsOf(gone))).toEqual([...some(10), uuid(11)]);
		expect(own.flatMap(({ rows }) => idsOf(rows))).toEqual([uuid(50)]);
	});

	it('a policy that reads the row as a whole cannot be copied: no tombstones, and that is said', async () => {
		await insert('whole', [uuid(1)]);
		await supabase.sql(`update whole set title = 'seen'`);
		const cursor = await head('whole');
		await supabase.sql('delete from whole');
		expect(await pull(null, { table: 'whole', cursor })).toMatchObject({
			gone: [],
			tellsAll: false,
			compare: false,
		});
		const notices: string[] = [];
		client.on('notice', ({ message }) => notices.push(String(message)));
		await client.query(rpcSql([{ table: 'whole' }]));
		expect(notices).toContainEqual(expect.stringContaining('no tombstones of public.whole'));
	});

	it('[F24] policies that were changed since hide all tombstones until the migration has run again; then ids are compared once', async () => {
		const alice = () => pullPage(client, ALICE, { table: 'changing', cursor });
		await supabase.sql(`insert into changing (id, user_id, title) values ($1, $3, 'a'), ($2, $3, 'b')`, [
			...[uuid(1), uuid(2), ALICE],
		]);
		let cursor = await head('changing', ALICE);
		await supabase.sql(
			`drop policy own on changing; create policy own on changing using (title = 'b' and user_id = auth.uid());`,
		);
		await supabase.sql(`delete from changing where id = $1`, [uuid(1)]);
		const between = await alice();
		expect(between).toMatchObject({ gone: [], tellsAll: false, compare: false });
		const away = cursor;
		cursor = between.cursor;
		await supabase.sql(rpcSql([{ table: 'changing' }]));
		for (const start of [away, between.cursor]) {
			cursor = start;
			const after = await alice();
			expect(after).toMatchObject({ compare: true, tellsAll: true, reset: false });
			cursor = after.cursor;
			expect(await alice()).toMatchObject({ compare: false, tellsAll: true });
		}
		await supabase.sql(`delete from changing where id = $1`, [uuid(2)]);
		expect(await alice()).toMatchObject({ gone: [{ id: uuid(2) }] });
	});

	it('[F24] so they do where the policies are again what they were: what was passed over meanwhile is in no later pull', async () => {
		await supabase.sql(`insert into changing (id, user_id, title) values ($1, $2, 'b')`, [uuid(3), ALICE]);
		const cursor = await head('changing', ALICE);
		const rule = "title = 'b' and user_id = auth.uid()";
		const set = (using: string) =>
			supabase.sql(`drop policy own on changing; create policy own on changing using (${using})`);
		await set(`${rule} and true`);
		await supabase.sql(`delete from changing where id = $1`, [uuid(3)]);
		const between = await pull(ALICE, { table: 'changing', cursor });
		expect(between).toMatchObject({ gone: [], compare: false, tellsAll: false });
		await set(rule);
		const after = await pull(ALICE, { table: 'changing', cursor: between.cursor });
		expect(after).toMatchObject({ gone: [], compare: true, tellsAll: true });
		expect(await pull(ALICE, { table: 'changing', cursor: after.cursor })).toMatchObject({ compare: false });
	});

	it('old ones are purged, some at a time, by the next delete', async () => {
		await insert('bare', some(3, 900));
		await supabase.sql('delete from bare where id = $1', [uuid(900)]);
		await supabase.sql(`update pixsync_deleted_public.bare set pixsync_at = now() - interval '91 days'`);
		await supabase.sql('delete from bare where id = $1', [uuid(901)]);
		expect(await supabase.sql('select pixsync_key from pixsync_deleted_public.bare')).toEqual([
			{ pixsync_key: uuid(901) },
		]);
	});
});

describe('[F33] the app’s own writes', () => {
	it('go on whatever becomes of the table: the log never fails them', async () => {
		const change = async (id: string) => {
			await supabase.sql(`insert into changing (id, user_id) values ($1, $2)`, [id, ALICE]);
			await supabase.sql(`update changing set updated_at = now() where id = $1`, [id]);
			await supabase.sql(`delete from changing where id = $1`, [id]);
		};
		await supabase.sql('drop policy own on changing; alter table changing alter user_id type text');
		await change(uuid(1));
		await supabase.sql('alter table changing drop user_id; alter table changing add user_id json');
		await supabase.sql(`insert into changing (id) values ($1)`, [uuid(2)]);
		await supabase.sql('delete from changing');
		await supabase.sql('alter table changing rename id to key');
		await supabase.sql(`insert into changing (key) values ($1)`, [uuid(3)]);
		await supabase.sql('drop schema pixsync_deleted_public cascade');
		await supabase.sql('delete from own; delete from bare; truncate changing');
		await supabase.sql(rpcSql(TABLES.filter(({ table }) => table !== 'changing')));
	});

	it('[S18] nobody can write the log, or call what the triggers call', async () => {
		const forbidden = [
			`insert into pixsync.changes (rel, row_key) values ('bare', 'x')`,
			'delete from pixsync.changes',
			`update pixsync.tables set tells_all = true`,
			`insert into pixsync_deleted_public.bare (id, pixsync_key) values ('${uuid(1)}', 'x')`,
			`select pixsync.track('bare', 'id', 'x')`,
			`select pixsync.bury('bare', 'x', '{id}')`,
		];
		for (const user of [null, ALICE]) {
			for (const query of forbidden) {
				const attempt = asUser(client, user, () => client.query(query), { isReadOnly: false });
				await expect(attempt, query).rejects.toMatchObject({ code: '42501' });
			}
		}
		await supabase.sql(`insert into own (id, user_id) values ($1, $2)`, [uuid(20), BOB]);
		await supabase.sql('delete from own');
		const { rows } = await asUser(client, ALICE, () =>
			client.query('select * from pixsync_deleted_public.own'),
		);
		expect(rows).toEqual([]);
	});
});

describe('several tables in one request', () => {
	it('share the limit, and what one leaves the next may take; a refusal is one table’s alone', async () => {
		await supabase.sql('truncate bare; truncate tags');
		await insert('bare', some(50));
		await supabase.sql(`insert into tags (id) select n::text from generate_series(1, 50) n`);
		const asks = ['own', 'nowhere', 'unnamed', 'bare', 'tags'].map((table) => ({ table }));
		const pages = await pullPages(
			client,
			ALICE,
			[...asks, { table: 'bare', columns: [{ column: 'x' }] }],
			60,
		);
		expect(pages.map(({ error, rows }) => error?.code ?? rows.length)).toEqual([
			...[0, '42P01', 'PX001', 20, 20, '42703'],
		]);
	});

	it('under a policy, too, a pull reads no more of a table than has changed', async () => {
		await supabase.sql(
			`insert into own (id, user_id) select gen_random_uuid(), $1 from generate_series(1, 20000)`,
			[BOB],
		);
		await supabase.sql('analyze own; analyze pixsync.changes');
		const cursor = await head('own', ALICE);
		await supabase.sql(`insert into own (id, user_id) values ($1, $2)`, [uuid(70), ALICE]);
		const read = async () => {
			await client.query('select pg_stat_force_next_flush()');
			const { rows } = await client.query(
				`select seq_tup_read + idx_tup_fetch as n from pg_stat_user_tables where relid = 'public.own'::regclass`,
			);
			return Number(rows[0].n);
		};
		const before = await read();
		expect(idsOf((await pull(ALICE, { table: 'own', cursor })).rows)).toEqual([uuid(70)]);
		expect((await read()) - before).toBeLessThan(10);
		await supabase.sql('delete from own');
	});

	it('[S33] columns, filters and cursors are no SQL', async () => {
		const odd = [
			{ columns: [{ column: 'id::text), (select 1' }] },
			{ filter: [{ column: 'id = id or true --', op: 'eq', value: '' }] },
			{ cursor: null, from: `now() or true` },
			{ filter: [{ column: 'title', op: "= '' or true --", value: '' }] },
		];
		for (const ask of odd) {
			const page = await pull(null, { table: 'bare', ...ask });
			expect(page.error?.code).toMatch(/^(42703|22007|22023)$/);
		}
		const filter = [{ column: 'title', op: 'eq', value: "' or 'a' = 'a" }];
		expect((await pull(null, { table: 'bare', filter })).rows).toEqual([]);
	});
});

describe('the migration', () => {
	it('[S28] runs again, and over the one that only pushed: tombstones and cursors stay', async () => {
		await supabase.sql(`create schema old; create table papers (id uuid primary key, title text, ${STAMP});`);
		const cursor = await head('bare');
		await supabase.sql('delete from bare where id = $1', [uuid(1)]);
		await supabase.sql(rpcSql(TABLES.filter(({ table }) => table === 'bare')));
		expect((await pull(null, { table: 'bare', cursor })).gone).toEqual([{ id: uuid(1) }]);

		const other = await startSupabase({
			sql: `create table papers (id uuid primary key, title text, ${STAMP});
				${readFileSync(new URL('../support/sql/push-only.sql', import.meta.url), 'utf8')}
				insert into papers (id) values ('${uuid(1)}'); insert into pixsync.ledger (push_id, row_key) values ('${uuid(7)}', 'x');`,
		});
		try {
			await other.sql(rpcSql([{ table: 'papers' }]));
			const their = await other.connect();
			const first = await pullPage(their, null, { table: 'papers' });
			expect(idsOf(first.rows)).toEqual([uuid(1)]);
			await other.sql('delete from papers');
			expect((await pullPage(their, null, { table: 'papers', cursor: first.cursor })).gone).toEqual([
				{ id: uuid(1) },
			]);
			expect(await other.sql('select push_id from pixsync.ledger')).toEqual([{ push_id: uuid(7) }]);
			// A dump that is restored elsewhere has another life.
			const foreign = await pull(null, { table: 'bare', cursor: first.cursor });
			expect(foreign.reset).toBe(true);
		} finally {
			await other.stop();
		}
	});
});
