-- The tables of the demo, for an empty project: whoever has its anon key may read and write them.

create table generations (
	id uuid primary key,
	team_id uuid not null,
	title text not null,
	rating int,
	updated_at timestamptz not null default now()
);

create table prompt_history (
	id uuid primary key,
	team_id uuid not null,
	prompt text not null,
	pinned boolean not null default false,
	updated_at timestamptz not null default now()
);

create table quality_reports (
	id uuid primary key,
	team_id uuid not null,
	generation_id uuid not null references generations,
	score int not null,
	updated_at timestamptz not null default now(),
	deleted_at timestamptz
);

create table model_configs (
	id text primary key,
	team_id uuid not null,
	settings jsonb not null,
	updated_at timestamptz not null default now()
);

-- Every change moves updated_at forward: this is what a device asks for when it wants what is new.
create function pixsync_demo_touch() returns trigger language plpgsql as $$
begin
	new.updated_at := clock_timestamp();
	if tg_op = 'UPDATE' then
		new.updated_at := greatest(new.updated_at, old.updated_at + interval '1 microsecond');
	end if;
	return new;
end $$;
create trigger touch before insert or update on generations for each row execute function pixsync_demo_touch();
create trigger touch before insert or update on prompt_history for each row execute function pixsync_demo_touch();
create trigger touch before insert or update on quality_reports for each row execute function pixsync_demo_touch();
create trigger touch before insert or update on model_configs for each row execute function pixsync_demo_touch();

alter table generations enable row level security;
alter table prompt_history enable row level security;
alter table quality_reports enable row level security;
alter table model_configs enable row level security;
create policy team on generations to anon, authenticated using (true) with check (true);
create policy team on prompt_history to anon, authenticated using (true) with check (true);
create policy team on quality_reports to anon, authenticated using (true) with check (true);
create policy team on model_configs to anon, authenticated using (true) with check (true);
