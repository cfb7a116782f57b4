import { type TableSpec, versionOf } from '../../src/core/table-spec.ts';
import { toMicros, toTimestampText } from '../../src/core/timestamp.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import { firstRefusal } from './memory-constraints.ts';
import { type Refusal, toRefused } from './memory-errors.ts';
import { compareIds, copyOf } from './memory-query.ts';

/** A table as its owner made it. Filter and select are the asking device's, and not taken from this spec. */
export interface MemoryTableDefinition {
	readonly spec: TableSpec;
	/**
	 * Who sets the timestamp column: a trigger, whatever was sent (`greatest(clock, old + 1 µs)`), or the writer,
	 * with the clock as the default of a new row. @default 'trigger'
	 */
	readonly stamps?: 'trigger' | 'writer';
	/** Columns and their defaults; another column is refused (PGRST204). @default any column, none with a default */
	readonly columns?: Row;
	/** Columns of timestamps beside the spec's own: their text is rewritten as PostgreSQL does. @default [] */
	readonly timestamps?: readonly string[];
	/** The server counts the ids of rows that come without one, as a serial key does. @default false */
	readonly isSerial?: boolean;
	/** A constraint: the refusal of a row that was about to be written; null: the row is fine. */
	readonly reject?: (row: Row) => Refusal | null;
	/** Columns whose values no two rows may share (23505). @default [] */
	readonly unique?: readonly string[];
	/** Column → the table that it refers to (23503). @default {} */
	readonly references?: Readonly<Record<string, string>>;
	/** A SELECT policy: rows that devices cannot see. @default none */
	readonly isHidden?: (row: Row) => boolean;
	/** The USING of a write policy: devices' updates and deletes pass such rows by without a word. @default none */
	readonly isReadOnly?: (row: Row) => boolean;
}

/** Who writes, and when it pretends to have begun. */
export interface Writer {
	/** A device's name; null: the test itself. */
	readonly by: string | null;
	/** The timestamp given to the rows, whoever stamps. @default as `stamps` says */
	readonly stampedAt?: string | undefined;
}

/** One row that a statement changed; `row` null: removed. */
export interface Change {
	readonly kind: 'create' | 'update' | 'delete';
	readonly id: RowId;
	readonly row: Row | null;
}

/** A table's rows and the statements on them, each done wholly or not at all. Knows no devices. */
export interface MemoryTable {
	readonly definition: MemoryTableDefinition;
	get(id: RowId): Row | undefined;
	/** In (timestamp, id) order; a row without a timestamp comes last. */
	readonly inOrder: readonly Row[];
	/** Inserts what is not there yet; an id that is taken is passed by. @throws PixSyncError and inserts nothing. */
	insert(rows: readonly Row[], writer: Writer): readonly Row[];
	/** @returns the row as it is now, undefined where there is none. @throws PixSyncError and changes nothing. */
	update(id: RowId, changes: Row, writer: Writer): Row | undefined;
	/** @returns the ids that were there. @throws PixSyncError and removes nothing. */
	remove(ids: readonly RowId[], writer: Writer): readonly RowId[];
	refersTo(table: string, id: RowId): boolean;
	/** @throws PixSyncError PGRST204 for a column that the table does not have. */
	assertColumns(body: Row): void;
}

export interface MemoryTableOptions {
	readonly definition: MemoryTableDefinition;
	/** The server's clock in µs. */
	readonly clock: () => bigint;
	/** All tables of the server. */
	readonly tables: ReadonlyMap<string, MemoryTable>;
	/** Hears of each statement that changed something. */
	readonly onApplied: (table: string, changes: readonly Change[], writer: Writer) => void;
}

