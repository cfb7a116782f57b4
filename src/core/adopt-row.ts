import type { Base, Mutation } from './mutation.ts';
import { type TableSpec, versionOf } from './table-spec.ts';
import { compareTimestamps, toMicros } from './timestamp.ts';
import type { Row } from './types.ts';

/** What is known of the server's row: confirmed under the changes, and a newer one seen since; undefined: none was. */
export interface ServerView {
	readonly base: Base;
	readonly remote?: Row | null;
}

/**
 * What a row's changes that were made signed out stand on, once they are the user's.
 *
 * Where the user's replica holds the row too, and nothing of it waits there: a row made signed out under an id
 * that the server has is a conflict, and so is a change of a row that has moved on since; the table's strategy
 * decides it, as any other. A blind change, of a row that nobody held, now has a row to stand on, unless that is
 * newer than the change: then the upload compares (R2).
 * @param own the user's clean row; null: not held.
 */
export function adoptedBase(
	spec: TableSpec,
	changes: readonly Pick<Mutation, 'queuedAt' | 'clockOffset'>[],
	theirs: ServerView,
	own: Row | null,
): ServerView {
	if (!own) return theirs;
	switch (theirs.base.kind) {
		case 'absent':
			return { base: theirs.base, remote: own };
		case 'held':
			return { base: theirs.base, ...newest(spec, theirs, own, theirs.base.row) };
		case 'unknown': {
			const ownAt = toMicros(versionOf(spec, own));
			const isNewer = changes.some(
				({ queuedAt, clockOffset }) =>
					ownAt === null || ownAt > BigInt(Math.round((queuedAt + (clockOffset ?? 0)) * 1000)),
			);
			return { base: isNewer ? theirs.base : { kind: 'held', row: own } };
		}
	}
}

/** The newer server row that either replica has seen; none where neither is newer than the confirmed one. */
function newest(spec: TableSpec, { remote }: ServerView, own: Row, base: Row): Pick<ServerView, 'remote'> {
	const seen = remote ?? base;
	const isOwnNewer = compareVersions(spec, own, seen) > 0;
	if (isOwnNewer) return { remote: own };
	return remote === undefined ? {} : { remote };
}

function compareVersions(spec: TableSpec, a: Row, b: Row): number {
	const [versionA, versionB] = [versionOf(spec, a), versionOf(spec, b)];
	if (!versionA || !versionB) return 0;
	return compareTimestamps(versionA, versionB);
}
