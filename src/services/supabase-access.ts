import { PixSyncError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import { type RealtimeAccess, toRealtimeAccess } from './realtime-access.ts';

/** The part of a session that sync needs. `expires_at` is in seconds of the Unix epoch. */
export interface AuthSession {
	readonly access_token: string;
	readonly expires_at?: number;
	readonly user: { readonly id: string };
}

/** Which sessions of the user a sign-out ends: those of all devices, or this device's. */
export type SignOutScope = 'global' | 'local';

/** The part of `supabase.auth` that sync calls. */
export interface AuthClient {
	/** `error` beside no session: there may be one, and it could not be refreshed. */
	getSession(): Promise<{ data: { session: AuthSession | null }; error?: unknown }>;
	refreshSession(): Promise<{ data: { session: AuthSession | null }; error: unknown }>;
	signOut(options: { scope: SignOutScope }): Promise<{ error: unknown }>;
	onAuthStateChange(callback: (event: string, session: AuthSession | null) => void): {
		data: { subscription: { unsubscribe(): void } };
	};
}

/**
 * What `SyncManager` takes as its client: any SupabaseClient of `@supabase/supabase-js` 2. Declared by shape, so
 * that a client with generated database types, or from another copy of the package, is accepted as it is.
 */
export interface SupabaseLike {
	from(table: string): unknown;
	readonly auth: unknown;
}

/** How to reach the project: what PixSync reads off a client, once, at construction. */
export interface SupabaseAccess {
	/** The project's URL without a trailing slash. */
	readonly url: string;
	readonly restUrl: string;
	readonly key: string;
	/** The client's own headers (`global.headers`, client info). */
	readonly headers: Readonly<Record<string, string>>;
	/** The app's own fetch, where it gave one to the client. */
	readonly fetch: typeof fetch;
	/** Null where the client was made with `accessToken`: touching `client.auth` would throw. */
	readonly auth: AuthClient | null;
	readonly accessToken: (() => Promise<string | null>) | null;
	/** Null where the client has none. */
	readonly realtime: RealtimeAccess | null;
}

/** @throws PixSyncError `bad-client` for anything that is not a SupabaseClient with a URL and a key. */
export function toSupabaseAccess(client: unknown): SupabaseAccess {
	if (!isRecord(client)) throw badClient('there is no client');
	const url = client.supabaseUrl;
	const key = client.supabaseKey;
	if (typeof url !== 'string' || !/^https?:\/\//.test(url)) throw badClient('the client has no URL');
	if (typeof key !== 'string' || key === '') throw badClient('the client has no key');
	const rest = isRecord(client.rest) ? client.rest : {};
	const accessToken =
		typeof client.accessToken === 'function' ? (client.accessToken as () => Promise<string | null>) : null;
	const auth = accessToken ? null : client.auth;
	const base = url.replace(/\/+$/, '');
	return {
		url: base,
		restUrl: typeof rest.url === 'string' ? rest.url.replace(/\/+$/, '') : `${base}/rest/v1`,
		key,
		headers: toHeaders(rest.headers),
		fetch: toFetch(auth) ?? toFetch(rest) ?? ((input, init) => fetch(input, init)),
		auth: auth as AuthClient | null,
		accessToken,
		realtime: toRealtimeAccess(client),
	};
}

/**
 * The auth client's is the plain one. The one for REST asks the auth client for the session before each request,
 * even where Authorization is given: it hangs with it (F6), and refreshes each time where the clock is fast (F7).
 */
function toFetch(holder: unknown): typeof fetch | null {
	return isRecord(holder) && typeof holder.fetch === 'function' ? (holder.fetch as typeof fetch) : null;
}

function toHeaders(given: unknown): Record<string, string> {
	const headers: Record<string, string> = {};
	if (given instanceof Headers) {
		given.forEach((value, name) => {
			headers[name.toLowerCase()] = value;
		});
	} else if (isRecord(given)) {
		for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = String(value);
	}
	// Identity is pinned at each request; a copy taken now would be the anon key for ever (F1).
	delete headers.authorization;
	return headers;
}

function badClient(problem: string): PixSyncError {
	return new PixSyncError('bad-client', `This is not a Supabase client: ${problem}`, {
		hint: "Pass the result of createClient(url, key) from '@supabase/supabase-js' 2.",
	});
}
