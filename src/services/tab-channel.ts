import type { TabChannel } from './tabs.ts';

/** The platform's BroadcastChannel, or null where it has none. */
export function openTabChannel(name: string): TabChannel | null {
	const { BroadcastChannel } = globalThis;
	if (typeof BroadcastChannel !== 'function') return null;
	const channel = new BroadcastChannel(name);
	// In Node an open channel would keep the program from ending.
	if ('unref' in channel) (channel as { unref(): void }).unref();
	return channel;
}
