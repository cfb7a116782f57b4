import { createClient } from '@supabase/supabase-js';
import { SyncManager } from '../src/index.ts';
import type { Contestant, Site } from './contestant.ts';
import { createWatch } from './pixsync-watch.ts';

/** PixSync as an app has it, but for Realtime, which the emulator lacks, and the sweep for hard deletes. */
export function createPixSync(site: Site, transport: 'rest' | 'rpc'): Contestant {
	let sync: SyncManager;
	const table = () => sync.table('notes');

	async function whole(result: ReturnType<SyncManager['sync']>) {
		const { success, errors } = await result;
		if (!success) throw new Error(errors.join('; '));
	}

	return {
		async open() {
			const client = createClient(site.url, site.key, {
				auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
			});
			const options = {
				databaseName: site.databaseName,
				transport,
				realtime: false,
				reconcileIntervalMs: 0,
				persistStorage: false,
			};
			sync = new SyncManager(client, options);
			sync.registerTable({ table: 'notes' });
			await sync.ready();
			await table().get('00000000-0000-4000-8000-999999999999');
		},
		download: () => whole(sync.sync()),
		count: () => table().rows.count(),
		read: (id) => table().get(id),
		async createMany(rows) {
			await sync.queueActions(rows.map((data) => ({ table: 'notes', action: 'create', data })));
		},
		async updateMany(ids, n) {
			await sync.queueActions(
				ids.map((localId) => ({ table: 'notes', action: 'update', data: { n }, localId })),
			);
		},
		async updateOne(id, n) {
			await sync.queueAction('notes', 'update', { n }, id);
		},
		upload: () => whole(sync.sync()),
		close: () => sync.close(),
		watch: createWatch(() => sync),
	};
}
