import { type LocalStore, openLocalStore } from './local-store.ts';
import type { StorageEnvironment } from './open-database.ts';
import type { Stores } from './stores.ts';

/** What a device knows before any replica is opened. */
export interface LastUserRecord {
	/** The user of the last session, for a start without a network (F2). Null: nobody, or signed out on purpose. */
	readonly userId: string | null;
	/** The session that was signed out here, should the auth client still hold it (F5). */
	readonly endedSession: string | null;
	/** Replicas whose discarding has begun. */
	readonly discards: readonly Discard[];
}

export interface Discard {
	readonly userId: string;
	/** How many unsynced changes the app was told of before it agreed. */
	readonly atMost: number;
}

/** Who was signed in last on this device, and what the last sign-out left to do. */
export interface LastUser {
	read(): Promise<LastUserRecord>;
	/** Somebody has signed in. */
	write(userId: string): Promise<void>;
	/** Signed out on purpose: from here on the sign-out holds, whatever happens to the app. */
	signOut(given: { session: string | null; discard: Discard | null }): Promise<void>;
	/** The replica of that user is gone. */
	discarded(userId: string): Promise<void>;
}

const USER = 'lastUser';
const ENDED = 'endedSession';
const DISCARD = 'discard:';

/** Keeps it in a small database beside the replicas: it must be known before any of them is opened. */
export function createLastUser(databaseName: string, environment: StorageEnvironment): LastUser {
	async function withStore<T>(mode: 'r' | 'rw', work: (stores: Stores) => PromiseLike<T>): Promise<T> {
		const store: LocalStore = await openLocalStore(`${databaseName}:control`, environment, []);
		try {
			return await store.transact(mode, [], work);
		} finally {
			store.close();
		}
	}
	return {
		read: () =>
			withStore('r', async ({ meta }) => {
				const records = await meta.toArray();
				const textOf = (wanted: string) => {
					const value = records.find(({ key }) => key === wanted)?.value;
					return typeof value === 'string' ? value : null;
				};
				return {
					userId: textOf(USER),
					endedSession: textOf(ENDED),
					discards: records.flatMap(({ key, value }) =>
						key.startsWith(DISCARD) ? [{ userId: key.slice(DISCARD.length), atMost: Number(value) }] : [],
					),
				};
			}),
		write: (userId) =>
			withStore('rw', async ({ meta }) => {
				await meta.put({ key: USER, value: userId });
				await meta.delete(ENDED);
			}),
		signOut: ({ session, discard }) =>
			withStore('rw', async ({ meta }) => {
				await meta.delete(USER);
				await meta.put({ key: ENDED, value: session });
				if (discard) await meta.put({ key: DISCARD + discard.userId, value: discard.atMost });
			}),
		discarded: (userId) => withStore('rw', async ({ meta }) => meta.delete(DISCARD + userId)),
	};
}
