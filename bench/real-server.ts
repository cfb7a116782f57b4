import { rpcSql } from '../test/support/rpc-sql.ts';
import { startSupabase, touchTrigger } from '../test/support/supabase/index.ts';
import type { BenchServer } from './server.ts';

const SQL = `
create table notes (
	id uuid primary key,
	title text,
	body text,
	n integer,
	done boolean,
	updated_at timestamptz not null default now()
);
create index on notes (updated_at, id);
${touchTrigger('notes')}
${rpcSql([{ table: 'notes' }])}`;

/** The same rows as the emulator's, as old as those. */
const FILL = `
insert into notes select
	('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid,
	'Note ' || n, repeat('lorem ipsum dolor sit amet ', 7), n, n % 2 = 0,
	'2026-01-01T00:00:00Z'::timestamptz + (n + 1) * interval '1001 microseconds'
from generate_series(0, $1::int - 1) as n`;

/** PostgREST on PostgreSQL, as the tests have it: what it costs is a part of what is measured. */
export async function startRealServer(): Promise<BenchServer> {
	const supabase = await startSupabase({ sql: SQL });
	return {
		freshUrl: () => supabase.url,
		key: supabase.anonKey,
		latencyMs: 0,
		maxRows: 1_000,
		traffic() {
			const preflights = supabase.requests.filter(({ method }) => method === 'OPTIONS').length;
			return { preflights, requests: supabase.requests.length - preflights };
		},
		clearTraffic: () => supabase.clearRequests(),
		async fill(rows) {
			await supabase.sql('truncate notes; alter table notes disable trigger user');
			await supabase.sql(FILL, [rows]);
			await supabase.sql('alter table notes enable trigger user; analyze notes');
		},
		async change(rows, title) {
			await supabase.sql(
				'update notes set title = $2 where id in (select id from notes order by id limit $1)',
				[rows, title],
			);
		},
		async count() {
			const [row] = await supabase.sql<{ count: number }>('select count(*)::int from notes');
			return row?.count ?? 0;
		},
		async numberOf(id) {
			const [row] = await supabase.sql<{ n: number }>('select n from notes where id = $1', [id]);
			return row?.n;
		},
		stop: () => supabase.stop(),
	};
}
