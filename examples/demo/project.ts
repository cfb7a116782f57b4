import { readFile } from 'node:fs/promises';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { startSupabase, webSocketTransport } from '../../test/support/supabase/index.ts';
import type { Holding } from './compare.ts';
import { tables, team } from './tables.ts';

/** A Supabase project with the tables of `schema.sql`. */
export interface Project {
	readonly url: string;
	readonly anonKey: string;
	/** False: everybody is `anon`, for users that sign up in a real project would stay there. */
	readonly allowsSignUp: boolean;
	/** How far its clock may be from this machine's without anybody noticing, ms. */
	readonly clockDoubtMs: number;
	/** The rows of the demo that are not deleted. */
	read(): Promise<Holding>;
	/** Removes the rows of the demo, and ends what was started for it. */
	close(): Promise<void>;
}

/** The project is not fit for the demo; the message says what to do. */
export class ProjectError extends Error {
	override readonly name = 'ProjectError';
}

const SCHEMA = new URL('schema.sql', import.meta.url);

/** The project in `SUPABASE_URL` and `SUPABASE_ANON_KEY`, else a new one on this machine. */
export async function openProject(): Promise<Project> {
	const { SUPABASE_URL: url, SUPABASE_ANON_KEY: anonKey } = process.env;
	if (!url && !anonKey) return startProject();
	if (!url || !anonKey) throw new ProjectError('Set both SUPABASE_URL and SUPABASE_ANON_KEY, or neither.');
	const client = createSupabaseClient({ url, anonKey });
	await assertTables(client);
	return {
		url,
		anonKey,
		allowsSignUp: false,
		clockDoubtMs: 2_000,
		read: () => readRows(client),
		close: () => removeRows(client),
	};
}

/** A client that keeps its session to itself. */
export function createSupabaseClient(
	{ url, anonKey }: Pick<Project, 'url' | 'anonKey'>,
	fetch: typeof globalThis.fetch = globalThis.fetch,
): SupabaseClient {
	return createClient(url, anonKey, {
		global: { fetch },
		auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
		// Node 20 has no WebSocket of its own.
		realtime: { transport: webSocketTransport },
	});
}

async function startProject(): Promise<Project> {
	const supabase = await startSupabase({ sql: await readFile(SCHEMA, 'utf8') });
	const { url, anonKey } = supabase;
	const client = createSupabaseClient(supabase);
	return {
		url,
		anonKey,
		allowsSignUp: true,
		clockDoubtMs: 20,
		read: () => readRows(client),
		async close() {
			try {
				await removeRows(client);
			} finally {
				await supabase.stop();
			}
		},
	};
}

async function assertTables(client: SupabaseClient): Promise<void> {
	for (const { table } of tables) {
		const { error } = await client.from(table).select('id, team_id, updated_at').limit(0);
		if (!error) continue;
		const schema = await readFile(SCHEMA, 'utf8');
		throw new ProjectError(
			`The project does not let the demo read its table "${table}": ${error.message}\n` +
				`If it is an empty project, run this in its SQL editor and try again:\n\n${schema}`,
		);
	}
}

async function readRows(client: SupabaseClient): Promise<Holding> {
	const held = await Promise.all(
		tables.map(async (config) => {
			const rows = client.from(config.table).select('*').eq('team_id', team);
			const live = 'deletedField' in config ? rows.is(config.deletedField, null) : rows;
			const { data } = await live.throwOnError();
			return [config.table, data] as const;
		}),
	);
	return { holder: 'server', tables: Object.fromEntries(held) };
}

async function removeRows(client: SupabaseClient): Promise<void> {
	for (const { table } of tables.toReversed()) {
		await client.from(table).delete().eq('team_id', team).throwOnError();
	}
}
