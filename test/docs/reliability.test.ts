import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const rows = readFileSync('docs/reliability.md', 'utf8')
	.split('\n')
	.flatMap((line) => {
		const [, id, file, title] = /^\| ([SL]\d+) +\|.*\]\(\.\.\/([^)]+)\): `(.+)` +\|$/.exec(line) ?? [];
		return id && file && title ? [{ id, file, title }] : [];
	});

describe('docs/reliability.md', () => {
	it('has every invariant once, in order', () => {
		const numbered = (letter: string, count: number) =>
			Array.from({ length: count }, (_, at) => `${letter}${at + 1}`);
		expect(rows.map(({ id }) => id)).toEqual([...numbered('S', 33), ...numbered('L', 8)]);
	});

	it.each(rows)('$id: what shows it to bite exists', ({ file, title }) => {
		const source = readFileSync(file, 'utf8');
		expect([`'${title}'`, `\`${title}\``, `"${title}"`].some((text) => source.includes(text))).toBe(true);
	});
});
