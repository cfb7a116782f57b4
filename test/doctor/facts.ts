import { toTableSpec } from '../../src/core/table-spec.ts';
import type { CheckedTable } from '../../src/doctor/check.ts';
import type { ColumnFacts, TableFacts } from '../../src/doctor/table-facts.ts';
import type { SyncConfig } from '../../src/index.ts';

export function column(name: string, type: string, more: Partial<ColumnFacts> = {}): ColumnFacts {
	return { name, type, typmod: -1, isNotNull: true, defaultSql: '', generated: 'no', ...more };
}

/** All known, and nothing wrong. */
export const GOOD: TableFacts = {
	exists: true,
	isTable: true,
	schema: { served: ['public'], isServed: true, isUsable: true },
	columns: [
		column('id', 'uuid'),
		column('user_id', 'uuid', { defaultSql: 'auth.uid()' }),
		column('title', 'text'),
		column('deleted_at', 'timestamp with time zone', { isNotNull: false }),
		column('updated_at', 'timestamp with time zone', { defaultSql: 'now()' }),
	],
	hasAllColumns: true,
	primaryKey: ['id'],
	uniqueKeys: [['id']],
	indexes: [{ columns: ['updated_at', 'id'], isDescending: [false, false] }],
	stamp: {
		kind: 'tried',
		onInsert: true,
		onUpdate: true,
		moves: true,
		isTimeOfWrite: true,
		isPartial: false,
	},
	rowSecurity: {
		isEnabled: true,
		policies: [
			{
				name: 'own',
				command: 'all',
				isPermissive: true,
				using: '(user_id = auth.uid())',
				columns: ['user_id'],
			},
		],
	},
	grants: { select: true, insert: true, update: true, delete: true },
	foreignKeys: [],
	isPublished: true,
};

export function checked(
	facts: Partial<TableFacts> = {},
	config: Partial<SyncConfig> = {},
	tables: readonly string[] = ['notes'],
): CheckedTable {
	return {
		spec: toTableSpec({ table: 'notes', ...config }),
		schema: 'public',
		tables,
		facts: { ...GOOD, ...facts },
	};
}
