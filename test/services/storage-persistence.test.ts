import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { requestPersistence } from '../../src/services/persistence.ts';
import { createOfflineManager } from '../support/offline-manager.ts';

const open: { close(): unknown }[] = [];

afterEach(() => {
	for (const one of open.splice(0)) one.close();
	vi.unstubAllGlobals();
});

describe('requestPersistence', () => {
	it('[F46] asks only where it is not granted yet, and tells the answer', async () => {
		const persist = vi.fn(async () => true);
		expect(await requestPersistence({ persisted: async () => true, persist })).toBe(true);
		expect(persist).not.toHaveBeenCalled();
		expect(await requestPersistence({ persisted: async () => false, persist })).toBe(true);
		expect(await requestPersistence({ persisted: async () => false, persist: async () => false })).toBe(
			false,
		);
	});

	it('[F46] null where there is nobody to ask, or no answer', async () => {
		expect(await requestPersistence(undefined)).toBeNull();
		expect(await requestPersistence({})).toBeNull();
		expect(
			await requestPersistence({ persisted: () => Promise.reject(new TypeError('opaque origin')) }),
		).toBeNull();
	});
});

describe('a manager', () => {
	/** A browser whose IndexedDB is the global one. */
	function browser(answer: boolean) {
		const persist = vi.fn(async () => answer);
		const disk = new IDBFactory();
		vi.stubGlobal('indexedDB', disk);
		vi.stubGlobal('IDBKeyRange', IDBKeyRange);
		vi.stubGlobal('navigator', { storage: { persisted: async () => false, persist } });
		return { disk, persist };
	}

	it.each([true, false])('[F46] asks the browser at the start, once, and reports %s', async (answer) => {
		const { disk, persist } = browser(answer);
		const sync = createOfflineManager({ indexedDB: disk });
		open.push(sync);
		expect(sync.getState().storage.persisted).toBeNull();
		const told = vi.fn();
		sync.subscribe(told);
		await expect.poll(() => sync.getState().storage).toEqual({ persisted: answer, error: null });
		expect(told).toHaveBeenCalled();
		await sync.ready();
		expect(persist).toHaveBeenCalledTimes(1);
	});

	it('[F46] does not ask for a database of the app’s own, nor where the app says no', async () => {
		const { disk, persist } = browser(true);
		const own = createOfflineManager();
		const silent = createOfflineManager({ indexedDB: disk, persistStorage: false });
		open.push(own, silent);
		await Promise.all([own.ready(), silent.ready()]);
		expect(persist).not.toHaveBeenCalled();
		expect(own.getState().storage.persisted).toBeNull();
	});
});
