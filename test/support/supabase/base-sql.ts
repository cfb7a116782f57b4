/** The schema that only {@link import('./postgrest-sync.ts')} uses; exposed last, so `public` stays the default. */
export const PROBE_SCHEMA = 'pixsync_probe';

/** What a fresh Supabase project has and this package relies on: roles, `auth.*`, default privileges. */
export function baseSql(options: {
	readonly authenticatorPassword: string;
	readonly statementTimeoutMs: number;
}) {
	return `
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit password '${options.authenticatorPassword}';
grant anon, authenticated, service_role to authenticator;
alter role authenticator set statement_timeout = ${options.statementTimeoutMs};

grant usage on schema public to anon, authenticated, service_role;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;

create schema auth;
grant usage on schema auth to anon, authenticated, service_role;
create function auth.jwt() returns jsonb language sql stable as
	$$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $$;
create function auth.uid() returns uuid language sql stable as $$ select (auth.jwt() ->> 'sub')::uuid $$;
create function auth.role() returns text language sql stable as $$ select auth.jwt() ->> 'role' $$;

create table auth.users (
	id uuid primary key default gen_random_uuid(),
	email text unique,
	encrypted_password text,
	raw_user_meta_data jsonb not null default '{}',
	last_sign_in_at timestamptz,
	created_at timestamptz not null default clock_timestamp(),
	updated_at timestamptz not null default clock_timestamp()
);
create table auth.refresh_tokens (
	token text primary key,
	session_id uuid not null,
	user_id uuid not null references auth.users on delete cascade,
	revoked_at timestamptz,
	created_at timestamptz not null default clock_timestamp()
);
create index on auth.refresh_tokens (session_id);

create schema ${PROBE_SCHEMA};
grant usage on schema ${PROBE_SCHEMA} to anon;
create view ${PROBE_SCHEMA}.rows as select generate_series(1, 1000000) as row;
grant select on ${PROBE_SCHEMA}.rows to anon;
`;
}
