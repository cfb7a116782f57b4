import { createClient } from '@supabase/supabase-js';
import type { Remote } from '../../src/services/remote.ts';
import { createHttp } from '../../src/services/rest/http.ts';
import { createRestRemote } from '../../src/services/rest/rest-remote.ts';
import { createSession } from '../../src/services/session.ts';
import { toSupabaseAccess } from '../../src/services/supabase-access.ts';
import { type Supabase, webSocketTransport } from './supabase/index.ts';

/** The REST transport alone, as somebody signed out, on a running Supabase. `fetch`: the device's own. */
export function connectRest(
	supabase: Pick<Supabase, 'url' | 'anonKey'>,
	{ fetch }: { readonly fetch?: typeof globalThis.fetch } = {},
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
		onEnd: () => undefined,
	});
	return createRestRemote({ http, batchSize: 500 });
}
