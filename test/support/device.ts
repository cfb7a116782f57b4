import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { NetworkMonitor, type SyncConfig, SyncManager, type SyncManagerOptions } from '../../src/index.ts';
import { type Supabase, webSocketTransport } from './supabase/index.ts';
import { createSwitchableNetwork, type SwitchableNetwork } from './switchable-network.ts';

/** One device of one user: its disk, its network, its client, and the manager that is running on them. */
export interface Device {
	readonly name: string;
	readonly disk: IDBFactory;
	readonly network: SwitchableNetwork;
	readonly client: SupabaseClient;
	sync: SyncManager;
	/** Closes the app and opens it again on the same disk. */
	restart(): Promise<void>;
	close(): Promise<void>;
}

export interface DeviceOptions {
	readonly tables: readonly SyncConfig[];
	readonly options?: SyncManagerOptions;
}

/** A device with real supabase-js on the embedded Supabase and real Dexie on a fake disk of its own. */
export async function createDevice(
	supabase: Pick<Supabase, 'url' | 'anonKey'>,
	name: string,
	{ tables, options = {} }: DeviceOptions,
): Promise<Device> {
	const disk = new IDBFactory();
	const network = createSwitchableNetwork();
	const client = createClient(supabase.url, supabase.anonKey, {
		global: { fetch: network.fetch },
		auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
		realtime: { transport: webSocketTransport },
	});
	const start = () => {
		const sync = new SyncManager(client, {
			indexedDB: disk,
			IDBKeyRange,
			networkMonitor: new NetworkMonitor({ environment: network.environment }),
			// A poke is a pull more: only where a test is about them.
			realtime: false,
			...options,
		});
		for (const table of tables) sync.registerTable(table);
		return sync;
	};
	const device: Device = {
		name,
		disk,
		network,
		client,
		sync: start(),
		async restart() {
			await device.sync.close();
			device.sync = start();
			await device.sync.ready();
		},
		close: () => device.sync.close(),
	};
	await device.sync.ready();
	return device;
}
