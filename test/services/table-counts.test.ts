import Dexie from 'dexie';
import { afterEach, describe, expect, it } from 'vitest';
import { toPlatform } from '../../src/services/platform.ts';
import { type CountsWatch, type TableCounts, watchTableCounts } from '../../src/services/table-counts.ts';
import { createOfflineManager } from '../support/offline-manager.ts';
import { openReplica } from '../support/replica.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
	for (const one of open.splice(0)) await one.close();
});

function manager() {
	const sync = createOfflineManager();
	open.push(sync);
	return sync;
}

const watchers = () => (Dexie.on.storagemutated as unknown as { subscribers: unknown[] }).subscribers.length;

/** A change of the counts met a listener of the app that throws, once. */
async function withFaultyListener() {
	const sync = manager();
	sync.registerTable({ table: 'notes' });
	await sync.ready();
	const fault = { told: 0 };
	process.on('unhandledRejection', () => fault.told++);
	process.on('uncaughtException', () => fault.told++);
	let isBad = true;
	sync.subscribe(() => {
		if (!isBad || sync.getState().tables.notes?.pending !== 1) return;
		isBad = false;
		throw new Error('a fault of the app');
	});
	await sync.queueAction('notes', 'create', { title: 'one' });
	await expect.poll(() => isBad).toBe(false);
	await new Promise((resolve) => setTimeout(resolve, 100));
	return { sync, fault };
}

describe('counts', () => {
	it('go on after a listener of the app has thrown', async () => {
		const { sync, fault } = await withFaultyListener();
		await sync.queueAction('notes', 'create', { title: 'two' });
		await expect.poll(() => sync.getState().tables.notes?.pending, { timeout: 2_000 }).toBe(2);
		expect(fault.told).toBeLessThanOrEqual(1);
	});

	it('sync() tells instead of rejecting after a listener of the app has thrown', async () => {
		const { sync } = await withFaultyListener();
		await expect(sync.sync()).resolves.toMatchObject({ success: false });
	});

	it('are not watched any more once the manager is closed, also right after a late registration', async () => {
		const before = watchers();
		for (let turns = 0; turns < 60; turns++) {
			const sync = manager();
			sync.registerTable({ table: 'notes' });
			await sync.ready();
			sync.registerTable({ table: 'lists' });
			for (let turn = 0; turn < turns; turn++)
				await (turn % 2 ? Promise.resolve() : new Promise((resolve) => setImmediate(resolve)));
			await sync.close();
		}
		await new Promise((resolve) => setTimeout(resolve, 200));
		expect(watchers()).toBe(before);
	});
});

describe('settle()', () => {
	/** A watch that has just looked, so that by itself it would not look again at once. */
	async function watched() {
		const replica = await openReplica();
		const told: TableCounts[] = [];
		const { store } = replica;
		const watch: CountsWatch = watchTableCounts({ store, platform: toPlatform() }, ['notes'], (counts) => {
			const of = counts.get('notes');
			if (of) told.push(of);
		});
		open.push({
			async close() {
				watch.stop();
				store.close();
			},
		});
		await watch.settle();
		return { replica, watch, told };
	}

	it('tells what was queued just before, and once', async () => {
		const { replica, watch, told } = await watched();
		expect(told).toMatchObject([{ pending: 0 }]);
		await replica.queue('notes', 'create', {});
		expect(told).toHaveLength(1);
		await watch.settle();
		await watch.settle();
		expect(told).toMatchObject([{ pending: 0 }, { pending: 1 }]);
	});

	it('waits for the look that is under way', async () => {
		const { replica, watch, told } = await watched();
		await replica.queue('notes', 'create', {});
		void watch.look();
		await watch.settle();
		expect(told.at(-1)).toMatchObject({ pending: 1 });
	});

	it('reads nothing where a pull has changed no numbers, and tells of its time soon', async () => {
		const { replica, watch, told } = await watched();
		const checkpoint = { table: 'notes', transport: 'rest', selection: '', syncedAt: 7 } as never;
		await replica.store.transact('rw', [], ({ checkpoints }) => checkpoints.put(checkpoint));
		await watch.settle();
		expect(told).toHaveLength(1);
		await expect.poll(() => told.at(-1)?.lastSyncedAt).toBe(7);
	});
});
