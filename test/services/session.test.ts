import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSession, type SessionChange } from '../../src/services/session.ts';
import type { AuthClient, AuthSession, SupabaseAccess } from '../../src/services/supabase-access.ts';

const NOW = 1_700_000_000_000;
const SOON = NOW / 1_000 + 3_600;

const sessionOf = (id: string, expires_at: number | undefined = SOON): AuthSession => ({
	access_token: `token of ${id}`,
	user: { id },
	...(expires_at === undefined ? {} : { expires_at }),
});

interface FakeAuth extends AuthClient {
	session: AuthSession | null;
	refreshes: number;
	signOuts: string[];
	emit(event: string, session: AuthSession | null): void;
	isListening(): boolean;
}

function fakeAuth(session: AuthSession | null, overrides: Partial<AuthClient> = {}): FakeAuth {
	const listeners = new Set<(event: string, session: AuthSession | null) => void>();
	const auth: FakeAuth = {
		session,
		refreshes: 0,
		signOuts: [],
		getSession: async () => ({ data: { session: auth.session } }),
		refreshSession: async () => {
			auth.refreshes++;
			return { data: { session: auth.session }, error: null };
		},
		signOut: async ({ scope }) => {
			auth.signOuts.push(scope);
			return { error: null };
		},
		onAuthStateChange: (callback) => {
			listeners.add(callback);
			return { data: { subscription: { unsubscribe: () => listeners.delete(callback) } } };
		},
		emit: (event, next) => {
			for (const listener of listeners) listener(event, next);
		},
		isListening: () => listeners.size > 0,
		...overrides,
	};
	return auth;
}

function start(
	auth: AuthClient | null,
	accessToken: SupabaseAccess['accessToken'] = null,
	now: number = NOW,
) {
	const access: SupabaseAccess = {
		url: 'https://x.supabase.co',
		restUrl: 'https://x.supabase.co/rest/v1',
		key: 'anon key',
		headers: {},
		fetch,
		auth,
		accessToken,
		realtime: null,
	};
	return createSession({ access, now: () => now, serverNow: () => NOW, timeoutMs: 3_000 });
}

const jwt = (claims: object) => {
	const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
	return `${part({ alg: 'HS256' })}.${part(claims)}.signature`;
};

const never = () => new Promise<never>(() => undefined);

beforeEach(() => {
	vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
	expect(vi.getTimerCount()).toBe(0);
	vi.useRealTimers();
});

describe('session: authorise', () => {
	it('[F3] gives the token of the user that the request is made for', async () => {
		expect(await start(fakeAuth(sessionOf('alice'))).authorise('alice')).toBe('token of alice');
	});

	it('[F3][S18] for anybody else it is user-changed: nothing is sent', async () => {
		const session = start(fakeAuth(sessionOf('bob')));
		for (const wanted of ['alice', null]) {
			await expect(session.authorise(wanted)).rejects.toMatchObject({
				code: 'user-changed',
				fault: 'unauthorised',
			});
		}
	});

	it('[F1] without a session it is unauthorised, never the anon key', async () => {
		await expect(start(fakeAuth(null)).authorise('alice')).rejects.toMatchObject({
			code: 'unauthorised',
			fault: 'unauthorised',
		});
	});

	it('signed out, the replica of nobody uses the project’s key', async () => {
		expect(await start(fakeAuth(null)).authorise(null)).toBe('anon key');
	});

	it.each([
		['expired', -1, false],
		['expires within the margin', 29, false],
		['is good beyond it', 31, true],
	])('[F1] a token that %s', async (_, seconds, isGood) => {
		const session = start(fakeAuth(sessionOf('alice', NOW / 1_000 + seconds)));
		const token = session.authorise('alice');
		if (isGood) expect(await token).toBe('token of alice');
		else await expect(token).rejects.toMatchObject({ code: 'unauthorised' });
	});

	it('a session that tells no end is taken as it is', async () => {
		const { expires_at: _, ...endless } = sessionOf('alice');
		expect(await start(fakeAuth(endless)).authorise('alice')).toBe('token of alice');
	});

	it('[F1] the token is read anew for each request', async () => {
		const auth = fakeAuth(sessionOf('alice'));
		const session = start(auth);
		await session.authorise('alice');
		auth.session = { ...sessionOf('alice'), access_token: 'a newer one' };
		expect(await session.authorise('alice')).toBe('a newer one');
	});

	it('[F6] an auth client that never answers: unauthorised after the time limit', async () => {
		const pending = start(fakeAuth(null, { getSession: never })).authorise('alice');
		const refused = expect(pending).rejects.toMatchObject({ code: 'unauthorised' });
		await vi.advanceTimersByTimeAsync(3_000);
		await refused;
	});

	it('an auth client that throws is unauthorised, with its error as the cause', async () => {
		const cause = new TypeError('fetch failed');
		const session = start(fakeAuth(null, { getSession: () => Promise.reject(cause) }));
		await expect(session.authorise('alice')).rejects.toMatchObject({ code: 'unauthorised', cause });
	});
});

