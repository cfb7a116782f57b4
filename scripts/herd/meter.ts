/** What reached the server, and what became of it, by the second. */
export interface Meter {
	readonly pulls: Uint32Array;
	readonly probes: Uint32Array;
	/** Of both, those that were not answered with rows. */
	readonly refused: Uint32Array;
	/** Attempts to join a channel; they do not take of the server's capacity. */
	readonly joins: Uint32Array;
}

export function createMeter(seconds: number): Meter {
	const column = () => new Uint32Array(seconds);
	return { pulls: column(), probes: column(), refused: column(), joins: column() };
}

export function toSecond(ms: number): number {
	return Math.floor(ms / 1_000);
}

/** Pulls and probes of each second. */
export function toRequests({ pulls, probes }: Pick<Meter, 'pulls' | 'probes'>): number[] {
	return Array.from(pulls, (count, second) => count + (probes[second] ?? 0));
}

export function sum(counts: Iterable<number>): number {
	let total = 0;
	for (const count of counts) total += count;
	return total;
}

/** 0 for none. */
export function peak(counts: readonly number[]): number {
	return counts.reduce((most, count) => Math.max(most, count), 0);
}
