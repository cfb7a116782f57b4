import Dexie from 'dexie';
import { afterEach, describe, expect, it } from 'vitest';
import { createOfflineManager } from '../support/offline-manager.ts';

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
