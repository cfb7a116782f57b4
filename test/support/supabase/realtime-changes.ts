import { Client, type Pool, type PoolConfig } from 'pg';

/** One committed change of one row. */
export interface CapturedChange {
	readonly schema: string;
	readonly table: string;
	readonly type: 'INSERT' | 'UPDATE' | 'DELETE';
	readonly record: Readonly<Record<string, unknown>>;
	/** Of an UPDATE and a DELETE: the primary key alone. */
	readonly oldKey: Readonly<Record<string, unknown>> | null;
	readonly columns: readonly { readonly name: string; readonly type: string }[];
	readonly committedAt: string;
}

/**
 * What captures changes, in place of logical replication: a trigger on each row, a table of changes, and a NOTIFY
 * without content, whose limit of 8,000 bytes no row can meet. Asking twice changes nothing.
 */
const CAPTURE_SQL = `
create schema if not exists realtime_capture;
create table if not exists realtime_capture.changes (
	id bigserial primary key, schema text not null, "table" text not null, type text not null,
	record jsonb not null, old_key jsonb, columns jsonb not null
);
create or replace function realtime_capture.key_of(relation oid, given jsonb) returns jsonb language sql stable as $$
	select coalesce(jsonb_object_agg(a.attname, given -> a.attname), '{}')
	from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
	where i.indrelid = relation and i.indisprimary
$$;
create or replace function realtime_capture.capture() returns trigger language plpgsql security definer as $$
begin
	insert into realtime_capture.changes (schema, "table", type, record, old_key, columns) values (
		tg_table_schema, tg_table_name, tg_op,
		case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end,
		case when tg_op = 'INSERT' then null else realtime_capture.key_of(tg_relid, to_jsonb(old)) end,
		(select jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, null)) order by attnum)
			from pg_attribute where attrelid = tg_relid and attnum > 0 and not attisdropped)
	);
	perform pg_notify('realtime_capture', '');
	return null;
end $$;
do $$ begin
	if not exists (select from pg_publication where pubname = 'supabase_realtime') then
		create publication supabase_realtime;
	end if;
end $$;
`;

/** Lets a table tell of its changes: it joins the publication, and gets the trigger that captures them. */
export async function publishTable(pool: Pool, table: string): Promise<void> {
	await pool.query(CAPTURE_SQL);
	await pool.query(`
		alter publication supabase_realtime add table ${table};
		create trigger realtime_capture after insert or update or delete on ${table}
			for each row execute function realtime_capture.capture();
	`);
}

export async function isPublished(pool: Pool, schema: string, table: string): Promise<boolean> {
	const { rows } = await pool.query(
		`select from pg_publication_tables where pubname = 'supabase_realtime'
			and ($1 = '*' or schemaname = $1) and ($2 = '*' or tablename = $2) limit 1`,
		[schema, table],
	);
	return rows.length > 0;
}

/** Whether a row is visible to whom the claims name, by the policies. */
export async function isVisible(
	pool: Pool,
	{ schema, table, record }: CapturedChange,
	claims: Readonly<Record<string, unknown>>,
): Promise<boolean> {
	const client = await pool.connect();
	try {
		const name = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(table)}`;
		const { rows: keys } = await client.query('select realtime_capture.key_of($1::regclass, $2) as key', [
			name,
			JSON.stringify(record),
		]);
		await client.query('begin');
		await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)]);
		await client.query(`set local role ${client.escapeIdentifier(String(claims.role ?? 'anon'))}`);
		const { rows } = await client.query(`select from ${name} t where to_jsonb(t) @> $1 limit 1`, [
			keys[0].key,
		]);
		return rows.length > 0;
	} catch {
		// No grant is no row.
		return false;
	} finally {
		await client.query('rollback').catch(() => undefined);
		client.release();
	}
}

/** Hands each committed change over once, in the order of their commits as far as that can be known. */
export async function followChanges(
	config: PoolConfig,
	pool: Pool,
	onChange: (change: CapturedChange) => Promise<void>,
): Promise<() => Promise<void>> {
	await pool.query(CAPTURE_SQL);
	const listener = new Client(config);
	listener.on('error', () => undefined);
	await listener.connect();
	let running: Promise<void> = Promise.resolve();
	const drain = async () => {
		const { rows } = await pool.query(
			'with taken as (delete from realtime_capture.changes returning *) select * from taken order by id',
		);
		const committedAt = new Date().toISOString();
		for (const { old_key: oldKey, ...row } of rows) await onChange({ ...row, oldKey, committedAt });
	};
	listener.on('notification', () => {
		running = running.then(drain).catch(() => undefined);
	});
	await listener.query('listen realtime_capture');
	return async () => {
		await listener.end().catch(() => undefined);
		await running;
	};
}
