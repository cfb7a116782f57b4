import { type Check, toFinding, UNKNOWN } from '../check.ts';

/** Whether `dependsOn` names the synced tables that its rows refer to (F32, R14). */
export const foreignKeysCheck: Check = {
	name: 'foreign-keys',
	run(table) {
		const { facts, spec, schema, tables } = table;
		if (facts.foreignKeys === null) return UNKNOWN;
		const parents = facts.foreignKeys
			.filter(({ parentSchema }) => parentSchema === null || parentSchema === schema)
			.map(({ parentTable }) => parentTable)
			.filter((parent) => tables.includes(parent) && !spec.dependsOn.includes(parent));
		if (parents.length === 0) return [];
		const missing = [...new Set(parents)].sort();
		const all = [...spec.dependsOn, ...missing].map((parent) => `'${parent}'`);
		return [
			toFinding('warning', table, 'foreign-key-order', {
				problem: `Rows refer to ${missing.map((parent) => `"${parent}"`).join(', ')}, which dependsOn does not name.`,
				why: 'A row that is uploaded before the row that it refers to is refused (23503) and kept as a dead letter.',
				mend: `Name them in the table's config: dependsOn: [${all.join(', ')}].`,
				sql: null,
			}),
		];
	},
};
