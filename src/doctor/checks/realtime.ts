import { type Check, sqlNameOf, toFinding, UNKNOWN } from '../check.ts';
import { quoteText, runIf } from '../sql-text.ts';

/** Whether Realtime tells of the table's changes. */
export const realtimeCheck: Check = {
	name: 'realtime',
	run(table) {
		const { facts, schema, spec } = table;
		if (facts.isPublished === null) return UNKNOWN;
		if (facts.isPublished) return [];
		const isOut = `not exists (select from pg_publication_tables where pubname = 'supabase_realtime' and schemaname = ${quoteText(schema)} and tablename = ${quoteText(spec.table)})`;
		return [
			toFinding('info', table, 'realtime-missing', {
				problem: 'The publication supabase_realtime does not tell of the table.',
				why: 'Devices then learn of changes at their next sync, not at once.',
				mend: 'Add the table to the publication, if the app uses Realtime.',
				sql: runIf(isOut, `alter publication supabase_realtime add table ${sqlNameOf(table)};`),
			}),
		];
	},
};
