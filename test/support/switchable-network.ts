import type { NetworkEnvironment } from '../../src/services/network-environment.ts';

/** A device's network with a switch: `navigator.onLine`, its events, and a fetch that fails while it is off. */
export interface SwitchableNetwork {
	readonly environment: NetworkEnvironment;
	readonly fetch: typeof fetch;
	/** Requests that were let through. */
	readonly requests: number;
	isOn: boolean;
}

export function createSwitchableNetwork(): SwitchableNetwork {
	const target = new EventTarget();
	let isOn = true;
	let requests = 0;
	return {
		environment: {
			get onLine() {
				return isOn;
			},
			addEventListener: (type, callback) => target.addEventListener(type, callback),
			removeEventListener: (type, callback) => target.removeEventListener(type, callback),
		},
		fetch: async (input, init) => {
			if (!isOn) throw new TypeError('fetch failed: the network is switched off');
			requests++;
			return fetch(input, init);
		},
		get requests() {
			return requests;
		},
		get isOn() {
			return isOn;
		},
		set isOn(next) {
			if (next === isOn) return;
			isOn = next;
			target.dispatchEvent(new Event(next ? 'online' : 'offline'));
		},
	};
}
