import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const page = readFileSync('docs/field-notes.md', 'utf8');

interface Note {
	readonly id: string;
	readonly behaviour: string;
	readonly tests: readonly { readonly file: string; readonly title: string }[];
}

const notes = page
	.split('\n')
	.filter((line) => /^\| F\d+ \|/.test(line))
	.map((line): Note => {
		const [, id = '', , behaviour = '', shown = ''] = line.split(/(?<!\\)\|/).map((cell) => cell.trim());
		const tests = [...shown.matchAll(/\]\(\.\.\/([^)]+)\): (`+)(.+?)\2(?:<br>|$)/g)].map(
			([, file = '', , title = '']) => ({ file, title: title.replaceAll('\\|', '|') }),
		);
		return { id, behaviour, tests };
	});

describe('docs/field-notes.md', () => {
	it('has every failure once, in order', () => {
		expect(notes.map(({ id }) => id)).toEqual(Array.from({ length: 58 }, (_, at) => `F${at + 1}`));
	});

	it.each(notes.map((note) => [note.id, note] as const))(
		'%s: its tests exist, or it says why not',
		(id, note) => {
			if (note.tests.length === 0) expect(note.behaviour).toMatch(/^Not /);
			for (const { file, title } of note.tests) {
				const source = readFileSync(file, 'utf8');
				const quoted = [`'${title}'`, `\`${title}\``, `"${title}"`];
				expect(
					quoted.some((text) => source.includes(text)),
					`${file}: ${title}`,
				).toBe(true);
				expect(/\.test\.ts$|-contract\.ts$/.test(file), file).toBe(true);
			}
			expect(id).toMatch(/^F\d+$/);
		},
	);

	it('at least 50 are shown by tests', () => {
		expect(notes.filter(({ tests }) => tests.length > 0).length).toBeGreaterThanOrEqual(50);
	});
});
