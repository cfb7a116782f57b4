import type { Base, Mutation } from '../core/mutation.ts';
import { replay } from '../core/replay.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { deleteBases } from './bases.ts';
import { deleteDense } from './dense-range.ts';
import { noteRewritten } from './queue-look.ts';
import type { BaseRecord, Stores } from './stores.ts';

/** What becomes of one row in a transaction: its new base, and which mutations stay pending on it. */
export interface RowChange {
	readonly id: RowId;
	/** The id that the row went by until now, which the server has given another. */
	readonly formerId?: RowId;
	readonly base: Base;
	/** The mutations that stay, in queue order. */
	readonly remaining: readonly Mutation[];
	/** Mutations that leave the outbox. */
	readonly removed: readonly number[];
	/** Mutations that stay in the outbox in another form: rewritten, or as a dead letter. */
	readonly rewritten?: readonly Mutation[];
	/** A server row newer than `base` that still waits to be resolved; undefined: none. */
	readonly remote?: Row | null;
	/** The server has just told `remote`: it is no look from before, although its version is no later than the base's. */
	readonly isNews?: true;
	/** It waits for somebody's decision: nothing of the row is sent until then. */
	readonly parked?: true;
}

/**
 * Collects what happens to rows and writes it in one go: the outbox, the base records, and the view, which is
 * always its base with the remaining mutations replayed on it (R6). Every write-back of a server's answer ends
 * here, so that row and outbox cannot part (S4).
 */
export interface RowWriter {
	change(change: RowChange): void;
	write(stores: Stores): Promise<void>;
}

/**
 * @param isAcknowledging what leaves the outbox is what the caller has planned itself, and no news to its plan.
 */
export function createRowWriter(spec: TableSpec, isAcknowledging = false): RowWriter {
	const puts: Row[] = [];
	const deletes: RowId[] = [];
	const basePuts: BaseRecord[] = [];
	const baseDeletes: RowId[] = [];
	const removed: number[] = [];
	const rewritten: Mutation[] = [];

	return {
		change(change) {
			for (const seq of change.removed) removed.push(seq);
			for (const mutation of change.rewritten ?? []) rewritten.push(mutation);
			const view = viewOf(spec, change);
			if (view) puts.push(view);
			// The server may tell the id otherwise than it was given: '5' for a number key comes back as 5 (R3).
			if (!view || view[spec.idField] !== change.id) deletes.push(change.id);
			if (change.formerId !== undefined) deletes.push(change.formerId);
			const record = toBaseRecord(spec, change);
			if (record) basePuts.push(record);
			else baseDeletes.push(change.id);
		},

		async write(stores) {
			const rows = stores.rows(spec.table);
			stores.putRows(spec.table, puts);
			await Promise.all([
				deletes.length > 0 ? rows.bulkDelete(deletes) : undefined,
				basePuts.length > 0 ? stores.bases.bulkPut(basePuts) : undefined,
				baseDeletes.length > 0 ? deleteBases(stores, spec.table, baseDeletes) : undefined,
				removed.length > 0 ? removeMutations(stores, removed) : undefined,
				rewritten.length > 0 ? stores.outbox.bulkPut(rewritten) : undefined,
				rewritten.length > 0 || (removed.length > 0 && !isAcknowledging) ? noteRewritten(stores) : undefined,
			]);
		},
	};
}

/** The row as the app sees it after `change`. With nothing pending, a waiting server row is the row. */
export function viewOf(spec: TableSpec, { base, remaining, remote }: RowChange): Row | null {
	if (remaining.length > 0 || remote === undefined) return replay(spec, base, remaining);
	return remote === null ? null : replay(spec, { kind: 'held', row: remote }, []);
}

/** Clean rows have no base record: they are stored once. A row created here has none until it is in conflict. */
function toBaseRecord(
	spec: TableSpec,
	{ id, base, remaining, remote, parked, isNews }: RowChange,
): BaseRecord | null {
	if (remaining.length === 0) return null;
	if (parked) return { table: spec.table, id, base, remote: remote ?? null, parked };
	if (remote !== undefined)
		return { table: spec.table, id, base, remote, seen: 1, ...(isNews ? { isNews } : {}) };
	// An edit may follow a delete that is done: the row was deleted under the id that the server gave it, and edited
	// under the provisional one.
	const isCreatedHere = base.kind === 'absent' && remaining[0]?.action === 'create';
	return isCreatedHere ? null : { table: spec.table, id, base };
}

/** A run of consecutive mutations goes as one key range: the cost of one delete, not of a thousand. */
async function removeMutations(stores: Stores, seqs: readonly number[]): Promise<void> {
	const between = (first: RowId, last: RowId) => stores.outbox.where(':id').between(first, last, true, true);
	if (!(await deleteDense<Mutation, number>(seqs, between, (seq) => seq)))
		await stores.outbox.bulkDelete([...seqs]);
}
