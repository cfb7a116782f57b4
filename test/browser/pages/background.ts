import { createClient } from '@supabase/supabase-js';
import { answerBackgroundSync, requestBackgroundSync } from '../../../src/background-sync/index.ts';
import { SyncManager } from '../../../src/index.ts';

declare global {
	interface Window {
		background: {
			readonly sync: SyncManager;
			readonly asked: () => Promise<boolean>;
			readonly syncs: () => number;
		};
	}
}

const given = location.hash.slice(1);
const [url = '', anonKey = ''] = JSON.parse(decodeURIComponent(given));
const sync = new SyncManager(createClient(url, anonKey), { reconcileIntervalMs: 0 });
sync.registerTable({ table: 'notes' });
let syncs = 0;
answerBackgroundSync({
	sync: () => {
		syncs++;
		return sync.sync();
	},
});
await navigator.serviceWorker.register(`/worker.js?${given}`, { type: 'module' });
window.background = {
	sync,
	syncs: () => syncs,
	asked: async () => requestBackgroundSync(await navigator.serviceWorker.ready),
};
