import type { Row, RowId } from '../../src/core/types.ts';
import type { Remote } from '../../src/services/remote.ts';
import type { RowPolicies } from './memory-policies.ts';
import { createPullProject } from './memory-pull.ts';
import { compareIds, copyOf } from './memory-query.ts';
import { createMemoryRemote, type RemoteCall, type RemoteHooks } from './memory-remote.ts';
import { answerRest, type RestReply, type RestRequest } from './memory-rest.ts';
import { createPushProject, type RpcRequest } from './memory-rpc.ts';
import { createMemoryTable, type MemoryTable, type MemoryTableDefinition } from './memory-table.ts';

export interface MemoryServerOptions {
	/** Server ms; the test moves it. */
	readonly now: () => number;
	readonly tables?: readonly MemoryTableDefinition[];
	/** The most rows that one answer of a pull or a list of keys holds. @default 1000, as Supabase */
	readonly maxRows?: number;
	/** Row level security over HTTP, by table. @default none */
	readonly policies?: Readonly<Record<string, RowPolicies>>;
}

/** One row that was really created, changed or removed; a repeat that changed nothing is not here. */
export interface AppliedWrite {
	/** 1 for the server's first write. */
	readonly order: number;
	/** The device whose call did it; null: a direct write of the test's. */
	readonly by: string | null;
	readonly kind: 'create' | 'update' | 'delete';
	readonly table: string;
	readonly id: RowId;
	/** The row as it was left; null: removed. A soft delete is an update. */
	readonly row: Row | null;
}

export interface ConnectOptions extends RemoteHooks {
	/** Names the device in the logs. @default 'device' */
	readonly name?: string;
}

/**
 * A stand-in for the server at the level of the port {@link Remote}: it keeps the port's contract, as
 * test/contract checks on it and on the real thing. No timers, no randomness: the same calls give the same
 * answers. Each statement is atomic; a push is several (see `beforeStatement`). Knows no types, sessions or joins.
 */
export interface MemoryServer {
	addTable(definition: MemoryTableDefinition): void;
	/** A device's remote. It learns the server's page cap as it reads; make a new one for a restarted device. */
	connect(options?: ConnectOptions): Remote;
	/** Answers one HTTP request, as PostgREST does. Not in `requests`. */
	rest(request: RestRequest): RestReply;
	/** Answers a call of a function: a project without the migration has none. Not in `requests`. */
	rpc(request: RpcRequest): RestReply;
	/** Runs the migration of the RPC transport for these tables, which are then all; null: drops its function. */
	migrate(tables: readonly string[] | null): void;
	/**
	 * Somebody's write: creates the row, or sets the columns given of the row that is there.
	 * @param stampedAt the timestamp that it gets: of a transaction that began then and commits now. @default the clock
	 * @returns the row as stored. @throws PixSyncError for what a constraint of the table refuses.
	 */
	put(table: string, row: Row, options?: { readonly stampedAt?: string }): Row;
	/** Somebody's change of a row. @throws Error where there is none. */
	patch(table: string, id: RowId, changes: Row): Row;
	/** Somebody's hard delete. @returns whether the row was there. */
	remove(table: string, id: RowId): boolean;
	/** All rows, whole, in id order. */
	rows(table: string): readonly Row[];
	setMaxRows(rows: number): void;
	readonly applied: readonly AppliedWrite[];
	readonly requests: readonly RemoteCall[];
	clearLogs(): void;
}

export function createMemoryServer({
	now,
	tables: given = [],
	maxRows = 1000,
	policies = {},
}: MemoryServerOptions): MemoryServer {
	const tables = new Map<string, MemoryTable>();
	let applied: AppliedWrite[] = [];
	let requests: RemoteCall[] = [];
	let writes = 0;
	let calls = 0;
	let cap = maxRows;
	let clockAt = -1n;
	let lastStamp = -1n;

	/** µs. Two statements never read the same time, or a row deleted and made anew could get its old version. */
	function clock(): bigint {
		const at = BigInt(Math.round(now() * 1000));
		const hasGoneBack = at < clockAt;
		clockAt = at;
		lastStamp = hasGoneBack || at > lastStamp ? at : lastStamp + 1n;
		return lastStamp;
	}

	function tableOf(name: string): MemoryTable {
		const table = tables.get(name);
		if (!table) throw new Error(`The in-memory server has no table "${name}": add it with addTable`);
		return table;
	}

	const pulls = createPullProject(tables, now);
	const project = createPushProject({ tables, policies, pulls, now });

	const server: MemoryServer = {
		addTable(definition) {
			const { table } = definition.spec;
			if (tables.has(table)) throw new Error(`The in-memory server has a table "${table}" already`);
			const created = createMemoryTable({
				definition,
				clock,
				tables,
				onApplied(name, changes, { by }) {
					pulls.note(created, changes);
					for (const { id, row, kind } of changes) {
						applied.push({ order: ++writes, by, kind, table: name, id, row: row && copyOf(row) });
					}
				},
			});
			tables.set(table, created);
		},
		connect({ name = 'device', ...hooks } = {}) {
			return createMemoryRemote({
				...hooks,
				by: name,
				tables,
				now,
				maxRows: () => cap,
				open(call) {
					const opened = { order: ++calls, ...call };
					requests.push(opened);
					return opened;
				},
			});
		},
		rest: (request) => answerRest({ tables, policies, maxRows: () => cap }, request),
		rpc: (request) => project.answer(request),
		migrate: (names) => project.migrate(names),
		put(name, row, { stampedAt } = {}) {
			const table = tableOf(name);
			const id = row[table.definition.spec.idField] as RowId;
			table.assertColumns(row);
			const [written] = table.get(id)
				? [table.update(id, row, { by: null, stampedAt })]
				: table.insert([row], { by: null, stampedAt });
			return copyOf(written ?? row);
		},
		patch(name, id, changes) {
			const table = tableOf(name);
			table.assertColumns(changes);
			const row = table.update(id, changes, { by: null });
			if (!row) throw new Error(`"${name}" has no row ${JSON.stringify(id)}`);
			return copyOf(row);
		},
		remove: (name, id) => tableOf(name).remove([id], { by: null }).length > 0,
		rows(name) {
			const { inOrder, definition } = tableOf(name);
			const idOf = (row: Row) => row[definition.spec.idField] as RowId;
			return [...inOrder].sort((a, b) => compareIds(idOf(a), idOf(b))).map(copyOf);
		},
		setMaxRows(rows) {
			cap = rows;
		},
		get applied() {
			return applied;
		},
		get requests() {
			return requests;
		},
		clearLogs() {
			applied = [];
			requests = [];
		},
	};
	for (const definition of given) server.addTable(definition);
	return server;
}
