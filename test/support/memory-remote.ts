import type { PullStart } from '../../src/core/checkpoint.ts';
import { PixSyncError, type PixSyncErrorCode } from '../../src/core/errors.ts';
import { type TableSpec, versionOf } from '../../src/core/table-spec.ts';
import { toMicros, toTimestampText } from '../../src/core/timestamp.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import type { Remote } from '../../src/services/remote.ts';
import { throwIfAborted } from '../../src/services/run.ts';
import { toRefused } from './memory-errors.ts';
import { carryOutPush, type PushOptions, type PushStatement } from './memory-push.ts';
import { columnsOf, compareIds, isSelected, project } from './memory-query.ts';
import type { MemoryTable } from './memory-table.ts';

/** One call of a device's remote, as the request log keeps it. */
export interface RemoteCall {
	/** 1 for the server's first call; grows with each, whoever makes it. */
	readonly order: number;
	/** The device's name. */
	readonly by: string;
	readonly method: 'pull' | 'push' | 'fetch' | 'listKeys';
	readonly table: string;
	/** Of a push and a fetch, in the order given; else empty. */
	readonly ids: readonly RowId[];
}

export type StatementHook = (call: RemoteCall, statement: PushStatement) => Promise<void> | void;

/**
 * What happens to a device's calls on their way. Each hook is waited for; what it throws (a PixSyncError, as of
 * memory-errors.ts) is what the device gets. An abort ends the wait.
 */
export interface RemoteHooks {
	/** Before the server hears of the call: a throw loses the request. */
	readonly before?: ((call: RemoteCall) => Promise<void> | void) | undefined;
	/** After the server has carried the call out: a throw loses the whole reply. */
	readonly after?: ((call: RemoteCall) => Promise<void> | void) | undefined;
	/** Before each statement of a push: others may write here, and a throw loses this statement and the rest. */
	readonly beforeStatement?: StatementHook | undefined;
	/** After each statement of a push: a throw loses its reply, and leaves the rest unsent. */
	readonly afterStatement?: StatementHook | undefined;
}

export interface MemoryRemoteOptions extends RemoteHooks {
	readonly by: string;
	readonly tables: ReadonlyMap<string, MemoryTable>;
	/** Server ms. */
	readonly now: () => number;
	/** The most rows that one answer holds. */
	readonly maxRows: () => number;
	/** Enters a call in the log. */
	readonly open: (call: Omit<RemoteCall, 'order'>) => RemoteCall;
}

