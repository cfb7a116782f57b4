import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it } from 'vitest';
import {
	NetworkMonitor,
	SyncManager,
	type SyncManagerOptions,
	type UserChangedNotice,
} from '../../src/index.ts';
import { openLocalStore } from '../../src/services/local-store.ts';
import { createKillSwitch } from '../support/kill-switch.ts';

const open: SyncManager[] = [];

afterEach(async () => {
	await Promise.all(open.splice(0).map((sync) => sync.close()));
});

type Listener = (event: string, session: object | null) => void;

/** What `createClient` makes, as far as PixSync looks at it; without a network. */
function fakeClient(
	userId: string | null,
	fetching: typeof fetch = () => Promise.reject(new TypeError('off')),
) {
	const listeners = new Set<Listener>();
	const toSession = (id: string, sessionId: string) => {
		const claims = { sub: id, session_id: sessionId };
		const token = `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
		return { access_token: token, user: { id }, expires_at: Math.floor(Date.now() / 1000) + 3_600 };
	};
	const client = {
		supabaseUrl: 'https://x.supabase.co',
		supabaseKey: 'anon',
		rest: { fetch: fetching },
		from: () => undefined,
		session: userId === null ? null : toSession(userId, 'first'),
		/** What `auth.signOut` is to answer; with an error it keeps the session, as older versions do. */
		signOutError: null as unknown,
		signOuts: [] as string[],
		onSignOut: () => undefined as unknown,
		signIn(id: string, sessionId: string) {
			client.session = toSession(id, sessionId);
			for (const listener of listeners) listener('SIGNED_IN', client.session);
		},
		auth: {
			getSession: async () => ({ data: { session: client.session }, error: null }),
			refreshSession: async () => ({ data: { session: client.session }, error: null }),
			signOut: async ({ scope }: { scope: string }) => {
				client.signOuts.push(scope);
				client.onSignOut();
				if (client.signOutError) return { error: client.signOutError };
				client.session = null;
				for (const listener of listeners) listener('SIGNED_OUT', null);
				return { error: null };
			},
			onAuthStateChange: (listener: Listener) => {
				listeners.add(listener);
				return { data: { subscription: { unsubscribe: () => listeners.delete(listener) } } };
			},
		},
	};
	return client;
}

async function start(
	client: object,
	disk: IDBFactory,
	options: SyncManagerOptions = {},
): Promise<SyncManager> {
	const sync = new SyncManager(client as never, {
		databaseName: 'app',
		indexedDB: disk,
		IDBKeyRange,
		networkMonitor: new NetworkMonitor({ environment: { onLine: false } }),
		...options,
	});
	open.push(sync);
	sync.registerTable({ table: 'notes' });
	await sync.ready();
	return sync;
}

const names = async (disk: IDBFactory) => (await disk.databases()).map(({ name }) => name).sort();
const create = (sync: SyncManager, title: string) => sync.table('notes').create({ title });
const titles = async (sync: SyncManager) => (await sync.table('notes').toArray()).map(({ title }) => title);

describe('signing out: what the app is told first', () => {
	it('[R22] the policies are three; another one is refused, here as in the options', async () => {
		const sync = await start(fakeClient('alice'), new IDBFactory());
		await expect(sync.signOut({ policy: 'burn' as never })).rejects.toMatchObject({ code: 'bad-config' });
		await expect(sync.signOut({ timeoutMs: -1 })).rejects.toMatchObject({ code: 'bad-config' });
		await expect(
			start(fakeClient('alice'), new IDBFactory(), { onSignOut: 'burn' as never }),
		).rejects.toMatchObject({
			code: 'bad-config',
		});
		expect(sync.getState().user).toBe('alice');
	});

	it('[S19] [S1] discard without a question is refused where something is unsynced; nothing has changed', async () => {
		const disk = new IDBFactory();
		const client = fakeClient('alice');
		const sync = await start(client, disk, { onSignOut: 'discard' });
		await create(sync, 'mine');
		await expect(sync.signOut()).rejects.toMatchObject({ code: 'unsynced-changes' });
		expect([sync.getState().user, await titles(sync), client.signOuts]).toEqual(['alice', ['mine'], []]);
	});

	it.each(['keep', 'flush', 'discard'] as const)(
		'[S19] %s: the app hears the count, and may call it off',
		async (policy) => {
			const client = fakeClient('alice');
			const sync = await start(client, new IDBFactory());
			await create(sync, 'one');
			await create(sync, 'two');
			const counts: number[] = [];
			const answer = (count: number) => {
				counts.push(count);
				return false;
			};
			expect(await sync.signOut({ policy, onUnsynced: answer })).toEqual({
				signedOut: false,
				unsynced: 2,
				discarded: false,
				error: null,
			});
			expect(counts).toEqual([2]);
			expect([sync.getState().user, client.signOuts]).toEqual(['alice', []]);
		},
	);

	it('with nothing unsynced nobody is asked', async () => {
		const disk = new IDBFactory();
		const sync = await start(fakeClient('alice'), disk);
		const ask = () => {
			throw new Error('asked');
		};
		expect(await sync.signOut({ policy: 'discard', onUnsynced: ask })).toMatchObject({ discarded: true });
		expect(await names(disk)).not.toContain('app:alice');
	});

	it('[S1] what is written after the question was answered is not discarded with the rest: all is kept', async () => {
		const disk = new IDBFactory();
		const client = fakeClient('alice');
		const sync = await start(client, disk);
		await create(sync, 'told');
		const result = await sync.signOut({
			policy: 'discard',
			onUnsynced: async () => {
				await create(sync, 'not told');
				return true;
			},
		});
		expect(result).toMatchObject({ signedOut: true, discarded: false });
		client.signIn('alice', 'second');
		await sync.ready();
		expect((await titles(sync)).sort()).toEqual(['not told', 'told']);
	});
});

describe('signing out: the order of things', () => {
	it('[F5] [R22] the data is closed before the auth client is asked; then the signed-out replica is open', async () => {
		const client = fakeClient('alice');
		const sync = await start(client, new IDBFactory());
		await create(sync, 'mine');
		const notes = sync.table('notes');
		let during: unknown;
		client.onSignOut = () => {
			during = [sync.getState().user, sync.getState().connection];
			expect(() => notes.rows).toThrow(expect.objectContaining({ code: 'closed' }));
		};
		expect(await sync.signOut()).toEqual({ signedOut: true, unsynced: 1, discarded: false, error: null });
		expect(during).toEqual([null, 'starting']);
		expect(client.signOuts).toEqual(['global']);
		expect([sync.getState().user, await titles(sync)]).toEqual([null, []]);
		client.signIn('alice', 'second');
		await sync.ready();
		expect([await titles(sync), await sync.getPendingCount()]).toEqual([['mine'], 1]);
	});

	it('[F5] an auth client that keeps the session cannot open the data again: not by events, not after a restart', async () => {
		const disk = new IDBFactory();
		const client = fakeClient('alice');
		client.signOutError = new TypeError('fetch failed');
		const sync = await start(client, disk);
		await create(sync, 'mine');
		expect(await sync.signOut({ scope: 'local' })).toMatchObject({
			signedOut: true,
			error: { code: 'sign-out-unconfirmed', cause: client.signOutError },
		});
		client.signIn('alice', 'first');
		await sync.ready();
		expect([sync.getState().user, await titles(sync)]).toEqual([null, []]);
		await sync.close();
		const again = await start(client, disk);
		expect([again.getState().user, await titles(again)]).toEqual([null, []]);
		// Told again when the connection is back.
		client.signOutError = null;
		expect(await again.signOut()).toEqual({ signedOut: true, unsynced: 0, discarded: false, error: null });
		expect(client.session).toBeNull();
		client.signIn('alice', 'second');
		await again.ready();
		expect(await titles(again)).toEqual(['mine']);
	});

	it('[S18] the counts of who has left are not shown beside nobody, or beside who comes next', async () => {
		const client = fakeClient('alice');
		const sync = await start(client, new IDBFactory());
		await create(sync, 'mine');
		await expect.poll(() => sync.getState().tables.notes?.pending).toBe(1);
		const seen = new Set<string>();
		sync.subscribe(() => {
			const { user, tables } = sync.getState();
			seen.add(`${user} ${tables.notes?.pending}`);
		});
		await sync.signOut();
		client.signIn('bob', 'b');
		await sync.ready();
		await expect.poll(() => [...seen].at(-1)).toBe('bob 0');
		// Alice's own last states may say 1; nobody's and bob's may not.
		expect([...seen].filter((state) => !state.startsWith('alice')).sort()).toEqual(['bob 0', 'null 0']);
	});

	it('[R22] userChanged tells each change once', async () => {
		const client = fakeClient(null);
		const sync = await start(client, new IDBFactory());
		const told: UserChangedNotice[] = [];
		sync.on('userChanged', (notice) => told.push(notice));
		await create(sync, 'signed out');
		client.signIn('alice', 'a');
		await sync.ready();
		await sync.signOut();
		client.signIn('bob', 'b');
		await sync.ready();
		expect(told).toEqual([
			{ user: 'alice', isSignedIn: true, anonymous: 1 },
			{ user: null, isSignedIn: false, anonymous: 0 },
			{ user: 'bob', isSignedIn: true, anonymous: 1 },
		]);
	});

	it('calls made while one is under way join it', async () => {
		const client = fakeClient('alice');
		const sync = await start(client, new IDBFactory());
		const [first, second] = await Promise.all([sync.signOut(), sync.signOut()]);
		expect(second).toBe(first);
		expect(client.signOuts).toEqual(['global']);
	});

	it('[F6] flush waits for its time limit and no longer; what is left is kept, and told', async () => {
		const client = fakeClient('alice', () => new Promise(() => undefined));
		const sync = await start(client, new IDBFactory(), {
			networkMonitor: new NetworkMonitor({ environment: {} }),
		});
		await create(sync, 'mine');
		expect(await sync.signOut({ policy: 'flush', timeoutMs: 20 })).toMatchObject({
			signedOut: true,
			unsynced: 1,
			discarded: false,
		});
	});

	it('with accessToken it does the local part, and nothing opens until the function has told of nobody', async () => {
		let user: string | null = 'alice';
		const { auth: _, ...rest } = fakeClient(null);
		const token = () => `h.${Buffer.from(JSON.stringify({ sub: user })).toString('base64url')}.s`;
		const client = { ...rest, accessToken: async () => (user === null ? null : token()) };
		const sync = await start(client, new IDBFactory());
		await create(sync, 'mine');
		expect(await sync.signOut()).toMatchObject({ signedOut: true, unsynced: 1, error: null });
		expect([sync.getState().user, await titles(sync)]).toEqual([null, []]);
		user = null;
		await sync.ready();
		user = 'alice';
		await sync.ready();
		expect([sync.getState().user, await titles(sync)]).toEqual(['alice', ['mine']]);
	});
});

describe('adopting', () => {
	it('[R23] never without being signed in: not by nobody, not in a pause', async () => {
		const client = fakeClient(null);
		const sync = await start(client, new IDBFactory());
		await create(sync, 'signed out');
		await expect(sync.adoptAnonymous()).rejects.toMatchObject({ code: 'unauthorised' });
		client.signIn('alice', 'a');
		await sync.ready();
		// SIGNED_OUT without anybody's wish.
		await client.auth.signOut({ scope: 'local' });
		await sync.ready();
		expect(sync.getState()).toMatchObject({ user: 'alice' });
		await expect(sync.adoptAnonymous()).rejects.toMatchObject({ code: 'unauthorised' });
		client.signIn('alice', 'b');
		await sync.ready();
		expect(await sync.adoptAnonymous()).toEqual({ adopted: 1, left: 0 });
		expect([await titles(sync), await sync.getPendingCount()]).toEqual([['signed out'], 1]);
	});
});

describe('[S19] killed while it discards', () => {
	/** Signs alice out with 'discard', and kills the app at a commit; tells what the next start finds. */
	async function killed(killAt: number) {
		const disk = new IDBFactory();
		const app = createKillSwitch(disk);
		const client = fakeClient('alice');
		const sync = await start(client, app.disk);
		await create(sync, 'one');
		await create(sync, 'two');
		app.killAfter(killAt);
		const before = app.steps;
		const result = await sync
			.signOut({ policy: 'discard', onUnsynced: () => true })
			.then(({ discarded }) => discarded)
			.catch(() => false);
		const steps = app.steps - before;
		await sync.close();
		const left = await countsOn(disk);
		// The auth client of the app that starts next holds nothing: what follows is read from the disk alone.
		const next = await start(fakeClient(null), disk);
		const state = { user: next.getState().user, titles: (await titles(next)).length };
		const pending = await next.getPendingCount();
		return { disk, result, steps, left, state: { ...state, pending }, isDead: app.isDead };
	}

	/** Rows, queue and meta of alice's database as they lie on the disk; none: there is no database. */
	async function countsOn(disk: IDBFactory): Promise<readonly number[]> {
		if (!(await names(disk)).includes('app:alice')) return [0, 0, 0];
		const store = await openLocalStore('app:alice', { indexedDB: disk, IDBKeyRange }, []);
		const counts = await store.transact('r', ['notes'], (stores) =>
			Promise.all([stores.rows('notes').count(), stores.outbox.count(), stores.meta.count()]),
		);
		store.close();
		return counts;
	}

	it('at every commit all is there or all is gone, and the next start ends what was begun', async () => {
		const { steps, result } = await killed(Number.POSITIVE_INFINITY);
		expect(result).toBe(true);
		expect(steps).toBeGreaterThanOrEqual(4);
		const found = new Set<string>();
		for (let killAt = 1; killAt <= steps; killAt++) {
			const { state, disk, left, isDead } = await killed(killAt);
			expect(isDead).toBe(true);
			found.add(left.map((count) => (count === 0 ? 'none' : 'all')).join());
			// The sign-out was on the disk with the first commit: the next start ends what was begun.
			expect(state).toEqual({ user: null, titles: 0, pending: 0 });
			expect(await names(disk)).not.toContain('app:alice');
		}
		expect([...found]).toEqual(['all,all,all', 'none,none,none']);
	});

	it('[F4] and signed in again, the cursor begins with the rows', async () => {
		const disk = new IDBFactory();
		const client = fakeClient('alice');
		const sync = await start(client, disk);
		await create(sync, 'one');
		await sync.signOut({ policy: 'discard', onUnsynced: () => true });
		client.signIn('alice', 'second');
		await sync.ready();
		expect([await titles(sync), sync.getState().tables.notes?.lastSyncedAt]).toEqual([[], null]);
	});

	it('a kill before the first commit leaves everything, and the user signed in', async () => {
		const disk = new IDBFactory();
		const app = createKillSwitch(disk);
		const client = fakeClient('alice');
		const sync = await start(client, app.disk);
		await create(sync, 'one');
		const result = sync.signOut({
			policy: 'discard',
			onUnsynced: async () => {
				app.killAfter(1);
				await create(sync, 'the last words').catch(() => undefined);
				return true;
			},
		});
		await expect(result).rejects.toBeDefined();
		expect(client.signOuts).toEqual([]);
		await sync.close();
		const next = await start(client, disk);
		expect([next.getState().user, (await titles(next)).length]).toEqual(['alice', 2]);
	});
});
