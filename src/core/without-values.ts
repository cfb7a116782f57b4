/** Shorter values would take letters out of words; they go where they are quoted, as PostgreSQL quotes what it refuses. */
const LEAST_UNQUOTED = 4;

/** What a request held. */
export interface SentValues {
	/** Rows or columns, of any depth. */
	readonly body: unknown;
	/** Conditions, as they stand in its query. */
	readonly filters: readonly string[];
}

/**
 * A server's text without the values that were sent. PostgreSQL and triggers quote them in their messages, and
 * errors go where rows must not: to logs, to inspectors, to crash reports (S33). What a trigger chooses to tell of
 * other rows stays.
 */
export function withoutValues(text: string, { body, filters }: SentValues): string {
	const values = leavesOf(body);
	const long = [...values]
		.filter(({ length }) => length >= LEAST_UNQUOTED)
		.sort((a, b) => b.length - a.length);
	return long
		.reduce((rest, value) => rest.replaceAll(value, '…'), text)
		.replace(/"([^"]+)"/g, (whole, quoted: string) => {
			const isSent = values.has(quoted) || filters.some((filter) => filter.includes(quoted));
			return isSent ? '"…"' : whole;
		});
}

/** Strings and numbers, as text. */
function leavesOf(value: unknown): ReadonlySet<string> {
	if (typeof value === 'string' || typeof value === 'number') return new Set([String(value)]);
	if (typeof value !== 'object' || value === null) return new Set();
	return new Set(Object.values(value).flatMap((child) => [...leavesOf(child)]));
}