export function createMemoryRemote(options: MemoryRemoteOptions): Remote {
	const { by, tables, now, maxRows } = options;
	// As the REST transport, which cannot see the server's cap, learns where a page may end (F14).
	let longestPage = 0;

	async function call<T>(
		{ method, spec, ids = [] }: { method: RemoteCall['method']; spec: TableSpec; ids?: readonly RowId[] },
		signal: AbortSignal,
		carryOut: (pause: PushOptions['pause']) => T | Promise<T>,
	): Promise<T> {
		throwIfAborted(signal);
		const opened = options.open({ by, method, table: spec.table, ids });
		const wait = async (work: Promise<void> | void) => {
			if (work) await untilAborted(work, signal);
			throwIfAborted(signal);
		};
		await wait(options.before?.(opened));
		const answer = await carryOut((moment, statement) =>
			wait(
				moment === 'before'
					? options.beforeStatement?.(opened, statement)
					: options.afterStatement?.(opened, statement),
			),
		);
		await wait(options.after?.(opened));
		return answer;
	}

	function tableOf(spec: TableSpec): MemoryTable {
		const table = tables.get(spec.table);
		if (table) return table;
		throw toRefused(spec.table, { code: '42P01', message: `relation "${spec.table}" does not exist` });
	}

	/** Rows that the device may see, in pull order. */
	function visibleRows(spec: TableSpec): readonly Row[] {
		const { inOrder, definition } = tableOf(spec);
		return definition.isHidden ? inOrder.filter((row) => !definition.isHidden?.(row)) : inOrder;
	}

	/** @throws PixSyncError 42703 for a column asked for that the table does not have. */
	function answerWith(spec: TableSpec, select: string, rows: readonly Row[]): readonly Row[] {
		const { columns } = tableOf(spec).definition;
		const unknown = columns && columnsOf(select).find((column) => !Object.hasOwn(columns, column));
		if (unknown === undefined) return rows.slice(0, maxRows()).map((row) => project(select, row));
		throw toRefused(spec.table, {
			code: '42703',
			message: `column ${spec.table}.${unknown} does not exist`,
		});
	}

	return {
		isExactlyOnce: () => false,
		log: null,
		pull: ({ spec, start, limit, keysOnly }, signal) => {
			const sentAt = toTimestampText(BigInt(Math.floor(now() / 1000)) * 1_000_000n);
			return call({ method: 'pull', spec }, signal, () => {
				assertPullable(tables.get(spec.table), spec);
				const behind = visibleRows(spec).filter(
					(row) => isSelected(spec.filter, row) && isBehind(spec, row, start),
				);
				const rows = answerWith(spec, keysOnly ? keysOf(spec) : spec.select, behind.slice(0, limit));
				const unstamped = rows.find((row) => versionOf(spec, row) === null);
				if (unstamped) throw timestampNull(spec, unstamped);
				const isHead = rows.length === 0 || rows.length < Math.min(limit, longestPage);
				longestPage = Math.max(longestPage, rows.length);
				return { rows, sentAt, isHead };
			});
		},

		push: (spec, mutations, signal) => {
			const ids = mutations.map(({ id }) => id);
			return call({ method: 'push', spec, ids }, signal, (pause) =>
				carryOutPush(tableOf(spec), spec, mutations, { by, pause }),
			);
		},

		fetch: (spec, ids, signal, scope) =>
			call({ method: 'fetch', spec, ids }, signal, () => {
				const byText = new Map(ids.map((id) => [String(id), id]));
				const found = visibleRows(spec).filter(
					(row) =>
						byText.has(String(row[spec.idField])) && (scope === 'visible' || isSelected(spec.filter, row)),
				);
				// The transport asks again for what a cap cut off, so that no cap shows here.
				const answer = new Map<RowId, Row>();
				for (const row of found) {
					const id = byText.get(String(row[spec.idField]));
					if (id !== undefined) answer.set(id, answerWith(spec, spec.select, [row])[0] ?? row);
				}
				longestPage = Math.max(longestPage, Math.min(answer.size, maxRows()));
				return answer;
			}),

		listKeys: (spec, after, limit, signal) =>
			call({ method: 'listKeys', spec }, signal, () => {
				const idOf = (row: Row) => row[spec.idField] as RowId;
				const behind = visibleRows(spec).filter(
					(row) => isSelected(spec.filter, row) && (after === null || compareIds(idOf(row), after) > 0),
				);
				const sorted = [...behind].sort((a, b) => compareIds(idOf(a), idOf(b)));
				return answerWith(spec, keysOf(spec), sorted.slice(0, limit));
			}),
	};
}

/** Waits for a hook, or rejects with `superseded` at once when the signal aborts. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
	let stop: () => void = () => undefined;
	const aborted = new Promise<void>((resolve) => {
		stop = resolve;
		signal.addEventListener('abort', stop, { once: true });
	});
	// What the hook says after that, nobody hears.
	work.catch(() => undefined);
	try {
		await Promise.race([work, aborted]);
	} finally {
		signal.removeEventListener('abort', stop);
	}
}

function isBehind(spec: TableSpec, row: Row, start: PullStart | null): boolean {
	if (start === null) return true;
	const [at, from] = [toMicros(versionOf(spec, row)), toMicros(start.timestamp)];
	if (at === null || from === null) return false;
	if (start.id === null) return at >= from;
	return at > from || (at === from && compareIds(row[spec.idField] as RowId, start.id) > 0);
}

function keysOf(spec: TableSpec): string {
	return [spec.idField, spec.timestampField, ...(spec.deleted ? [spec.deleted.field] : [])].join(',');
}

/** @throws PixSyncError `unknown-table`, `timestamp-missing`. */
function assertPullable(table: MemoryTable | undefined, spec: TableSpec): void {
	const { timestampField: column } = spec;
	if (!table) throw lacks(spec, 'unknown-table', `The server has no table "${spec.table}"`);
	const { columns } = table.definition;
	if (!columns || Object.hasOwn(columns, column)) return;
	throw lacks(spec, 'timestamp-missing', `The table has no column "${column}"`);
}

function lacks({ table }: TableSpec, code: PixSyncErrorCode, message: string): PixSyncError {
	return new PixSyncError(code, message, { fault: 'fatal', table, hint: 'Add it, or correct its name.' });
}

function timestampNull(spec: TableSpec, row: Row): PixSyncError {
	return new PixSyncError('timestamp-null', `A row has no "${spec.timestampField}"`, {
		fault: 'fatal',
		table: spec.table,
		id: row[spec.idField] as RowId,
		hint: 'Fill the column, and make it NOT NULL.',
	});
}
