import type { Sides } from './conflict-sides.ts';
import type { Rule } from './decide.ts';
import { toDecidedRow } from './decided-row.ts';
import { PixSyncError } from './errors.ts';
import { toPlainData } from './json.ts';
import type { RowId, Verdict } from './types.ts';

/**
 * What a resolver answered, as a rule; rows are copied.
 * @throws PixSyncError `resolver-error` for what is no verdict; `bad-data`, `id-change` for a row that is none.
 */
export function toRule(sides: Sides, id: RowId, verdict: unknown): Rule {
	switch (verdict as Verdict) {
		case 'local':
			return 'local-wins';
		case 'remote':
			return 'remote-wins';
		case 'latest':
			return 'latest-wins';
		case 'merge':
			return 'merge';
		case 'manual':
			return 'manual';
	}
	if (typeof verdict === 'object' && verdict !== null) {
		if ('delete' in verdict && verdict.delete === true && !('row' in verdict)) return { delete: true };
		if ('row' in verdict && !('delete' in verdict)) {
			return { row: toDecidedRow(sides, id, toPlainData(verdict.row, { table: sides.spec.table })) };
		}
	}
	throw new PixSyncError('resolver-error', `it answered ${nameOf(verdict)}, which is no verdict`, {
		table: sides.spec.table,
		id,
		hint: "Return 'local', 'remote', 'latest', 'merge', 'manual', { row } or { delete: true }.",
	});
}

/** A text may be the row's data: only its kind is told (S33). */
function nameOf(value: unknown): string {
	if (value === null || value === undefined) return String(value);
	return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
