import type { Remote } from '../remote.ts';
import type { Http } from '../rest/http.ts';
import { createRpcPull } from './rpc-pull.ts';
import { createRpcPush } from './rpc-push.ts';
import { toToldColumns } from './told-columns.ts';

export interface RpcRemoteOptions {
	readonly http: Http;
	/** PostgreSQL schema of the tables. */
	readonly schema: string;
	/** Rows a batch, at most. */
	readonly batchSize: number;
	/** How many tables the app has. */
	readonly tables: () => number;
	readonly rest: Remote;
}

/**
 * The RPC transport: changes go by one function of the project's (see src/sql), downloads by another. Single rows are
 * looked at, and ids compared, by REST.
 */
export function createRpcRemote({ http, schema, batchSize, tables, rest }: RpcRemoteOptions): Remote {
	return {
		...rest,
		isExactlyOnce: (spec) => toToldColumns(spec.select) !== null,
		log: createRpcPull({ http, schema, tables }),
		push: createRpcPush({ http, schema, batchSize, rest: rest.push }),
	};
}
