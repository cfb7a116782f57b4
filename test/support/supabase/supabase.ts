import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Pool } from 'pg';
import { type AuthSettings, createAuthHandler } from './auth-handler.ts';
import { createAuthStore } from './auth-store.ts';
import { baseSql, PROBE_SCHEMA } from './base-sql.ts';
import { createFaults, type Faults } from './faults.ts';
import { startGateway } from './gateway.ts';
import { startPostgres } from './postgres.ts';
import { startPostgrest } from './postgrest.ts';
import { createPostgrestSync } from './postgrest-sync.ts';
import { createRealtime, type RealtimeControl } from './realtime.ts';
import { startReaper } from './reaper.ts';
import { createRequestLog, type LoggedRequest } from './request-log.ts';
import { createRestHandler } from './rest-handler.ts';
import { createTokens, type TokenClaims } from './tokens.ts';

export interface SupabaseOptions {
	/** Run as superuser after the base set-up and before PostgREST reads the schema. */
	readonly sql?: string;
	/** The most rows that one request may answer with. @default 1000, as Supabase */
	readonly maxRows?: number;
	/** Milliseconds that a REST request's statement may take. @default 8000, as Supabase */
	readonly statementTimeoutMs?: number;
	/** Schemas that clients reach, the default one first. @default ['public'] */
	readonly schemas?: readonly string[];
}

/**
 * A Supabase project on this machine: the real PostgREST on a real PostgreSQL, with a small gateway in this
 * process. Without storage and functions. It never survives this process, however that ends.
 */
export interface Supabase {
	/** The project's URL for `createClient`: `http://127.0.0.1:<port>` */
	readonly url: string;
	readonly anonKey: string;
	/** Bypasses row level security. */
	readonly serviceKey: string;
	/** Signs a user's access token; the user need not exist in `auth.users`. */
	jwt(claims: TokenClaims): Promise<string>;
	/**
	 * Runs SQL as superuser, each call on any of a few connections (transactions: {@link Supabase.connect}).
	 * Values are as in the JSON of PostgREST: timestamps are text with microseconds, `bigint` is a number.
	 * Without `params` several statements may be given; their rows are then not returned.
	 */
	sql<Row extends object = Record<string, unknown>>(
		text: string,
		params?: readonly unknown[],
	): Promise<Row[]>;
	/** A connection of its own as superuser; `end()` it, or `stop()` does. */
	connect(): Promise<Client>;
	/** Resolves when PostgREST knows the tables and functions made so far. */
	reloadSchema(): Promise<void>;
	/** Resolves when PostgREST cuts answers to `rows`. */
	setMaxRows(rows: number): Promise<void>;
	/** The requests that reached the gateway since the last {@link Supabase.clearRequests}. */
	readonly requests: readonly LoggedRequest[];
	clearRequests(): void;
	readonly faults: Faults;
	readonly realtime: RealtimeControl;
	readonly auth: AuthSettings;
	/** For looking at what runs, not for ending it. */
	readonly processes: { readonly postgres: number; readonly postgrest: number; readonly reaper: number };
	/** The temporary directory that holds everything on disk. */
	readonly directory: string;
	/** Ends all processes and connections and removes the directory. May be called twice. */
	stop(): Promise<void>;
}

type Undo = () => Promise<unknown>;

const TEN_YEARS_S = 315_360_000;

/** Takes about a second. Rejects, leaving nothing behind, when anything fails, `options.sql` included. */
export async function startSupabase(options: SupabaseOptions = {}): Promise<Supabase> {
	const undo: Undo[] = [];
	let stopped: Promise<void> | undefined;
	const stop = () => {
		stopped ??= unwind(undo);
		return stopped;
	};
	try {
		return await start(options, undo, stop);
	} catch (error) {
		await stop();
		throw error;
	}
}

/** @param undo takes what ends each part, in the order of starting. */
async function start(
	{ sql = '', maxRows = 1000, statementTimeoutMs = 8000, schemas = ['public'] }: SupabaseOptions,
	undo: Undo[],
	stop: () => Promise<void>,
): Promise<Supabase> {
	const directory = await mkdtemp(join(tmpdir(), 'pixsync-supabase-'));
	const removeDirectory = () =>
		rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
	undo.push(removeDirectory);
	const reaper = await startReaper(directory);
	undo.push(() => reaper.release());
	// Before the reaper is released: should this process die half-way, the reaper still removes it.
	undo.push(removeDirectory);
	const postgres = await startPostgres({ directory, reaper });
	const pool = new Pool({ ...postgres.config, max: 5 });
	pool.on('error', () => {});
	const clients: Client[] = [];
	undo.push(async () => {
		// In this order: ending a pool waits for its queries, and one of them may wait for a lock.
		await postgres.stop();
		await Promise.all([pool.end(), ...clients.map((client) => client.end())]);
	});
	const authenticatorPassword = randomBytes(16).toString('hex');
	await pool.query(baseSql({ authenticatorPassword, statementTimeoutMs }));
	if (sql) await pool.query(sql);

	const tokens = createTokens(randomBytes(32).toString('hex'));
	const { host, port, database } = postgres.config;
	const postgrest = await startPostgrest({
		directory,
		reaper,
		database: `postgres://authenticator:${authenticatorPassword}@${host}:${port}/${database}`,
		jwtSecret: tokens.secret,
		schemas: [...schemas, PROBE_SCHEMA],
		maxRows,
	});
	undo.push(() => postgrest.stop());

	const [anonKey, serviceKey] = await Promise.all(
		['anon', 'service_role'].map((role) => tokens.sign({ iss: 'supabase', role, expiresInS: TEN_YEARS_S })),
	);
	if (anonKey === undefined || serviceKey === undefined) throw new Error('no API keys');
	const settings: AuthSettings = { accessTokenLifetimeS: 3600, refreshReuseIntervalS: 10 };
	const faults = createFaults();
	const log = createRequestLog();
	const realtime = createRealtime({ config: postgres.config, pool, tokens, anonKey });
	undo.push(() => realtime.stop());
	const gateway = await startGateway({
		rest: createRestHandler(postgrest.port),
		auth: createAuthHandler({ store: createAuthStore(pool), tokens, settings }),
		apiKeys: [anonKey, serviceKey],
		faults,
		log,
		realtime,
	});
	undo.push(() => gateway.stop());

	return {
		url: gateway.url,
		anonKey,
		serviceKey,
		jwt: tokens.sign,
		async sql<Row extends object>(text: string, params?: readonly unknown[]) {
			return (await pool.query<Row>(text, params && [...params])).rows;
		},
		async connect() {
			const client = new Client(postgres.config);
			client.on('error', () => {});
			await client.connect();
			clients.push(client);
			return client;
		},
		...createPostgrestSync(pool, postgrest.port),
		get requests() {
			return log.entries;
		},
		clearRequests: log.clear,
		faults,
		realtime,
		auth: settings,
		processes: { postgres: postgres.pid, postgrest: postgrest.pid, reaper: reaper.pid },
		directory,
		stop,
	};
}

/** Takes every step, the latest first, also when one fails; then rejects with the first failure. */
async function unwind(undo: readonly Undo[]): Promise<void> {
	const failures: unknown[] = [];
	for (const step of [...undo].reverse()) {
		await step().catch((error: unknown) => failures.push(error));
	}
	if (failures.length > 0) throw failures[0];
}
