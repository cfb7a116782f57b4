/** Repeatable randomness: the same seed gives the same draws. */
export interface RandomSource {
	/** In [0, 1). */
	next(): number;
	/** A whole number from 0 to `limit` - 1. */
	below(limit: number): number;
	chance(probability: number): boolean;
	/** @throws Error on an empty list. */
	pick<T>(list: readonly T[]): T;
	/** One of the keys, by weight. */
	weighted<K extends string>(weights: Readonly<Record<K, number>>): K;
	uuid(): string;
}

/** Mulberry32: small, fast, good enough to shuffle a program. */
export function createRandomSource(seed: number): RandomSource {
	let state = seed >>> 0;
	const source: RandomSource = {
		next() {
			state = (state + 0x6d2b79f5) >>> 0;
			let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
			mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
			return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
		},
		below: (limit) => Math.floor(source.next() * limit),
		chance: (probability) => source.next() < probability,
		pick(list) {
			const picked = list[source.below(list.length)];
			if (picked === undefined) throw new Error('nothing to pick from');
			return picked;
		},
		weighted(weights) {
			const entries = Object.entries(weights) as [keyof typeof weights, number][];
			let rest = source.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
			for (const [key, weight] of entries) {
				rest -= weight;
				if (rest < 0) return key;
			}
			throw new Error('unreachable: the weights cover every draw');
		},
		uuid() {
			const hex = Array.from({ length: 32 }, () => source.below(16).toString(16));
			hex[12] = '4';
			hex[16] = source.pick(['8', '9', 'a', 'b']);
			const text = hex.join('');
			const parts = [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20)];
			return [...parts, text.slice(20)].join('-');
		},
	};
	return source;
}
