import type { RandomSource } from './random-source.ts';

/** What PostgREST, SQL, URLs, JSON and IndexedDB read as something of their own, and text of no ASCII. */
const PIECES: readonly string[] = [
	...',.():*"\'`\\ /?#&=+%;<>[]{}|!~^$@-_',
	...['\t', '\n', '\r', '\u0001', '\u001b', '\u007f', '\u0085', '\u00a0', '\u2028', '\ufeff', '\u200b'],
	...['é', 'e\u0301', '\u0301', 'ß', 'İ', '漢', '한', '🦄', '👩‍👩‍👧', '\u{10ffff}', '\u{1f1e9}\u{1f1ea}'],
	...['שלום', 'مرحبا', '\u202e', '\u200f', '\uffff', '\ue000'],
	...[
		'a',
		'Z',
		'0',
		'7',
		'null',
		'true',
		'eq.',
		'not.',
		'in.(',
		'and(',
		'or=(',
		'")',
		'",',
		'\\"',
		'%20',
		'%00',
	],
	...['is.null', '->>', '::text', '--', "';", '{}', '(any)', '\\u0000', '+00:00', '2024-01-01T00:00:00Z'],
];

/** A text of one to ten such pieces; some begin or end with blanks. */
export function oddText(random: RandomSource): string {
	const length = 1 + random.below(10);
	const text = Array.from({ length }, () => random.pick(PIECES)).join('');
	if (random.chance(0.1)) return ` ${text}`;
	return random.chance(0.1) ? `${text}  ` : text;
}

/** As many different texts as asked for. */
export function oddTexts(random: RandomSource, count: number): readonly string[] {
	const texts = new Set<string>();
	while (texts.size < count) texts.add(oddText(random));
	return [...texts];
}

/** The seed to use: `PIXSYNC_FUZZ_SEED`, or a new one; it is printed, so that a failure can be repeated. */
export function fuzzSeed(name: string): number {
	const given = process.env.PIXSYNC_FUZZ_SEED;
	const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
	if (!Number.isInteger(seed)) throw new Error(`PIXSYNC_FUZZ_SEED is no whole number: ${given}`);
	console.log(`${name}: repeat with PIXSYNC_FUZZ_SEED=${seed}`);
	return seed;
}
