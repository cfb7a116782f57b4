import type { EditTime, Mutation } from './mutation.ts';
import { isTombstone, type Strategy, type TableSpec, versionOf } from './table-spec.ts';
import { toMicros } from './timestamp.ts';
import type { Row } from './types.ts';

/** How a conflict ends. */
export type Resolution =
	/** The remote row stands and all local mutations fall. */
	| { readonly kind: 'remote-stands' }
	/** The local mutations are sent anew on the remote row, but for those in `lost`. */
	| { readonly kind: 'local-stands'; readonly lost: readonly number[] }
	/** The row is gone at the server and is made anew from the base with the local changes on it. */
	| { readonly kind: 'recreate'; readonly lost: readonly number[] }
	/** The remote deletion stands; the local edit becomes a dead letter, for it was made by a person (R20). */
	| { readonly kind: 'dead-letter' }
	/** Both sides deleted the row: there is nothing to decide. */
	| { readonly kind: 'agreed' };

export interface Conflict {
	readonly spec: TableSpec;
	/** The row's pending mutations in queue order; at least one. */
	readonly mutations: readonly Mutation[];
	/** The newest server row; null: gone. */
	readonly remote: Row | null;
	/** Whether the row as it was before the local changes is known. */
	readonly isBaseKnown: boolean;
	/** Server-adjusted ms of an edit. */
	readonly timeOf: (edit: EditTime) => number;
}

/** Decides a conflict by the table's strategy (R19, R20). Pure: the same conflict always ends the same. */
export function decide(conflict: Conflict): Resolution {
	const { spec, mutations, remote } = conflict;
	const isGone = remote === null || isTombstone(spec, remote);
	const isLocalDelete = mutations.at(-1)?.action === 'delete';
	if (isGone) return isLocalDelete ? { kind: 'agreed' } : decideGone(conflict);
	const lost = lostMutations(conflict, spec.strategy, remote);
	if (isLocalDelete) {
		const last = mutations.at(-1);
		return last && lost.includes(last.seq) ? { kind: 'remote-stands' } : { kind: 'local-stands', lost: [] };
	}
	return lost.length === mutations.length ? { kind: 'remote-stands' } : { kind: 'local-stands', lost };
}

function decideGone(conflict: Conflict): Resolution {
	const { spec, mutations, remote, isBaseKnown } = conflict;
	// Without the base's columns, and with none of a tombstone's, there is nothing to make the row anew from.
	const isPossible = remote !== null || isBaseKnown || mutations.some((m) => m.action === 'create');
	if (!isPossible) return { kind: 'dead-letter' };
	switch (spec.strategy) {
		case 'remote-wins':
			return { kind: 'dead-letter' };
		case 'local-wins':
			return { kind: 'recreate', lost: [] };
		case 'latest-wins': {
			// A hard delete left no time to compare with.
			if (remote === null) return { kind: 'dead-letter' };
			const lost = lostMutations(conflict, spec.strategy, remote);
			return lost.length === mutations.length ? { kind: 'dead-letter' } : { kind: 'recreate', lost };
		}
	}
}

/** The mutations that lose to `remote`. Each is judged by its own time; a tie goes to the remote row. */
function lostMutations({ spec, mutations, timeOf }: Conflict, strategy: Strategy, remote: Row): number[] {
	if (strategy === 'local-wins') return [];
	const remoteAt = toMicros(versionOf(spec, remote));
	return mutations
		.filter((mutation) => {
			if (strategy === 'remote-wins' || remoteAt === null) return true;
			return BigInt(Math.round(timeOf(mutation) * 1000)) <= remoteAt;
		})
		.map((mutation) => mutation.seq);
}
