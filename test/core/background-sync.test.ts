import { describe, expect, it, vi } from 'vitest';
import {
	type BackgroundSyncOptions,
	handleBackgroundSync,
	requestBackgroundSync,
	type SyncWorker,
} from '../../src/background-sync/index.ts';

/** A worker with these pages, each of which answers so; null: not at all. */
function start(pages: readonly (boolean | null)[], options: BackgroundSyncOptions = {}) {
	let hear: (event: never) => void = () => undefined;
	let asked = 0;
	const worker: SyncWorker = {
		addEventListener: (_, listener) => {
			hear = listener;
		},
		clients: {
			matchAll: async () =>
				pages.map((success) => ({
					postMessage(data: unknown, [port]: Transferable[]) {
						asked++;
						expect(data).toEqual({ pixsync: 'background-sync' });
						if (success !== null) (port as MessagePort).postMessage({ success });
					},
				})),
		},
	};
	handleBackgroundSync(worker, { timeoutMs: 50, ...options });
	return {
		asked: () => asked,
		/** What the browser waits for; null: the event is nobody's. */
		dispatch(tag = 'pixsync'): Promise<unknown> | null {
			let work: Promise<unknown> | null = null;
			hear({
				tag,
				waitUntil(given: Promise<unknown>) {
					work = given;
				},
			} as never);
			return work;
		},
	};
}

describe('the worker’s side', () => {
	it('the first page that succeeds is enough', async () => {
		const sync = vi.fn();
		const { dispatch, asked } = start([false, true, true], { sync });
		await dispatch();
		expect(asked()).toBe(2);
		expect(sync).not.toHaveBeenCalled();
	});

	it('where no page answers in time, the worker itself; where it fails, the event fails', async () => {
		await start([null], { sync: async () => ({ success: true }) }).dispatch();
		await expect(start([], { sync: async () => ({ success: false }) }).dispatch()).rejects.toMatchObject({
			code: 'network',
		});
		await expect(start([false]).dispatch()).rejects.toMatchObject({ hint: expect.stringContaining('again') });
	});

	it('other tags are somebody else’s', () => {
		expect(start([]).dispatch('other')).toBeNull();
		expect(start([true], { tag: 'own' }).dispatch('pixsync')).toBeNull();
	});
});

describe('requestBackgroundSync', () => {
	it('says whether the browser will wake the worker', async () => {
		const register = vi.fn(async () => undefined);
		expect(await requestBackgroundSync({ sync: { register } })).toBe(true);
		expect(await requestBackgroundSync({ sync: { register } }, 'own')).toBe(true);
		expect(register.mock.calls).toEqual([['pixsync'], ['own']]);
		expect(await requestBackgroundSync({})).toBe(false);
		const refuse = () => Promise.reject(new DOMException('no', 'NotAllowedError'));
		expect(await requestBackgroundSync({ sync: { register: refuse } })).toBe(false);
	});
});
