import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Row } from '../../src/index.ts';
import { uuid } from '../contract/contract-kit.ts';
import { asUser, pullPage } from '../support/pull-as.ts';
import { createRandomSource, type RandomSource } from '../support/random-source.ts';
import { rpcSql } from '../support/rpc-sql.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

/*
 * Writers whose transactions overlap at random, and devices that know nothing but what the log tells them: whatever
 * the order of commits, each ends with what its user may see. `PIXSYNC_SEEDS=100` runs that many programs.
 */

const USERS = [uuid(1), uuid(2)];
const STEPS = 250;

let supabase: Supabase;
let reader: Client;
const writers: Client[] = [];
beforeAll(async () => {
	supabase = await startSupabase({
		sql: `create table notes (id uuid primary key, user_id uuid, n int, updated_at timestamptz not null default now());
			alter table notes enable row level security;
			create policy own on notes using (user_id = auth.uid());
			${rpcSql([{ table: 'notes' }])}`,
	});
	reader = await supabase.connect();
	for (let at = 0; at < 4; at++) {
		const writer = await supabase.connect();
		// Two that meet at one row: the later one does something else.
		await writer.query(`set lock_timeout = '20ms'; set deadlock_timeout = '10ms'`);
		writers.push(writer);
	}
});
afterAll(() => supabase?.stop());

/** One user's device: the rows that the pages so far have left. */
interface Follower {
	readonly user: string;
	readonly filter: readonly { column: string; op: string; value: unknown }[];
	readonly rows: Map<unknown, Row>;
	cursor: string | null;
	pages: number;
	gone: number;
}

async function read(one: Follower, limit: number): Promise<boolean> {
	const { user, filter, cursor } = one;
	const page = await pullPage(reader, user, { table: 'notes', filter, cursor }, limit);
	expect(page.error).toBeUndefined();
	expect([page.reset, page.compare, page.tellsAll]).toEqual([false, false, true]);
	expect(page.rows.length + page.gone.length + page.left.length).toBeLessThanOrEqual(limit);
	for (const row of page.rows) one.rows.set(row.id, row);
	for (const { id } of [...page.gone, ...page.left]) one.gone += Number(one.rows.delete(id));
	one.cursor = page.cursor;
	one.pages++;
	return page.more;
}

async function write(writer: Client, random: RandomSource): Promise<void> {
	const id = uuid(100 + random.below(60));
	const user = random.pick(USERS);
	const some = `id in (select id from notes order by md5(id::text || $1) limit ${1 + random.below(4)} for update skip locked)`;
	const salt = String(random.next());
	const n = random.below(4);
	await writer.query('savepoint one');
	try {
		const kind = random.pick(['insert', 'insert', 'update', 'give', 'delete', 'rename', 'upsert'] as const);
		if (kind === 'insert') await writer.query('insert into notes values ($1, $2, $3)', [id, user, n]);
		if (kind === 'update') await writer.query(`update notes set n = $2 where ${some}`, [salt, n]);
		if (kind === 'give') await writer.query(`update notes set user_id = $2 where ${some}`, [salt, user]);
		if (kind === 'delete') await writer.query(`delete from notes where ${some}`, [salt]);
		if (kind === 'rename')
			await writer.query(
				`update notes set id = $2 where id = (select id from notes order by md5(id::text || $1) limit 1 for update skip locked)`,
				[...[salt, id]],
			);
		if (kind === 'upsert')
			await writer.query(
				`insert into notes values ($1, $2, $3) on conflict (id) do update set user_id = excluded.user_id, n = excluded.n`,
				[id, user, n],
			);
	} catch (error) {
		// A row that another transaction holds, or an id that is taken.
		if (!/^(55P03|40P01|23505)$/.test(String((error as { code?: string }).code))) throw error;
		await writer.query('rollback to one');
	}
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

describe('[S15] [L1] [S18] whatever the order of commits', () => {
	const many = Number(process.env.PIXSYNC_SEEDS ?? 6);
	it.each(Array.from({ length: many }, (_, at) => at + 1))(
		'a device that follows the log has what its user may see: program %i',
		async (seed) => {
			const random = createRandomSource(seed);
			await supabase.sql('delete from notes');
			const followers: Follower[] = [...USERS, ...USERS].map((user, at) => {
				const filter = at < 2 ? [] : [{ column: 'n', op: 'lt', value: 2 }];
				return { user, filter, rows: new Map(), cursor: null, pages: 0, gone: 0 };
			});
			const open = new Set<Client>();
			for (let step = 0; step < STEPS; step++) {
				const writer = random.pick(writers);
				if (!open.has(writer)) {
					await writer.query('begin');
					open.add(writer);
				}
				await write(writer, random);
				if (random.chance(0.3)) {
					await writer.query(random.chance(0.8) ? 'commit' : 'rollback');
					open.delete(writer);
				}
				if (random.chance(0.3)) await read(random.pick(followers), 1 + random.below(5));
			}
			for (const writer of open) await writer.query('commit');
			for (const one of followers) {
				// Once to the head of what was under way, and once to what came after it began.
				for (let heads = 0; heads < 2; ) if (!(await read(one, 7))) heads++;
				const { rows } = await asUser(reader, one.user, () =>
					reader.query(`select id, n from notes ${one.filter.length > 0 ? 'where n < 2' : ''} order by id`),
				);
				const held = [...one.rows.values()].map(({ id, n }) => ({ id, n }));
				expect(held.sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1))).toEqual(rows);
			}
			expect(sum(followers.map(({ pages }) => pages))).toBeGreaterThan(30);
			expect(sum(followers.map(({ gone }) => gone))).toBeGreaterThan(5);
		},
	);
});
