/**
 * `pixsync.push`: one table's batch in one request. Every mutation is all or nothing, whatever becomes of the others:
 * the batch is tried as a whole, creates even in one statement, and a row at a time only when something in it is
 * refused, for a savepoint a row is dear. What was applied is written to the ledger in the same transaction, so that a
 * sending whose reply was lost is not applied twice. It runs as the caller: policies and grants hold. It sets no
 * search_path, which would hold for the app's own triggers, too.
 */
export const pushSql = (
	ledgerDays: number,
) => `create or replace function pixsync.row_of(target regclass, columns jsonb) returns text
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

-- Creates alone, all of the same columns and with ids of their own, in one statement; null: they are not such. One
-- that was sent before, and whose row is gone, is refused by the ledger's key.
create or replace function pixsync.create_all(target regclass, key text, stamp text, told text, mutations jsonb)
returns jsonb
language plpgsql as $pixsync$
declare
	names text[];
	are_such boolean;
	replies jsonb;
	made int;
	matched int;
begin
	if jsonb_array_length(mutations) < 2 or jsonb_typeof(mutations->0->'body') is distinct from 'object' then
		return null;
	end if;
	select array_agg(name) into names from jsonb_object_keys(mutations->0->'body') as name;
	select key = any (names) and bool_and(m->>'kind' = 'create' and jsonb_typeof(m->'body') = 'object'
			and m->'body' ?& names and (select count(*) from jsonb_object_keys(m->'body')) = cardinality(names))
		into are_such from jsonb_array_elements(mutations) as m;
	if are_such is distinct from true then
		return null;
	end if;
	execute format('with given as materialized (
			select m.place, (m.value->>''push'')::uuid as sending, v
			from jsonb_array_elements($1) with ordinality as m (value, place),
				jsonb_populate_record(null::%1$s, m.value->''body'') as v
		), made as (
			insert into %1$s as t (%2$s) select %3$s from given order by place on conflict (%4$I) do nothing
			returning t.%4$I::text as row_key, %5$s as reply
		), matched as (
			select place, sending, made.row_key, reply from given left join made on made.row_key = (given.v).%4$I::text
		), noted as (
			insert into pixsync.ledger (user_id, push_id, row_key)
			select $2, sending, row_key from matched where sending is not null and row_key is not null
		)
		select jsonb_agg(case when row_key is not null then jsonb_build_object(''is'', ''applied'', ''row'', reply) end
				order by place), count(row_key), (select count(*) from made)
		from matched', target,
			(select string_agg(quote_ident(name), ', ') from unnest(names) as name),
			(select string_agg('(given.v).' || quote_ident(name), ', ') from unnest(names) as name), key, told)
		into replies, matched, made using mutations, pixsync.caller();
	if matched <> made then
		raise exception 'Which change made which row cannot be told: one id is there twice, or a trigger gave another';
	end if;
	if made < jsonb_array_length(mutations) then
		select jsonb_agg(case when jsonb_typeof(r.value) <> 'null' then r.value
				else pixsync.apply(target, key, stamp, told, mutations->(r.place - 1)::int) end order by r.place)
			into replies from jsonb_array_elements(replies) with ordinality as r (value, place);
	end if;
	return replies;
end $pixsync$;

create or replace function pixsync.push(request jsonb) returns jsonb
language plpgsql as $pixsync$
declare
	target regclass := to_regclass(format('%I.%I', request->>'schema', request->>'table'));
	key text := request->>'key';
	stamp text := request->>'stamp';
	told text;
	mutation jsonb;
	made jsonb;
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
	delete from pixsync.ledger where user_id = pixsync.caller() and applied_at < now() - interval '${ledgerDays} days';
	begin
		made := pixsync.create_all(target, key, stamp, told, request->'mutations');
		if made is not null then
			return made;
		end if;
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
end $pixsync$;`;
