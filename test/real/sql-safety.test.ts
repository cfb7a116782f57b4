import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { uuid } from '../contract/contract-kit.ts';
import { pullPage, pullToHead } from '../support/pull-as.ts';
import { rpcSql } from '../support/rpc-sql.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

const TABLES = [{ table: 'bare' }, { table: 'other' }];
const STAMP = 'updated_at timestamptz not null default now()';
let supabase: Supabase;
let client: Client;
beforeAll(async () => {
	supabase = await startSupabase({
		sql: `create table bare (id uuid primary key, title text, ${STAMP});
			create table other (id uuid primary key, title text, ${STAMP});
			create schema private; create table private.proof (who text);
			${rpcSql(TABLES)}`,
	});
	client = await supabase.connect();
});
afterAll(() => supabase?.stop());

describe('[S18] what runs as the owner of the migration', () => {
	/** A view of the caller's in the place of a relation of the catalog. @returns as whom its code has run. */
	const attack = async (relation: string, column: string, use: string) => {
		const low = await supabase.connect();
		await low.query('set role authenticated');
		await low.query(`create function pg_temp.evil(given name) returns name language plpgsql as $$ begin
			insert into private.proof values (current_user); return given; exception when others then return given; end $$`);
		const others = {
			pg_attribute: 'a.attrelid, a.attisdropped, a.atttypid, a.atttypmod',
			pg_database: 'a.oid',
		}[relation];
		await low.query(
			`create temp view ${relation} as select ${others}, pg_temp.evil(a.${column}) as ${column} from pg_catalog.${relation} a`,
		);
		await low.query(use);
		await low.end();
		const found = await supabase.sql<{ who: string }>('select distinct who from private.proof');
		await supabase.sql('delete from private.proof');
		return found;
	};
	it('note() runs no code of whoever may write the table and make temporary views', async () => {
		expect(
			await attack('pg_attribute', 'attname', `insert into public.bare (id) values ('${uuid(77)}')`),
		).toEqual([]);
	});
	it('life_of() runs none of whoever may call it', async () => {
		expect(await attack('pg_database', 'datname', `select pixsync.life_of('public.bare')`)).toEqual([]);
	});
});

describe('[S15] [L2] a dump that was restored into a cluster whose transactions have lower numbers', () => {
	it('after a TRUNCATE in its former life: a pull of several pages ends', async () => {
		await supabase.sql('truncate other');
		await supabase.sql('insert into other (id) select unnest($1::uuid[])', [
			[1, 2, 3, 4, 5].map((n) => uuid(n)),
		]);
		// What pg_dump writes of pixsync.tables, read by a younger cluster.
		await supabase.sql(
			`update pixsync.tables set reset_since = '900000000'::xid8 where name = 'other'::regclass`,
		);
		await supabase.sql(rpcSql(TABLES));
		await expect(pullToHead(client, null, { table: 'other' }, 2)).resolves.toHaveLength(3);
	});
	it('a pull at the head does not start over each time', async () => {
		const { cursor } = await pullPage(client, null, { table: 'other' });
		expect(await pullPage(client, null, { table: 'other', cursor })).toMatchObject({
			reset: false,
			rows: [],
		});
	});
	it('tombstones of its former life are compared once', async () => {
		await supabase.sql(
			`update pixsync.tables set graves_since = '900000000'::xid8 where name = 'bare'::regclass`,
		);
		await supabase.sql(rpcSql(TABLES));
		let { cursor } = await pullPage(client, null, { table: 'bare' });
		const compares = [];
		for (let n = 0; n < 3; n++) {
			const page = await pullPage(client, null, { table: 'bare', cursor });
			cursor = page.cursor;
			compares.push(page.compare);
		}
		expect(compares.slice(1)).toEqual([false, false]);
	});
});
