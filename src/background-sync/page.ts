import type { SyncManager } from '../sync-manager.ts';
import { type Answer, DEFAULT_TAG, isQuestion } from './protocol.ts';

/** The part of a service worker's registration that is asked; Safari and Firefox have no `sync`. */
export interface SyncRegistration {
	readonly sync?: { register(tag: string): Promise<void> };
}

/**
 * Asks the browser to wake the service worker when there is a network, also after the page was closed. Call it when
 * something waits, such as when the page is hidden with changes pending; asking twice is asking once.
 * @param registration of `await navigator.serviceWorker.ready`.
 * @returns whether the browser will; false where it has no Background Sync, or the user forbids it.
 */
export async function requestBackgroundSync(registration: object, tag = DEFAULT_TAG): Promise<boolean> {
	const { sync } = registration as SyncRegistration;
	if (!sync) return false;
	return sync.register(tag).then(
		() => true,
		() => false,
	);
}

/**
 * Lets the service worker ask this page to sync, which knows the session and holds the data open.
 * Does nothing where there are no service workers.
 * @returns stop
 */
export function answerBackgroundSync(manager: Pick<SyncManager, 'sync'>): () => void {
	const container = globalThis.navigator?.serviceWorker;
	if (!container) return () => undefined;
	const answer = async ({ data, ports: [port] }: MessageEvent) => {
		if (!port || !isQuestion(data)) return;
		const { success } = await manager.sync().catch(() => ({ success: false }));
		port.postMessage({ success } satisfies Answer);
	};
	const listener = (event: MessageEvent) => void answer(event);
	container.addEventListener('message', listener);
	// Messages wait for this where listeners are added by `addEventListener`.
	container.startMessages();
	return () => container.removeEventListener('message', listener);
}
