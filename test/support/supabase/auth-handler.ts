import { type AuthReply, authFailure, toAuthReply } from './auth-reply.ts';
import type { AuthStore, LogoutScope, RefreshTokenRow, UserRow } from './auth-store.ts';
import { type GatewayHandler, type GatewayRequest, parseBody } from './gateway-exchange.ts';
import type { Tokens } from './tokens.ts';

export const AUTH_PATH = '/auth/v1';

/** Adjustable at any time; what was issued before keeps its terms. */
export interface AuthSettings {
	/** Seconds that an access token is valid. @default 3600 */
	accessTokenLifetimeS: number;
	/** Seconds that a used refresh token still answers with its successor. @default 10, as Supabase */
	refreshReuseIntervalS: number;
}

export interface AuthHandlerOptions {
	readonly store: AuthStore;
	readonly tokens: Tokens;
	readonly settings: AuthSettings;
}

/**
 * The part of GoTrue that e-mail and password need, every new user confirmed at once: `POST signup`,
 * `POST token` (`grant_type=password`, `refresh_token`), `GET user`, `POST logout`, `GET health`.
 */
export function createAuthHandler(options: AuthHandlerOptions): GatewayHandler {
	return async (request) => toAuthReply(request, await route(options, request));
}

function route(options: AuthHandlerOptions, request: GatewayRequest): Promise<AuthReply> {
	switch (`${request.method} ${request.path.slice(AUTH_PATH.length)}`) {
		case 'POST /signup':
			return signUp(options, request);
		case 'POST /token':
			return exchange(options, request);
		case 'GET /user':
			return readUser(options, request);
		case 'POST /logout':
			return logOut(options, request);
		case 'GET /health':
			return Promise.resolve({ status: 200, body: { name: 'GoTrue', version: 'pixsync', description: '' } });
		default:
			return Promise.resolve(authFailure(404, 'not_found', 'This endpoint is not implemented here'));
	}
}

async function signUp({ store, ...rest }: AuthHandlerOptions, request: GatewayRequest): Promise<AuthReply> {
	const { email, password, data } = readFields(request);
	if (typeof email !== 'string' || typeof password !== 'string') {
		return authFailure(400, 'validation_failed', 'Signup requires an e-mail and a password');
	}
	if (password.length < 6) {
		return authFailure(422, 'weak_password', 'Password should be at least 6 characters.');
	}
	const metadata = typeof data === 'object' && data !== null ? data : {};
	const user = await store.createUser(email, password, metadata);
	if (!user) return authFailure(422, 'user_already_exists', 'User already registered');
	return startSession({ store, ...rest }, user, await store.openSession(user.id));
}

async function exchange(options: AuthHandlerOptions, request: GatewayRequest): Promise<AuthReply> {
	const { store, settings } = options;
	const { email, password, refresh_token: token } = readFields(request);
	const grant = new URLSearchParams(request.search).get('grant_type');
	if (grant === 'password') {
		const user = await store.findByPassword(String(email), String(password));
		if (!user) return authFailure(400, 'invalid_credentials', 'Invalid login credentials');
		return startSession(options, user, await store.openSession(user.id));
	}
	if (grant !== 'refresh_token') {
		return authFailure(400, 'validation_failed', `unsupported_grant_type: ${grant}`);
	}
	const rotation = await store.rotate(String(token), settings.refreshReuseIntervalS);
	switch (rotation.kind) {
		case 'unknown':
			return authFailure(400, 'refresh_token_not_found', 'Invalid Refresh Token: Refresh Token Not Found');
		case 'already-used':
			return authFailure(400, 'refresh_token_already_used', 'Invalid Refresh Token: Already Used');
		case 'rotated': {
			const user = await store.findById(rotation.next.user_id);
			if (!user) return authFailure(403, 'user_not_found', 'User from sub claim in JWT does not exist');
			return startSession(options, user, rotation.next);
		}
	}
}

async function readUser(options: AuthHandlerOptions, request: GatewayRequest): Promise<AuthReply> {
	const caller = await identify(options, request);
	return 'status' in caller ? caller : { status: 200, body: toUser(caller.user) };
}

async function logOut(options: AuthHandlerOptions, request: GatewayRequest): Promise<AuthReply> {
	const caller = await identify(options, request);
	if ('status' in caller) return caller;
	const scope = new URLSearchParams(request.search).get('scope') ?? 'global';
	if (!isScope(scope)) return authFailure(400, 'validation_failed', `Unsupported logout scope "${scope}"`);
	await options.store.endSessions(caller.user.id, caller.sessionId, scope);
	return { status: 204, body: undefined };
}

async function identify(
	{ store, tokens }: AuthHandlerOptions,
	request: GatewayRequest,
): Promise<AuthReply | { readonly user: UserRow; readonly sessionId: string }> {
	const claims = await tokens.verify(request.bearer);
	if (!claims) return authFailure(403, 'bad_jwt', 'invalid JWT: signature is wrong or token is expired');
	const { sub, session_id: sessionId } = claims;
	if (sub === undefined) return authFailure(403, 'bad_jwt', 'invalid claim: missing sub claim');
	const user = await store.findById(sub);
	if (!user) return authFailure(403, 'user_not_found', 'User from sub claim in JWT does not exist');
	if (typeof sessionId === 'string' && (await store.hasSession(sessionId))) return { user, sessionId };
	return authFailure(403, 'session_not_found', 'Session from session_id claim in JWT does not exist');
}

async function startSession(
	{ tokens, settings }: AuthHandlerOptions,
	user: UserRow,
	{ token, session_id }: RefreshTokenRow,
): Promise<AuthReply> {
	const lifetime = settings.accessTokenLifetimeS;
	const access_token = await tokens.sign({
		sub: user.id,
		email: user.email,
		session_id,
		user_metadata: user.raw_user_meta_data,
		expiresInS: lifetime,
	});
	const expires_at = Math.floor(Date.now() / 1000) + lifetime;
	const terms = { token_type: 'bearer', expires_in: lifetime, expires_at };
	return { status: 200, body: { access_token, ...terms, refresh_token: token, user: toUser(user) } };
}

function toUser(user: UserRow): object {
	const { id, email, raw_user_meta_data: user_metadata, last_sign_in_at, created_at, updated_at } = user;
	const confirmed = { email_confirmed_at: created_at, confirmed_at: created_at };
	const app_metadata = { provider: 'email', providers: ['email'] };
	const account = { id, aud: 'authenticated', role: 'authenticated', email, phone: '', is_anonymous: false };
	const times = { ...confirmed, last_sign_in_at: last_sign_in_at ?? created_at, created_at, updated_at };
	return { ...account, ...times, app_metadata, user_metadata, identities: [] };
}

function readFields({ body }: GatewayRequest): Readonly<Record<string, unknown>> {
	const fields = parseBody(body);
	return typeof fields === 'object' && fields !== null ? { ...fields } : {};
}

function isScope(scope: string): scope is LogoutScope {
	return scope === 'global' || scope === 'local' || scope === 'others';
}
