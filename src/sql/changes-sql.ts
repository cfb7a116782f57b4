/** How long hard deletes are told. A device that was away for longer starts over and compares ids. */
export const GRAVES_DAYS = 90;

/** Tombstones dropped by one statement, at most: nobody's delete pays for a year of them. */
const PURGED_AT_ONCE = 500;

/**
 * The log behind `pixsync.pull`: which row was changed by which transaction. It holds one entry a row, and none for
 * rows that were never changed since the migration: a first pull reads the table itself, in the order of its keys.
 *
 * Transactions are told by number, not by time, for a time says nothing of when a transaction commits: whether a
 * device knows one is asked of the snapshot that its last pull was made in (`pg_visible_in_snapshot`).
 *
 * Entries are written by triggers for each statement, with the rows as sets: a bulk write costs one statement more, not
 * one a row. They wait for nobody: whoever writes an entry holds the lock of its row already.
 */
export const changesSql = () => `-- What a device has not seen: the transaction that changed a row last.
create table if not exists pixsync.changes (
	rel regclass not null,
	row_key text collate "C" not null,
	xid xid8 not null default pg_current_xact_id(),
	primary key (rel, row_key)
);
create index if not exists changes_since on pixsync.changes (rel, xid, row_key);

alter table pixsync.tables
	-- The column that rows are known by; null: the table can be pushed to only.
	add column if not exists key text,
	add column if not exists key_type text,
	-- Where its deleted rows are told of, by whose rule, with which of its columns; null: nowhere.
	add column if not exists graves regclass,
	add column if not exists graves_rule text,
	add column if not exists graves_columns text[],
	add column if not exists graves_since xid8,
	-- Whether a row goes out of sight by its own change alone, so that all that goes is told.
	add column if not exists tells_all boolean not null default false,
	-- Since then no entry, and no tombstone, is left of what was before: all start over.
	add column if not exists reset_since xid8;

-- Whether the columns that a tombstone keeps are still those of the table.
create or replace function pixsync.fits(target regclass, graves regclass, columns text[]) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $pixsync$
	select count(*) = cardinality(columns)
	from pg_attribute a join pg_attribute g using (attname, atttypid, atttypmod)
	where a.attrelid = target and g.attrelid = graves and a.attname = any (columns) and not a.attisdropped
$pixsync$;

-- Runs as its owner, so that whoever changes a row needs no right to write the log, and cannot forge it; temporary
-- tables and views of theirs are looked at last, or one called pg_attribute would run as its owner, too. It must never
-- fail: the app's own change would fail with it.
create or replace function pixsync.note() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $pixsync$
declare
	its pixsync.tables;
	lost text;
	kept text;
	theirs text;
	moved text;
	is_lost boolean;
begin
	select * into its from pixsync.tables where name = tg_relid;
	if not exists (select from pg_attribute where attrelid = tg_relid and attname = its.key and not attisdropped) then
		-- Renamed, or never registered: the next pull says so.
		return null;
	end if;
	if tg_op = 'TRUNCATE' then
		delete from pixsync.changes where rel = tg_relid;
		update pixsync.tables set reset_since = pg_current_xact_id() where name = tg_relid;
		return null;
	end if;
	if tg_op <> 'DELETE' then
		execute format('insert into pixsync.changes as c (rel, row_key) select distinct $1, n.%I::text from new_rows n
				on conflict (rel, row_key) do update set xid = excluded.xid where c.xid <> excluded.xid', its.key)
			using tg_relid;
	end if;
	if tg_op = 'INSERT' then
		return null;
	end if;
	if pixsync.fits(tg_relid, its.graves, its.graves_columns) then
		select string_agg(format('%I', name), ', '), string_agg(format('l.%I', name), ', '),
				string_agg(format(' or o.%1$I::text is distinct from n.%1$I::text', name), '')
			into kept, theirs, moved from unnest(its.graves_columns) as name;
	end if;
	-- Of a row that a policy may see otherwise now, the old version is buried, too: to whom it alone was shown, it is gone.
	lost := case tg_op
		when 'DELETE' then 'select o.*, true as pixsync_gone from old_rows o'
		else format('select o.*, n.%1$I is null as pixsync_gone from old_rows o left join new_rows n on n.%1$I = o.%1$I
			where n.%1$I is null%2$s', its.key, moved)
	end;
	if tg_op = 'UPDATE' then
		-- Nearly always there is none, and this costs a third of what follows. Counted: of EXISTS PostgreSQL expects to find
		-- one soon, and compares each row with each.
		execute format('select count(*) > 0 from (%s) as l', lost) into is_lost;
		if not is_lost then
			return null;
		end if;
	end if;
	-- An array, for PostgreSQL cannot know how few they are, and would rather read the whole log.
	execute format('with lost as (%s)%s
			delete from pixsync.changes where rel = $1 and row_key = any (array(select l.%I::text from lost l where l.pixsync_gone))',
			lost,
			case when kept is not null then format(', buried as (insert into %s (pixsync_key, %s) select l.%I::text, %s from lost l)',
				its.graves, kept, its.key, theirs) end,
			its.key)
		using tg_relid;
	if kept is not null then
		execute format('delete from %1$s where ctid = any (array(select ctid from %1$s
			where pixsync_at < now() - interval ''${GRAVES_DAYS} days'' order by pixsync_at limit ${PURGED_AT_ONCE} for update skip locked))', its.graves);
	end if;
	return null;
end $pixsync$;`;
