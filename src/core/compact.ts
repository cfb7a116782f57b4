import { isSameJson } from './json.ts';
import type { Base, Mutation } from './mutation.ts';
import { isTombstone, type TableSpec } from './table-spec.ts';
import type { Row } from './types.ts';

/** What a row's pending mutations come to. */
export interface Compacted {
	/** Mutations that undo each other and were never sent: they leave the outbox unsent. */
	readonly cancelled: readonly number[];
	readonly intent: Intent | null;
}

/** `none`: the server already holds what the covered mutations want; no request is needed. */
export interface Intent {
	readonly kind: 'create' | 'update' | 'delete' | 'none';
	readonly seqs: readonly number[];
	/** create: the row; update: the columns that differ from the base; else empty. */
	readonly columns: Row;
}

/**
 * Compacts one row's pending mutations, none of which was ever sent, to one intent (R16):
 * create+update → create · update+update → one patch · create+delete → nothing · update+delete → delete ·
 * delete+create → the delete now, the create by the next call · create over a tombstone → a patch that clears it.
 * @param mutations one row's, in queue order.
 */
export function compact(spec: TableSpec, mutations: readonly Mutation[], base: Base): Compacted {
	const isAbsent = base.kind === 'absent' || (base.kind === 'held' && isTombstone(spec, base.row));
	const cancelled: number[] = [];
	let kind: 'create' | 'update' | 'delete' | null = null;
	let seqs: number[] = [];
	let columns: Row = {};
	for (const mutation of mutations) {
		if (kind === 'delete') break;
		if (mutation.action === 'delete' && kind === 'create' && isAbsent) {
			cancelled.push(...seqs, mutation.seq);
			kind = null;
			seqs = [];
			columns = {};
			continue;
		}
		seqs.push(mutation.seq);
		if (mutation.action === 'delete') {
			kind = 'delete';
			columns = {};
		} else {
			columns = { ...columns, ...mutation.data };
			if (mutation.action === 'create') kind = 'create';
			else kind ??= 'update';
		}
	}
	if (kind === null) return { cancelled, intent: null };
	return { cancelled, intent: onBase(spec, base, { kind, seqs, columns }) };
}

/** A create over a row that the server holds is a patch; a patch sends only what differs. */
function onBase(spec: TableSpec, base: Base, intent: Intent): Intent {
	if (base.kind !== 'held' || intent.kind === 'delete') return intent;
	const columns: Record<string, unknown> = {};
	for (const [column, value] of Object.entries(intent.columns)) {
		if (column === spec.idField || isSameJson(base.row[column], value)) continue;
		columns[column] = value;
	}
	// An update alone brings nothing back (S9).
	if (spec.deleted && intent.kind === 'create' && isTombstone(spec, base.row)) {
		columns[spec.deleted.field] = spec.deleted.type === 'boolean' ? false : null;
	}
	const kind = Object.keys(columns).length === 0 ? 'none' : 'update';
	return { kind, seqs: intent.seqs, columns };
}
