/**
 * SQL that lets the server stamp `updated_at`: the clock at the moment of the write, and on an update always
 * later than before, also when the clock stood still or went back.
 *
 * @param table as written in SQL: `todos`, `public."Mixed Case"`.
 */
export function touchTrigger(table: string): string {
	return `
create or replace function public.touch_updated_at() returns trigger language plpgsql as $$
begin
	if tg_op = 'INSERT' then
		new.updated_at := clock_timestamp();
	else
		new.updated_at := greatest(clock_timestamp(), old.updated_at + interval '1 microsecond');
	end if;
	return new;
end $$;
create or replace trigger touch_updated_at before insert or update on ${table}
	for each row execute function public.touch_updated_at();
`;
}
