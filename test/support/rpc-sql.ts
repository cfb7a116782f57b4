import { toTableSpec } from '../../src/core/table-spec.ts';
import type { SyncConfig } from '../../src/index.ts';
import { toMigration } from '../../src/sql/migration.ts';

/** What `npx pixsync sql` prints for these tables, but for the stamps: a test's tables have their own, or none. */
export function rpcSql(tables: readonly SyncConfig[]): string {
	return toMigration(tables.map(toTableSpec), 'public', { stamps: false });
}
