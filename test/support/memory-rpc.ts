import { PixSyncError } from '../../src/core/errors.ts';
import { ownValue } from '../../src/core/json.ts';
import { compareTimestamps } from '../../src/core/timestamp.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import type { ToldColumn } from '../../src/services/rpc/told-columns.ts';
import { PULL_FUNCTION, PUSH_FUNCTION } from '../../src/sql/migration.ts';
import { statusOf, toRefused } from './memory-errors.ts';
import { assertMayBecome, type Caller, isVisible } from './memory-policies.ts';
import type { PullCall, PullProject } from './memory-pull.ts';
import { copyOf } from './memory-query.ts';
import type { RestReply } from './memory-rest.ts';
import type { MemoryTable } from './memory-table.ts';

/** As the migration says. */
const LEDGER_MS = 30 * 86_400_000;

/** The argument `request` of the function. */
export interface PushCall {
	readonly table: string;
	readonly key: string;
	readonly stamp: string;
	readonly columns: readonly ToldColumn[];
	readonly mutations: readonly PushedChange[];
}

export interface PushedChange {
	readonly kind: string;
	readonly id: RowId;
	readonly base: string | null;
	/** Its name in the ledger; null: it has none. */
	readonly push: string | null;
	readonly body: Row | null;
}

export type PushReply =
	| { readonly is: 'applied' | 'done' | 'missed'; readonly row: Row | null }
	| { readonly is: 'refused'; readonly code: string; readonly message: string; readonly hint: string };

export interface RpcRequest {
	/** Behind `/rest/v1/rpc/`. */
	readonly name: string;
	/** The parsed JSON. */
	readonly body: unknown;
	readonly userId: string | null;
	/** The device's name, for the log. */
	readonly by: string;
}

/** What the migration leaves in a project: the function, the tables that it takes, and the sendings it has seen. */
export interface PushProject {
	/** @param tables those that are registered; null: the function is gone, what it has written stays. */
	migrate(tables: readonly string[] | null): void;
	answer(request: RpcRequest): RestReply;
}

export interface PushProjectOptions {
	readonly tables: ReadonlyMap<string, MemoryTable>;
	readonly policies: Caller['policies'];
	/** The other function, which the same migration makes. */
	readonly pulls: PullProject;
	/** Server ms. */
	readonly now: () => number;
}

/**
 * `pixsync_push` as src/sql makes it. That one tries a batch as a whole before it takes it apart, which shows in the
 * numbers that a sequence leaves out, and nowhere else: here each change is by itself at once.
 */
export function createPushProject({ tables, policies, pulls, now }: PushProjectOptions): PushProject {
	let registered: ReadonlySet<string> | null = null;
	const ledger = new Map<string, { readonly key: RowId; readonly at: number }>();

	function push(call: PushCall, { userId, by }: RpcRequest): readonly PushReply[] {
		const table = tables.get(call.table);
		if (!table || !registered?.has(call.table)) {
			throw toRefused(call.table, {
				code: '42P01',
				message: `Table "${call.table}" is not one of PixSync's`,
			});
		}
		const caller = { policies, userId };
		forget();
		return call.mutations.map((change) => {
			const name = change.push && `${userId ?? 'anon'} ${change.push}`;
			try {
				const done = name === null ? undefined : ledger.get(name);
				if (done) return { is: 'done', row: look(caller, table, call, done.key) };
				const applied = apply(caller, table, call, change, by);
				if (!applied) return { is: 'missed', row: look(caller, table, call, change.id) };
				if (name !== null) ledger.set(name, { key: applied.key, at: now() });
				return { is: 'applied', row: applied.row };
			} catch (error) {
				if (!(error instanceof PixSyncError)) throw error;
				return { is: 'refused', code: error.code, message: error.message, hint: '' };
			}
		});
	}

	function forget(): void {
		for (const [name, { at }] of ledger) if (at < now() - LEDGER_MS) ledger.delete(name);
	}

	return {
		migrate(names) {
			registered = names && new Set(names);
		},
		answer(request) {
			try {
				if (!registered || (request.name !== PUSH_FUNCTION && request.name !== PULL_FUNCTION)) {
					const message = `Could not find the function public.${request.name}(request) in the schema cache`;
					throw toRefused(request.name, { code: 'PGRST202', message });
				}
				if (request.name === PULL_FUNCTION) {
					const { request: call } = request.body as { readonly request: PullCall };
					const { userId } = request;
					return { status: 200, body: pulls.answer(call, { policies, userId }, registered) };
				}
				const { request: call } = request.body as { readonly request: PushCall };
				return { status: 200, body: push(call, request) as unknown as readonly Row[] };
			} catch (error) {
				if (!(error instanceof PixSyncError)) throw error;
				return { status: statusOf(error.code), body: { code: error.code, message: error.message } };
			}
		},
	};
}

