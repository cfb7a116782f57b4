import { type Check, sqlNameOf, toFinding, UNKNOWN } from '../check.ts';
import { quoteName, toShortName } from '../sql-text.ts';
import type { IndexFacts } from '../table-facts.ts';

/** Whether an index serves downloads, which page by (timestamp, id) (R15). */
export const indexCheck: Check = {
	name: 'index',
	run(table) {
		const { spec, facts } = table;
		if (facts.indexes === null) return UNKNOWN;
		if (facts.indexes.some((index) => isPaging(index, spec.timestampField, spec.idField))) return [];
		const columns = [spec.timestampField, spec.idField];
		const name = quoteName(toShortName(`${spec.table}_${columns.join('_')}_pixsync_idx`));
		return [
			toFinding('warning', table, 'index-missing', {
				problem: `No index is on ("${columns.join('", "')}").`,
				why: 'Each page of a download sorts the whole table.',
				mend: 'Add the index; if a policy or filter selects by another column, put that column first.',
				sql: `create index if not exists ${name} on ${sqlNameOf(table)} (${columns.map(quoteName).join(', ')});`,
			}),
		];
	},
};

/** Timestamp and id follow each other, sorted alike; a column that a policy or filter selects by may come before. */
function isPaging({ columns, isDescending }: IndexFacts, timestampField: string, idField: string): boolean {
	const at = columns.indexOf(timestampField);
	return at >= 0 && columns[at + 1] === idField && isDescending[at] === isDescending[at + 1];
}
