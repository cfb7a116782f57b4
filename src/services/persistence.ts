/** The part of `navigator.storage` that is asked. */
export type PersistentStorage = Partial<Pick<StorageManager, 'persist' | 'persisted'>>;

/**
 * Asks the browser to keep this site's data when space runs out (F46). Firefox asks the user, others decide by
 * themselves. Call it once a session.
 * @returns whether it will; null: there is nobody to ask, or no answer.
 */
export async function requestPersistence(storage: PersistentStorage | undefined): Promise<boolean | null> {
	try {
		if (await storage?.persisted?.()) return true;
		return (await storage?.persist?.()) ?? null;
	} catch {
		return null;
	}
}
