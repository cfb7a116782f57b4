import type { AuthClient, AuthSession } from '../../src/services/supabase-access.ts';

/** In each token, and to be found nowhere else (S33). */
export const CANARY = 'c4n4ry';

type AuthListener = (event: string, session: AuthSession | null) => void;

/** The auth client's state of one device: its tabs share the session, as a browser's do by localStorage. */
export interface SimAuth {
	/** Null: nobody is signed in. */
	readonly userId: string | null;
	/** While true every refresh and sign-out fails. */
	isDown: boolean;
	signIn(userId: string): void;
	/** The token is over; the next look at it must refresh. */
	expire(): void;
	/** What a tab's client has as `auth`. `alive`: a dead tab hears of nothing. */
	connect(alive: () => boolean): AuthClient;
}

export interface SimAuthOptions {
	/** Server ms. */
	readonly now: () => number;
	/** Device ms. */
	readonly deviceNow: () => number;
	readonly isOnline: () => boolean;
}

/** How long a token is good. */
export const SESSION_MS = 3_600_000;

export function createSimAuth({ now, deviceNow, isOnline }: SimAuthOptions): SimAuth {
	const listeners = new Map<AuthListener, () => boolean>();
	let session: AuthSession | null = null;
	let sessions = 0;

	function issue(userId: string, sessionId: string): AuthSession {
		const expires_at = Math.floor((now() + SESSION_MS) / 1000);
		const claims = { sub: userId, exp: expires_at, session_id: sessionId };
		const access_token = `${CANARY}.${btoa(JSON.stringify(claims))}.${CANARY}`;
		return { access_token, expires_at, user: { id: userId } };
	}

	function tell(event: string): void {
		for (const [listener, isAlive] of [...listeners]) if (isAlive()) listener(event, session);
	}

	/** As auth-js: the network's failure keeps the session, and tells of an error. */
	async function refresh(): Promise<{ data: { session: AuthSession | null }; error: unknown }> {
		await Promise.resolve();
		if (!session) return { data: { session: null }, error: new Error('Auth session missing') };
		if (auth.isDown || !isOnline()) return { data: { session: null }, error: new Error('fetch failed') };
		const { session_id } = claimsOf(session.access_token);
		session = issue(session.user.id, session_id);
		tell('TOKEN_REFRESHED');
		return { data: { session }, error: null };
	}

	const auth: SimAuth = {
		isDown: false,
		get userId() {
			return session?.user.id ?? null;
		},
		signIn(userId) {
			session = issue(userId, `session-${++sessions}`);
			tell('SIGNED_IN');
		},
		expire() {
			if (!session) return;
			const claims = { ...claimsOf(session.access_token), exp: Math.floor(now() / 1000) - 60 };
			const access_token = `${CANARY}.${btoa(JSON.stringify(claims))}.${CANARY}`;
			session = { ...session, access_token, expires_at: claims.exp };
		},
		connect: (alive) => ({
			async getSession() {
				await Promise.resolve();
				const seemsOver = (session?.expires_at ?? Number.POSITIVE_INFINITY) * 1000 < deviceNow() + 90_000;
				if (!session || !seemsOver) return { data: { session } };
				return refresh();
			},
			refreshSession: refresh,
			async signOut() {
				await Promise.resolve();
				session = null;
				tell('SIGNED_OUT');
				return { error: auth.isDown || !isOnline() ? new Error('fetch failed') : null };
			},
			onAuthStateChange(callback) {
				listeners.set(callback, alive);
				queueMicrotask(() => {
					if (alive() && listeners.has(callback)) callback('INITIAL_SESSION', session);
				});
				return { data: { subscription: { unsubscribe: () => void listeners.delete(callback) } } };
			},
		}),
	};
	return auth;
}

export interface SimClaims {
	readonly sub: string;
	readonly exp: number;
	readonly session_id: string;
}

/** @throws for what is no token of ours. */
export function claimsOf(token: string): SimClaims {
	return JSON.parse(atob(token.split('.')[1] ?? '')) as SimClaims;
}
