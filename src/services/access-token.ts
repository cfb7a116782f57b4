import { isRecord } from '../core/is-record.ts';
import type { AuthSession } from './supabase-access.ts';

/** An access token and what it says of itself. */
export interface AccessToken {
	readonly token: string;
	readonly userId: string;
	/** Server ms; null: it does not say. */
	readonly expiresAt: number | null;
	/** The same for all tokens of one sign-in; see {@link userWide} for those that name none. */
	readonly sessionId: string;
}

/**
 * Reads a JWT's claims; its signature is the server's affair. What the token says counts, not what stands beside
 * it: it is by `sub` that the server decides whose request it is (F3).
 * @param session what the auth client holds beside the token; serves where the token cannot be read.
 */
export function readAccessToken(token: string, session: AuthSession | null): AccessToken {
	const { sub, exp, session_id } = toClaims(token);
	const userId = typeof sub === 'string' ? sub : (session?.user.id ?? '');
	const expiresAt = session?.expires_at ?? (typeof exp === 'number' ? exp : null);
	return {
		token,
		userId,
		expiresAt: expiresAt === null ? null : expiresAt * 1000,
		sessionId: session && typeof session_id === 'string' ? session_id : userWide(userId),
	};
}

function toClaims(token: string): { sub?: unknown; exp?: unknown; session_id?: unknown } {
	try {
		const payload = (token.split('.')[1] ?? '').replace(/-/g, '+').replace(/_/g, '/');
		const claims: unknown = JSON.parse(atob(payload));
		return isRecord(claims) ? claims : {};
	} catch {
		return {};
	}
}

const USER_WIDE = 'user:';

/** Stands for every session of a user, where there is none to name. */
export function userWide(userId: string): string {
	return USER_WIDE + userId;
}

/** Not to be kept across restarts: it would lock the user out. */
export function isUserWide(sessionId: string): boolean {
	return sessionId.startsWith(USER_WIDE);
}
