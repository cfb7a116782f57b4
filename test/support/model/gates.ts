/** One call of a service that has begun and waits for the test to let it run. */
export interface HeldCall<I = unknown> {
	readonly name: string;
	readonly input: I;
	readonly signal: AbortSignal;
	isHeld: boolean;
	/** Lets the real service run, and waits for its end. `instead`: what it rejects with, without having run. */
	release(instead?: unknown): Promise<void>;
}

export interface Gates {
	/** Calls that wait, oldest first. */
	readonly held: readonly HeldCall[];
	/** Every call so far. */
	readonly calls: readonly HeldCall[];
	/** `work` runs when the test says so; an abort ends the wait. */
	hold<I, O>(name: string, input: I, signal: AbortSignal, work: () => Promise<O>): Promise<O>;
	/** The one call that waits. @throws Error if it is another, or not alone. */
	only(name: string): HeldCall;
}

/** Stops services at their door, so that a test sees the state in which they run, and can set the scene for them. */
export function createGates(): Gates {
	const calls: HeldCall[] = [];
	const gates: Gates = {
		calls,
		get held() {
			return calls.filter(({ isHeld }) => isHeld);
		},
		hold(name, input, signal, work) {
			return new Promise((resolve, reject) => {
				const call: HeldCall = {
					name,
					input,
					signal,
					isHeld: true,
					async release(instead) {
						call.isHeld = false;
						const ended = instead === undefined ? work() : Promise.reject(instead);
						ended.then(resolve, reject);
						await ended.catch(() => undefined);
						await flush();
					},
				};
				signal.addEventListener('abort', () => {
					call.isHeld = false;
					reject(signal.reason);
				});
				calls.push(call);
			});
		},
		only(name) {
			const [call, ...others] = gates.held;
			if (call?.name === name && others.length === 0) return call;
			throw new Error(`expected ${name} alone to wait; waiting: ${gates.held.map((held) => held.name)}`);
		},
	};
	return gates;
}

/** Lets settled promises reach their machine. */
export async function flush(): Promise<void> {
	for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
