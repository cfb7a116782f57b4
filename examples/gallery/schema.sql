create function touch_updated_at() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    new.updated_at := clock_timestamp();
  else
    new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
  end if;
  return new;
end $$;

-- Images that were made from a prompt.
create table generations (
  id uuid primary key default gen_random_uuid(),
  prompt text not null check (prompt !~* 'forbidden'),
  hue int not null default 200,
  favourite boolean not null default false,
  deleted_at timestamptz,
  updated_at timestamptz not null default now()
);
create index on generations (updated_at, id);
create trigger touch before insert or update on generations
  for each row execute function touch_updated_at();
alter table generations enable row level security;
create policy "everybody's" on generations for all using (true) with check (true);

-- What was asked for in the past: much to download.
create table prompt_history (
  id uuid primary key default gen_random_uuid(),
  prompt text not null,
  updated_at timestamptz not null default now()
);
create index on prompt_history (updated_at, id);
alter table prompt_history enable row level security;
create policy "everybody reads" on prompt_history for select using (true);

-- Ids that begin with a time, as those that PixSync makes: the newest come first.
insert into generations (id, prompt, hue) values
  ('0190a000-0000-7c3a-91e5-b2d17f4860aa', 'Moss on a circuit board', 130),
  ('0190a001-0000-7d52-8a0e-4f93c1be2677', 'Paper boats at dusk', 25),
  ('0190a002-0000-71f8-b6c4-9e2d503a8b11', 'A lighthouse in fog', 205);
insert into prompt_history (prompt)
select format('%s %s, %s',
  (array['a castle', 'a harbour', 'a forest', 'an orchard', 'a city', 'a desert', 'a glacier', 'a garden'])[1 + n % 8],
  (array['at dawn', 'at night', 'in fog', 'under snow', 'after rain', 'in spring', 'by candlelight'])[1 + n / 8 % 7],
  (array['in oil', 'as a woodcut', 'in watercolour', 'as a photograph', 'in pixels'])[1 + n / 56 % 5])
from generate_series(1, 20000) n;
