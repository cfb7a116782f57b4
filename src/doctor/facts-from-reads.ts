import { columnName } from '../core/encode-filter.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { RestAnswer, RestReader } from './rest-reader.ts';
import { type ColumnFacts, columnOf, NO_FACTS, type TableFacts } from './table-facts.ts';

/** PostgREST 12, and 13 and later. */
const NO_TABLE: readonly string[] = ['42P01', 'PGRST205'];
const NO_COLUMN = '42703';
const NO_SCHEMA = 'PGRST106';
const NOT_GRANTED = '42501';

/**
 * Adds what reads of one row at most show, to what is known already: whether table and columns are there, whether
 * the user may read them, and whether a row without a timestamp is in sight.
 * @param isSignedIn whether the reader's role is `authenticated`.
 */
export async function factsFromReads(
	read: RestReader,
	spec: TableSpec,
	known: TableFacts | null,
	isSignedIn: boolean,
): Promise<TableFacts> {
	const facts = known ?? NO_FACTS;
	const first = await read(spec.table, [['limit', '1']]);
	const seen = afterRead(facts, first, isSignedIn);
	if (first.status !== 200) return seen;
	const columns = seen.columns ?? (await columnsFromReads(read, spec));
	return { ...seen, columns: await withNulls(read, spec, columns) };
}

function afterRead(facts: TableFacts, { status, code }: RestAnswer, isSignedIn: boolean): TableFacts {
	const schema = { ...facts.schema, isServed: true };
	const grants = (select: boolean) => (isSignedIn ? { ...facts.grants, select } : facts.grants);
	if (status === 200) return { ...facts, exists: true, schema, grants: grants(true) };
	if (code === NO_SCHEMA) return { ...facts, schema: { ...schema, isServed: false } };
	if (code !== null && NO_TABLE.includes(code)) return { ...facts, exists: false, schema };
	if (code === NOT_GRANTED) return { ...facts, schema, grants: grants(false) };
	return facts;
}

/** Which of the columns that sync needs exist. */
async function columnsFromReads(read: RestReader, spec: TableSpec): Promise<readonly ColumnFacts[]> {
	const columns: ColumnFacts[] = [];
	const names = [spec.idField, spec.timestampField, ...(spec.deleted ? [spec.deleted.field] : [])];
	for (const name of names) {
		const { code } = await read(spec.table, [
			['select', columnName(name)],
			['limit', '1'],
		]);
		if (code === NO_COLUMN) continue;
		columns.push({ name, type: null, typmod: null, isNotNull: null, defaultSql: null, generated: null });
	}
	return columns;
}

/** A NULL in sight is proof; none in sight is not. */
async function withNulls(
	read: RestReader,
	spec: TableSpec,
	columns: readonly ColumnFacts[],
): Promise<readonly ColumnFacts[]> {
	const column = columnOf({ ...NO_FACTS, columns }, spec.timestampField);
	if (!column || column.isNotNull !== null) return columns;
	const { status, body } = await read(spec.table, [
		['select', columnName(spec.timestampField)],
		[columnName(spec.timestampField), 'is.null'],
		['limit', '1'],
	]);
	const hasNull = status === 200 && Array.isArray(body) && body.length > 0;
	return columns.map((one) => (one === column && hasNull ? { ...one, isNotNull: false } : one));
}
