import { PixSyncError } from '../../core/errors.ts';
import type { TableSpec } from '../../core/table-spec.ts';

/** What a table that cannot be pulled lacks, with the way to mend it. */
export function explainUnpullable(spec: TableSpec, error: unknown): unknown {
	if (!(error instanceof PixSyncError)) return error;
	if (UNKNOWN_TABLE.includes(error.code)) {
		return new PixSyncError('unknown-table', `The server has no table "${spec.table}"`, {
			fault: 'fatal',
			table: spec.table,
			cause: error,
			hint: `Create it, or correct its name in registerTable; after a migration: notify pgrst, 'reload schema'.`,
		});
	}
	// The code has already decided what happens (fatal); the name in the message only words the advice.
	if (error.code !== '42703' || !error.message.includes(spec.timestampField)) return error;
	return new PixSyncError('timestamp-missing', `The table has no column "${spec.timestampField}"`, {
		fault: 'fatal',
		table: spec.table,
		cause: error,
		hint: `Add it: alter table ${spec.table} add column ${spec.timestampField} timestamptz not null default now(); or name yours in timestampField.`,
	});
}

/** PostgREST 12, 13 and later, and a bare 404. */
const UNKNOWN_TABLE: readonly string[] = ['42P01', 'PGRST205', 'http-404'];
