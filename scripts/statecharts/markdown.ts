/** A table of GitHub's Markdown. Cells may hold markup but no line break of their own. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const line = (cells: readonly string[]) =>
		`| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function toCode(names: readonly string[]): string {
	return names.map((name) => `\`${name}\``).join(', ');
}

/** Paragraphs, tables and headings, a blank line between them; empty ones fall away. */
export function toDocument(parts: readonly string[]): string {
	return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

export const GENERATED = '<!-- Written by `npm run docs:statecharts`; not to be edited. -->';
