export interface Row {
	readonly id: string;
	readonly updated_at: string;
	readonly [column: string]: unknown;
}

export type Columns = Record<string, unknown> & { readonly id: string };

/** The rows of one table in memory, and every change in the order of its stamp. */
export interface EmulatedTable {
	readonly size: number;
	get(id: string): Row | undefined;
	/** The row as JSON, kept: a benchmark must not measure its server. */
	json(id: string): string | undefined;
	/** Stamps and stores. */
	put(columns: Columns): Row;
	/** The ids of rows whose last change is later than `stamp`, or as late, the oldest first. */
	after(stamp: string, isInclusive: boolean, limit: number): string[];
	/** The same by the number of changes before it, with the number that each has. */
	since(position: number, limit: number): readonly { readonly id: string; readonly position: number }[];
	/** Empties the table and fills it with so many rows. */
	fill(rows: number): void;
	/** Somebody else gives the first so many rows a new title, a second later. */
	change(rows: number, title: string): void;
}

interface Change {
	readonly at: string;
	readonly id: string;
}

/** Between two changes: in clocks of milliseconds they are not at the same time, either. */
const STEP_US = 1_001;

const START_US = Date.parse('2026-01-01T00:00:00Z') * 1000;

export function createEmulatedTable(): EmulatedTable {
	const rows = new Map<string, { readonly row: Row; readonly json: string }>();
	/** All but a row's last are stale. */
	let changes: Change[] = [];
	let clockUs = START_US;

	const isLast = ({ at, id }: Change) => rows.get(id)?.row.updated_at === at;

	function put(columns: Columns): Row {
		clockUs += STEP_US;
		const at = toTimestamp(clockUs);
		const row: Row = { ...columns, updated_at: at };
		rows.set(row.id, { row, json: JSON.stringify(row) });
		changes.push({ at, id: row.id });
		return row;
	}

	function since(position: number, limit: number) {
		const found: { id: string; position: number }[] = [];
		for (let at = position; at < changes.length && found.length < limit; at++) {
			const change = changes[at];
			if (change && isLast(change)) found.push({ id: change.id, position: at + 1 });
		}
		return found;
	}

	return {
		get size() {
			return rows.size;
		},
		get: (id) => rows.get(id)?.row,
		json: (id) => rows.get(id)?.json,
		put,
		since,
		after(stamp, isInclusive, limit) {
			let [low, high] = [0, changes.length];
			while (low < high) {
				const middle = (low + high) >> 1;
				const at = changes[middle]?.at ?? '';
				if (isInclusive ? at < stamp : at <= stamp) low = middle + 1;
				else high = middle;
			}
			return since(low, limit).map(({ id }) => id);
		},
		fill(count) {
			rows.clear();
			changes = [];
			for (let n = 0; n < count; n++) put(newRow(n));
		},
		change(count, title) {
			clockUs += 1_000_000;
			let left = count;
			for (const [id, { row }] of [...rows]) {
				if (left-- === 0) return;
				put({ ...row, id, title });
			}
		},
	};
}

/** The id of a row that {@link EmulatedTable.fill} makes. */
export function idOf(n: number): string {
	return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

/** About 320 bytes of JSON. */
function newRow(n: number): Columns {
	return {
		id: idOf(n),
		title: `Note ${n}`,
		body: 'lorem ipsum dolor sit amet '.repeat(7),
		n,
		done: n % 2 === 0,
	};
}

function toTimestamp(us: number): string {
	return `${new Date(Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}+00:00`;
}
