import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { PROBE_SCHEMA } from './base-sql.ts';
import { type HttpAnswer, sendHttp } from './http-client.ts';

/** Makes a running PostgREST take over a change, and waits until it has. Its requests are not logged. */
export interface PostgrestSync {
	reloadSchema(): Promise<void>;
	setMaxRows(rows: number): Promise<void>;
}

const TIMEOUT_MS = 10_000;
/** A notification sent while PostgREST's listener reconnects is lost, so it is repeated. */
const REPEAT_MS = 1_000;

/**
 * A reload has no acknowledgement, so its effect is looked for: a function made before the notification
 * becomes callable, a view of a million rows is cut to the new limit. (A new *table* would prove nothing:
 * PostgREST 12 serves tables that its cache does not know.)
 */
export function createPostgrestSync(pool: Pool, port: number): PostgrestSync {
	let generation = 0;

	async function notifyUntil(
		payload: 'reload schema' | 'reload config',
		path: string,
		isDone: (answer: HttpAnswer) => boolean,
	): Promise<void> {
		const start = Date.now();
		for (let repeats = 0; Date.now() < start + TIMEOUT_MS; ) {
			if (Date.now() >= start + repeats * REPEAT_MS) {
				await pool.query(`notify pgrst, '${payload}'`);
				repeats += 1;
			}
			const headers = { 'accept-profile': PROBE_SCHEMA };
			if (isDone(await sendHttp({ port, method: 'GET', path, headers }))) return;
			await sleep(10);
		}
		throw new Error(`PostgREST did not "${payload}" within ${TIMEOUT_MS} ms`);
	}

	return {
		async reloadSchema() {
			const name = `${PROBE_SCHEMA}.generation_`;
			const [old, current] = [generation, ++generation];
			await pool.query(`
				drop function if exists ${name}${old}();
				create function ${name}${current}() returns int language sql stable as 'select 1';`);
			await notifyUntil('reload schema', `/rpc/generation_${current}`, ({ status }) => status === 200);
		},
		async setMaxRows(rows) {
			if (!Number.isInteger(rows) || rows < 1)
				throw new RangeError(`maxRows: ${rows} is not a whole number ≥ 1`);
			await pool.query(`alter role authenticator set pgrst.db_max_rows = '${rows}'`);
			await notifyUntil('reload config', '/rows', (answer) => countRows(answer) === rows);
		},
	};
}

function countRows({ status, body }: HttpAnswer): number | undefined {
	if (status !== 200) return undefined;
	const rows: unknown = JSON.parse(body.toString());
	return Array.isArray(rows) ? rows.length : undefined;
}
