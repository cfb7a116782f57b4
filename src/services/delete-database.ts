import Dexie from 'dexie';
import { openExistingStore } from './local-store.ts';
import type { StorageEnvironment } from './open-database.ts';
import { toStorageError } from './storage-error.ts';

/**
 * Deletes a database, or none. Where another tab holds it open and does not let go, the promise resolves all the
 * same: the browser deletes it as soon as that tab closes.
 * @throws PixSyncError `storage`.
 */
export async function deleteDatabase(name: string, environment: StorageEnvironment): Promise<void> {
	const dexie = new Dexie(name, { ...environment });
	const blocked = new Promise<void>((resolve) => {
		dexie.on('blocked', () => resolve());
	});
	await Promise.race([dexie.delete(), blocked]).catch((error: unknown) => {
		throw toStorageError(error);
	});
}

/**
 * Takes a user's data off the device: everything is cleared in one transaction, so that no cursor outlives its
 * rows (F4) and a tab that will not let go holds nothing any more, then the empty database is deleted.
 * @param atMost how many unsynced changes the app was told of; where there are more, nothing is discarded.
 * @returns whether it was discarded.
 * @throws PixSyncError `storage`; nothing was discarded then.
 */
export async function discardDatabase(
	name: string,
	environment: StorageEnvironment,
	atMost: number,
): Promise<boolean> {
	const store = await openExistingStore(name, environment, []);
	if (!store) return true;
	try {
		const { tables } = store.dexie;
		const isKept = await store.dexie.transaction('rw', tables, async () => {
			if ((await store.dexie.table('outbox').count()) > atMost) return true;
			await Promise.all(tables.map((table) => table.clear()));
			return false;
		});
		if (isKept) return false;
	} catch (error) {
		throw toStorageError(error);
	} finally {
		store.close();
	}
	await deleteDatabase(name, environment);
	return true;
}
