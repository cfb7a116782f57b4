/**
 * `pixsync.track`: makes a table one that can be pulled. Its tombstones lie in a table of the same name in a schema of
 * their own, for the SELECT policies are copied to it word by word, and a policy may name its table. So the rule that
 * showed a row shows its tombstone, to the same people. A tombstone keeps the key and the columns that the policies
 * read, nothing else.
 *
 * Where a policy reads the row as a whole, or cannot be copied, there are no tombstones: devices go on comparing ids.
 */
export const gravesSql =
	() => `-- Who may see a table's rows, as text; told under the same search_path, whoever asks.
create or replace function pixsync.rule_of(target regclass) returns text
language sql stable set search_path = pg_catalog, pg_temp as $pixsync$
	select md5(concat_ws(' ', c.relrowsecurity, (
		select string_agg(concat_ws(' ', polname, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid)), '; ' order by polname)
		from pg_policy where polrelid = c.oid and polcmd in ('r', '*')
	))) from pg_class c where c.oid = target
$pixsync$;

-- Whether the policies read nothing but the row and who asks. Otherwise a row can go out of sight, or come into it,
-- while it stays as it is: when a member leaves a team. That is in no log; devices find it when they compare ids.
create or replace function pixsync.reads_row_only(target regclass) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $pixsync$
	select not exists (
		select from pg_policy p where p.polrelid = target and p.polcmd in ('r', '*') and (
			p.polqual::text ~ ':rtekind 0 |{SQLVALUEFUNCTION'
			or exists (
				select from regexp_matches(p.polqual::text, ':(?:funcid|opfuncid) (\\d+)', 'g') as found
				join pg_proc f on f.oid = found[1]::oid
				where f.provolatile <> 'i'
					and f.oid <> all (array_remove(array[to_regprocedure('auth.uid()'), to_regprocedure('auth.role()')]::oid[], null))
			)
		)
	)
$pixsync$;

create or replace function pixsync.bury(target regclass, graves text, columns text[]) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $pixsync$
declare
	policy record;
	reader text;
begin
	execute format('drop table if exists %s', graves);
	execute format('create table %s as select %s from %s with no data', graves,
		(select string_agg(format('%I', name), ', ') from unnest(columns) as name), target);
	execute format('alter table %s add pixsync_key text collate "C" not null,
		add pixsync_xid xid8 not null default pg_current_xact_id(), add pixsync_at timestamptz not null default now()', graves);
	execute format('create index on %s (pixsync_xid, pixsync_key)', graves);
	execute format('create index on %s (pixsync_at)', graves);
	if (select relrowsecurity from pg_class where oid = target) then
		execute format('alter table %s enable row level security', graves);
	end if;
	for policy in select *, pg_get_expr(polqual, polrelid) as rule from pg_policy
			where polrelid = target and polcmd in ('r', '*') and polqual is not null loop
		if policy.polqual::text ~ ':varattno (0|-\\d+) ' then
			raise exception 'the policy "%" reads a row as a whole', policy.polname;
		end if;
		execute format('create policy %I on %s as %s for select to %s using (%s)', policy.polname, graves,
			case when policy.polpermissive then 'permissive' else 'restrictive' end,
			case when 0 = any (policy.polroles) then 'public'
				else (select string_agg(format('%I', rolname), ', ') from pg_roles where oid = any (policy.polroles)) end,
			policy.rule);
	end loop;
	for reader in select rolname from pg_roles where rolname in ('anon', 'authenticated')
			and has_any_column_privilege(oid, target, 'select') loop
		execute format('grant select on %s to %I', graves, reader);
	end loop;
end $pixsync$;

create or replace function pixsync.track(target regclass, by_column text, graves_schema text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $pixsync$
declare
	its pixsync.tables;
	its_type text := (select format_type(atttypid, atttypmod) from pg_attribute
		where attrelid = target and attname = by_column and not attisdropped);
	graves_name text := format('%I.%I', graves_schema, (select relname from pg_class where oid = target));
	columns text[];
begin
	if its_type is null then
		raise exception 'Table % has no column "%"', target, by_column using hint = 'Name it in idField.';
	end if;
	select * into its from pixsync.tables where name = target;
	if (its.key, its.key_type) <> (by_column, its_type) then
		delete from pixsync.changes where rel = target;
		update pixsync.tables set reset_since = pg_current_xact_id() where name = target;
	end if;
	insert into pixsync.tables (name, key, key_type) values (target, by_column, its_type)
		on conflict (name) do update set key = excluded.key, key_type = excluded.key_type;

	execute format('create or replace trigger pixsync_inserted after insert on %s
		referencing new table as new_rows for each statement execute function pixsync.note()', target);
	execute format('create or replace trigger pixsync_updated after update on %s
		referencing old table as old_rows new table as new_rows for each statement execute function pixsync.note()', target);
	execute format('create or replace trigger pixsync_deleted after delete on %s
		referencing old table as old_rows for each statement execute function pixsync.note()', target);
	execute format('create or replace trigger pixsync_truncated after truncate on %s
		for each statement execute function pixsync.note()', target);

	columns := by_column || coalesce((
		select array_agg(attname::text order by attnum) from pg_attribute
		where attrelid = target and attname <> by_column and exists (
			select from pg_policy p join pg_depend d on (d.classid, d.objid) = ('pg_policy'::regclass, p.oid)
			where p.polrelid = target and (d.refclassid, d.refobjid, d.refobjsubid) = ('pg_class'::regclass, target, attnum)
		)
	), '{}');
	if its.graves is not null and its.graves_rule = pixsync.rule_of(target) and its.graves_columns = columns
			and pixsync.fits(target, its.graves, columns) then
		-- As it was: the tombstones stay.
		return;
	end if;
	begin
		perform pixsync.bury(target, graves_name, columns);
		update pixsync.tables set graves = graves_name::regclass, graves_rule = pixsync.rule_of(target), graves_columns = columns,
			graves_since = pg_current_xact_id(), tells_all = pixsync.reads_row_only(target) where name = target;
	exception when others then
		raise notice 'PixSync keeps no tombstones of %: %. Devices find its hard deletes by comparing ids.', target, sqlerrm;
		update pixsync.tables set graves = null, tells_all = false where name = target;
		execute format('drop table if exists %s', graves_name);
	end;
end $pixsync$;`;
