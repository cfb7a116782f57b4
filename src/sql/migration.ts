import type { TableSpec } from '../core/table-spec.ts';
import { stampSql } from '../doctor/checks/stamp.ts';
import { qualifiedName, quoteName, quoteText, toShortName } from '../doctor/sql-text.ts';
import { changesSql } from './changes-sql.ts';
import { gravesSql } from './graves-sql.ts';
import { pullSql } from './pull-sql.ts';
import { pushSql } from './push-sql.ts';

/** The functions that the RPC transport calls, in the tables' schema: that one is served, `pixsync` need not be. */
export const PUSH_FUNCTION = 'pixsync_push';
export const PULL_FUNCTION = 'pixsync_pull';

/** How long a repeated sending is recognised; after that the rows are compared, as without the ledger. */
const LEDGER_DAYS = 30;

/**
 * The migration that the RPC transport needs, as one script that may be run again. It needs no superuser, and the
 * functions run as the caller, so that policies and grants hold.
 * @param options.stamps whether the tables get a trigger that stamps each change.
 */
export function toMigration(
	specs: readonly TableSpec[],
	schema: string,
	{ stamps: isStamped = true }: { readonly stamps?: boolean } = {},
): string {
	const push = qualifiedName(schema, PUSH_FUNCTION);
	const pull = qualifiedName(schema, PULL_FUNCTION);
	const graves = toShortName(`pixsync_deleted_${schema}`);
	const tracked = specs.map(
		({ table, idField }) =>
			`select pixsync.track(${quoteText(qualifiedName(schema, table))}, ${quoteText(idField)}, ${quoteText(graves)});`,
	);
	const stamps = specs.map((spec) => stampSql(spec, schema)).join('\n');
	return `-- PixSync's RPC transport: a batch of changes in one request, each applied once; and downloads that miss nothing, of
-- several tables in one request. May be run again, and over an older one.
begin;

create schema if not exists pixsync;

-- Whose sendings are told apart; all who are not signed in are one.
create or replace function pixsync.caller() returns uuid language sql stable as
$pixsync$ select coalesce(auth.uid(), '00000000-0000-0000-0000-000000000000') $pixsync$;

-- The tables that may be pushed to and pulled. Their own policies and grants say by whom.
create table if not exists pixsync.tables (name regclass primary key);
alter table pixsync.tables enable row level security;
drop policy if exists everybody on pixsync.tables;
create policy everybody on pixsync.tables for select using (true);

-- The sendings that were applied, for ${LEDGER_DAYS} days.
create table if not exists pixsync.ledger (
	user_id uuid not null default pixsync.caller(),
	push_id uuid not null,
	row_key text not null,
	applied_at timestamptz not null default now(),
	primary key (user_id, push_id)
);
create index if not exists ledger_age on pixsync.ledger (user_id, applied_at);
alter table pixsync.ledger enable row level security;
drop policy if exists own on pixsync.ledger;
create policy own on pixsync.ledger
	using (user_id = (select pixsync.caller())) with check (user_id = (select pixsync.caller()));

${pushSql(LEDGER_DAYS)}

create or replace function ${push}(request jsonb) returns jsonb language sql as
$pixsync$ select pixsync.push(request) $pixsync$;

${changesSql()}

-- The tables' tombstones.
create schema if not exists ${quoteName(graves)};

${gravesSql()}

${pullSql()}

create or replace function ${pull}(request jsonb) returns jsonb language sql stable as
$pixsync$ select pixsync.pull(request) $pixsync$;

${tracked.join('\n')}

revoke all on all functions in schema pixsync from public;
revoke all on function ${push}(jsonb), ${pull}(jsonb) from public;
grant usage on schema pixsync, ${quoteName(graves)} to anon, authenticated;
grant select on pixsync.tables, pixsync.changes to anon, authenticated;
grant select, insert, delete on pixsync.ledger to anon, authenticated;
grant execute on all functions in schema pixsync to anon, authenticated;
-- What only the triggers and this script call.
revoke all on function pixsync.note(), pixsync.track(regclass, text, text), pixsync.bury(regclass, text, text[]) from anon, authenticated;
grant execute on function ${push}(jsonb), ${pull}(jsonb) to anon, authenticated;

${isStamped ? `-- Each change gets a later version, whoever makes it.\n${stamps}\n` : ''}
notify pgrst, 'reload schema';
commit;
`;
}
