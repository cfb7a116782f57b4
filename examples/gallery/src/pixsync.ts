import { NetworkMonitor, SyncManager } from '@pixora/pixsync';
import { createSyncInspector, type SyncInspector } from '@pixora/pixsync/inspect';
import { createClient } from '@supabase/supabase-js';
import { createNetworkSwitch, type NetworkSwitch } from './network-switch.ts';

export interface Generation {
	readonly id: string;
	readonly prompt: string;
	readonly hue: number;
	readonly favourite: boolean;
}

export interface Prompt {
	readonly id: string;
	readonly prompt: string;
}

export interface Device {
	readonly name: string;
	readonly sync: SyncManager;
	readonly network: NetworkSwitch;
	readonly inspector: SyncInspector;
}

const { VITE_SUPABASE_URL, VITE_SUPABASE_ANON_KEY } = import.meta.env;
const devices = new Map<string, Device>();

/** Opened once, outside of React: a component that mounts twice must not sync twice. */
export function deviceOf(name: string): Device {
	const known = devices.get(name);
	if (known) return known;
	const device = openDevice(name);
	devices.set(name, device);
	return device;
}

function openDevice(name: string): Device {
	const network = createNetworkSwitch();
	const inspector = createSyncInspector();
	const supabase = createClient(VITE_SUPABASE_URL, VITE_SUPABASE_ANON_KEY, {
		auth: { storageKey: `gallery-${name}` },
		global: { fetch: network.fetch },
	});
	const sync = new SyncManager(supabase, {
		// Two devices in one page: each has its own database, network and log. An app needs none of these.
		databaseName: `gallery-${name}`,
		networkMonitor: new NetworkMonitor({ environment: network.environment }),
		inspect: inspector.inspect,
	});
	sync.registerTable({ table: 'generations', conflictResolution: 'manual', deletedField: 'deleted_at' });
	sync.registerTable({ table: 'prompt_history' });
	sync.enableAutoSync(15_000);
	return { name, sync, network, inspector };
}
