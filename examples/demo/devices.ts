import { randomUUID } from 'node:crypto';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import type { InspectionEvent } from 'xstate';
import { NetworkMonitor, SyncManager } from '../../src/index.ts';
import type { ResolvedConflict } from '../../src/machines/index.ts';
import { createSwitchableNetwork } from '../../test/support/switchable-network.ts';
import type { Holding } from './compare.ts';
import { createSupabaseClient, type Project } from './project.ts';
import { tables } from './tables.ts';

/** One user's device: a disk, a network with a switch, and PixSync on them. */
export interface Device {
	readonly name: string;
	readonly sync: SyncManager;
	/** Resolves when PixSync has noticed. */
	goOffline(): Promise<void>;
	goOnline(): Promise<void>;
	/** All that its replica holds. */
	read(): Promise<Holding>;
	close(): Promise<void>;
}

export interface DeviceOptions {
	/** Hears every event of the device's machines. */
	readonly inspect: (event: InspectionEvent) => void;
	readonly conflictResolved: (table: string, conflict: ResolvedConflict) => void;
}

export async function openDevice(
	name: string,
	project: Project,
	{ inspect, conflictResolved }: DeviceOptions,
): Promise<Device> {
	const network = createSwitchableNetwork();
	const supabase = createSupabaseClient(project, network.fetch);
	if (project.allowsSignUp) {
		const email = `${name}-${randomUUID()}@example.com`;
		const { error } = await supabase.auth.signUp({ email, password: randomUUID() });
		if (error) throw error;
	}

	const sync = new SyncManager(supabase, {
		indexedDB: new IDBFactory(),
		IDBKeyRange,
		networkMonitor: new NetworkMonitor({ environment: network.environment }),
		inspect,
	});
	for (const table of tables) sync.registerTable(table);
	try {
		await sync.ready();
	} catch (error) {
		await sync.close();
		throw error;
	}
	// The engine is a statechart, and each table a child of it: what happens there can be listened to.
	for (const [table, { ref }] of Object.entries(sync.actor.getSnapshot().context.tables)) {
		ref.on('conflicts.resolved', ({ resolved }) => {
			for (const conflict of resolved) conflictResolved(table, conflict);
		});
	}

	return {
		name,
		sync,
		async goOffline() {
			network.isOn = false;
			await connectionIs(sync, 'offline');
		},
		async goOnline() {
			network.isOn = true;
			await connectionIs(sync, 'open');
		},
		async read() {
			const held = tables.map(async ({ table }) => [table, await sync.table(table).toArray()] as const);
			return { holder: name, tables: Object.fromEntries(await Promise.all(held)) };
		},
		close: () => sync.close(),
	};
}

function connectionIs(sync: SyncManager, wanted: 'open' | 'offline'): Promise<void> {
	return new Promise((resolve) => {
		const look = () => {
			if (sync.getState().connection !== wanted) return;
			unsubscribe();
			resolve();
		};
		const unsubscribe = sync.subscribe(look);
		look();
	});
}
