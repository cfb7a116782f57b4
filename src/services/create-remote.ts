import type { LocalStore } from './local-store.ts';
import type { Remote } from './remote.ts';
import type { Http } from './rest/http.ts';
import { createRestRemote } from './rest/rest-remote.ts';
import { createAutoLog } from './rpc/auto-log.ts';
import { createAutoRemote } from './rpc/auto-remote.ts';
import { createChoiceMemory } from './rpc/choice-memory.ts';
import { createFunctionChoice } from './rpc/function-choice.ts';
import { createRpcQuestion } from './rpc/rpc-push.ts';
import { createRpcRemote } from './rpc/rpc-remote.ts';

export interface RemoteOptions {
	readonly transport: 'auto' | 'rest' | 'rpc';
	readonly http: Http;
	/** PostgreSQL schema of the tables. */
	readonly schema: string;
	/** Rows a batch, at most. */
	readonly batchSize: number;
	/** How many tables the app has. */
	readonly tables: () => number;
	/** The user's database; null: it is not open yet. */
	readonly store: () => LocalStore | null;
	/** Device ms. */
	readonly now: () => number;
	/** As of the REST transport. */
	readonly asksLeave: boolean;
}

/** The server by the transport that the app has chosen. */
export function createRemote({
	transport,
	http,
	schema,
	batchSize,
	tables,
	store,
	now,
	asksLeave,
}: RemoteOptions): Remote {
	const rest = createRestRemote({ http, batchSize, asksLeave });
	if (transport === 'rest') return rest;
	const rpc = createRpcRemote({ http, schema, batchSize, tables, rest });
	if (transport === 'rpc') return rpc;
	const question = createRpcQuestion({ http, schema });
	const choice = createFunctionChoice({ question, memory: createChoiceMemory('push', store), now });
	const log =
		rpc.log && createAutoLog({ log: rpc.log, push: choice, memory: createChoiceMemory('pull', store), now });
	return createAutoRemote({ rest, rpc, choice, log });
}
