import { GRAVES_DAYS } from './changes-sql.ts';

/**
 * `pixsync.pull`: what several tables hold that a device has not seen, in one request. It runs as the caller, so that
 * policies and grants hold, and is STABLE: PostgreSQL then runs all of it in one snapshot, and that very snapshot is
 * what the device names the next time.
 *
 * A cursor is text that only these functions read. It is one of
 *   {life, first, firstAt, from, key}         within a first pull: rows come in the order of their keys, behind `key`
 *   {life, seen, seenAt, told}                at the head: everything that the snapshot `seen` shows is known
 *   {life, seen, …, first, firstAt, xid, key} within a later pull: entries come by transaction and key, behind those
 * A pull of several pages ends with the snapshot of its first page, and passes over what was changed since: the next
 * pull brings it. So it ends however much is written meanwhile, and brings nothing twice (a first pull may, of rows that
 * are new behind its place). `told`: whether tombstones were looked at.
 *
 * `life` is the server's, its timeline's and the table's: numbers of transactions mean nothing to another one, such as
 * a dump that was restored, or a standby that took over.
 */
export const pullSql = () => `create or replace function pixsync.life_of(target regclass) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $pixsync$
begin
	return concat_ws('.', (select system_identifier from pg_control_system()), (select timeline_id from pg_control_checkpoint()),
		(select oid from pg_database where datname = current_database()), target::oid);
exception when insufficient_privilege then
	return concat_ws('.', (select oid from pg_database where datname = current_database()), target::oid);
end $pixsync$;

-- The place that a cursor names; null: none that one can go on from.
create or replace function pixsync.place_of(cursor_text text, its pixsync.tables) returns jsonb
language plpgsql stable as $pixsync$
declare
	place jsonb;
	seen pg_snapshot;
	first pg_snapshot;
	behind xid8;
	ahead xid8 := pg_snapshot_xmax(pg_current_snapshot());
begin
	-- Whatever is no cursor fails here, and is caught below.
	place := cursor_text;
	seen := place->>'seen';
	first := place->>'first';
	behind := place->>'xid';
	if place->>'life' = pixsync.life_of(its.name)
			-- PostgreSQL 15 reads whatever is no number as transaction 0.
			and coalesce(seen, first) is not null and coalesce(place->>'xid' ~ '^\\d+$' and behind < ahead, true)
			and (seen is null or pg_snapshot_xmax(seen) <= ahead) and (first is null or pg_snapshot_xmax(first) <= ahead)
			-- A number that is not even visible now came with a dump of another cluster: that it started over, its life says.
			and (its.reset_since is null or not pg_visible_in_snapshot(its.reset_since, pg_current_snapshot())
				or pg_visible_in_snapshot(its.reset_since, coalesce(seen, first)))
			-- Tombstones that it has not seen may be purged; a day is more than any transaction takes.
			and coalesce(place->>'seenAt', place->>'firstAt')::timestamptz > now() - interval '${GRAVES_DAYS - 1} days' then
		return place;
	end if;
	return null;
exception when others then
	return null;
end $pixsync$;

-- A filter as SQL: values stand as constants without a type, which take the column's, as with PostgREST.
create or replace function pixsync.condition(filter jsonb) returns text
language plpgsql immutable as $pixsync$
declare
	part jsonb;
	given text;
	sign text;
	parts text := 'true';
begin
	for part in select value from jsonb_array_elements(filter) loop
		if part->>'op' <> all ('{eq,neq,gt,gte,lt,lte,in,is}') then
			raise exception 'There is no filter by %', part->>'op' using errcode = '22023';
		end if;
		given := part->>'value';
		sign := case part->>'op' when 'eq' then '=' when 'neq' then '<>' when 'gt' then '>' when 'gte' then '>='
			when 'lt' then '<' when 'lte' then '<=' end;
		parts := parts || format(' and t.%I %s', part->>'column', case
			when part->>'op' = 'is' and given in ('true', 'false', 'unknown') then 'is ' || given
			when given is null and part->>'op' in ('is', 'eq') then 'is null'
			when given is null and part->>'op' = 'neq' then 'is not null'
			when part->>'op' = 'in' then coalesce(
				(select 'in (' || string_agg(quote_literal(one), ', ') || ')' from jsonb_array_elements_text(part->'value') as one),
				'= any (''{}'')')
			else format('%s %L', sign, given)
		end);
	end loop;
	return parts;
end $pixsync$;

create or replace function pixsync.pull_table(request jsonb, most int) returns jsonb
language plpgsql stable as $pixsync$
declare
	target regclass := to_regclass(format('%I.%I', request->>'schema', request->>'table'));
	stamp text := request->>'stamp';
	its pixsync.tables;
	place jsonb;
	is_reset boolean;
	keeps boolean;
	seen pg_snapshot;
	first pg_snapshot;
	told text;
	told_key text;
	chosen text;
	scan text;
	page record;
	next jsonb;
begin
	if target is null then
		raise exception 'relation "%" does not exist', request->>'table' using errcode = '42P01';
	end if;
	select * into its from pixsync.tables where name = target;
	if its.key is distinct from request->>'key' then
		raise exception 'Table "%" is not prepared for pulls by "%"', request->>'table', request->>'key'
			using errcode = 'PX001', hint = 'Run what npx pixsync sql prints for it.';
	end if;
	if not exists (select from pg_attribute where attrelid = target and attname = stamp and not attisdropped) then
		raise exception 'column %.% does not exist', request->>'table', stamp using errcode = '42703';
	end if;

	place := pixsync.place_of(request->>'cursor', its);
	is_reset := place is null and request->>'cursor' is not null;
	keeps := coalesce(its.graves_rule = pixsync.rule_of(target) and pixsync.fits(target, its.graves, its.graves_columns), false);
	seen := place->>'seen';
	first := coalesce(place->>'first', pg_current_snapshot()::text);
	told := pixsync.row_of(target, request->'columns');
	-- An id is told as the rows tell it: by another type where select casts it.
	told_key := pixsync.row_of(target, coalesce(
		(select jsonb_build_array(part) from jsonb_array_elements(request->'columns') as part
			where part->>'column' <> '*' and coalesce(part->>'as', part->>'column') = its.key limit 1),
		jsonb_build_array(jsonb_build_object('column', its.key))));
	chosen := pixsync.condition(request->'filter');

	if seen is null then
		place := coalesce(place, jsonb_build_object('from', case when not is_reset then request->>'from' end));
		scan := format('select ''row'' as what, %1$s as body, null::xid8 as xid, t.%2$I::text as row_key,
					row_number() over (order by t.%2$I) as n
				from %3$s as t where %4$s %5$s %6$s order by t.%2$I limit %7$s',
			told, its.key, target, chosen,
			case when place->>'from' is not null then format('and t.%I >= %L', stamp, place->>'from') end,
			case when place->>'key' is not null then format('and t.%I > %L', its.key, place->>'key') end,
			most + 1);
	else
		-- The cast stands apart: under a policy PostgreSQL looks a row up by what may leak nothing only, and a cast might.
		-- What the filter leaves out the caller may see, and is told; what a policy hides is told by its tombstone alone.
		scan := format('(select case when %1$s then ''row'' else ''left'' end as what, case when %1$s then %2$s else %3$s end as body,
					c.xid, c.row_key
				from pixsync.changes c, lateral (select c.row_key::%6$s as key offset 0) as k join %4$s as t on t.%5$I = k.key where c.rel = %7$L and %8$s
				order by c.xid, c.row_key limit %9$s)',
			chosen, told, told_key, target, its.key, its.key_type, target::oid, pixsync.unseen('c.xid', 'c.row_key', place, first), most + 1);
		if keeps then
			scan := scan || format(' union all (select distinct ''gone'', %1$s, t.pixsync_xid, t.pixsync_key
					from %2$s as t where %3$s and not exists (select from %4$s as l where l.%5$I = t.%5$I)
					order by t.pixsync_xid, t.pixsync_key limit %6$s)',
				told_key, its.graves, pixsync.unseen('t.pixsync_xid', 't.pixsync_key', place, first), target, its.key, most + 1);
		end if;
		scan := format('select *, row_number() over (order by xid, row_key) as n from (%s) as found order by xid, row_key limit %s',
			scan, most + 1);
	end if;
	execute format('select
			coalesce(jsonb_agg(body order by n) filter (where n <= %1$s and what = ''row''), ''[]'') as rows,
			coalesce(jsonb_agg(body order by n) filter (where n <= %1$s and what = ''gone''), ''[]'') as gone,
			coalesce(jsonb_agg(body order by n) filter (where n <= %1$s and what = ''left''), ''[]'') as "left",
			max(xid::text) filter (where n = %1$s) as xid, max(row_key) filter (where n = %1$s) as row_key,
			count(*) > %1$s as more
		from (%2$s) as page', most, scan) into page;

	next := jsonb_build_object('told', keeps and coalesce(place->>'xid' is null or (place->>'told')::boolean, true));
	if page.more then
		next := place || next || jsonb_build_object('first', first, 'firstAt', coalesce(place->>'firstAt', now()::text),
			'key', page.row_key);
		next := next || case when seen is null then '{}' else jsonb_build_object('xid', page.xid) end;
	else
		next := next || jsonb_build_object('seen', first, 'seenAt', coalesce(place->>'firstAt', now()::text));
	end if;
	return jsonb_build_object('rows', page.rows, 'gone', page.gone, 'left', page."left", 'more', page.more,
		'cursor', (next || jsonb_build_object('life', pixsync.life_of(target)))::text,
		'reset', is_reset,
		-- What was deleted before this device, or this table, came to tombstones is in none.
		'compare', is_reset or place->>'from' is not null or keeps and seen is not null
			and not ((place->>'told')::boolean and (pg_visible_in_snapshot(its.graves_since, seen)
				or not pg_visible_in_snapshot(its.graves_since, pg_current_snapshot()))),
		'tellsAll', keeps and its.tells_all,
		'at', now());
end $pixsync$;

-- Entries that the snapshot a device names does not show, as far as the first page's does, behind the last one told.
create or replace function pixsync.unseen(xid text, row_key text, place jsonb, first pg_snapshot) returns text
language sql immutable as $pixsync$
	select format('%1$s >= %2$L and not pg_visible_in_snapshot(%1$s, %3$L) and pg_visible_in_snapshot(%1$s, %4$L)',
			xid, pg_snapshot_xmin((place->>'seen')::pg_snapshot), place->>'seen', first)
		|| case when place->>'xid' is null then ''
			else format(' and (%1$s, %2$s) > (%3$L, %4$L)', xid, row_key, place->>'xid', place->>'key') end
$pixsync$;

-- {"limit": 1000, "pulls": [{"schema", "table", "key", "stamp", "columns", "filter", "cursor", "from"}]} is answered with
-- one page, or {"error"}, for each. The limit is the answer's, shared out evenly: what a table leaves, the next may take.
create or replace function pixsync.pull(request jsonb) returns jsonb
language plpgsql stable as $pixsync$
declare
	one jsonb;
	page jsonb;
	pages jsonb[] := '{}';
	room int := (request->>'limit')::int;
	waiting int := jsonb_array_length(request->'pulls');
	state text;
	message text;
	hint text;
begin
	if pg_is_in_recovery() then
		-- There pg_current_snapshot() does not name the transactions that are under way.
		raise exception 'A read replica cannot answer pulls' using errcode = '55000', hint = 'Send them to the primary.';
	end if;
	for one in select value from jsonb_array_elements(request->'pulls') loop
		begin
			page := pixsync.pull_table(one, greatest(1, room / waiting));
			room := room - jsonb_array_length(page->'rows') - jsonb_array_length(page->'gone') - jsonb_array_length(page->'left');
		exception when others then
			get stacked diagnostics state = returned_sqlstate, message = message_text, hint = pg_exception_hint;
			page := jsonb_build_object('error', jsonb_build_object('code', state, 'message', message, 'hint', hint));
		end;
		pages := pages || page;
		waiting := waiting - 1;
	end loop;
	return to_jsonb(pages);
end $pixsync$;`;
