import { createClient } from '@supabase/supabase-js';
import { liveQuery } from 'dexie';
import { type SyncConfig, SyncManager, type SyncManagerOptions } from '../../../src/index.ts';

export interface TabPageOptions {
	readonly url: string;
	readonly anonKey: string;
	/** Sent with each request, so that the server's log tells tabs apart. */
	readonly name: string;
	readonly tables: readonly SyncConfig[];
	readonly options: SyncManagerOptions;
	/** ms; 0: only when asked. */
	readonly autoSync: number;
}

declare global {
	interface Window {
		tab: { readonly sync: SyncManager; readonly liveQuery: typeof liveQuery };
	}
}

// In the address, so that a reloaded page starts as it did before.
const given: TabPageOptions = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const client = createClient(given.url, given.anonKey, { global: { headers: { 'x-tab': given.name } } });
const sync = new SyncManager(client, given.options);
for (const table of given.tables) sync.registerTable(table);
if (given.autoSync > 0) sync.enableAutoSync(given.autoSync);
window.tab = { sync, liveQuery };
