import type { Row } from '../../src/core/types.ts';
import { toRefused } from './memory-errors.ts';
import type { MemoryTable } from './memory-table.ts';

/** Row level security of one table; what is left out lets everybody. */
export interface RowPolicies {
	/** SELECT, and USING of UPDATE and DELETE. */
	readonly isVisible?: (row: Row, userId: string | null) => boolean;
	/** WITH CHECK of INSERT and UPDATE (42501). */
	readonly mayBecome?: (row: Row, userId: string | null) => boolean;
}

/** Who asks, and what binds them. */
export interface Caller {
	readonly policies: Readonly<Record<string, RowPolicies>>;
	/** Whose token the request carries; null: nobody's. */
	readonly userId: string | null;
}

export function isVisible({ policies, userId }: Caller, { definition }: MemoryTable, row: Row): boolean {
	const { isVisible: isAllowed } = policies[definition.spec.table] ?? {};
	return !definition.isHidden?.(row) && (isAllowed?.(row, userId) ?? true);
}

/** @throws PixSyncError 42501 */
export function assertMayBecome({ policies, userId }: Caller, { definition }: MemoryTable, row: Row): void {
	const { table } = definition.spec;
	if (policies[table]?.mayBecome?.(row, userId) ?? true) return;
	throw toRefused(table, { code: '42501', message: 'new row violates row-level security policy' });
}
