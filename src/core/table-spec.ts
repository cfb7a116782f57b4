import { rowFilterParams } from './encode-filter.ts';
import { PixSyncError } from './errors.ts';
import { isSameJson } from './json.ts';
import type { ConflictResolver, ConflictStrategy, Row, RowFilter, SyncConfig } from './types.ts';

/** A checked `SyncConfig` with every default filled in; what the rest of PixSync works with. */
export interface TableSpec {
	readonly table: string;
	readonly idField: string;
	readonly timestampField: string;
	readonly strategy: Strategy;
	/** The app's own function; null unless `strategy` is 'custom'. */
	readonly resolver: ConflictResolver | null;
	readonly dependsOn: readonly string[];
	readonly deleted: DeletedColumn | null;
	readonly indexes: readonly string[];
	readonly select: string;
	readonly filter: RowFilter;
	/** Who makes the ids of new rows. */
	readonly ids: 'client' | 'server';
	/** Column → the table that it refers to. */
	readonly references: Readonly<Record<string, string>>;
}

/** How a table's conflicts are decided; `custom`: by a function of the app's. */
export type Strategy = ConflictStrategy | 'custom';

export interface DeletedColumn {
	readonly field: string;
	readonly type: 'boolean' | 'timestamp';
}

const KNOWN_KEYS: readonly string[] = [
	'table',
	'idField',
	'timestampField',
	'conflictResolution',
	'dependsOn',
	'deletedField',
	'indexes',
	'select',
	'filter',
	'ids',
	'references',
] satisfies readonly (keyof SyncConfig)[];

/**
 * Checks a config and fills in its defaults.
 * @throws PixSyncError `bad-config` names the field and the fix.
 */
export function toTableSpec(config: SyncConfig): TableSpec {
	if (config === null || typeof config !== 'object') {
		throw badConfig('?', 'the config is not an object', "Pass { table: 'notes' }.");
	}
	const table = config.table;
	if (!isName(table)) {
		throw badConfig(
			String(table),
			'`table` is not a name',
			"Pass the table's name in Supabase, such as 'notes'.",
		);
	}
	for (const key of Object.keys(config)) {
		if (!KNOWN_KEYS.includes(key)) {
			throw badConfig(
				table,
				`\`${key}\` is not an option of a table`,
				`The options are: ${KNOWN_KEYS.join(', ')}.`,
			);
		}
	}
	const idField = toName(config, 'idField', 'id');
	const timestampField = toName(config, 'timestampField', 'updated_at');
	if (idField === timestampField) {
		throw badConfig(table, '`idField` and `timestampField` are the same column', 'Name two columns.');
	}
	const select = toName(config, 'select', '*');
	for (const field of [idField, timestampField]) {
		if (!isSelected(select, field)) {
			throw badConfig(table, `\`select\` leaves out "${field}"`, `Add ${field} to select: sync needs it.`);
		}
	}
	const deleted = toDeletedColumn(config);
	if (deleted?.field === idField || deleted?.field === timestampField) {
		throw badConfig(
			table,
			`\`deletedField\` is the column "${deleted.field}" that sync needs for itself`,
			"Name a column of its own, such as 'deleted_at'.",
		);
	}
	if (deleted && !isSelected(select, deleted.field)) {
		throw badConfig(
			table,
			`\`select\` leaves out "${deleted.field}"`,
			`Add ${deleted.field} to select: sync needs it.`,
		);
	}
	const references = toReferences(config, [idField, timestampField]);
	return {
		table,
		idField,
		timestampField,
		...toStrategy(config),
		dependsOn: [...new Set([...toNames(config, 'dependsOn'), ...Object.values(references)])],
		deleted,
		indexes: toIndexes(config),
		select,
		filter: toFilter(config),
		ids: toIds(config),
		references,
	};
}

/** Whether two specs mean the same, whatever the order of their keys. */
export function isSameSpec(a: TableSpec, b: TableSpec): boolean {
	return isSameJson(a, b);
}

/** What of a table's rows a device holds, as text: rows that were selected otherwise are not the same rows (F21). */
export function selectionOf(spec: TableSpec): string {
	return JSON.stringify([spec.idField, spec.timestampField, spec.select, spec.filter]);
}

/** Whether a row is a soft-delete tombstone. */
export function isTombstone(spec: TableSpec, row: Row): boolean {
	if (!spec.deleted) return false;
	const value = row[spec.deleted.field];
	return spec.deleted.type === 'boolean' ? value === true : value !== null && value !== undefined;
}

/** The row's version: the timestamp column's text as the server wrote it, or null. */
export function versionOf(spec: TableSpec, row: Row): string | null {
	const version = row[spec.timestampField];
	return typeof version === 'string' ? version : null;
}

