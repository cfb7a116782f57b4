import { type Check, sqlNameOf, toFinding, UNKNOWN } from '../check.ts';
import { quoteName } from '../sql-text.ts';
import { columnOf } from '../table-facts.ts';

const TIMES: readonly string[] = ['timestamp with time zone', 'timestamp without time zone', 'date'];

/** Whether the soft-delete column is there, and of the type that the app says. */
export const deletedColumnCheck: Check = {
	name: 'deleted-column',
	run(table) {
		const { spec, facts } = table;
		if (!spec.deleted) return [];
		const { field, type } = spec.deleted;
		const column = columnOf(facts, field);
		if (column === null) return UNKNOWN;
		if (column === undefined) {
			const kind = type === 'boolean' ? 'boolean not null default false' : 'timestamptz';
			return [
				toFinding('error', table, 'deleted-missing', {
					problem: `There is no column "${field}", which deletedField names.`,
					why: 'Deletes are refused (PGRST204), and downloads with them.',
					mend: 'Add it, or leave deletedField out.',
					sql: `alter table ${sqlNameOf(table)} add column if not exists ${quoteName(field)} ${kind};`,
				}),
			];
		}
		if (column.type === null) return UNKNOWN;
		const isBoolean = column.type === 'boolean';
		const isFitting = type === 'boolean' ? isBoolean : TIMES.includes(column.type);
		if (isFitting) return [];
		return [
			toFinding('error', table, 'deleted-type', {
				problem: `"${field}" is of type ${column.type}, but deletedField says ${type}.`,
				why: 'Deletes are refused (22P02, 42804), or deleted rows are taken for living ones.',
				mend: isBoolean
					? `Say so in the table's config: deletedField: { field: '${field}', type: 'boolean' }.`
					: `Name a ${type === 'boolean' ? 'boolean' : 'timestamptz'} column in deletedField.`,
				sql: null,
			}),
		];
	},
};
