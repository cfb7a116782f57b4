import type { TableSpec } from '../core/table-spec.ts';
import { claimRows, countAnonymous, readClaim, removeMoved } from './anonymous-replica.ts';
import type { LockManagerLike } from './leadership.ts';
import { type LocalStore, openExistingStore } from './local-store.ts';
import type { StorageEnvironment } from './open-database.ts';
import { dropReceipt, readReceipt, receiveRows } from './receive-rows.ts';
import { databaseOf, type Workspace } from './workspace.ts';

export interface AdoptResult {
	/** Changes that are now the user's, to be uploaded. */
	readonly adopted: number;
	/** Changes left where they are: the user has unsent changes of the same rows. Sync, then call again. */
	readonly left: number;
}

/** What was written signed out, as seen by who signs in. */
export interface Anonymous {
	/** Changes that wait to be adopted. */
	count(): Promise<number>;
	/**
	 * Moves rows and queue into the user's replica. Two databases share no transaction, so that it goes in four,
	 * and {@link Anonymous.settle} ends what a crash between them leaves:
	 *
	 *   signed-out: claim ──▶ user's: rows, queue, receipt ──▶ signed-out: remove, unclaim ──▶ user's: no receipt
	 *
	 * What the receipt names has arrived, whatever became of it since; all else has not (S1, S2).
	 */
	adopt(user: Workspace, specs: readonly TableSpec[]): Promise<AdoptResult & { tables: readonly string[] }>;
	/**
	 * Before a replica is used: what has arrived elsewhere is not sent by nobody, nor adopted by a third (S18).
	 * @param store the signed-out replica, where it is open.
	 */
	settle(store?: LocalStore): Promise<void>;
}

export interface AnonymousOptions {
	readonly databaseName: string;
	readonly environment: StorageEnvironment;
	/** Null: the databases are not shared between tabs. */
	readonly locks: LockManagerLike | null;
	readonly createId: () => string;
}

export function createAnonymous({ databaseName, environment, locks, createId }: AnonymousOptions): Anonymous {
	const name = databaseOf(databaseName, null);
	let last: Promise<unknown> = Promise.resolve();

	/** One at a time, in all tabs: another one's adoption under way must not look like one that a crash cut off. */
	function alone<T>(work: () => Promise<T>): Promise<T> {
		const locked = async (): Promise<T> => {
			if (!locks) return work();
			let result: Promise<T> | undefined;
			await locks.request(`pixsync:adopt:${name}`, {}, async () => {
				result = work();
				await result.catch(() => undefined);
			});
			return result ?? work();
		};
		const mine = last.then(locked, locked);
		last = mine.catch(() => undefined);
		return mine;
	}

	async function withStore<T>(
		database: string,
		none: T,
		work: (store: LocalStore) => Promise<T>,
		specs: readonly TableSpec[] = [],
	): Promise<T> {
		const store = await openExistingStore(database, environment, specs);
		if (!store) return none;
		try {
			return await work(store);
		} finally {
			store.close();
		}
	}

	async function settle(store: LocalStore): Promise<void> {
		const claim = await readClaim(store);
		if (!claim) return;
		await withStore(databaseOf(databaseName, claim.userId), undefined, async (users) => {
			const receipt = await readReceipt(users, claim.batch);
			if (!receipt) return;
			await removeMoved(store, receipt.moved);
			await dropReceipt(users);
		});
		// Nothing of it has arrived: it is nobody's again.
		await removeMoved(store, []);
	}

	async function adopt(store: LocalStore, { userId, store: users }: Workspace, specs: readonly TableSpec[]) {
		if (userId === null) throw new Error('unreachable: nobody adopts what is nobody’s');
		await settle(store);
		const batch = createId();
		const rows = await claimRows(store, specs, { batch, userId });
		const moved = rows.length === 0 ? [] : await receiveRows(users, userId, batch, rows);
		await removeMoved(store, moved);
		await dropReceipt(users);
		return {
			adopted: moved.reduce((sum, { mutationIds }) => sum + mutationIds.length, 0),
			left: await countAnonymous(store),
			tables: [...new Set(moved.map(({ table }) => table))],
		};
	}

	return {
		count: () => withStore(name, 0, countAnonymous),
		settle: (store) => alone(() => (store ? settle(store) : withStore(name, undefined, settle))),
		adopt: (user, specs) =>
			alone(() =>
				withStore(
					name,
					{ adopted: 0, left: 0, tables: [] as readonly string[] },
					(store) => adopt(store, user, specs),
					specs,
				),
			),
	};
}
