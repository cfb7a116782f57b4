import { columnDiff, type Sides, sinceDelete } from './conflict-sides.ts';
import type { EditTime, Mutation } from './mutation.ts';
import { versionOf } from './table-spec.ts';
import { toMicros } from './timestamp.ts';
import type { Row } from './types.ts';

/** Two sides' changes of one row, put together column by column. */
export interface Merged {
	/** The local changes that go on, on the server's row, without the columns that fell away. */
	readonly remaining: readonly Mutation[];
	/** Seqs of those that fall away whole. */
	readonly removed: readonly number[];
	/** Columns whose local value stands. */
	readonly local: readonly string[];
	/** Columns that the other side changed and that stay as it left them. */
	readonly remote: readonly string[];
	/** Those of `remote` that had another value here. */
	readonly dropped: readonly string[];
}

/**
 * Three-way merge on the confirmed base (R19): a column changed on one side alone keeps that change. A column
 * changed on both sides to different values goes to the later one: the time of the mutation that set it last
 * against the time of the server's row; a tie goes to the server. What the local changes set and took back is no
 * change. Pure.
 * @returns null where one side deleted the row: that is no matter of columns.
 */
export function mergeColumns(sides: Sides, timeOf: (edit: EditTime) => number): Merged | null {
	const { spec, mutations, remote } = sides;
	const diff = columnDiff(sides);
	if (diff === null || remote === null) return null;
	const editing = sinceDelete(mutations);
	const remoteAt = toMicros(versionOf(spec, remote));
	const isLater = (column: string) => {
		const setter = editing.findLast(({ data }) => Object.hasOwn(data ?? {}, column));
		return setter !== undefined && remoteAt !== null && micros(timeOf(setter)) > remoteAt;
	};
	const local = [...diff.localOnly, ...diff.both.filter(isLater)];
	const dropped = diff.both.filter((column) => !local.includes(column));
	const stands = new Set(local);
	const remaining = editing
		.map((mutation) => onServerRow(mutation, stands))
		.filter(({ data }) => Object.keys(data ?? {}).length > 0);
	const kept = new Set(remaining.map(({ seq }) => seq));
	return {
		remaining,
		removed: mutations.map(({ seq }) => seq).filter((seq) => !kept.has(seq)),
		local,
		remote: [...diff.remoteOnly, ...dropped],
		dropped,
	};
}

/** A create met a row that is there already: all that is left of it is a change of that row. */
function onServerRow(mutation: Mutation, columns: ReadonlySet<string>): Mutation {
	const data: Row = Object.fromEntries(
		Object.entries(mutation.data ?? {}).filter(([column]) => columns.has(column)),
	);
	return { ...mutation, action: 'update', data };
}

function micros(ms: number): bigint {
	return BigInt(Math.round(ms * 1000));
}
