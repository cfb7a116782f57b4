import { type Check, toFinding } from '../check.ts';
import { quoteName, quoteText } from '../sql-text.ts';

/** Whether there is such a table. */
export const tableCheck: Check = {
	name: 'table',
	run(table) {
		const { facts, schema, spec } = table;
		if (facts.exists === null) return ['unknown'];
		if (!facts.exists) {
			return [
				toFinding('error', table, 'table-missing', {
					problem: `There is no table "${spec.table}" in the schema "${schema}", or the REST API does not know it yet.`,
					why: 'Nothing of it can be downloaded or uploaded.',
					mend: `Create it, or correct the name in registerTable; after a migration: notify pgrst, 'reload schema'.`,
					sql: null,
				}),
			];
		}
		if (facts.isTable !== false) return [];
		return [
			toFinding('error', table, 'not-a-table', {
				problem: `"${spec.table}" is no table but a view or a foreign table.`,
				why: 'It has no key, no trigger and no policies of its own, so that versions and conflicts cannot be relied on.',
				mend: 'Register the table beneath it; leave columns out by `select` and rows by `filter`.',
				sql: null,
			}),
		];
	},
};

/** Whether the REST API serves the schema, and signed-in users may enter it. */
export const schemaCheck: Check = {
	name: 'schema',
	run(table) {
		const { facts, schema } = table;
		const { served, isServed, isUsable } = facts.schema;
		const hidden = toFinding('error', table, 'schema-hidden', {
			problem: `The REST API does not serve the schema "${schema}".`,
			why: 'Every request for the table is refused (PGRST106).',
			mend: 'Add it to the exposed schemas: in the dashboard, API settings, or by this SQL where they are set in the database.',
			sql: served
				? `alter role authenticator set pgrst.db_schemas = ${quoteText([...served, schema].join(', '))};\nnotify pgrst, 'reload config';`
				: null,
		});
		const unusable = toFinding('error', table, 'schema-usage', {
			problem: `The role authenticated may not use the schema "${schema}".`,
			why: 'Every request of a signed-in user is refused (42501).',
			mend: 'Grant USAGE on the schema.',
			sql: `grant usage on schema ${quoteName(schema)} to authenticated;`,
		});
		return [
			...(isServed === null ? ['unknown' as const] : isServed ? [] : [hidden]),
			...(isUsable === null ? ['unknown' as const] : isUsable ? [] : [unusable]),
		];
	},
};
