/** One part of what a row is told as: a column, under a name of its own, cast to a type; `*` for all. */
export interface ToldColumn {
	readonly column: string;
	readonly as?: string;
	readonly type?: string;
}

const NAME = String.raw`(?:"((?:[^"\\]|\\.)+)"|([\p{L}_][\p{L}\p{N}_$]*))`;
const PART = new RegExp(`^(?:${NAME}:)?${NAME}(?:::([a-z][a-z0-9_ ]*))?$`, 'u');

/**
 * Reads PostgREST's `select` as far as it names columns: `id, total:amount::text, *`.
 * @returns null where it asks for more: embedded tables, parts of JSON, aggregates.
 */
export function toToldColumns(select: string): readonly ToldColumn[] | null {
	const told: ToldColumn[] = [];
	for (const part of select.split(',').map((text) => text.trim())) {
		if (part === '*') {
			told.push({ column: '*' });
			continue;
		}
		const [, quotedAs, plainAs, quoted, plain, type] = PART.exec(part) ?? [];
		const column = quoted ?? plain;
		if (column === undefined) return null;
		const as = quotedAs ?? plainAs;
		told.push({ column, ...(as === undefined ? {} : { as }), ...(type === undefined ? {} : { type }) });
	}
	return told;
}
