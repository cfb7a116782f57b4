import type { Base, Mutation } from './mutation.ts';
import { replay } from './replay.ts';
import { type ThreeWayDiff, threeWayDiff } from './row-diff.ts';
import { isTombstone, type TableSpec } from './table-spec.ts';
import type { ConflictContext, Row } from './types.ts';

/** What is known of a conflict's sides. */
export interface Sides {
	readonly spec: TableSpec;
	readonly base: Base;
	/** The row's dirty mutations in queue order; at least one. */
	readonly mutations: readonly Mutation[];
	/** The newest server row, a tombstone included; null: gone. */
	readonly remote: Row | null;
}

/** The three rows as a person or a resolver sees them; null: deleted or unknown. A tombstone is a deleted row. */
export function rowsOf(sides: Sides): Pick<ConflictContext, 'base' | 'local' | 'remote'> {
	const { spec, base, mutations } = sides;
	const isLive = (row: Row | null): row is Row => row !== null && !isTombstone(spec, row);
	const remote = isLive(sides.remote) ? sides.remote : null;
	// Of a row that was never held, the server's row tells what the changes were made on, as far as anybody knows.
	const known: Base = base.kind === 'unknown' && remote ? { kind: 'held', row: remote } : base;
	return {
		base: base.kind === 'held' && isLive(base.row) ? base.row : null,
		local: replay(spec, known, mutations),
		remote,
	};
}

/**
 * The conflict by column, the id and the timestamp left out; null where one side deleted the row. Without a known
 * base (R2) every column that was set here counts as changed, and so does every column of the server's row.
 */
export function columnDiff({ spec, base, mutations, remote }: Sides): ThreeWayDiff | null {
	if (remote === null || isTombstone(spec, remote) || isLocalDelete(mutations)) return null;
	const diff = threeWayDiff(base.kind === 'held' ? base.row : null, columnsSet(mutations), remote);
	const ownColumns = (columns: readonly string[]) =>
		columns.filter((column) => column !== spec.idField && column !== spec.timestampField);
	return {
		localOnly: ownColumns(diff.localOnly),
		remoteOnly: ownColumns(diff.remoteOnly),
		both: ownColumns(diff.both),
		same: ownColumns(diff.same),
	};
}

/** Whether both sides want the same: there is nothing to decide. */
export function isAgreed(sides: Sides): boolean {
	const { spec, mutations, remote } = sides;
	const isGone = remote === null || isTombstone(spec, remote);
	if (isGone) return isLocalDelete(mutations);
	// A row deleted and made anew here lacks columns that the server's row has.
	if (mutations.some(({ action }) => action === 'delete')) return false;
	const diff = columnDiff(sides);
	return diff !== null && diff.localOnly.length === 0 && diff.both.length === 0;
}

export function isLocalDelete(mutations: readonly Mutation[]): boolean {
	return mutations.at(-1)?.action === 'delete';
}

/** Of a row that was deleted here and made anew, the mutations that made it anew; else all. */
export function sinceDelete(mutations: readonly Mutation[]): readonly Mutation[] {
	return mutations.slice(mutations.findLastIndex(({ action }) => action === 'delete') + 1);
}

function columnsSet(mutations: readonly Mutation[]): Row {
	return Object.assign({}, ...sinceDelete(mutations).map(({ data }) => data ?? {})) as Row;
}
