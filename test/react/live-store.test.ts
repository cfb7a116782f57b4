import 'fake-indexeddb/auto';
import { expect, it } from 'vitest';
import type { SyncManager } from '../../src/index.ts';
import { createLiveStore } from '../../src/react/live-store.ts';

it('[S18] what is asked for before the store hears of another opening is not the former one’s', async () => {
	let replica: number | null = 1;
	const manager = {
		getState: () => ({ replica }),
		subscribe: () => () => undefined,
		ready: async () => undefined,
	} as unknown as SyncManager;
	const store = createLiveStore(manager, async () => ['secret']);
	const stop = store.subscribe(() => undefined);
	await expect.poll(store.get).toEqual({ kind: 'value', value: ['secret'] });
	replica = null;
	expect(store.get()).toEqual({ kind: 'loading' });
	replica = 2;
	expect(store.get()).toEqual({ kind: 'loading' });
	stop();
});
