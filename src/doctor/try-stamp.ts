import type { TableSpec } from '../core/table-spec.ts';
import type { Query } from './facts-from-catalog.ts';
import { qualifiedName, quoteName } from './sql-text.ts';
import type { StampFacts } from './table-facts.ts';

/** An enabled BEFORE trigger for each row; they fire in the order of their names. */
export interface TriggerFacts {
	/** As `pg_get_triggerdef` writes it, with all names in full. */
	readonly definition: string;
	readonly isInsert: boolean;
	readonly isUpdate: boolean;
	/** It fires for some columns only. */
	readonly isOfColumns: boolean;
	readonly language: string;
	/** The function's text; for C its name. */
	readonly source: string;
	readonly arguments: string;
}

/** Long before any write: a value that a client with a wrong clock might send. */
const CLIENT_VALUE = `'2000-01-01 00:00:00+00'`;

/** Beyond what a client sent, before what any clock says. */
const IS_STAMPED = `> '2000-01-02 00:00:00+00'`;

const NEVER: StampFacts = {
	kind: 'tried',
	onInsert: false,
	onUpdate: false,
	moves: false,
	isTimeOfWrite: false,
	isPartial: false,
};

/**
 * What a table's triggers do to its timestamp column: seen, not guessed from their text. They are put on an empty
 * temporary copy, which is written to in a transaction that is rolled back. Before the first trigger runs, that
 * transaction is made read only, so that PostgreSQL itself refuses whatever a trigger might do elsewhere, the
 * counting of a sequence included, which no rollback would undo. Only triggers that name the column, or whose
 * language hides what they name, are run.
 */
export async function tryStamp(
	query: Query,
	schema: string,
	{ table, timestampField }: TableSpec,
	triggers: readonly TriggerFacts[],
): Promise<StampFacts> {
	const candidates = triggers.filter((trigger) => mayStamp(trigger, timestampField));
	if (candidates.length === 0) return NEVER;
	const [original, copy] = [qualifiedName(schema, table), `pg_temp.${quoteName(table)}`];
	const column = quoteName(timestampField);
	await query('begin');
	try {
		await query(`set local statement_timeout = '10s'`);
		await query(`select set_config('search_path', $1, true)`, [`${quoteName(schema)}, public, extensions`]);
		await query(
			`create temporary table ${quoteName(table)} on commit drop as table ${original} with no data`,
		);
		// Of a time when the clock was ahead.
		await query(`insert into ${copy} (${column}) values (now() + interval '1 day')`);
		for (const { definition } of candidates) await query(onCopy(definition, schema, table));
		await query('set transaction read only');
		const inserted = await query(
			`insert into ${copy} (${column}) values (${CLIENT_VALUE}) returning (${column} ${IS_STAMPED})::text as stamped, (${column} > now())::text as later`,
		);
		const updated = await query(
			`with before as materialized (select ctid as place, ${column} as value from ${copy})
			update ${copy} as after set ${column} = ${CLIENT_VALUE} from before where after.ctid = before.place
			returning (after.${column} ${IS_STAMPED})::text as stamped, (after.${column} > before.value)::text as moved,
				(after.${column} > now())::text as later`,
		);
		const updating = candidates.filter(({ isUpdate }) => isUpdate);
		const onInsert = inserted.length === 1 && inserted[0]?.stamped === 'true';
		return {
			kind: 'tried',
			onInsert,
			onUpdate: updated.length === 2 && updated.every(({ stamped }) => stamped === 'true'),
			moves: updated.every(({ moved }) => moved === 'true'),
			// Of a row that was stamped before, the update's value may be the old one and a little more.
			isTimeOfWrite: (onInsert ? inserted : updated).every(({ later }) => later === 'true'),
			isPartial: updating.length > 0 && updating.every(({ isOfColumns }) => isOfColumns),
		};
	} catch (error) {
		return { kind: 'untried', reason: error instanceof Error ? error.message : String(error) };
	} finally {
		await query('rollback');
	}
}

function mayStamp(
	{ isInsert, isUpdate, language, source, arguments: given }: TriggerFacts,
	column: string,
): boolean {
	if (!isInsert && !isUpdate) return false;
	const isReadable = language === 'plpgsql' || language === 'sql';
	return !isReadable || [source, given].some((text) => text.toLowerCase().includes(column.toLowerCase()));
}

/** @throws Error where the definition does not read as expected. */
function onCopy(definition: string, schema: string, table: string): string {
	const names = [quoteName(table), table].flatMap((name) => [
		` ON ${quoteName(schema)}.${name} FOR`,
		` ON ${schema}.${name} FOR`,
	]);
	const found = names.find((name) => definition.includes(name));
	if (found === undefined) throw new Error('its definition could not be read');
	return definition.replace(found, () => ` ON pg_temp.${quoteName(table)} FOR`);
}
