import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { type SyncConfig, SyncManager, type SyncManagerOptions } from '../../../src/index.ts';
import {
	createSyncInspector,
	type PixSyncInspectorElement,
	type SyncInspector,
} from '../../../src/inspect/index.ts';

/** What the page offers to its test. */
export interface InspectorPage {
	readonly client: SupabaseClient;
	readonly sync: SyncManager;
	readonly inspector: SyncInspector;
	readonly element: PixSyncInspectorElement;
}

export interface InspectorPageOptions {
	readonly url: string;
	readonly anonKey: string;
	readonly email: string;
	readonly password: string;
	readonly tables: readonly SyncConfig[];
	readonly options: SyncManagerOptions;
}

declare global {
	interface Window {
		startPage(options: InspectorPageOptions): Promise<void>;
		page: InspectorPage;
	}
}

window.startPage = async ({ url, anonKey, email, password, tables, options }) => {
	const client = createClient(url, anonKey);
	const { error } = await client.auth.signInWithPassword({ email, password });
	if (error) throw error;
	const inspector = createSyncInspector();
	const sync = new SyncManager(client, { ...options, inspect: inspector.inspect });
	for (const table of tables) sync.registerTable(table);
	await sync.ready();
	const element = document.createElement('pixsync-inspector');
	element.sync = sync;
	element.inspector = inspector;
	document.body.append(element);
	window.page = { client, sync, inspector, element };
};
