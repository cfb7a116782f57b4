/** A table as the house's formatter leaves it: the first column to the left, the figures to the right. */
export function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const widths = head.map((name, column) =>
		Math.max(name.length, 3, ...rows.map((cells) => cells[column]?.length ?? 0)),
	);
	const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
	const padded = (cells: readonly string[]) =>
		line(widths.map((width, column) => pad(cells[column] ?? '', width, column)));
	const rule = line(
		widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)),
	);
	return [padded(head), rule, ...rows.map(padded)].join('\n');
}

function pad(cell: string, width: number, column: number): string {
	return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}

/** Three figures, and thousands apart: a simulation knows no more. */
export function toCount(value: number): string {
	if (value === 0) return '0';
	const digits = Math.max(0, Math.floor(Math.log10(Math.abs(value))) - 2);
	const rounded = value >= 100 ? Math.round(value / 10 ** digits) * 10 ** digits : value;
	const places = value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
	const [whole = '', fraction] = rounded.toFixed(places).split('.');
	const apart = whole.replace(/\B(?=(\d{3})+$)/g, ',');
	const short = fraction?.replace(/0+$/, '');
	return short ? `${apart}.${short}` : apart;
}

export function toPercent(share: number): string {
	return `${Math.round(share * 100)} %`;
}
