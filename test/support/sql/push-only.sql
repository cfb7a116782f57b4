-- PixSync's RPC transport: a batch of changes in one request, each applied once. May be run again.
begin;

create schema if not exists pixsync;

-- Whose sendings are told apart; all who are not signed in are one.
create or replace function pixsync.caller() returns uuid language sql stable as
$pixsync$ select coalesce(auth.uid(), '00000000-0000-0000-0000-000000000000') $pixsync$;

-- The tables that may be pushed to. Their own policies and grants say by whom.
create table if not exists pixsync.tables (name regclass primary key);
alter table pixsync.tables enable row level security;
drop policy if exists everybody on pixsync.tables;
create policy everybody on pixsync.tables for select using (true);
insert into pixsync.tables values ('"public"."papers"'::regclass) on conflict do nothing;

-- The sendings that were applied, for 30 days.
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
create policy own on pixsync.ledger using (user_id = pixsync.caller()) with check (user_id = pixsync.caller());

create or replace function pixsync.row_of(target regclass, columns jsonb) returns text
language plpgsql stable as $pixsync$
declare
	part jsonb;
	parts text := '';
	has_all boolean := false;
begin
	-- What a row is told as: [{"as": "total", "column": "amount", "type": "text"}, {"column": "*"}].
	for part in select value from jsonb_array_elements(columns) loop
		if part->>'column' = '*' then
			has_all := true;
		elsif part->>'type' is null then
			parts := parts || format(', %L, t.%I', coalesce(part->>'as', part->>'column'), part->>'column');
		else
			parts := parts || format(', %L, t.%I::%s', coalesce(part->>'as', part->>'column'), part->>'column',
				(part->>'type')::regtype);
		end if;
	end loop;
	parts := case when parts = '' then null else format('jsonb_build_object(%s)', substr(parts, 3)) end;
	return case
		when not has_all then coalesce(parts, '''{}''::jsonb')
		when parts is null then 'to_jsonb(t)'
		else 'to_jsonb(t) || ' || parts
	end;
end $pixsync$;

create or replace function pixsync.look(target regclass, key text, told text, place jsonb) returns jsonb
language plpgsql stable as $pixsync$
declare
	reply jsonb;
begin
	execute format('select %1$s from %2$s as t, jsonb_populate_record(null::%2$s, $1) as p where t.%3$I = p.%3$I',
			told, target, key)
		into reply using place;
	return reply;
end $pixsync$;

create or replace function pixsync.apply(target regclass, key text, stamp text, told text, mutation jsonb) returns jsonb
language plpgsql as $pixsync$
declare
	sending uuid := (mutation->>'push')::uuid;
	body jsonb := mutation->'body';
	place jsonb := jsonb_build_object(key, mutation->'id', stamp, mutation->'base');
	names text;
	given text;
	applied_to text;
	reply jsonb;
begin
	if sending is not null then
		select row_key into applied_to from pixsync.ledger where user_id = pixsync.caller() and push_id = sending;
		if found then
			return jsonb_build_object('is', 'done', 'row',
				pixsync.look(target, key, told, jsonb_build_object(key, applied_to)));
		end if;
	end if;
	if jsonb_typeof(body) = 'object' then
		select string_agg(quote_ident(name), ', '), string_agg('v.' || quote_ident(name), ', ')
			into names, given from jsonb_object_keys(body) as name;
	end if;
	case mutation->>'kind'
		when 'create' then
			execute format('insert into %s as t %s %s returning t.%I::text, %s', target,
					case when names is null then 'default values'
						else format('(%s) select %s from jsonb_populate_record(null::%s, $1) as v', names, given, target) end,
					case when body ? key then format('on conflict (%I) do nothing', key) end, key, told)
				into applied_to, reply using body;
		when 'update' then
			execute format('update %1$s as t set (%2$s) = row(%3$s)
					from jsonb_populate_record(null::%1$s, $1) as v, jsonb_populate_record(null::%1$s, $2) as p
					where t.%4$I = p.%4$I and t.%5$I is not distinct from p.%5$I returning t.%4$I::text, %6$s',
					target, names, given, key, stamp, told)
				into applied_to, reply using body, place;
		when 'delete' then
			execute format('delete from %1$s as t using jsonb_populate_record(null::%1$s, $1) as p
					where t.%2$I = p.%2$I and t.%3$I is not distinct from p.%3$I returning t.%2$I::text',
					target, key, stamp)
				into applied_to using place;
		else
			raise exception 'There is no mutation of the kind %', mutation->>'kind' using errcode = '22023';
	end case;
	if applied_to is null then
		-- Nothing was changed: the row as it stands tells why.
		return jsonb_build_object('is', 'missed', 'row', pixsync.look(target, key, told, place));
	end if;
	if sending is not null then
		insert into pixsync.ledger (push_id, row_key) values (sending, applied_to);
	end if;
	return jsonb_build_object('is', 'applied', 'row', reply);
end $pixsync$;

create or replace function pixsync.push(request jsonb) returns jsonb
language plpgsql as $pixsync$
declare
	target regclass := to_regclass(format('%I.%I', request->>'schema', request->>'table'));
	key text := request->>'key';
	stamp text := request->>'stamp';
	told text;
	mutation jsonb;
	replies jsonb[] := '{}';
	state text;
	message text;
	hint text;
begin
	if target is null or not exists (select from pixsync.tables where name = target) then
		raise exception 'Table "%" is not one of PixSync''s', request->>'table'
			using errcode = '42P01', hint = 'Add it: npx pixsync sql';
	end if;
	told := pixsync.row_of(target, request->'columns');
	-- A deferred constraint would refuse the whole batch in the end.
	set constraints all immediate;
	delete from pixsync.ledger where user_id = pixsync.caller() and applied_at < now() - interval '30 days';
	begin
		for mutation in select value from jsonb_array_elements(request->'mutations') loop
			replies := replies || pixsync.apply(target, key, stamp, told, mutation);
		end loop;
		return to_jsonb(replies);
	exception when others then
		-- Each by itself, then.
		replies := '{}';
	end;
	for mutation in select value from jsonb_array_elements(request->'mutations') loop
		begin
			replies := replies || pixsync.apply(target, key, stamp, told, mutation);
		exception when others then
			get stacked diagnostics state = returned_sqlstate, message = message_text, hint = pg_exception_hint;
			replies := replies || jsonb_build_object('is', 'refused', 'code', state, 'message', message, 'hint', hint);
		end;
	end loop;
	return to_jsonb(replies);
end $pixsync$;

create or replace function "public"."pixsync_push"(request jsonb) returns jsonb language sql as
$pixsync$ select pixsync.push(request) $pixsync$;

revoke all on all functions in schema pixsync from public;
revoke all on function "public"."pixsync_push"(jsonb) from public;
grant usage on schema pixsync to anon, authenticated;
grant select on pixsync.tables to anon, authenticated;
grant select, insert, delete on pixsync.ledger to anon, authenticated;
grant execute on all functions in schema pixsync to anon, authenticated;
grant execute on function "public"."pixsync_push"(jsonb) to anon, authenticated;


notify pgrst, 'reload schema';
commit;
