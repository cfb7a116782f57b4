import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { NetworkMonitor, SyncManager, type SyncManagerOptions } from '../../src/index.ts';

/** A manager on a disk of its own, without a network and with nobody signed in. */
export function createOfflineManager(options: SyncManagerOptions = {}): SyncManager {
	const client = {
		supabaseUrl: 'https://nobody.supabase.co',
		supabaseKey: 'key',
		rest: { fetch: () => Promise.reject(new TypeError('fetch failed: there is no network here')) },
		auth: {
			getSession: async () => ({ data: { session: null }, error: null }),
			refreshSession: async () => ({ data: { session: null }, error: null }),
			signOut: async () => ({ error: null }),
			onAuthStateChange: () => ({ data: { subscription: { unsubscribe() {} } } }),
		},
		from: () => {},
	};
	return new SyncManager(client, {
		indexedDB: new IDBFactory(),
		IDBKeyRange,
		networkMonitor: new NetworkMonitor({ environment: { onLine: false } }),
		databaseName: 'app',
		...options,
	});
}
