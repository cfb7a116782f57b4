import { PixSyncError } from '../core/errors.ts';
import { DEFAULT_TAG, QUESTION } from './protocol.ts';

/** The part of a service worker's global scope that is needed; `self` in the worker's script. */
export interface SyncWorker {
	addEventListener(type: 'sync', listener: (event: never) => void): void;
	readonly clients: {
		matchAll(options: { type: 'window'; includeUncontrolled: true }): Promise<readonly SyncPage[]>;
	};
}

/** An open page. */
interface SyncPage {
	postMessage(message: unknown, transfer: Transferable[]): void;
}

interface SyncEvent {
	readonly tag: string;
	waitUntil(work: Promise<unknown>): void;
}

export interface BackgroundSyncOptions {
	/** As given to `requestBackgroundSync`. @default 'pixsync' */
	readonly tag?: string;
	/**
	 * Syncs in the worker itself, where no page is open to do it: by a `SyncManager` of the worker's own, on a client
	 * with `accessToken`. @default none: the browser tries again later
	 */
	readonly sync?: () => Promise<{ readonly success: boolean }>;
	/** How long a page may take, ms; the browser ends a worker that takes much longer. @default 60000 */
	readonly timeoutMs?: number;
}

/**
 * In the service worker's script, at its top: answers the browser's sync event. An open page is asked first; where
 * there is none, or none answers, `sync` is called. Where nothing succeeds the event fails, and the browser tries
 * again later.
 */
export function handleBackgroundSync(worker: SyncWorker, options: BackgroundSyncOptions = {}): void {
	const { tag = DEFAULT_TAG, sync, timeoutMs = 60_000 } = options;

	async function run(): Promise<void> {
		// A page that was open before the worker is not its own until it is reloaded.
		const pages = await worker.clients.matchAll({ type: 'window', includeUncontrolled: true });
		for (const page of pages) if (await isSyncedBy(page, timeoutMs)) return;
		if ((await sync?.())?.success) return;
		throw new PixSyncError('network', 'The background sync did not succeed', {
			fault: 'no-answer',
			hint: 'The browser tries again later; what waits is kept.',
		});
	}

	worker.addEventListener('sync', (event: SyncEvent) => {
		if (event.tag === tag) event.waitUntil(run());
	});
}

function isSyncedBy(page: SyncPage, timeoutMs: number): Promise<boolean> {
	return new Promise((resolve) => {
		const { port1, port2 } = new MessageChannel();
		const timer = setTimeout(() => end(false), timeoutMs);
		function end(isSynced: boolean): void {
			clearTimeout(timer);
			port1.close();
			resolve(isSynced);
		}
		port1.onmessage = ({ data }) => end(data?.success === true);
		page.postMessage(QUESTION, [port2]);
	});
}
