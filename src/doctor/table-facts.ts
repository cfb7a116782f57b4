/**
 * What a source of knowledge could tell of one table. `null` stands for "cannot be seen from there", everywhere
 * in these types; what is known to be absent is false or an empty list.
 */
export interface TableFacts {
	readonly exists: boolean | null;
	/** A view or a foreign table is none. */
	readonly isTable: boolean | null;
	readonly schema: SchemaFacts;
	/** At least those that the table's config names, as far as they exist. */
	readonly columns: readonly ColumnFacts[] | null;
	/** Whether `columns` are all that the table has. */
	readonly hasAllColumns: boolean;
	/** Columns of the primary key; empty: there is none. */
	readonly primaryKey: readonly string[] | null;
	/** Sets of columns that are unique over all rows, the primary key's included. */
	readonly uniqueKeys: readonly (readonly string[])[] | null;
	readonly indexes: readonly IndexFacts[] | null;
	readonly stamp: StampFacts | null;
	readonly rowSecurity: RowSecurityFacts | null;
	/** What the role `authenticated` may do with the table, whatever its policies say of rows. */
	readonly grants: Readonly<Record<Command, boolean | null>>;
	readonly foreignKeys: readonly ForeignKeyFacts[] | null;
	/** Whether the publication `supabase_realtime` tells of its changes. */
	readonly isPublished: boolean | null;
}

export type Command = 'select' | 'insert' | 'update' | 'delete';

export const COMMANDS: readonly Command[] = ['select', 'insert', 'update', 'delete'];

export interface SchemaFacts {
	/** The schemas that the REST API serves. */
	readonly served: readonly string[] | null;
	/** Whether this one is served; known even where the list is not. */
	readonly isServed: boolean | null;
	/** Whether `authenticated` has USAGE on it. */
	readonly isUsable: boolean | null;
}

export interface ColumnFacts {
	readonly name: string;
	/** PostgreSQL's own long name without a precision: `timestamp with time zone`, `bigint`. A domain's base type. */
	readonly type: string | null;
	/** PostgreSQL's type modifier; -1: no limit was given. */
	readonly typmod: number | null;
	readonly isNotNull: boolean | null;
	/** The default as SQL; '' where there is none. */
	readonly defaultSql: string | null;
	readonly generated: 'no' | 'identity-always' | 'identity' | 'stored' | null;
}

/** Only indexes of whole tables that are valid; an expression in one reads as ''. */
export interface IndexFacts {
	readonly columns: readonly string[];
	/** Whether each column is sorted downwards. */
	readonly isDescending: readonly boolean[];
}

/** What happens to the timestamp column when a row is written. */
export type StampFacts =
	| {
			readonly kind: 'tried';
			/** The server's clock replaces what the client sent. */
			readonly onInsert: boolean;
			readonly onUpdate: boolean;
			/** Each change gets a later value than the one before, also within one transaction and by a slow clock. */
			readonly moves: boolean;
			/** It is the time of the write, not of its transaction's start. */
			readonly isTimeOfWrite: boolean;
			/** The trigger fires for some columns only. */
			readonly isPartial: boolean;
	  }
	/** There is a trigger that seems to do it, but it could not be tried. */
	| { readonly kind: 'untried'; readonly reason: string };

export interface RowSecurityFacts {
	readonly isEnabled: boolean;
	/** Those that apply to `authenticated`. */
	readonly policies: readonly PolicyFacts[];
}

export interface PolicyFacts {
	readonly name: string;
	readonly command: Command | 'all';
	readonly isPermissive: boolean;
	/** As SQL; null: none. */
	readonly using: string | null;
	/** Columns of the table that its conditions name. */
	readonly columns: readonly string[];
}

export interface ForeignKeyFacts {
	readonly columns: readonly string[];
	readonly parentSchema: string | null;
	readonly parentTable: string;
}

/** Of a table that nothing is known of yet. */
export const NO_FACTS: TableFacts = {
	exists: null,
	isTable: null,
	schema: { served: null, isServed: null, isUsable: null },
	columns: null,
	hasAllColumns: false,
	primaryKey: null,
	uniqueKeys: null,
	indexes: null,
	stamp: null,
	rowSecurity: null,
	grants: { select: null, insert: null, update: null, delete: null },
	foreignKeys: null,
	isPublished: null,
};

/** @returns undefined where the columns are known and it is not among them, null where they are not known. */
export function columnOf(facts: TableFacts, name: string): ColumnFacts | undefined | null {
	return facts.columns === null ? null : facts.columns.find((column) => column.name === name);
}