/** @returns the row's key, and how it is told; null: nothing was changed. @throws PixSyncError and changes nothing. */
function apply(
	caller: Caller,
	table: MemoryTable,
	call: PushCall,
	change: PushedChange,
	by: string,
): { readonly key: RowId; readonly row: Row | null } | null {
	const { key } = call;
	const body = change.body ?? {};
	assertKnown(table, Object.keys(body));
	switch (change.kind) {
		case 'create': {
			assertTold(table, call);
			assertMayShow(caller, table, body);
			// An id that is taken is passed by.
			const [row] = table.insert([body], { by });
			return row ? { key: row[key] as RowId, row: tell(call, row) } : null;
		}
		case 'update': {
			assertTold(table, call);
			const held = changeable(caller, table, call, change);
			if (!held) return null;
			assertMayShow(caller, table, { ...held, ...body });
			const row = table.update(held[key] as RowId, body, { by });
			return row ? { key: row[key] as RowId, row: tell(call, row) } : null;
		}
		case 'delete': {
			const held = changeable(caller, table, call, change);
			if (!held) return null;
			table.remove([held[key] as RowId], { by });
			return { key: held[key] as RowId, row: null };
		}
		default:
			throw toRefused(call.table, {
				code: '22023',
				message: `There is no mutation of the kind ${change.kind}`,
			});
	}
}

/** The row, where it has the version that the change was made on, and may be written by the caller. */
function changeable(
	caller: Caller,
	table: MemoryTable,
	{ stamp }: PushCall,
	{ id, base }: PushedChange,
): Row | null {
	const row = table.get(id);
	if (!row || !isVisible(caller, table, row) || table.definition.isReadOnly?.(row)) return null;
	const version = (row[stamp] ?? null) as string | null;
	const isSame = version === null || base === null ? version === base : !compareTimestamps(version, base);
	return isSame ? row : null;
}

/** A row that is written and told must be one that the caller may write, and see. @throws PixSyncError 42501 */
function assertMayShow(caller: Caller, table: MemoryTable, row: Row): void {
	assertMayBecome(caller, table, row);
	if (isVisible(caller, table, row)) return;
	const message = 'new row violates row-level security policy';
	throw toRefused(table.definition.spec.table, { code: '42501', message });
}

/** As `pixsync.look`: what the caller may see of the row as it is now. */
function look(caller: Caller, table: MemoryTable, call: PushCall, id: RowId): Row | null {
	assertTold(table, call);
	const row = table.get(id);
	return row && isVisible(caller, table, row) ? tell(call, row) : null;
}

/** As `pixsync.row_of`. */
export function tell({ columns }: Pick<PushCall, 'columns'>, row: Row): Row {
	const told: Record<string, unknown> = columns.some(({ column }) => column === '*') ? { ...row } : {};
	for (const { column, as = column, type } of columns) {
		if (column === '*') continue;
		if (type !== undefined && type !== 'text') throw new Error(`The in-memory server casts to no ${type}`);
		const value = ownValue(row, column) ?? null;
		told[as] = type && value !== null ? String(value) : value;
	}
	return copyOf(told);
}

function assertTold(table: MemoryTable, { columns }: PushCall): void {
	assertKnown(
		table,
		columns.map(({ column }) => column).filter((column) => column !== '*'),
	);
}

/** @throws PixSyncError 42703: PostgreSQL's own word, for no schema cache stands before it. */
export function assertKnown({ definition: { columns, spec } }: MemoryTable, names: readonly string[]): void {
	const unknown = columns && names.find((name) => !Object.hasOwn(columns, name));
	if (unknown === undefined) return;
	throw toRefused(spec.table, {
		code: '42703',
		message: `column "${unknown}" of relation "${spec.table}" does not exist`,
	});
}
