import type { Query } from '../doctor/facts-from-catalog.ts';
import { UsageError } from './arguments.ts';

export interface Connection {
	readonly query: Query;
	close(): Promise<void>;
}

/** The part of the package `pg` that is used. */
interface PgModule {
	readonly Client: new (options: {
		connectionString: string;
		application_name: string;
	}) => {
		connect(): Promise<unknown>;
		query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
		end(): Promise<unknown>;
		on(event: 'error', listener: () => void): unknown;
	};
}

/** Connects by the package `pg`, which apps need for this command alone. @throws UsageError without it. */
export async function connect(connectionString: string): Promise<Connection> {
	const { Client } = await loadPg();
	const client = new Client({ connectionString, application_name: 'pixsync doctor' });
	// A lost connection is told by the query under way; unheard, the event would end the process.
	client.on('error', () => undefined);
	await client.connect();
	return {
		query: async (sql, params) => (await client.query(sql, params && [...params])).rows,
		close: async () => void (await client.end()),
	};
}

async function loadPg(): Promise<PgModule> {
	try {
		const { default: pg } = await import('pg');
		return pg;
	} catch (cause) {
		throw new UsageError('The doctor reads the database through the package pg: npm install --save-dev pg', {
			cause,
		});
	}
}
