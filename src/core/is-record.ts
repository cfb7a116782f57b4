import type { Row } from './types.ts';

/** An object, be it an array. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null;
}

export function isRow(value: unknown): value is Row {
	return isRecord(value) && !Array.isArray(value);
}