describe('session: identify', () => {
	it('[F2] tells the user, nobody, or that nobody knows', async () => {
		expect(await start(fakeAuth(sessionOf('alice'))).identify()).toBe('alice');
		expect(await start(fakeAuth(null)).identify()).toBeNull();
		expect(
			await start(fakeAuth(null, { getSession: () => Promise.reject(new Error('no')) })).identify(),
		).toBeUndefined();
	});

	it('[F2] an expired session still says who it is', async () => {
		expect(await start(fakeAuth(sessionOf('alice', 1))).identify()).toBe('alice');
	});

	it('[F6] is undefined when the auth client does not answer in time', async () => {
		const pending = start(fakeAuth(null, { getSession: never })).identify();
		await vi.advanceTimersByTimeAsync(2_999);
		expect(await Promise.race([pending, 'waiting'])).toBe('waiting');
		await vi.advanceTimersByTimeAsync(1);
		expect(await pending).toBeUndefined();
	});
});

describe('session: refresh', () => {
	it('[F1] one request at a time for all who ask; the next one after it is a new one', async () => {
		const auth = fakeAuth(sessionOf('alice'));
		const session = start(auth);
		await Promise.all([session.refresh(), session.refresh(), session.refresh()]);
		expect(auth.refreshes).toBe(1);
		await session.refresh();
		expect(auth.refreshes).toBe(2);
	});

	it.each([
		['an error', async () => ({ data: { session: sessionOf('alice') }, error: new Error('revoked') })],
		['no session', async () => ({ data: { session: null }, error: null })],
		['a rejection', () => Promise.reject(new TypeError('fetch failed'))],
	])('[F7] %s is unauthorised, and the next call tries again', async (_, refreshSession) => {
		const auth = fakeAuth(sessionOf('alice'), { refreshSession });
		const session = start(auth);
		await expect(session.refresh()).rejects.toMatchObject({ code: 'unauthorised', fault: 'unauthorised' });
		auth.refreshSession = async () => ({ data: { session: auth.session }, error: null });
		await session.refresh();
	});

	it('[F6] a refresh that hangs ends, and lets the next one begin', async () => {
		const auth = fakeAuth(sessionOf('alice'), { refreshSession: never });
		const session = start(auth);
		const refused = expect(session.refresh()).rejects.toMatchObject({ code: 'unauthorised' });
		await vi.advanceTimersByTimeAsync(3_000);
		await refused;
		auth.refreshSession = async () => ({ data: { session: auth.session }, error: null });
		await session.refresh();
	});
});

