/**
 * One table as the catalogs have it, as one JSON text: what `pg` or another driver makes of PostgreSQL's types
 * does not matter then. $1: schema, $2: table. No row: there is no such table.
 */
export const TABLE_SQL = `
with auth as (select max(oid) as role from pg_roles where rolname = 'authenticated')
select json_build_object(
	'kind', c.relkind,
	'isSchemaUsable', has_schema_privilege(auth.role, n.oid, 'USAGE'),
	'columns', (
		select coalesce(json_agg(json_build_object(
			'name', a.attname,
			'type', format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null),
			'typmod', case when t.typbasetype = 0 then a.atttypmod else t.typtypmod end,
			'isNotNull', a.attnotnull or t.typnotnull,
			'defaultSql', case when a.attgenerated = '' then coalesce(pg_get_expr(d.adbin, d.adrelid), '') else '' end,
			'generated', case
				when a.attgenerated <> '' then 'stored'
				when a.attidentity = 'a' then 'identity-always'
				when a.attidentity = 'd' then 'identity'
				else 'no' end
		) order by a.attnum), '[]')
		from pg_attribute a
		join pg_type t on t.oid = a.atttypid
		left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
	),
	'indexes', (
		select coalesce(json_agg(json_build_object(
			'isPrimary', i.indisprimary,
			'isUnique', i.indisunique and i.indimmediate,
			'isOrdered', m.amname = 'btree',
			'columns', (
				select json_agg(coalesce(a.attname, '') order by k.at)
				from unnest(i.indkey::int2[]) with ordinality k (attnum, at)
				left join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum and k.attnum > 0
				where k.at <= i.indnkeyatts
			),
			'isDescending', (
				select json_agg(o.option & 1 = 1 order by o.at) from unnest(i.indoption::int2[]) with ordinality o (option, at)
			)
		)), '[]')
		from pg_index i
		join pg_class x on x.oid = i.indexrelid
		join pg_am m on m.oid = x.relam
		where i.indrelid = c.oid and i.indisvalid and i.indpred is null
	),
	'isRowSecurityEnabled', c.relrowsecurity,
	'policies', (
		select coalesce(json_agg(json_build_object(
			'name', p.polname,
			'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
			'isPermissive', p.polpermissive,
			'using', pg_get_expr(p.polqual, p.polrelid),
			'columns', (
				select coalesce(json_agg(distinct a.attname), '[]')
				from pg_depend d
				join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
				where d.classid = 'pg_policy'::regclass and d.objid = p.oid
					and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid > 0
			)
		) order by p.polname), '[]')
		from pg_policy p
		where p.polrelid = c.oid and exists (
			select from unnest(p.polroles) r (oid) where r.oid = 0 or pg_has_role(auth.role, r.oid, 'USAGE')
		)
	),
	'grants', (
		select json_object_agg(command, has_table_privilege(auth.role, c.oid, command)
			or (command <> 'delete' and has_any_column_privilege(auth.role, c.oid, command)))
		from unnest(array['select', 'insert', 'update', 'delete']) command
	),
	'foreignKeys', (
		select coalesce(json_agg(json_build_object(
			'columns', (
				select json_agg(a.attname order by k.at) from unnest(f.conkey) with ordinality k (attnum, at)
				join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
			),
			'parentSchema', fn.nspname,
			'parentTable', fc.relname
		) order by f.conname), '[]')
		from pg_constraint f
		join pg_class fc on fc.oid = f.confrelid
		join pg_namespace fn on fn.oid = fc.relnamespace
		where f.conrelid = c.oid and f.contype = 'f' and f.conparentid = 0
	),
	'isPublished', case when exists (select from pg_publication where pubname = 'supabase_realtime') then exists (
		select from pg_publication_tables
		where pubname = 'supabase_realtime' and schemaname = n.nspname and tablename = c.relname
	) end,
	'triggers', (
		select coalesce(json_agg(json_build_object(
			'definition', pg_get_triggerdef(g.oid),
			'isInsert', g.tgtype & 4 = 4,
			'isUpdate', g.tgtype & 16 = 16,
			'isOfColumns', cardinality(g.tgattr::int2[]) > 0,
			'language', l.lanname,
			'source', p.prosrc,
			'arguments', encode(g.tgargs, 'escape')
		) order by g.tgname), '[]')
		from pg_trigger g
		join pg_proc p on p.oid = g.tgfoid
		join pg_language l on l.oid = p.prolang
		where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled in ('O', 'A') and g.tgtype & 3 = 3
	)
)::text as facts
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
cross join auth
where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')`;

/** The schemas that the REST API serves, as far as the database says so. */
export const SERVED_SQL = `
select json_build_object('served', (
	select substr(setting, length('pgrst.db_schemas=') + 1)
	from pg_db_role_setting s
	join pg_roles r on r.oid = s.setrole
	cross join unnest(s.setconfig) setting
	where r.rolname = 'authenticator' and setting like 'pgrst.db\\_schemas=%'
		and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
	order by s.setdatabase desc
	limit 1
))::text as facts`;
