import { PixSyncError } from '../core/errors.ts';
import type { AuthSession, SupabaseAccess } from './supabase-access.ts';

/** What the auth client reported, reduced to what sync cares for. */
export type SessionChange =
	| { readonly kind: 'signed-in'; readonly userId: string }
	| { readonly kind: 'signed-out' };

/** Who the app is signed in as, and the token to send. Knows nothing of tables or of the replica. */
export interface Session {
	/** The current user's id, null for nobody, undefined when the auth client did not answer in time. */
	identify(): Promise<string | null | undefined>;
	/**
	 * The bearer token for a request made for `userId` (null: signed out, the project's key).
	 * @throws PixSyncError `unauthorised` without a valid session, `user-changed` when somebody else is signed in.
	 */
	authorise(userId: string | null): Promise<string>;
	/** Asks for a fresh token; one request at a time. @throws PixSyncError `unauthorised`. */
	refresh(): Promise<void>;
	onChange(listener: (change: SessionChange) => void): () => void;
}

/** A token must be good for this much longer, or the request could arrive after its end (F1). */
const EXPIRY_MARGIN_MS = 30_000;

export interface SessionOptions {
	readonly access: SupabaseAccess;
	/**
	 * Server-adjusted ms: a device clock that runs an hour fast must not make each token look expired (F7).
	 * Null until the server's time is known: its own 401 decides then.
	 */
	readonly serverNow: () => number | null;
	/** Longest wait for the auth client (F6). */
	readonly timeoutMs: number;
}

export function createSession({ access, serverNow, timeoutMs }: SessionOptions): Session {
	let refreshing: Promise<void> | null = null;

	async function current(): Promise<{ token: string; userId: string; expiresAt: number | null } | null> {
		if (access.accessToken) {
			const token = await withTimeout(access.accessToken(), timeoutMs);
			if (!token) return null;
			const claims = toClaims(token);
			return { token, userId: claims.sub ?? '', expiresAt: claims.exp === null ? null : claims.exp * 1000 };
		}
		if (!access.auth) return null;
		const { data } = await withTimeout(access.auth.getSession(), timeoutMs);
		return data.session ? fromSession(data.session) : null;
	}

	async function refreshOnce(): Promise<void> {
		if (access.accessToken) {
			// The app's own function is expected to have a fresh one (F1).
			if (await withTimeout(access.accessToken(), timeoutMs)) return;
		}
		if (!access.auth) throw unauthorised('The access token was refused');
		const { data, error } = await withTimeout(access.auth.refreshSession(), timeoutMs);
		if (error || !data.session) throw unauthorised('The session could not be refreshed', error);
	}

	return {
		async identify() {
			try {
				return (await current())?.userId ?? null;
			} catch {
				return undefined;
			}
		},

		async authorise(userId) {
			const session = await current();
			if (!session) {
				if (userId === null) return access.key;
				throw unauthorised('There is no valid session');
			}
			if (session.userId !== userId) {
				throw new PixSyncError('user-changed', 'Another user is signed in', {
					fault: 'unauthorised',
					hint: "Nothing was sent. The queue waits for its owner; use the current user's replica.",
				});
			}
			const at = serverNow();
			if (session.expiresAt !== null && at !== null && session.expiresAt < at + EXPIRY_MARGIN_MS) {
				throw unauthorised('The session has expired');
			}
			return session.token;
		},

		refresh() {
			refreshing ??= refreshOnce().finally(() => {
				refreshing = null;
			});
			return refreshing;
		},

		onChange(listener) {
			if (!access.auth) return () => undefined;
			// The callback must not call the auth client: it holds its lock (F6).
			const { data } = access.auth.onAuthStateChange((event, session) => {
				if (session) listener({ kind: 'signed-in', userId: session.user.id });
				else if (event === 'SIGNED_OUT') listener({ kind: 'signed-out' });
			});
			return () => data.subscription.unsubscribe();
		},
	};
}

function fromSession(session: AuthSession): { token: string; userId: string; expiresAt: number | null } {
	const expiresAt = session.expires_at === undefined ? null : session.expires_at * 1000;
	return { token: session.access_token, userId: session.user.id, expiresAt };
}

function toClaims(token: string): { sub: string | null; exp: number | null } {
	try {
		const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
		const claims = JSON.parse(atob(payload)) as { sub?: unknown; exp?: unknown };
		return {
			sub: typeof claims.sub === 'string' ? claims.sub : null,
			exp: typeof claims.exp === 'number' ? claims.exp : null,
		};
	} catch {
		return { sub: null, exp: null };
	}
}

function withTimeout<T>(promise: Promise<T>, ms: number): Promise<T> {
	return new Promise((resolve, reject) => {
		const timer = setTimeout(() => reject(unauthorised('The auth client did not answer in time')), ms);
		promise
			.then(resolve, (cause: unknown) => reject(unauthorised('The auth client failed', cause)))
			.finally(() => clearTimeout(timer));
	});
}

function unauthorised(message: string, cause?: unknown): PixSyncError {
	return new PixSyncError('unauthorised', message, {
		fault: 'unauthorised',
		hint: 'Sign in again; nothing of the queue is lost meanwhile.',
		cause,
	});
}
