import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it } from 'vitest';
import { toCheckedAction } from '../../src/services/action.ts';
import type { Discard } from '../../src/services/last-user.ts';
import type { Remote } from '../../src/services/remote.ts';
import { createSession, type SessionChange } from '../../src/services/session.ts';
import type { AuthClient } from '../../src/services/supabase-access.ts';
import { openWorkspace, type Workspace } from '../../src/services/workspace.ts';
import {
	createWorkspaceHost,
	type WorkspaceHost,
	type WorkspaceHostOptions,
} from '../../src/services/workspace-host.ts';
import { specOf } from '../support/mutations.ts';

const notes = specOf({ table: 'notes' });
const hosts: WorkspaceHost[] = [];

afterEach(() => {
	for (const host of hosts.splice(0)) host.close();
});

/** A session that the test steers; `user` undefined: the auth client does not answer. */
function fakeSession(user: string | null | undefined) {
	const listeners = new Set<(change: SessionChange) => void>();
	const session = {
		user,
		identify: async () => session.user,
		authorise: () => Promise.reject(new Error('not here')),
		refresh: () => Promise.reject(new Error('not here')),
		ended: null as string | null,
		idOf: (userId: string) => `session of ${userId}`,
		end: (sessionId: string) => {
			session.ended = sessionId;
		},
		isEnded: (sessionId: string) => session.ended === sessionId,
		onChange: (listener: (change: SessionChange) => void) => {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		signIn: (userId: string, sessionId = `session of ${userId}`) => {
			session.user = userId;
			for (const listener of listeners) listener({ kind: 'signed-in', userId, sessionId });
		},
		signOut: () => {
			session.user = null;
			for (const listener of listeners) listener({ kind: 'signed-out' });
		},
		listeners,
	};
	return session;
}

interface StartOptions {
	readonly lastUser?: string | null;
	readonly disk?: IDBFactory;
	readonly open?: (userId: string | null) => Promise<Workspace>;
}

function start(
	session: WorkspaceHostOptions['session'],
	{ lastUser = null, disk = new IDBFactory(), open }: StartOptions = {},
) {
	const log: string[] = [];
	const device = { lastUser, endedSession: null as string | null, discards: [] as Discard[] };
	const opened: Workspace[] = [];
	const notices: [string | null, boolean][] = [];
	const openReal = (userId: string | null) =>
		openWorkspace({
			databaseName: 'app',
			environment: { indexedDB: disk, IDBKeyRange },
			userId,
			specs: [notes],
			remote: {} as Remote,
			now: () => 0,
			clockOffset: () => null,
			createId: () => crypto.randomUUID(),
		});
	const host = createWorkspaceHost({
		session,
		lastUser: {
			read: async () => ({ ...device, userId: device.lastUser }),
			write: async (userId) => {
				device.lastUser = userId;
			},
			signOut: async ({ session: ended, discard }) => {
				log.push('signed out on disk');
				device.lastUser = null;
				device.endedSession = ended;
				if (discard) device.discards.push(discard);
			},
		},
		open: open ?? openReal,
		opened: async (workspace) => {
			opened.push(workspace);
			log.push(`opened ${workspace.userId}`);
		},
		closing: (workspace) => log.push(`closing ${workspace.userId}`),
		sessionChanged: (isValid) => log.push(isValid ? 'valid' : 'invalid'),
		userChanged: async (userId, isSignedIn) => void notices.push([userId, isSignedIn]),
	});
	hosts.push(host);
	return { host, log, device, opened, notices, disk };
}

const create = (workspace: Workspace, id: string) =>
	workspace.mutate([toCheckedAction(notes, { table: 'notes', action: 'create', data: { id } })]);
const idsIn = (workspace: Workspace) =>
	workspace.store.transact('r', ['notes'], (stores) => stores.rows('notes').toCollection().primaryKeys());
const isValid = (log: readonly string[]) => log.filter((entry) => /valid/.test(entry)).at(-1) !== 'invalid';

describe('workspace host: start', () => {
	it('[F3] opens the replica of the user of the session, and remembers who that was', async () => {
		const { host, log, device } = start(fakeSession('alice'));
		expect(host.current()).toBeNull();
		const workspace = await host.ready();
		expect(workspace.userId).toBe('alice');
		expect(workspace.store.name).toBe('app:alice');
		expect(host.current()).toBe(workspace);
		expect(device.lastUser).toBe('alice');
		expect(isValid(log)).toBe(true);
	});

	it('nobody, and never anybody: the replica of nobody, with a valid session', async () => {
		const { host, log, device } = start(fakeSession(null));
		const workspace = await host.ready();
		expect(workspace.userId).toBeNull();
		expect(workspace.store.name).toBe('app:anon');
		expect(isValid(log)).toBe(true);
		expect(device.lastUser).toBeNull();
	});

	it('[F2][R22] an initial session of null offline: the last user’s replica, with the session invalid', async () => {
		const { host, log } = start(fakeSession(null), { lastUser: 'alice' });
		expect((await host.ready()).userId).toBe('alice');
		expect(isValid(log)).toBe(false);
	});

	it('[F6] an auth client that hangs: the last user’s replica, or nobody’s where there was none', async () => {
		const withLast = start(fakeSession(undefined), { lastUser: 'alice' });
		expect((await withLast.host.ready()).userId).toBe('alice');
		expect(isValid(withLast.log)).toBe(false);
		const without = start(fakeSession(undefined));
		expect((await without.host.ready()).userId).toBeNull();
		expect(isValid(without.log)).toBe(true);
	});

	it('[F6] getSession that never resolves, with the real session: the data is there after its time limit', async () => {
		const auth: AuthClient = {
			getSession: () => new Promise(() => undefined),
			refreshSession: () => new Promise(() => undefined),
			signOut: () => new Promise(() => undefined),
			onAuthStateChange: () => ({ data: { subscription: { unsubscribe: () => undefined } } }),
		};
		const access = {
			url: 'http://x',
			restUrl: 'http://x/rest/v1',
			key: 'k',
			headers: {},
			fetch,
			auth,
			accessToken: null,
			realtime: null,
		};
		const session = createSession({ access, serverNow: Date.now, timeoutMs: 20 });
		const { host, log } = start(session, { lastUser: 'alice' });
		expect((await host.ready()).userId).toBe('alice');
		expect(isValid(log)).toBe(false);
	});

	it('a replica that does not open rejects ready(); a later sign-in tries again', async () => {
		let isBroken = true;
		const session = fakeSession('alice');
		const disk = new IDBFactory();
		const { host } = start(session, {
			open: async (userId) => {
				if (isBroken) throw new Error('broken');
				return openWorkspace({
					databaseName: 'app',
					environment: { indexedDB: disk, IDBKeyRange },
					userId,
					specs: [],
					remote: {} as Remote,
					now: () => 0,
					clockOffset: () => null,
					createId: () => 'x',
				});
			},
		});
		await expect(host.ready()).rejects.toThrow('broken');
		isBroken = false;
		session.signIn('alice');
		expect((await host.ready()).userId).toBe('alice');
	});
});

describe('workspace host: changes', () => {
	it('[F2][R22] SIGNED_OUT pauses: the same replica stays open, its data too', async () => {
		const session = fakeSession('alice');
		const { host, log, device } = start(session);
		const workspace = await host.ready();
		await create(workspace, 'a');
		session.signOut();
		await host.ready();
		await Promise.resolve();
		expect(isValid(log)).toBe(false);
		expect(host.current()).toBe(workspace);
		expect(log).not.toContain('closing alice');
		expect(await idsIn(workspace)).toEqual(['a']);
		expect(device.lastUser).toBe('alice');
	});

	it('SIGNED_OUT where nobody was signed in changes nothing', async () => {
		const session = fakeSession(null);
		const { host, log } = start(session);
		await host.ready();
		session.signOut();
		await host.ready();
		await Promise.resolve();
		expect(isValid(log)).toBe(true);
	});

	it('[F1] the same user again: valid, and the replica is not opened anew', async () => {
		const session = fakeSession('alice');
		const { host, log, opened } = start(session);
		const workspace = await host.ready();
		session.signOut();
		session.signIn('alice');
		expect(await host.ready()).toBe(workspace);
		expect(opened).toHaveLength(1);
		expect(isValid(log)).toBe(true);
	});

	it('[F1][F7] a fresh session is told even if this host never heard of its end', async () => {
		const session = fakeSession('alice');
		const { host, log } = start(session);
		await host.ready();
		const before = log.length;
		// Meanwhile the engine learnt from a refused refresh that the session is no good.
		session.signIn('alice');
		await host.ready();
		expect(log.slice(before)).toEqual(['valid']);
	});

	it('[R23][S18] another user: the former replica is closed first, and neither sees the other’s rows', async () => {
		const session = fakeSession('alice');
		const { host, log, device } = start(session);
		const alices = await host.ready();
		await create(alices, 'of alice');
		session.signIn('bob');
		const bobs = await host.ready();
		expect(bobs.userId).toBe('bob');
		expect(log.indexOf('closing alice')).toBeLessThan(log.indexOf('opened bob'));
		expect(await idsIn(bobs)).toEqual([]);
		expect(device.lastUser).toBe('bob');
		await expect(create(alices, 'too late')).rejects.toMatchObject({ code: 'closed' });
		session.signIn('alice');
		expect(await idsIn(await host.ready())).toEqual(['of alice']);
	});

	it('[R23] signing in leaves what was written signed out where it is', async () => {
		const session = fakeSession(null);
		const { host } = start(session);
		await create(await host.ready(), 'anonymous');
		session.signIn('alice');
		const alices = await host.ready();
		expect(alices.userId).toBe('alice');
		expect(await idsIn(alices)).toEqual([]);
	});

	it('[R23] two sign-ins in a row open two replicas, one after the other, and end at the last', async () => {
		const session = fakeSession('alice');
		const { host, log } = start(session);
		session.signIn('bob');
		session.signIn('carol');
		expect((await host.ready()).userId).toBe('carol');
		expect(host.current()?.userId).toBe('carol');
		expect(log.filter((entry) => !/valid/.test(entry))).toEqual([
			'opened alice',
			'closing alice',
			'opened bob',
			'closing bob',
			'opened carol',
		]);
	});

	it('[F2] the order of events decides: in and out is invalid, out and in is valid', async () => {
		const session = fakeSession('alice');
		const { host, log } = start(session);
		await host.ready();
		session.signIn('alice');
		session.signOut();
		await host.ready();
		await new Promise((resolve) => setTimeout(resolve));
		expect(isValid(log)).toBe(false);
		session.signOut();
		session.signIn('alice');
		await host.ready();
		await new Promise((resolve) => setTimeout(resolve));
		expect(isValid(log)).toBe(true);
	});
});

describe('workspace host: who is told', () => {
	it('[R22] of another user, of an ended session, of its return; not of the first opening, and nothing twice', async () => {
		const session = fakeSession('alice');
		const { host, notices } = start(session);
		await host.ready();
		session.signIn('alice');
		await host.ready();
		expect(notices).toEqual([]);
		session.signOut();
		session.signOut();
		await host.ready();
		expect(notices).toEqual([['alice', false]]);
		expect(host.isSignedIn()).toBe(false);
		session.signIn('alice');
		session.signIn('alice');
		await host.ready();
		session.signIn('bob');
		await host.ready();
		expect(notices).toEqual([
			['alice', false],
			['alice', true],
			['bob', true],
		]);
		expect(host.isSignedIn()).toBe(true);
	});

	it('[F6] an auth client that does not answer is no end of a session', async () => {
		const session = fakeSession('alice');
		const { host, notices } = start(session);
		await host.ready();
		session.user = undefined;
		await host.recheck();
		expect(notices).toEqual([]);
		expect(host.isSignedIn()).toBe(true);
	});
});

describe('workspace host: sign-out', () => {
	const nothing = { discard: null, meanwhile: async () => undefined };

	it('[F5][R22] the replica is closed, and the sign-out on the disk, before the auth client is asked', async () => {
		const session = fakeSession('alice');
		const { host, log, device, notices } = start(session);
		const alices = await host.ready();
		let during: unknown;
		await host.signOut(alices, {
			discard: { userId: 'alice', atMost: 3 },
			meanwhile: async () => {
				during = { current: host.current(), device: { ...device }, ended: session.ended };
				await expect(idsIn(alices)).rejects.toMatchObject({ code: 'closed' });
			},
		});
		expect(during).toEqual({
			current: null,
			device: {
				lastUser: null,
				endedSession: 'session of alice',
				discards: [{ userId: 'alice', atMost: 3 }],
			},
			ended: 'session of alice',
		});
		expect(host.current()?.userId).toBeNull();
		expect(isValid(log)).toBe(true);
		expect(notices).toEqual([[null, false]]);
	});

	it('[F5] the session that was ended opens nothing, in events or at the next start; a new one does', async () => {
		const session = fakeSession('alice');
		const { host, device } = start(session);
		await host.signOut(await host.ready(), nothing);
		session.signIn('alice');
		expect((await host.ready()).userId).toBeNull();
		session.signIn('alice', 'a new session');
		expect((await host.ready()).userId).toBe('alice');
		expect(device.lastUser).toBe('alice');
	});

	it('[F5] what the disk says of the ended session is known before anybody is identified', async () => {
		const order: string[] = [];
		const session = fakeSession('alice');
		const { end, identify } = session;
		session.end = (id) => {
			order.push(`end ${id}`);
			end(id);
		};
		session.identify = () => {
			order.push('identify');
			return identify();
		};
		const first = start(fakeSession('alice'));
		await first.host.signOut(await first.host.ready(), nothing);
		const host = createWorkspaceHost({
			session,
			lastUser: {
				read: async () => ({ userId: null, endedSession: first.device.endedSession, discards: [] }),
				write: async () => undefined,
				signOut: async () => undefined,
			},
			open: () => Promise.reject(new Error('not here')),
			opened: async () => undefined,
			closing: () => undefined,
			sessionChanged: () => undefined,
			userChanged: async () => undefined,
		});
		hosts.push(host);
		await expect(host.ready()).rejects.toThrow('not here');
		expect(order.slice(-2)).toEqual(['end session of alice', 'identify']);
	});

	it('[R23] somebody else signed in meanwhile: refused, and they stay', async () => {
		const session = fakeSession('alice');
		const { host, device } = start(session);
		const alices = await host.ready();
		session.signIn('bob');
		await expect(host.signOut(alices, nothing)).rejects.toMatchObject({ code: 'user-changed' });
		expect(host.current()?.userId).toBe('bob');
		expect(device.lastUser).toBe('bob');
	});

	it('[S27] a disk that refuses leaves the user signed in, and says so', async () => {
		const session = fakeSession('alice');
		const host = createWorkspaceHost({
			session,
			lastUser: {
				read: async () => ({ userId: null, endedSession: null, discards: [] }),
				write: async () => undefined,
				signOut: () => Promise.reject(new Error('disk')),
			},
			open: (userId) =>
				openWorkspace({
					databaseName: 'app',
					environment: { indexedDB: new IDBFactory(), IDBKeyRange },
					userId,
					specs: [notes],
					remote: {} as Remote,
					now: () => 0,
					clockOffset: () => null,
					createId: () => crypto.randomUUID(),
				}),
			opened: async () => undefined,
			closing: () => undefined,
			sessionChanged: () => undefined,
			userChanged: async () => undefined,
		});
		hosts.push(host);
		const workspace = await host.ready();
		await expect(host.signOut(workspace, nothing)).rejects.toThrow('disk');
		expect(host.current()).toBe(workspace);
		expect(session.ended).toBeNull();
		expect(await idsIn(workspace)).toEqual([]);
	});

	it('[F5] signed out on purpose in another tab: SIGNED_OUT closes the replica here, too', async () => {
		const session = fakeSession('alice');
		const { host, device } = start(session);
		const alices = await host.ready();
		device.lastUser = null;
		session.signOut();
		expect((await host.ready()).userId).toBeNull();
		await expect(idsIn(alices)).rejects.toMatchObject({ code: 'closed' });
	});
});

describe('workspace host: recheck', () => {
	it('[F7] signed out, a refusal of the project’s key is no lasting end', async () => {
		const session = fakeSession(null);
		const { host, log } = start(session);
		await host.ready();
		log.push('invalid');
		await host.recheck();
		expect(isValid(log)).toBe(true);
	});

	it('[F6] a session that came late is found without an event', async () => {
		const session = fakeSession(undefined);
		const { host, log } = start(session, { lastUser: 'alice' });
		await host.ready();
		await host.recheck();
		expect(isValid(log)).toBe(false);
		session.user = 'alice';
		await host.recheck();
		expect(isValid(log)).toBe(true);
		expect((await host.ready()).userId).toBe('alice');
	});

	it('[R23] and if it is another user’s, their replica is opened', async () => {
		const session = fakeSession(null);
		const { host } = start(session, { lastUser: 'alice' });
		await host.ready();
		session.user = 'bob';
		await host.recheck();
		expect((await host.ready()).userId).toBe('bob');
	});
});

describe('workspace host: close', () => {
	it('closes the replica, listens no more, and refuses what comes after', async () => {
		const session = fakeSession('alice');
		const { host, log } = start(session);
		const workspace = await host.ready();
		host.close();
		expect(log.at(-1)).toBe('closing alice');
		expect(host.current()).toBeNull();
		expect(session.listeners.size).toBe(0);
		await expect(idsIn(workspace)).rejects.toMatchObject({ code: 'closed' });
	});

	it('[S31] closed while it opens: the replica that arrives is closed at once', async () => {
		const session = fakeSession('alice');
		const { host, opened } = start(session);
		const ready = host.ready();
		host.close();
		await expect(ready).rejects.toMatchObject({ code: 'closed' });
		expect(opened).toEqual([]);
		expect(host.current()).toBeNull();
	});
});
