import { type CustomTypesConfig, types } from 'pg';

const { INT8, NUMERIC, DATE, TIMESTAMP, TIMESTAMPTZ } = types.builtins;

/**
 * Makes `pg` return values as the JSON of PostgREST has them: timestamps stay text with their microseconds
 * (`2024-01-31T10:00:00.123456+00:00`; the server's zone is UTC), dates stay text, `bigint` and `numeric`
 * become numbers. So a row read by SQL equals the same row read over HTTP.
 */
export const jsonTypes: CustomTypesConfig = {
	getTypeParser(id: number, format?: 'text' | 'binary') {
		if (format === 'binary') return types.getTypeParser(id, format);
		if (id === INT8 || id === NUMERIC) return Number;
		if (id === DATE) return String;
		if (id === TIMESTAMP || id === TIMESTAMPTZ) return toIso;
		return types.getTypeParser(id, 'text');
	},
};

function toIso(text: string): string {
	return text.replace(' ', 'T').replace(/\+00$/, '+00:00');
}
