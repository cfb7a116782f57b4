import { createClient } from '@supabase/supabase-js';
import type { Remote } from '../../src/services/remote.ts';
import { createHttp, type RequestEnd } from '../../src/services/rest/http.ts';
import { createRestRemote } from '../../src/services/rest/rest-remote.ts';
import { createRpcRemote } from '../../src/services/rpc/rpc-remote.ts';
import { createSession } from '../../src/services/session.ts';
import { toSupabaseAccess } from '../../src/services/supabase-access.ts';
import { type Supabase, webSocketTransport } from './supabase/index.ts';

export interface ConnectOptions {
	/** The device's own. @default the global one */
	readonly fetch?: typeof globalThis.fetch;
	/** @default 'rest' */
	readonly transport?: 'rest' | 'rpc';
	readonly onEnd?: (end: RequestEnd) => void;
}

/** A transport alone, as somebody signed out, on a running Supabase. */
export function connectRest(
	supabase: Pick<Supabase, 'url' | 'anonKey'>,
	{ fetch, transport = 'rest', onEnd = () => undefined }: ConnectOptions = {},
): Remote {
	const client = createClient(supabase.url, supabase.anonKey, {
		...(fetch ? { global: { fetch } } : {}),
		auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
		realtime: { transport: webSocketTransport },
	});
	const access = toSupabaseAccess(client);
	const http = createHttp({
		access,
		session: createSession({ access, serverNow: () => null, timeoutMs: 3_000 }),
		userId: null,
		schema: 'public',
		timeoutMs: 30_000,
		now: () => Date.now(),
		monotonic: () => performance.now(),
		onSend: () => onEnd,
	});
	const rest = createRestRemote({ http, batchSize: 500, asksLeave: true });
	return transport === 'rest'
		? rest
		: createRpcRemote({ http, batchSize: 500, schema: 'public', tables: () => 2, rest });
}