function toStrategy(config: SyncConfig): Pick<TableSpec, 'strategy' | 'resolver'> {
	const strategy = config.conflictResolution ?? 'latest-wins';
	switch (strategy) {
		case 'local-wins':
		case 'remote-wins':
		case 'latest-wins':
		case 'merge':
		case 'manual':
			return { strategy, resolver: null };
		default:
			if (typeof strategy === 'function') return { strategy: 'custom', resolver: strategy };
			throw badConfig(
				config.table,
				`conflictResolution ${JSON.stringify(strategy)} is unknown`,
				"Use 'latest-wins', 'local-wins', 'remote-wins', 'merge', 'manual' or a function.",
			);
	}
}

function toIds({ table, ids = 'client' }: SyncConfig): TableSpec['ids'] {
	if (ids === 'client' || ids === 'server') return ids;
	throw badConfig(table, '`ids` is unknown', "Use 'client', or 'server' for a key that the database makes.");
}

function toReferences(config: SyncConfig, ownColumns: readonly string[]): TableSpec['references'] {
	const references = config.references ?? {};
	const isMap = references !== null && typeof references === 'object' && !Array.isArray(references);
	if (!isMap || !Object.entries(references).flat().every(isName)) {
		throw badConfig(
			config.table,
			'`references` does not name a table for each column',
			"Pass { project_id: 'projects' }.",
		);
	}
	const own = ownColumns.find((column) => Object.hasOwn(references, column));
	if (own === undefined) return { ...references };
	throw badConfig(
		config.table,
		`\`references\` names the column "${own}" that sync needs for itself`,
		'Leave it out: an id or a timestamp refers to no other row.',
	);
}

function toDeletedColumn(config: SyncConfig): DeletedColumn | null {
	const given = config.deletedField;
	if (given === undefined) return null;
	const column = typeof given === 'string' ? { field: given, type: 'timestamp' as const } : given;
	const isKnown =
		column !== null &&
		typeof column === 'object' &&
		isName(column.field) &&
		(column.type === 'boolean' || column.type === 'timestamp');
	if (!isKnown) {
		throw badConfig(
			config.table,
			'`deletedField` is neither a column nor { field, type }',
			"Pass 'deleted_at', or { field: 'is_deleted', type: 'boolean' }.",
		);
	}
	return { field: column.field, type: column.type };
}

/** Written out once, so that a bad filter is refused here and not at the first sync. */
function toFilter(config: SyncConfig): RowFilter {
	const filter = config.filter ?? {};
	if (typeof filter !== 'object' || Array.isArray(filter)) {
		throw badConfig(
			config.table,
			'`filter` is not an object',
			"Pass { user_id: '…' } or { n: { op: 'gt', value: 1 } }.",
		);
	}
	rowFilterParams(filter);
	return filter;
}

function toName(config: SyncConfig, key: 'idField' | 'timestampField' | 'select', fallback: string): string {
	const value = config[key] ?? fallback;
	if (!isName(value))
		throw badConfig(config.table, `\`${key}\` is not a name`, `Leave it out for '${fallback}'.`);
	return value;
}

function toNames(config: SyncConfig, key: 'dependsOn' | 'indexes'): readonly string[] {
	const value = config[key] ?? [];
	if (!Array.isArray(value) || !value.every(isName)) {
		throw badConfig(
			config.table,
			`\`${key}\` is not a list of names`,
			`Pass an array, such as ['projects'].`,
		);
	}
	return [...value];
}

/** A column, or several as `[a+b]`; `&` for unique, `*` for each element of a list. */
const INDEX = /^(?:[&*]?[\w$.]+|&?\[[\w$.]+(?:\+[\w$.]+)+\])$/;

function toIndexes(config: SyncConfig): readonly string[] {
	const indexes = toNames(config, 'indexes').map((index) => index.trim());
	const bad = indexes.find((index) => !INDEX.test(index));
	if (bad === undefined) return indexes;
	throw badConfig(
		config.table,
		`${JSON.stringify(bad)} is not an index`,
		"Use Dexie's form: 'created_at', or '[user_id+status]'.",
	);
}

function isName(value: unknown): value is string {
	return typeof value === 'string' && value.trim() !== '';
}

/** Top-level names of a PostgREST select: `a,alias:b,c::text,rel(x,y)` → a, alias, c, rel. */
function isSelected(select: string, field: string): boolean {
	let flat = select;
	for (let outer = ''; outer !== flat; ) {
		outer = flat;
		flat = flat.replace(/\([^()]*\)/g, '');
	}
	return flat.split(',').some((part) => {
		const name = part.trim().split('::')[0] ?? '';
		return name === '*' || (name.split(':')[0] ?? '').trim() === field;
	});
}

function badConfig(table: string, problem: string, hint: string): PixSyncError {
	return new PixSyncError('bad-config', `Table "${table}": ${problem}`, { hint, table });
}
