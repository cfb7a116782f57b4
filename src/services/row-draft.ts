import { PixSyncError } from '../core/errors.ts';
import { isSameJson } from '../core/json.ts';
import type { Mutation } from '../core/mutation.ts';
import { isTombstone, type TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import type { CheckedAction } from './action.ts';
import type { BaseRecord } from './stores.ts';

/** One row while a transaction works out what to write: what was read of it, then what becomes of it. */
export interface RowDraft {
	readonly view: Row | null;
	readonly isDirty: boolean;
	readonly base: BaseRecord | null;
	/** Whether `base` is to be stored, beside the first mutation of a clean row. */
	readonly isBaseNew: boolean;
}

/** What one action comes to. `queued` null: nothing changes, so that nothing is queued. */
export interface DraftStep {
	readonly draft: RowDraft;
	readonly queued: Pick<Mutation, 'action' | 'data'> | null;
}

/** Applies one action to a row's draft (R1, R2). @throws PixSyncError `row-exists`, `not-found`. */
export function draftAction(action: CheckedAction, id: RowId, draft: RowDraft): DraftStep {
	switch (action.action) {
		case 'create':
			return draftCreate(action, id, draft);
		case 'update':
			return draftUpdate(action, id, draft);
		case 'delete':
			return draftDelete(action.spec, id, draft);
	}
}

function draftCreate({ spec, data }: CheckedAction, id: RowId, draft: RowDraft): DraftStep {
	if (draft.view) {
		throw new PixSyncError('row-exists', `Table "${spec.table}": row ${JSON.stringify(id)} exists`, {
			table: spec.table,
			id,
			hint: "Use 'update' to change it, or create with another id.",
		});
	}
	return {
		draft: { ...draft, view: { ...data, [spec.idField]: id }, isDirty: true },
		queued: { action: 'create', data: data ?? {} },
	};
}

function draftUpdate({ spec, data }: CheckedAction, id: RowId, draft: RowDraft): DraftStep {
	const changes: Record<string, unknown> = {};
	for (const [column, value] of Object.entries(data ?? {})) {
		// The server makes the version; an app that passes the whole row back does not mean to set it.
		if (column === spec.timestampField) continue;
		if (draft.view && isSameJson(draft.view[column], value)) continue;
		changes[column] = value;
	}
	if (isDeletedHere(draft)) {
		throw new PixSyncError('not-found', `Table "${spec.table}": row ${JSON.stringify(id)} was deleted here`, {
			table: spec.table,
			id,
			hint: 'Create it anew if it should come back.',
		});
	}
	if (Object.keys(changes).length === 0) return { draft, queued: null };
	const view = draft.view ? { ...draft.view, ...changes } : null;
	return {
		draft: { ...withBase(spec, id, draft), view, isDirty: true },
		queued: { action: 'update', data: changes },
	};
}

function draftDelete(spec: TableSpec, id: RowId, draft: RowDraft): DraftStep {
	// Deleted here before, and not yet confirmed: once is enough.
	if (isDeletedHere(draft)) return { draft, queued: null };
	return {
		draft: { ...withBase(spec, id, draft), view: null, isDirty: true },
		queued: { action: 'delete', data: null },
	};
}

/** A clean row's view is what the server holds; a row that is not held has an unknown base (R2). */
function withBase(spec: TableSpec, id: RowId, draft: RowDraft): RowDraft {
	if (draft.isDirty || draft.base) return draft;
	const isHeld = draft.view !== null && !isTombstone(spec, draft.view);
	const base =
		isHeld && draft.view ? { kind: 'held' as const, row: draft.view } : { kind: 'unknown' as const };
	return { ...draft, base: { table: spec.table, id, base }, isBaseNew: true };
}

function isDeletedHere(draft: RowDraft): boolean {
	return !draft.view && draft.isDirty && draft.base?.base.kind !== 'unknown';
}
