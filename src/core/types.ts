/** What one column of a row may hold once it went through JSON. */
export type Scalar = string | number | boolean | null;

/** A row as the server tells it and as the replica holds it: column name → JSON value. */
export type Row = Readonly<Record<string, unknown>>;

/** The value of a row's id column. */
export type RowId = string | number;

export type SyncAction = 'create' | 'update' | 'delete';

/** The strategies that need no code of the app's. */
export type ConflictStrategy = 'local-wins' | 'remote-wins' | 'latest-wins' | 'manual' | 'merge';

/** One conflict, as a {@link ConflictResolver} sees it; `null` means deleted or unknown. */
export interface ConflictContext<R = Row> {
	readonly table: string;
	readonly id: RowId;
	readonly base: R | null;
	readonly local: R | null;
	readonly remote: R | null;
}

export type Verdict<R = Row> =
	| 'local'
	| 'remote'
	| 'latest'
	| 'merge'
	| 'manual'
	| { readonly row: R }
	| { readonly delete: true };

export type ConflictResolver<R = Row> = (conflict: ConflictContext<R>) => Verdict<R> | Promise<Verdict<R>>;

export type FilterOperator = 'eq' | 'neq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'is';

/** Which rows a device holds: column → value (equality) or `{ op, value }`; all must be true. */
export type RowFilter = Readonly<
	Record<string, Scalar | { readonly op: FilterOperator; readonly value: Scalar | readonly Scalar[] }>
>;

export interface SyncConfig {
	/** The table's name in Supabase. */
	table: string;
	/** The primary key's column. @default 'id' */
	idField?: string;
	/** The column that the server moves forward at every change. @default 'updated_at' */
	timestampField?: string;
	/** How a lost compare-and-swap is decided. @default 'latest-wins' */
	conflictResolution?: ConflictStrategy | ConflictResolver;
	/** Tables whose rows this table's rows refer to; they upload first, and their deletes last. @default [] */
	dependsOn?: string[];
	/** The soft-delete column; without it a delete removes the row. */
	deletedField?: string | { field: string; type: 'boolean' | 'timestamp' };
	/** Dexie index specifications for the local store, such as `'created_at'` or `'[user_id+status]'`. @default [] */
	indexes?: string[];
	/** PostgREST's `select`; must name the id and the timestamp column. @default '*' */
	select?: string;
	/** Pull only the rows that match. */
	filter?: RowFilter;
	/**
	 * Who makes ids. 'server': the database does, as a serial key does; a row created here goes by a provisional id, a
	 * UUID, until it is acknowledged, and by the server's from then on. Both find it.
	 * @default 'client'
	 */
	ids?: 'client' | 'server';
	/**
	 * Columns that hold the id of a row of another table, such as `{ project_id: 'projects' }`. They follow when that
	 * row gets its id from the server, and a row waits while the row that it refers to is still to be created. Each
	 * table named counts as named in `dependsOn`, too. @default {}
	 */
	references?: Readonly<Record<string, string>>;
}

export interface QueuedAction {
	/** Idempotency key of the mutation, a UUIDv7. */
	readonly mutationId: string;
	/** The row's id. */
	readonly id: RowId;
}

export interface SyncResult {
	/** `errors.length === 0`. */
	readonly success: boolean;
	/** Queued actions that the server acknowledged in this run. */
	readonly uploaded: number;
	/** Local rows that the server changed in this run; echoes of this device's own writes do not count. */
	readonly downloaded: number;
	/** Conflicts met in this run, resolved or parked. */
	readonly conflicts: number;
	/** Each reads `"<table>: <message> (<code>)"`. */
	readonly errors: readonly string[];
}
