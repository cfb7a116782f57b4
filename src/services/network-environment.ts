import type { ConnectionInfo } from '../core/network-quality.ts';

/** The Network Information API's object; `change` fires when a value does. */
export interface NetworkConnection extends ConnectionInfo {
	addEventListener?(type: 'change', listener: () => void): void;
	removeEventListener?(type: 'change', listener: () => void): void;
}

/** What {@link NetworkMonitor} asks of its platform. All of it may be missing, now or for good. */
export interface NetworkEnvironment {
	/** `navigator.onLine`; only `false` means something. */
	readonly onLine?: boolean | undefined;
	/** `navigator.connection`, Chromium's only. */
	readonly connection?: NetworkConnection | undefined;
	addEventListener?(type: 'online' | 'offline', listener: () => void): void;
	removeEventListener?(type: 'online' | 'offline', listener: () => void): void;
}

/**
 * The globals, read anew at each use: window, worker, Node without a `navigator`, Node whose `navigator` has no
 * `onLine`, React Native.
 */
export function defaultNetworkEnvironment(): NetworkEnvironment {
	return {
		get onLine() {
			return globals().navigator?.onLine;
		},
		get connection() {
			return globals().navigator?.connection;
		},
		addEventListener: (type, listener) => globals().addEventListener?.(type, listener),
		removeEventListener: (type, listener) => globals().removeEventListener?.(type, listener),
	};
}

interface Globals {
	readonly navigator?: Pick<NetworkEnvironment, 'onLine' | 'connection'>;
	addEventListener?(type: 'online' | 'offline', listener: () => void): void;
	removeEventListener?(type: 'online' | 'offline', listener: () => void): void;
}

function globals(): Globals {
	return globalThis as Globals;
}
