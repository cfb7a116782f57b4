import { PixSyncError } from '../core/errors.ts';
import { type AccessToken, isUserWide, readAccessToken, userWide } from './access-token.ts';
import type { SignOutScope, SupabaseAccess } from './supabase-access.ts';

/** What the auth client reported, reduced to what sync cares for. */
export type SessionChange =
	| { readonly kind: 'signed-in'; readonly userId: string; readonly sessionId: string }
	| { readonly kind: 'signed-out' };

/** Who the app is signed in as, and the token to send. Knows nothing of tables or of the replica. */
export interface Session {
	/** The current user's id, null for nobody, undefined when the auth client did not answer, or not for sure. */
	identify(): Promise<string | null | undefined>;
	/**
	 * The bearer token for a request made for `userId` (null: signed out, the project's key).
	 * @throws PixSyncError `unauthorised` without a valid session, `user-changed` when somebody else is signed in.
	 */
	authorise(userId: string | null): Promise<string>;
	/** Asks for a fresh token; one request at a time. @throws PixSyncError `unauthorised`. */
	refresh(): Promise<void>;
	/** The last session seen of `userId`; of a session never seen, one that stands for all of that user's. */
	idOf(userId: string): string;
	/** From now on this session counts as none, whatever the auth client still holds (F5). */
	end(sessionId: string): void;
	isEnded(sessionId: string): boolean;
	/** The auth client's own sign-out. Never rejects. @returns why it failed; null: it did not. */
	signOut(scope: SignOutScope): Promise<PixSyncError | null>;
	onChange(listener: (change: SessionChange) => void): () => void;
}

/** A token must be good for this much longer, or the request could arrive after its end (F1). */
const EXPIRY_MARGIN_MS = 30_000;

/** auth-js refreshes a session that has less than this left by the device's clock, at each look at it. */
const AUTH_CLIENT_MARGIN_MS = 90_000;

export interface SessionOptions {
	readonly access: SupabaseAccess;
	/** Device ms. @default Date.now */
	readonly now?: () => number;
	/**
	 * Server-adjusted ms: a device clock that runs an hour fast must not make each token look expired (F7).
	 * Null until the server's time is known: its own 401 decides then.
	 */
	readonly serverNow: () => number | null;
	/** Told where a session that has just been issued seems to be over: it is the estimate of the server's time that is wrong. @default nothing */
	readonly distrust?: () => void;
	/** Longest wait for the auth client (F6). */
	readonly timeoutMs: number;
	/** Longest wait for its sign-out, which asks the server. @default timeoutMs */
	readonly signOutTimeoutMs?: number;
}

export function createSession(options: SessionOptions): Session {
	const { access, serverNow, timeoutMs, now = Date.now } = options;
	let refreshing: Promise<void> | null = null;
	let known: AccessToken | null = null;
	let ended: string | null = null;
	let events = 0;

	async function current(): Promise<AccessToken | null> {
		const before = events;
		const found = await look();
		// What an event told meanwhile is newer.
		if (events === before) known = found;
		// Without a session to name, the end holds until the user was seen gone.
		if (!found || ended !== userWide(found.userId)) liftUserWide();
		return found && isOver(found) ? null : found;
	}

	function liftUserWide(): void {
		if (ended !== null && isUserWide(ended)) ended = null;
	}

	async function look(): Promise<AccessToken | null> {
		if (access.accessToken) {
			const token = await withTimeout(access.accessToken(), timeoutMs);
			return token ? readAccessToken(token, null) : null;
		}
		if (!access.auth) return null;
		if (known && isGoodButSeemsExpired(known)) return known;
		const { data, error } = await withTimeout(access.auth.getSession(), timeoutMs);
		if (data.session) return readAccessToken(data.session.access_token, data.session);
		if (error) throw unauthorised('The session could not be refreshed', error);
		return null;
	}

	/** With a device clock that runs fast, each look at the session would ask the server for a new one (F7). */
	function isGoodButSeemsExpired({ expiresAt }: AccessToken): boolean {
		const at = serverNow();
		if (expiresAt === null || at === null) return false;
		return expiresAt < now() + AUTH_CLIENT_MARGIN_MS && expiresAt >= at + EXPIRY_MARGIN_MS;
	}

	function isOver({ sessionId, userId }: AccessToken): boolean {
		return ended === sessionId || ended === userWide(userId);
	}

	function seemsOver({ expiresAt }: AccessToken): boolean {
		const at = serverNow();
		return expiresAt !== null && at !== null && expiresAt < at + EXPIRY_MARGIN_MS;
	}

	async function refreshOnce(): Promise<void> {
		if (access.accessToken) {
			// The app's own function is expected to have a fresh one (F1).
			if (await withTimeout(access.accessToken(), timeoutMs)) return;
		}
		if (!access.auth) throw unauthorised('The access token was refused');
		if (known && isOver(known)) throw unauthorised('The session was signed out');
		const { data, error } = await withTimeout(access.auth.refreshSession(), timeoutMs);
		if (error || !data.session) throw unauthorised('The session could not be refreshed', error);
		known = readAccessToken(data.session.access_token, data.session);
		// Or no request would ever be made again, and the time never be measured anew.
		if (seemsOver(known)) options.distrust?.();
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
			if (seemsOver(session)) {
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

		idOf: (userId) => (known?.userId === userId ? known.sessionId : userWide(userId)),
		end(sessionId) {
			ended = sessionId;
		},
		isEnded: (sessionId) => ended === sessionId,

		async signOut(scope) {
			if (!access.auth) return null;
			try {
				const limit = options.signOutTimeoutMs ?? timeoutMs;
				const { error } = await withTimeout(access.auth.signOut({ scope }), limit);
				if (!error) return null;
				// Newer clients forget the session on this device without the network; older ones keep it.
				if (scope === 'global') await withTimeout(access.auth.signOut({ scope: 'local' }), limit);
				return notSignedOut(error);
			} catch (error) {
				return notSignedOut(error);
			}
		},

		onChange(listener) {
			if (!access.auth) return () => undefined;
			// The callback must not call the auth client: it holds its lock (F6).
			const { data } = access.auth.onAuthStateChange((event, session) => {
				events++;
				liftUserWide();
				if (session) {
					known = readAccessToken(session.access_token, session);
					listener({ kind: 'signed-in', userId: known.userId, sessionId: known.sessionId });
				} else if (event === 'SIGNED_OUT') {
					known = null;
					listener({ kind: 'signed-out' });
				}
			});
			return () => data.subscription.unsubscribe();
		},
	};
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

function notSignedOut(cause: unknown): PixSyncError {
	return new PixSyncError('sign-out-unconfirmed', 'Signed out here, but the server was not told', {
		fault: 'no-answer',
		hint: 'Call signOut() again when the connection is back: until then the session can be used elsewhere.',
		cause,
	});
}
