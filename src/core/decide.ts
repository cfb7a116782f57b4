import type { ParkReason } from './conflict-record.ts';
import { isAgreed, isLocalDelete, type Sides } from './conflict-sides.ts';
import { unreachable } from './errors.ts';
import { type Merged, mergeColumns } from './merge-columns.ts';
import type { EditTime } from './mutation.ts';
import { isTombstone, versionOf } from './table-spec.ts';
import { toMicros } from './timestamp.ts';
import type { ConflictStrategy, Row } from './types.ts';

/** What a conflict is decided by: a strategy, or a row or a deletion that somebody made of it. */
export type Rule = ConflictStrategy | { readonly row: Row } | { readonly delete: true };

/** How a conflict ends. */
export type Resolution =
	/** The remote row stands and all local mutations fall. */
	| { readonly kind: 'remote-stands' }
	/** The local mutations are sent anew on the remote row, but for those in `lost`. */
	| { readonly kind: 'local-stands'; readonly lost: readonly number[] }
	/** Each column from the one side or the other; what is left of the local mutations is sent. */
	| { readonly kind: 'merged'; readonly merged: Merged }
	/** In place of the local mutations, the columns of `row` that differ from the remote row are sent. */
	| { readonly kind: 'replaced'; readonly row: Row }
	/** In place of the local mutations, a delete of the remote row is sent. */
	| { readonly kind: 'deleted' }
	/** The row is gone at the server and is made anew from the base with the local changes on it. */
	| { readonly kind: 'recreate'; readonly lost: readonly number[] }
	/** The remote deletion stands; the local edit becomes a dead letter, for it was made by a person (R20). */
	| { readonly kind: 'dead-letter' }
	/** Both sides want the same: there is nothing to decide. */
	| { readonly kind: 'agreed' }
	/** It waits until somebody decides. */
	| { readonly kind: 'park'; readonly reason: ParkReason };

export interface Conflict extends Sides {
	readonly rule: Rule;
	/** Server-adjusted ms of an edit. */
	readonly timeOf: (edit: EditTime) => number;
}

/** Decides a conflict by its rule (R19, R20). Pure: the same conflict always ends the same. */
export function decide(conflict: Conflict): Resolution {
	const { spec, rule, mutations, remote } = conflict;
	if (remote === null || isTombstone(spec, remote)) {
		return isLocalDelete(mutations) ? { kind: 'agreed' } : decideGone(conflict);
	}
	if (typeof rule === 'object') return 'row' in rule ? toReplaced(rule.row) : { kind: 'deleted' };
	switch (rule) {
		case 'local-wins':
		case 'remote-wins':
		case 'latest-wins':
			return decideWhole(conflict, lostMutations(conflict, rule, remote));
		case 'merge':
			return decideMerge(conflict);
		case 'manual':
			return isAgreed(conflict) ? { kind: 'agreed' } : { kind: 'park', reason: 'manual' };
		default:
			return unreachable(rule);
	}
}

/** A row there, and what of the local changes `lost`. */
function decideWhole({ mutations }: Conflict, lost: readonly number[]): Resolution {
	if (isLocalDelete(mutations)) {
		const last = mutations.at(-1);
		return last && lost.includes(last.seq) ? { kind: 'remote-stands' } : { kind: 'local-stands', lost: [] };
	}
	return lost.length === mutations.length ? { kind: 'remote-stands' } : { kind: 'local-stands', lost };
}

/** A local delete takes nothing away that somebody else has just worked on (R20). */
function decideMerge(conflict: Conflict): Resolution {
	if (isAgreed(conflict)) return { kind: 'agreed' };
	const merged = mergeColumns(conflict, conflict.timeOf);
	return merged ? { kind: 'merged', merged } : { kind: 'remote-stands' };
}

/** The server's row is gone, and it was edited here. */
function decideGone(conflict: Conflict): Resolution {
	const { rule, mutations, remote, base } = conflict;
	if (typeof rule === 'object') return 'row' in rule ? toReplaced(rule.row) : { kind: 'remote-stands' };
	// Without the base's columns, and with none of a tombstone's, there is nothing to make the row anew from.
	const isPossible =
		remote !== null || base.kind === 'held' || mutations.some(({ action }) => action === 'create');
	switch (rule) {
		case 'remote-wins':
			return { kind: 'dead-letter' };
		case 'local-wins':
			return isPossible ? { kind: 'recreate', lost: [] } : { kind: 'dead-letter' };
		case 'latest-wins': {
			// A hard delete left no time to compare with.
			if (remote === null) return { kind: 'dead-letter' };
			const lost = lostMutations(conflict, rule, remote);
			return lost.length === mutations.length ? { kind: 'dead-letter' } : { kind: 'recreate', lost };
		}
		case 'merge':
			return { kind: 'park', reason: 'edit-vs-delete' };
		case 'manual':
			return { kind: 'park', reason: 'manual' };
		default:
			return unreachable(rule);
	}
}

/** The mutations that lose to `remote`. Each is judged by its own time; a tie goes to the remote row. */
function lostMutations(
	{ spec, mutations, timeOf }: Conflict,
	rule: 'local-wins' | 'remote-wins' | 'latest-wins',
	remote: Row,
): number[] {
	if (rule === 'local-wins') return [];
	const remoteAt = toMicros(versionOf(spec, remote));
	return mutations
		.filter((mutation) => {
			if (rule === 'remote-wins' || remoteAt === null) return true;
			return BigInt(Math.round(timeOf(mutation) * 1000)) <= remoteAt;
		})
		.map((mutation) => mutation.seq);
}

function toReplaced(row: Row): Resolution {
	return { kind: 'replaced', row };
}
