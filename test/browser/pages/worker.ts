import { createClient } from '@supabase/supabase-js';
import { handleBackgroundSync, type SyncWorker } from '../../../src/background-sync/index.ts';
import { SyncManager } from '../../../src/index.ts';

// A service worker, as an app writes it: the project's address comes with the script's.
const [url = '', anonKey = ''] = JSON.parse(decodeURIComponent(new URL(location.href).search.slice(1)));

handleBackgroundSync(self as unknown as SyncWorker, {
	timeoutMs: 3_000,
	async sync() {
		const sync = new SyncManager(createClient(url, anonKey), { reconcileIntervalMs: 0 });
		sync.registerTable({ table: 'notes' });
		const result = await sync.sync();
		await sync.close();
		return result;
	},
});
