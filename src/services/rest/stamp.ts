import type { Row } from '../../core/types.ts';

/** Refusals of a write that may be one of the timestamp in it: a generated column, or no grant (R17). */
export const STAMP_REFUSED: readonly string[] = ['428C9', '42501'];

export function without(row: Row, column: string): Row {
	const { [column]: _, ...rest } = row;
	return rest;
}
