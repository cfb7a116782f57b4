import { errors, type JWTPayload, jwtVerify, SignJWT } from 'jose';

export interface TokenClaims {
	/** The user's id, which `auth.uid()` returns. */
	readonly sub?: string;
	/** @default 'authenticated' */
	readonly role?: string;
	/** Seconds from now; negative for a token that is expired already. @default 3600 */
	readonly expiresInS?: number;
	readonly [claim: string]: unknown;
}

/** Signs and checks the project's tokens (HS256), as GoTrue and PostgREST do with the shared secret. */
export interface Tokens {
	readonly secret: string;
	sign(claims: TokenClaims): Promise<string>;
	/** The claims, or `undefined` when the signature is wrong or the token has expired. */
	verify(token: string): Promise<JWTPayload | undefined>;
}

export function createTokens(secret: string): Tokens {
	const key = new TextEncoder().encode(secret);
	return {
		secret,
		sign({ role = 'authenticated', expiresInS = 3600, ...claims }) {
			const now = Math.floor(Date.now() / 1000);
			return new SignJWT({ aud: 'authenticated', ...claims, role })
				.setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
				.setIssuedAt(now)
				.setExpirationTime(now + expiresInS)
				.sign(key);
		},
		async verify(token) {
			try {
				return (await jwtVerify(token, key, { algorithms: ['HS256'] })).payload;
			} catch (error) {
				if (error instanceof errors.JOSEError) return undefined;
				throw error;
			}
		},
	};
}