describe('session: clients with accessToken', () => {
	it('[F1] the token’s own claims tell who and until when', async () => {
		const good = start(null, async () => jwt({ sub: 'alice', exp: SOON }));
		expect(await good.identify()).toBe('alice');
		expect(await good.authorise('alice')).toBe(jwt({ sub: 'alice', exp: SOON }));
		await expect(good.authorise('bob')).rejects.toMatchObject({ code: 'user-changed' });
		const old = start(null, async () => jwt({ sub: 'alice', exp: NOW / 1_000 - 1 }));
		await expect(old.authorise('alice')).rejects.toMatchObject({ code: 'unauthorised' });
	});

	it('names beyond ASCII and the URL alphabet of base64 are read', async () => {
		const claims = { sub: 'øæ~?>', exp: SOON, x: '>>>???' };
		expect(jwt(claims)).toMatch(/[-_]/);
		expect(await start(null, async () => jwt({ ...claims, sub: 'alice' })).identify()).toBe('alice');
	});

	it('no token is nobody', async () => {
		const session = start(null, async () => null);
		expect(await session.identify()).toBeNull();
		await expect(session.authorise('alice')).rejects.toMatchObject({ code: 'unauthorised' });
		expect(await session.authorise(null)).toBe('anon key');
	});

	it('a function that rejects is unauthorised, not a broken store', async () => {
		const session = start(null, () => Promise.reject(new TypeError('fetch failed')));
		expect(await session.identify()).toBeUndefined();
		await expect(session.authorise('alice')).rejects.toMatchObject({ code: 'unauthorised' });
	});

	it('[F1] a refresh asks the function again: with a token it succeeds, without it is unauthorised', async () => {
		let token: string | null = jwt({ sub: 'alice', exp: SOON });
		const session = start(null, async () => token);
		await session.refresh();
		token = null;
		await expect(session.refresh()).rejects.toMatchObject({ code: 'unauthorised' });
	});

	it('never listens to an auth client that it must not touch', () => {
		expect(() => start(null, async () => null).onChange(() => undefined)()).not.toThrow();
	});
});

describe('session: changes', () => {
	it('[F2] a session is a sign-in whatever the event; of the rest only SIGNED_OUT counts', () => {
		const auth = fakeAuth(null);
		const changes: SessionChange[] = [];
		const stop = start(auth).onChange((change) => changes.push(change));
		auth.emit('INITIAL_SESSION', null);
		auth.emit('SIGNED_IN', sessionOf('alice'));
		auth.emit('TOKEN_REFRESHED', sessionOf('alice'));
		auth.emit('SIGNED_OUT', null);
		expect(changes).toEqual([
			{ kind: 'signed-in', userId: 'alice', sessionId: 'user:alice' },
			{ kind: 'signed-in', userId: 'alice', sessionId: 'user:alice' },
			{ kind: 'signed-out' },
		]);
		stop();
		expect(auth.isListening()).toBe(false);
	});

	it('[F6] the callback does not call the auth client, which holds its lock meanwhile', () => {
		let calls = 0;
		const auth = fakeAuth(null, {
			getSession: async () => {
				calls++;
				return { data: { session: null } };
			},
		});
		start(auth).onChange(() => undefined);
		auth.emit('SIGNED_IN', sessionOf('alice'));
		expect(calls).toBe(0);
	});
});

