import { PixSyncError } from '../../core/errors.ts';
import { isOurs } from '../../core/is-ours.ts';
import type { PushMutation, PushOutcome } from '../../core/mutation.ts';
import { isTombstone, type TableSpec, versionOf } from '../../core/table-spec.ts';
import { compareTimestamps } from '../../core/timestamp.ts';
import type { Row, RowId } from '../../core/types.ts';

/** A create that was not echoed met a row of that id: ours from before, or somebody's. */
export function judgeUnechoed(spec: TableSpec, mutation: PushMutation, row: Row | undefined): PushOutcome {
	if (!row) return { kind: 'rejected', error: refusal(spec, mutation.id, 'not-visible') };
	return toVerdict(spec, mutation, row);
}

/** A PATCH or DELETE hit no row: gone, done before, denied by a policy, or changed by somebody (F24). */
export function judgeMissed(spec: TableSpec, mutation: PushMutation, row: Row | undefined): PushOutcome {
	const isDelete = mutation.kind === 'delete';
	if (!row) return isDelete ? { kind: 'acknowledged', row: null } : { kind: 'conflict', remote: null };
	if (isDelete && isTombstone(spec, row)) return { kind: 'acknowledged', row };
	if (isSameVersion(versionOf(spec, row), mutation.base)) {
		return { kind: 'rejected', error: refusal(spec, mutation.id, 'denied') };
	}
	return toVerdict(spec, mutation, row);
}

function toVerdict(spec: TableSpec, mutation: PushMutation, row: Row): PushOutcome {
	return isOurs(spec, mutation, row)
		? { kind: 'acknowledged', row, isRepeated: true }
		: { kind: 'conflict', remote: row };
}

function isSameVersion(a: string | null, b: string | null): boolean {
	return a === null || b === null ? a === b : compareTimestamps(a, b) === 0;
}

/** What the server did without saying so. */
export function refusal(
	spec: TableSpec,
	id: RowId,
	code: 'denied' | 'not-visible' | 'bad-reply',
): PixSyncError {
	switch (code) {
		case 'denied':
			return new PixSyncError(code, 'The server changed nothing, though the row is unchanged', {
				fault: 'rejected',
				table: spec.table,
				id,
				hint: 'A row-level security policy forbids this change to this user.',
			});
		case 'not-visible':
			return new PixSyncError(code, 'The server took the row but does not show it', {
				fault: 'rejected',
				table: spec.table,
				id,
				hint: 'The id is taken by a row that this user may not see, or the SELECT policy hides the new row.',
			});
		case 'bad-reply':
			return new PixSyncError(code, 'The server did not tell what became of the row', {
				fault: 'no-answer',
				table: spec.table,
				id,
				hint: 'Sync asks again by itself.',
			});
	}
}
