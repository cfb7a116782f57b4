import { PixSyncError } from '../../src/core/errors.ts';
import { compareTimestamps } from '../../src/core/timestamp.ts';
import type { FilterOperator, Row, RowFilter, RowId, Scalar } from '../../src/core/types.ts';
import type { ToldColumn } from '../../src/services/rpc/told-columns.ts';
import { toRefused } from './memory-errors.ts';
import { type Caller, isVisible } from './memory-policies.ts';
import { compareIds, isSelected } from './memory-query.ts';
import { assertKnown, tell } from './memory-rpc.ts';
import { type Change, type MemoryTable, toServerText } from './memory-table.ts';

/** The argument `request` of the function. */
export interface PullCall {
	readonly limit: number;
	readonly pulls: readonly TablePull[];
}

interface TablePull {
	readonly table: string;
	readonly key: string;
	readonly stamp: string;
	readonly columns: readonly ToldColumn[];
	readonly filter: readonly {
		readonly column: string;
		readonly op: FilterOperator;
		readonly value: Scalar;
	}[];
	readonly cursor?: string;
	readonly from?: string;
}

/** As src/sql/pull-sql.ts tells them; a snapshot is the number of the last write that it shows. */
interface Place {
	readonly seen?: number;
	readonly first?: number;
	readonly key?: RowId;
	readonly from?: string;
	readonly behind?: number;
}

interface Entry {
	readonly order: number;
	readonly table: string;
	readonly id: RowId;
	readonly before: Row | null;
}

/** What came of one entry: told, or nothing for this caller. */
interface Found {
	readonly what: 'rows' | 'gone' | 'left';
	readonly body: Row;
	readonly place: Pick<Place, 'key' | 'behind'>;
}

/** The log of changes and `pixsync_pull`. In memory a write is there as it is committed, so that the order of writes is that of commits. */
export interface PullProject {
	note(table: MemoryTable, changes: readonly Change[]): void;
	answer(call: PullCall, caller: Caller, registered: ReadonlySet<string>): readonly Row[];
}

export function createPullProject(tables: ReadonlyMap<string, MemoryTable>, now: () => number): PullProject {
	const log: Entry[] = [];
	const rows = new Map<string, Row>();
	const newest = new Map<string, number>();

	function placeOf({ cursor }: TablePull): Place | null {
		try {
			const place = JSON.parse(cursor ?? 'null') as Place | null;
			return place && (place.seen ?? place.first ?? Number.POSITIVE_INFINITY) <= log.length ? place : null;
		} catch {
			return null;
		}
	}

	/** Rows in the order of their keys. */
	function* scan(caller: Caller, table: MemoryTable, ask: TablePull, place: Place): Generator<Found> {
		const { key, from } = place;
		const sorted = [...table.inOrder].sort((a, b) => compareIds(a[ask.key] as RowId, b[ask.key] as RowId));
		for (const row of sorted) {
			const id = row[ask.key] as RowId;
			if (key !== undefined && compareIds(id, key) <= 0) continue;
			if (from !== undefined && compareTimestamps(String(row[ask.stamp]), from) < 0) continue;
			if (!isVisible(caller, table, row) || !isSelected(toFilter(ask), row)) continue;
			yield { what: 'rows', body: tell(ask, row), place: { key: id } };
		}
	}

	/** Entries that the device has not seen, as far as the pull's first page shows them. */
	function* follow(
		caller: Caller,
		table: MemoryTable,
		ask: TablePull,
		{ from, to }: { readonly from: number; readonly to: number },
	): Generator<Found> {
		const gone = new Set<RowId>();
		for (const { order, table: name, id, before } of log.slice(from, to)) {
			if (name !== ask.table) continue;
			const row = table.get(id);
			const place = { behind: order };
			if (row && isVisible(caller, table, row)) {
				if (newest.get(`${name} ${id}`) !== order) continue;
				const isIn = isSelected(toFilter(ask), row);
				yield { what: isIn ? 'rows' : 'left', body: isIn ? tell(ask, row) : tellKey(ask, row), place };
			} else if (before && isVisible(caller, table, before) && !gone.has(id)) {
				gone.add(id);
				yield { what: 'gone', body: tellKey(ask, before), place };
			}
		}
	}

	function pull(ask: TablePull, most: number, caller: Caller, registered: ReadonlySet<string>): Row {
		const table = tables.get(ask.table);
		const refuse = (code: string, message: string) => toRefused(ask.table, { code, message });
		if (!table) throw refuse('42P01', `relation "${ask.table}" does not exist`);
		if (!registered.has(ask.table) || table.definition.spec.idField !== ask.key)
			throw refuse('PX001', `Table "${ask.table}" is not prepared for pulls by "${ask.key}"`);
		assertKnown(table, [
			ask.stamp,
			...ask.columns.map(({ column }) => column).filter((name) => name !== '*'),
		]);
		const known = placeOf(ask);
		const isReset = known === null && ask.cursor !== undefined;
		const place: Place = known ?? (isReset || ask.from === undefined ? {} : { from: ask.from });
		const first = place.first ?? log.length;
		const all =
			place.seen === undefined
				? scan(caller, table, ask, place)
				: follow(caller, table, ask, { from: place.behind ?? place.seen, to: first });
		const found: Found[] = [];
		for (const one of all) if (found.push(one) > most) break;
		const page = found.slice(0, most);
		const more = found.length > most;
		const bodies = (what: Found['what']) => page.filter((one) => one.what === what).map(({ body }) => body);
		const next: Place = more ? { ...place, first, ...page.at(-1)?.place } : { seen: first };
		return {
			...{ rows: bodies('rows'), gone: bodies('gone'), left: bodies('left') },
			...{ more, cursor: JSON.stringify(next), reset: isReset },
			...{ compare: isReset || place.from !== undefined, tellsAll: true },
			at: toServerText(BigInt(Math.floor(now() * 1000))),
		};
	}

	return {
		note({ definition: { spec } }, changes) {
			for (const { id, row } of changes) {
				const name = `${spec.table} ${id}`;
				log.push({ order: log.length + 1, table: spec.table, id, before: rows.get(name) ?? null });
				newest.set(name, log.length);
				if (row) rows.set(name, row);
				else rows.delete(name);
			}
		},
		answer({ limit, pulls }, caller, registered) {
			let room = limit;
			return pulls.map((ask, at) => {
				try {
					const page = pull(ask, Math.max(1, Math.floor(room / (pulls.length - at))), caller, registered);
					room -= [page.rows, page.gone, page.left].reduce<number>(
						(sum, list) => sum + (list as Row[]).length,
						0,
					);
					return page;
				} catch (error) {
					if (!(error instanceof PixSyncError)) throw error;
					return { error: { code: error.code, message: error.message, hint: '' } };
				}
			});
		},
	};
}

function toFilter({ filter }: TablePull): RowFilter {
	return Object.fromEntries(filter.map(({ column, op, value }) => [column, { op, value }]));
}

/** The key alone, as the rows tell it. */
function tellKey({ key, columns }: TablePull, row: Row): Row {
	const own = columns.find(({ column, as = column }) => column !== '*' && as === key);
	return tell({ columns: [own ?? { column: key }] }, row);
}