describe('session: who a token is of', () => {
	const session = (claims: object, id: string): AuthSession => ({
		access_token: jwt(claims),
		user: { id },
		expires_at: SOON,
	});

	it('[F3] the JWT’s sub decides, not what stands beside it', async () => {
		const auth = fakeAuth(session({ sub: 'bob' }, 'alice'));
		await expect(start(auth).authorise('alice')).rejects.toMatchObject({ code: 'user-changed' });
		expect(await start(auth).identify()).toBe('bob');
	});

	it('[F2] a session that could not be refreshed is not nobody', async () => {
		const auth = fakeAuth(null, {
			getSession: async () => ({ data: { session: null }, error: new TypeError('fetch failed') }),
		});
		expect(await start(auth).identify()).toBeUndefined();
		await expect(start(auth).authorise(null)).rejects.toMatchObject({ code: 'unauthorised' });
	});

	it('[F7] an hour fast, a session that the server still takes is not asked for again and again', async () => {
		let looks = 0;
		const auth = fakeAuth(sessionOf('alice', NOW / 1_000 + 600), {
			getSession: async () => {
				looks++;
				return { data: { session: sessionOf('alice', NOW / 1_000 + 600) } };
			},
		});
		const fast = start(auth, null, NOW + 3_600_000);
		fast.onChange(() => undefined);
		for (let at = 0; at < 5; at++) expect(await fast.authorise('alice')).toBe('token of alice');
		expect(looks).toBe(1);
		// Right again by the server's clock, too: it has ended, and the auth client is asked.
		auth.emit('TOKEN_REFRESHED', sessionOf('alice', NOW / 1_000 + 10));
		await fast.authorise('alice');
		expect(looks).toBe(2);
	});

	it('[F7][F3] nor does it outlive a change of user', async () => {
		const auth = fakeAuth(sessionOf('alice', NOW / 1_000 + 600));
		const fast = start(auth, null, NOW + 3_600_000);
		fast.onChange(() => undefined);
		await fast.authorise('alice');
		auth.session = sessionOf('bob', NOW / 1_000 + 600);
		auth.emit('SIGNED_IN', auth.session);
		await expect(fast.authorise('alice')).rejects.toMatchObject({ code: 'user-changed' });
		auth.session = null;
		auth.emit('SIGNED_OUT', null);
		await expect(fast.authorise('bob')).rejects.toMatchObject({ code: 'unauthorised' });
	});
});

describe('session: signed out on purpose', () => {
	const session = (id: string, userId = 'alice'): AuthSession => ({
		access_token: jwt({ sub: userId, session_id: id }),
		user: { id: userId },
		expires_at: SOON,
	});

	it('[F5] the session counts as none, whatever the auth client holds; another one counts', async () => {
		const auth = fakeAuth(session('one'));
		const own = start(auth);
		await own.identify();
		expect(own.idOf('alice')).toBe('one');
		own.end('one');
		expect(await own.identify()).toBeNull();
		await expect(own.authorise('alice')).rejects.toMatchObject({ code: 'unauthorised' });
		expect(await own.authorise(null)).toBe('anon key');
		await expect(own.refresh()).rejects.toMatchObject({ code: 'unauthorised' });
		expect(auth.refreshes).toBe(0);
		auth.session = session('two');
		expect(await own.identify()).toBe('alice');
	});

	it('[F5] a client with accessToken: signed out until its function has told of nobody, or of somebody else', async () => {
		let user: string | null = 'alice';
		const own = start(null, async () => (user === null ? null : jwt({ sub: user, session_id: 'x' })));
		await own.identify();
		own.end(own.idOf('alice'));
		expect(await own.identify()).toBeNull();
		expect(await own.identify()).toBeNull();
		user = null;
		expect(await own.identify()).toBeNull();
		user = 'alice';
		expect(await own.identify()).toBe('alice');
	});

	it('tells the auth client, with the scope; a client with accessToken has nothing to tell', async () => {
		const auth = fakeAuth(session('one'));
		expect(await start(auth).signOut('local')).toBeNull();
		expect(auth.signOuts).toEqual(['local']);
		expect(await start(null, async () => null).signOut('global')).toBeNull();
	});

	it('[F5] what keeps the server from being told is returned; this device is tried alone then', async () => {
		const cause = new TypeError('fetch failed');
		const scopes: string[] = [];
		const auth = fakeAuth(session('one'), {
			signOut: async ({ scope }) => {
				scopes.push(scope);
				return { error: scope === 'global' ? cause : null };
			},
		});
		expect(await start(auth).signOut('global')).toMatchObject({ code: 'sign-out-unconfirmed', cause });
		expect(scopes).toEqual(['global', 'local']);
	});

	it('[F6] a sign-out that hangs ends, and does not reject', async () => {
		const pending = start(fakeAuth(session('one'), { signOut: never })).signOut('global');
		await vi.advanceTimersByTimeAsync(3_000);
		expect(await pending).toMatchObject({ code: 'sign-out-unconfirmed' });
	});
});
