import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it } from 'vitest';
import { openLocalStore } from '../../src/services/local-store.ts';
import { createOfflineManager } from '../support/offline-manager.ts';

const open: { close(): unknown }[] = [];

afterEach(() => {
	for (const one of open.splice(0)) one.close();
});

function manager(disk: IDBFactory) {
	const sync = createOfflineManager({ indexedDB: disk });
	open.push(sync);
	sync.registerTable({ table: 'notes' });
	return sync;
}

describe('wipe', () => {
	it('[S27] refuses while something is unsynced, with the count, and deletes nothing', async () => {
		const sync = manager(new IDBFactory());
		await sync.queueAction('notes', 'create', { title: 'one' });
		await sync.queueAction('notes', 'create', { title: 'two' });
		await expect(sync.wipe()).rejects.toMatchObject({
			code: 'unsynced-changes',
			message: expect.stringContaining('2 changes'),
			hint: expect.stringContaining('discardUnsynced'),
		});
		expect(await sync.getPendingCount()).toBe(2);
		expect(await sync.table('notes').toArray()).toHaveLength(2);
	});

	it('[F4][R4] takes rows, queue, aliases, checkpoints and foreign stores; the manager goes on', async () => {
		const disk = new IDBFactory();
		const former = await openLocalStore('app:anon', { indexedDB: disk, IDBKeyRange }, []);
		await former.transact('rw', [], ({ meta }) => meta.put({ key: 'old', value: 1 }));
		former.close();
		const sync = manager(disk);
		await sync.queueAction('notes', 'create', { title: 'one' }, 'mine');
		await sync.wipe({ discardUnsynced: true });
		expect(await sync.getPendingCount()).toBe(0);
		expect(await sync.table('notes').toArray()).toEqual([]);
		expect(await sync.exportUnsynced()).toMatchObject({ user: null, mutations: [] });
		expect(sync.getState()).toMatchObject({ user: null, tables: { notes: { pending: 0 } } });
		// The name of the app's own is free again.
		await sync.queueAction('notes', 'create', { title: 'two' }, 'mine');
		expect(await sync.table('notes').get('mine')).toMatchObject({ title: 'two' });
		await sync.close();
		const after = await openLocalStore('app:anon', { indexedDB: disk, IDBKeyRange }, []);
		open.push(after);
		expect(await after.transact('r', [], ({ meta }) => meta.get('old'))).toBeUndefined();
	});

	it('[R23] calls made at the same time are written to the old replica, or to the new one, or reject', async () => {
		const sync = manager(new IDBFactory());
		await sync.ready();
		const wiping = sync.wipe({ discardUnsynced: true });
		const writing = Array.from({ length: 5 }, (_, n) =>
			sync.queueAction('notes', 'create', { title: `note ${n}` }),
		);
		const settled = await Promise.allSettled(writing);
		await wiping;
		const rows = await sync.table('notes').toArray();
		expect(await sync.getPendingCount()).toBe(rows.length);
		for (const result of settled) {
			if (result.status === 'rejected') expect(result.reason).toMatchObject({ name: 'PixSyncError' });
		}
		await sync.queueAction('notes', 'create', { title: 'after' });
		expect(await sync.getPendingCount()).toBe(rows.length + 1);
	});

	it('[F51] another tab with the same database lets go, and goes on with the empty one', async () => {
		const disk = new IDBFactory();
		const [alice, other] = [manager(disk), manager(disk)];
		await alice.queueAction('notes', 'create', { title: 'one' });
		expect(await other.getPendingCount()).toBe(1);
		await alice.wipe({ discardUnsynced: true });
		expect(await other.getPendingCount()).toBe(0);
		await other.queueAction('notes', 'create', { title: 'two' });
		expect(await alice.table('notes').toArray()).toMatchObject([{ title: 'two' }]);
	});

	it('[S31] a manager that is closed wipes nothing', async () => {
		const sync = manager(new IDBFactory());
		await sync.ready();
		await sync.close();
		await expect(sync.wipe()).rejects.toMatchObject({ code: 'closed' });
	});
});
