import { SimulatedClock } from 'xstate';
import type { ConnectionInfo } from '../../../src/core/network-quality.ts';
import type { NetworkConnection, NetworkEnvironment } from '../../../src/services/network-environment.ts';
import type { Probe } from '../../../src/services/probe.ts';

/** A browser whose listeners are counted. */
export interface FakeBrowser {
	readonly environment: NetworkEnvironment;
	readonly listeners: number;
	fire(type: 'online' | 'offline'): void;
	/** The connection is another one from now on, and says so. */
	change(info: ConnectionInfo): void;
}

export function createFakeBrowser(onLine: boolean): FakeBrowser {
	const listeners = new Set<{ readonly type: string; readonly listener: () => void }>();
	const state: { onLine: boolean; info: ConnectionInfo } = { onLine, info: {} };
	const target = {
		addEventListener(type: string, listener: () => void) {
			listeners.add({ type, listener });
		},
		removeEventListener(type: string, listener: () => void) {
			for (const known of listeners) {
				if (known.type === type && known.listener === listener) listeners.delete(known);
			}
		},
	};
	const dispatch = (type: string) => {
		for (const known of [...listeners]) if (known.type === type) known.listener();
	};
	const connection: NetworkConnection = {
		...target,
		get effectiveType() {
			return state.info.effectiveType;
		},
		get downlink() {
			return state.info.downlink;
		},
		get rtt() {
			return state.info.rtt;
		},
	};
	return {
		environment: {
			...target,
			connection,
			get onLine() {
				return state.onLine;
			},
		},
		get listeners() {
			return listeners.size;
		},
		fire(type) {
			state.onLine = type === 'online';
			dispatch(type);
		},
		change(info) {
			state.info = info;
			dispatch('change');
		},
	};
}

/** A clock that counts the timers set and not yet run or cleared. */
export class CountingClock extends SimulatedClock {
	readonly #pending = new Set<number>();

	get pending(): number {
		return this.#pending.size;
	}

	override setTimeout(callback: () => void, ms: number): number {
		const id = super.setTimeout(() => {
			this.#pending.delete(id);
			callback();
		}, ms);
		this.#pending.add(id);
		return id;
	}

	override clearTimeout(id: number): void {
		this.#pending.delete(id);
		super.clearTimeout(id);
	}
}

/** One question to the server. */
export interface HeldProbe {
	readonly signal: AbortSignal;
	/** Answers it; with an error it rejects. */
	end(verdict: boolean | Error): void;
}

/** Questions that stay open until the test answers them. */
export interface HeldProbes {
	readonly ask: Probe;
	readonly begun: number;
	/** Neither answered nor aborted. */
	readonly open: readonly HeldProbe[];
	/** Aborted before they were answered. */
	readonly aborted: readonly HeldProbe[];
	/** Answers the only open one. */
	end(verdict: boolean | Error): void;
}

export function createHeldProbes(): HeldProbes {
	const all: HeldProbe[] = [];
	const answered = new Set<HeldProbe>();
	const unanswered = (isAborted: boolean) =>
		all.filter((probe) => probe.signal.aborted === isAborted && !answered.has(probe));
	return {
		ask: (signal) =>
			new Promise((resolve, reject) => {
				const end = (verdict: boolean | Error) =>
					verdict instanceof Error ? reject(verdict) : resolve(verdict);
				all.push({ signal, end });
			}),
		get begun() {
			return all.length;
		},
		get open() {
			return unanswered(false);
		},
		get aborted() {
			return unanswered(true);
		},
		end(verdict) {
			const [probe, ...others] = unanswered(false);
			if (!probe || others.length > 0) throw new Error('expected one open probe, and no other');
			answered.add(probe);
			probe.end(verdict);
		},
	};
}
