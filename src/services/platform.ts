import type { LockManagerLike } from './leadership.ts';
import { openTabChannel } from './tab-channel.ts';
import type { TabChannel } from './tabs.ts';

/**
 * What the engine takes from its surroundings beside storage and network. A simulation, or a runtime that lacks some
 * of these globals, gives its own.
 */
export interface Platform {
	/** Device ms. @default Date.now */
	readonly now: () => number;
	/** Ms since any moment, which nobody sets: shows that the device's clock was set. @default performance.now */
	readonly monotonic: () => number;
	/** In [0, 1), for jitter. @default Math.random */
	readonly random: () => number;
	/** Fills the bytes, for ids, and returns them. @default crypto.getRandomValues */
	readonly randomBytes: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;
	/** Of the statecharts and the tabs; time limits of requests use the globals. @default the globals */
	readonly clock: PlatformClock;
	/**
	 * Web Locks, for databases that tabs share; null: this tab is alone.
	 * @default `navigator.locks`, and null for an `indexedDB` of the app's own
	 */
	readonly locks: LockManagerLike | null;
	/** How tabs hear of each other; returns null where they cannot. @default BroadcastChannel */
	readonly openChannel: (name: string) => TabChannel | null;
	/** Whether this tab is out of sight. @default `document.visibilityState` */
	readonly isHidden: () => boolean;
	/** Whether requests to there need the server's leave (CORS). @default whether it is another origin than the page's */
	readonly asksLeave: (url: string) => boolean;
}

export interface PlatformClock {
	setTimeout(callback: () => void, ms: number): unknown;
	clearTimeout(timer: unknown): void;
}

/** @param isShared whether the database is the browser's own, which other tabs open too. */
export function toPlatform(given: Partial<Platform> = {}, isShared = false): Platform {
	return {
		now: () => Date.now(),
		monotonic: () => performance.now(),
		random: () => Math.random(),
		randomBytes: (bytes) => crypto.getRandomValues(bytes),
		clock: {
			setTimeout: (callback, ms) => setTimeout(callback, ms),
			clearTimeout: (timer) => clearTimeout(timer as number),
		},
		locks: isShared ? (globalThis.navigator?.locks ?? null) : null,
		openChannel: openTabChannel,
		isHidden: () => globalThis.document?.visibilityState === 'hidden',
		asksLeave: isElsewhere,
		...given,
	};
}

/** @returns false where there is no page. */
function isElsewhere(url: string): boolean {
	const own = globalThis.location?.origin;
	return own !== undefined && new URL(url).origin !== own;
}

/** A timer that keeps no program of Node's from ending. @returns what ends it. */
export function setQuietTimer({ clock }: Platform, callback: () => void, ms: number): () => void {
	const timer = clock.setTimeout(callback, ms);
	if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as { unref(): void }).unref();
	return () => clock.clearTimeout(timer);
}