export function createMemoryTable({ definition, clock, tables, onApplied }: MemoryTableOptions): MemoryTable {
	const { spec, columns, references = {} } = definition;
	const timestamps = new Set([spec.timestampField, ...(definition.timestamps ?? [])]);
	if (spec.deleted?.type === 'timestamp') timestamps.add(spec.deleted.field);
	const rows = new Map<string, Row>();
	let lastSerial = 0;
	let ordered: readonly Row[] | null = null;

	/** Runs a statement's changes, then the checks that PostgreSQL makes at a statement's end. */
	function run(changes: readonly Change[], writer: Writer): void {
		const before = changes.map(({ id }) => [String(id), rows.get(String(id))] as const);
		for (const { id, row } of changes) set(String(id), row ?? undefined);
		const refused = firstRefusal({ definition, rows, tables }, changes);
		if (refused) {
			for (const [key, row] of before) set(key, row);
			throw toRefused(spec.table, refused);
		}
		if (changes.length > 0) onApplied(spec.table, changes, writer);
	}

	function set(key: string, row: Row | undefined): void {
		ordered = null;
		if (row) rows.set(key, row);
		else rows.delete(key);
	}

	function toStored(row: Row, old: Row | undefined, at: bigint, { stampedAt }: Writer): Row {
		const stored: Record<string, unknown> = { ...copyOf(row) };
		if (stampedAt !== undefined) stored[spec.timestampField] = stampedAt;
		else if (definition.stamps !== 'writer') {
			const last = old ? toMicros(versionOf(spec, old)) : null;
			stored[spec.timestampField] = toServerText(last === null || at > last ? at : last + 1n);
		} else if (!Object.hasOwn(stored, spec.timestampField)) stored[spec.timestampField] = toServerText(at);
		for (const column of timestamps) {
			const micros = toMicros(stored[column]);
			if (micros !== null) stored[column] = toServerText(micros);
		}
		return stored;
	}

	return {
		definition,
		get: (id) => rows.get(String(id)),
		get inOrder() {
			ordered ??= inPullOrder(spec, [...rows.values()]);
			return ordered;
		},
		insert(given, writer) {
			const at = clock();
			const fresh = new Map<string, Row>();
			for (const sent of given) {
				// As a sequence: a number is used up also where the statement is refused.
				const row =
					definition.isSerial && sent[spec.idField] === undefined
						? { ...sent, [spec.idField]: ++lastSerial }
						: sent;
				const key = String(row[spec.idField]);
				const stored = toStored(withDefaults(columns, spec, row), undefined, at, writer);
				// PostgreSQL looks at a row's own constraints first, and then for its id.
				const refused = definition.reject?.(stored);
				if (refused) throw toRefused(spec.table, refused);
				if (!rows.has(key) && !fresh.has(key)) fresh.set(key, stored);
			}
			const inserted = [...fresh.values()];
			run(
				inserted.map((row) => ({ kind: 'create', id: row[spec.idField] as RowId, row })),
				writer,
			);
			return inserted;
		},
		update(id, changes, writer) {
			const old = rows.get(String(id));
			if (!old) return undefined;
			const row = toStored({ ...old, ...changes }, old, clock(), writer);
			run([{ kind: 'update', id: row[spec.idField] as RowId, row }], writer);
			return row;
		},
		remove(ids, writer) {
			const held = ids.filter((id) => rows.has(String(id)));
			run(
				held.map((id) => ({ kind: 'delete', id, row: null })),
				writer,
			);
			return held;
		},
		refersTo(parent, id) {
			const own = Object.entries(references).filter(([, table]) => table === parent);
			if (own.length === 0) return false;
			return [...rows.values()].some((row) =>
				own.some(([column]) => row[column] !== null && String(row[column]) === String(id)),
			);
		},
		assertColumns(body) {
			const unknown = columns && Object.keys(body).find((column) => !Object.hasOwn(columns, column));
			if (unknown === undefined) return;
			const message = `Could not find the '${unknown}' column of '${spec.table}' in the schema cache`;
			throw toRefused(spec.table, { code: 'PGRST204', message });
		},
	};
}

/** A timestamp as PostgreSQL's JSON writes it: no trailing zeros of the fraction, so that texts have many lengths. */
export function toServerText(micros: bigint): string {
	return toTimestampText(micros).replace(/\.(\d*?)0*\+/, (_, digits: string) =>
		digits ? `.${digits}+` : '+',
	);
}

function withDefaults(columns: Row | undefined, spec: TableSpec, row: Row): Row {
	if (!columns) return row;
	// Its default is the clock, not a value.
	const { [spec.timestampField]: _, ...defaults } = columns;
	return { ...defaults, ...row };
}

function inPullOrder(spec: TableSpec, rows: readonly Row[]): readonly Row[] {
	const keyed = rows.map((row) => ({
		row,
		at: toMicros(versionOf(spec, row)),
		id: row[spec.idField] as RowId,
	}));
	keyed.sort((a, b) => {
		if (a.at === b.at) return compareIds(a.id, b.id);
		if (a.at === null || b.at === null) return a.at === null ? 1 : -1;
		return a.at < b.at ? -1 : 1;
	});
	return keyed.map(({ row }) => row);
}
