/**
 * `pixsync.push`: one table's batch in one request. Every mutation is all or nothing, whatever becomes of the others:
 * the batch is tried as a whole, alike changes in one statement, and a row at a time only when something in it is
 * refused: a statement a row takes eight times as long, and a savepoint more still. What was applied is written to the
 * ledger in the same transaction, so that a sending whose reply was lost is not applied twice. It runs as the caller:
 * policies and grants hold. It sets no search_path, which would hold for the app's own triggers, too.
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
		when parts is null then 'to_jsonb(t.*)'
		else 'to_jsonb(t.*) || ' || parts
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

-- What is told of a change that was applied by an earlier sending; null: it was not, as far as the ledger knows.
create or replace function pixsync.done(target regclass, key text, told text, mutation jsonb) returns jsonb
language plpgsql stable as $pixsync$
declare
	applied_to text;
begin
	select row_key into applied_to from pixsync.ledger
		where user_id = pixsync.caller() and push_id = (mutation->>'push')::uuid;
	return case when found then jsonb_build_object('is', 'done', 'row',
		pixsync.look(target, key, told, jsonb_build_object(key, applied_to))) end;
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
	reply jsonb := pixsync.done(target, key, told, mutation);
begin
	if reply is not null then
		return reply;
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

-- Changes of one kind and of the same columns: in one statement, but for creates whose ids the server makes, of which
-- nobody could tell which row is whose, and where some were sent before. None is tried twice: a trigger may do anything.
create or replace function pixsync.apply_all(target regclass, key text, stamp text, told text, mutations jsonb)
returns jsonb[]
language plpgsql as $pixsync$
declare
	way text := mutations->0->>'kind';
	body jsonb := mutations->0->'body';
	names text;
	given text;
	change text;
	replies jsonb[];
	made int;
	matched int;
	lost int;
	me uuid := pixsync.caller();
begin
	if jsonb_array_length(mutations) < 2 or way = 'create' and (body ? key) is distinct from true or exists (
		-- One by one, or PostgreSQL may read all sendings of the user.
		select from jsonb_array_elements(mutations) as m, lateral (
			select from pixsync.ledger where user_id = me and push_id = (m->>'push')::uuid limit 1
		) as l
	) then
		return array(select pixsync.apply(target, key, stamp, told, m.value)
			from jsonb_array_elements(mutations) with ordinality as m (value, place) order by m.place);
	end if;
	if jsonb_typeof(body) = 'object' then
		select string_agg(quote_ident(name), ', '), string_agg('(g.v).' || quote_ident(name), ', ')
			into names, given from jsonb_object_keys(body) as name;
	end if;
	change := case way
		when 'create' then format('insert into %s as t (%s) select %s from pixsync_given as g order by g.place
				on conflict (%I) do nothing', target, names, given, key)
		when 'update' then format('update %s as t set (%s) = row(%s) from pixsync_given as g', target, names, given)
		when 'delete' then format('delete from %s as t using pixsync_given as g', target)
	end || case when way = 'create' then '' else
		format(' where t.%1$I = (g.p).%1$I and t.%2$I is not distinct from (g.p).%2$I', key, stamp) end;
	execute format('with pixsync_given as materialized (
			select m.place, (m.value->>''push'')::uuid as sending,
				jsonb_populate_record(null::%1$s, coalesce(nullif(m.value->''body'', ''null''), ''{}'')) as v,
				jsonb_populate_record(null::%1$s, jsonb_build_object(%2$L, m.value->''id'', %3$L, m.value->''base'')) as p
			from jsonb_array_elements($1) with ordinality as m (value, place)
		), pixsync_made as (
			%4$s returning t.%5$I::text as row_key, %6$s as reply
		), pixsync_matched as (
			select g.place, g.sending, c.row_key, c.reply, c.row_key is null and not exists (
				select from %1$s as t where t.%5$I = (g.%7$s).%5$I) as is_lost
			from pixsync_given as g left join pixsync_made as c on c.row_key = (g.%7$s).%5$I::text
		), pixsync_noted as (
			insert into pixsync.ledger (user_id, push_id, row_key)
			select $2, sending, row_key from pixsync_matched where sending is not null and row_key is not null
		)
		select array_agg(case when row_key is not null then jsonb_build_object(''is'', ''applied'', ''row'', reply) end
				order by place), count(row_key), count(*) filter (where is_lost), (select count(*) from pixsync_made)
		from pixsync_matched', target, key, stamp, change, key, case way when 'delete' then 'null::jsonb' else told end,
			case way when 'create' then 'v' else 'p' end)
		into replies, matched, lost, made using mutations, me;
	if matched <> made or way = 'create' and lost > 0 then
		raise exception 'Which change made which row cannot be told: one id is there twice, or a trigger gave another';
	end if;
	-- Nothing was changed there: the row as it stands tells why, but for what is sent by somebody else at the same time.
	for place in 1 .. case when made < cardinality(replies) then cardinality(replies) else 0 end loop
		replies[place] := coalesce(replies[place], pixsync.done(target, key, told, mutations->(place - 1)),
			jsonb_build_object('is', 'missed', 'row', pixsync.look(target, key, told,
				jsonb_build_object(key, mutations->(place - 1)->'id'))));
	end loop;
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
	alike jsonb;
	places int[];
	part jsonb[];
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
		-- One kind after the other, in their order; of a kind, those of the same columns together. Each row is there once.
		for alike, places in
			select jsonb_agg(kin.value order by kin.place), array_agg(kin.place order by kin.place) from (
				select value, place, names, count(*) filter (where is_other) over (order by place) as run from (
					select m.value, m.place, m.value->>'kind' is distinct from lag(m.value->>'kind') over (order by m.place)
						as is_other, array(select jsonb_object_keys(coalesce(nullif(m.value->'body', 'null'), '{}'))) as names
					from jsonb_array_elements(request->'mutations') with ordinality as m (value, place)
				) as compared
			) as kin
			group by run, names order by run, min(place)
		loop
			part := pixsync.apply_all(target, key, stamp, told, alike);
			for n in 1 .. cardinality(places) loop
				replies[places[n]] := part[n];
			end loop;
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
