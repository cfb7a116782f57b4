import { randomBytes } from 'node:crypto';
import { chown, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientConfig } from 'pg';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { jsonTypes } from './json-types.ts';
import { findPostgresBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import type { Reaper } from './reaper.ts';
import { findServerUser, type ServerUser } from './server-user.ts';

/** A running PostgreSQL with an empty cluster of its own, reachable on 127.0.0.1 by TCP only. */
export interface PostgresServer {
	readonly pid: number;
	/** Connection settings of the superuser `postgres`, for `pg`. */
	readonly config: ClientConfig & { readonly host: string; readonly port: number; readonly database: string };
	/** Immediate shutdown: nothing of the cluster is to survive. */
	stop(): Promise<void>;
}

export interface PostgresOptions {
	/** Empty, owned by this process; the cluster is made below it. */
	readonly directory: string;
	readonly reaper: Reaper;
}

/** Immediate shutdown of PostgreSQL: the postmaster takes its children with it. */
const IMMEDIATE = 'SIGQUIT';
const START_TIMEOUT_MS = 20_000;
const BIND_ATTEMPTS = 3;

/** No durability, nothing outside the cluster's own directory, and no plan that depends on the machine. */
const SETTINGS: Readonly<Record<string, string>> = {
	listen_addresses: '127.0.0.1',
	unix_socket_directories: '',
	// Parallel query memory lies in the data directory, not in /dev/shm, where a killed server would leave it.
	dynamic_shared_memory_type: 'mmap',
	fsync: 'off',
	synchronous_commit: 'off',
	full_page_writes: 'off',
	wal_level: 'minimal',
	max_wal_senders: '0',
	max_connections: '60',
	shared_buffers: '64MB',
	jit: 'off',
	TimeZone: 'UTC',
	log_timezone: 'UTC',
};

export async function startPostgres({ directory, reaper }: PostgresOptions): Promise<PostgresServer> {
	const user = findServerUser();
	if (user) await chown(directory, user.uid, user.gid);
	const binaries = await findPostgresBinaries(directory, user);
	const password = randomBytes(16).toString('hex');
	const place = { directory, reaper, user, binaries };
	await createCluster(place, password);
	let failure: unknown;
	for (let attempt = 0; attempt < BIND_ATTEMPTS; attempt += 1) {
		try {
			return await startServer(place, password);
		} catch (error) {
			failure = error;
		}
	}
	throw failure;
}

interface Place extends PostgresOptions {
	readonly user: ServerUser | undefined;
	readonly binaries: PostgresBinaries;
}

/** Text sorts by en-US rules as in a Supabase project — not by code units, as JavaScript's `<` does. */
async function createCluster({ directory, user, binaries, reaper }: Place, password: string): Promise<void> {
	const passwordFile = join(directory, 'password');
	await writeFile(passwordFile, password, { mode: 0o600 });
	if (user) await chown(passwordFile, user.uid, user.gid);
	const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US'];
	const login = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
	const args = [`--pgdata=${dataOf(directory)}`, '--no-sync', '--no-instructions', ...login, ...locale];
	const initdb = await startChild(binaries.initdb, args, { cwd: directory, user, reaper });
	const ending = await initdb.exited;
	await rm(passwordFile);
	if (!ending.isSuccess) throw new Error(ending.description);
}

async function startServer(
	{ directory, user, binaries, reaper }: Place,
	password: string,
): Promise<PostgresServer> {
	const port = await freePort();
	const settings = Object.entries({ ...SETTINGS, port: String(port) });
	const args = ['-D', dataOf(directory), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
	const child = await startChild(binaries.postgres, args, {
		cwd: directory,
		user,
		reaper,
		endSignal: IMMEDIATE,
	});
	const config = {
		host: '127.0.0.1',
		port,
		user: 'postgres',
		password,
		database: 'postgres',
		ssl: false,
		types: jsonTypes,
	};
	await waitUntilReady(child, config);
	return { pid: child.pid, config, stop: () => child.end(IMMEDIATE) };
}

async function waitUntilReady(child: Child, config: ClientConfig): Promise<void> {
	const deadline = Date.now() + START_TIMEOUT_MS;
	while (child.isRunning && Date.now() < deadline) {
		const client = new Client(config);
		client.on('error', () => {});
		try {
			await client.connect();
			await client.end();
			// A stranger may listen on the port that the child failed to bind.
			if (child.isRunning) return;
		} catch {
			await sleep(15);
		}
	}
	await child.end(IMMEDIATE);
	throw new Error(`PostgreSQL did not start. ${(await child.exited).description}`);
}

function dataOf(directory: string): string {
	return join(directory, 'data');
}
