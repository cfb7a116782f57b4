import type { NetworkEnvironment } from '@pixora/pixsync';

/** A device's network with a switch, so that one of two devices in a page can be offline. */
export interface NetworkSwitch {
	readonly environment: NetworkEnvironment;
	readonly fetch: typeof fetch;
	readonly isOn: () => boolean;
	readonly toggle: () => void;
	readonly subscribe: (listener: () => void) => () => void;
}

export function createNetworkSwitch(): NetworkSwitch {
	const events = new EventTarget();
	const listeners = new Set<() => void>();
	let isOn = true;
	for (const type of ['online', 'offline']) {
		addEventListener(type, () => isOn && events.dispatchEvent(new Event(type)));
	}
	return {
		environment: {
			get onLine() {
				return isOn && navigator.onLine;
			},
			addEventListener: (type, listener) => events.addEventListener(type, listener),
			removeEventListener: (type, listener) => events.removeEventListener(type, listener),
		},
		fetch: (input, init) =>
			isOn ? fetch(input, init) : Promise.reject(new TypeError('This device is offline')),
		isOn: () => isOn,
		toggle() {
			isOn = !isOn;
			events.dispatchEvent(new Event(isOn ? 'online' : 'offline'));
			for (const listener of listeners) listener();
		},
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
	};
}
