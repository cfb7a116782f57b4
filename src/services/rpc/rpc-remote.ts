import type { Remote } from '../remote.ts';
import type { Http } from '../rest/http.ts';
import { createRpcPush } from './rpc-push.ts';
import { toToldColumns } from './told-columns.ts';

export interface RpcRemoteOptions {
	readonly http: Http;
	/** PostgreSQL schema of the tables. */
	readonly schema: string;
	/** Rows a batch, at most. */
	readonly batchSize: number;
	readonly rest: Remote;
}

/** The RPC transport: changes go by one function of the project's (see src/sql), all that is read goes by REST. */
export function createRpcRemote({ http, schema, batchSize, rest }: RpcRemoteOptions): Remote {
	return {
		...rest,
		isExactlyOnce: (spec) => toToldColumns(spec.select) !== null,
		push: createRpcPush({ http, schema, batchSize, rest: rest.push }),
	};
}
