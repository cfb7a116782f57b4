import type { Base, Mutation } from '../core/mutation.ts';
import { replay } from '../core/replay.ts';
import { type LetterEdit, revive } from '../core/revive.ts';
import { isTombstone, type TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import type { MutateOptions } from './mutate.ts';
import { dirtyOf } from './outbox.ts';
import { noteRewritten } from './queue-look.ts';
import type { BaseRecord, Stores } from './stores.ts';

/**
 * Puts dead letters back on their rows, in a caller's transaction. Several letters of one row see one another:
 * they are revived in the order of the calls, and written at the end.
 */
export interface RowRevival {
	/** @returns false where the row is deleted here by a change that waits; the letter then stays as it is. */
	revive(spec: TableSpec, letter: readonly Mutation[], edit: LetterEdit | null): Promise<boolean>;
	write(): Promise<void>;
}

/** A row as it is read, and as it becomes. */
interface RevivedRow {
	readonly spec: TableSpec;
	readonly id: RowId;
	readonly sent: ReadonlySet<number>;
	/** Undefined: none is stored. */
	readonly stored: BaseRecord | undefined;
	base: Base;
	/** In queue order; seqs from NOT_STORED on are places behind all others. */
	waiting: readonly Mutation[];
	readonly revived: Mutation[];
}

/** Beyond every key that IndexedDB's generator gives out. */
const NOT_STORED = 2 ** 52;

export function createRowRevival(stores: Stores, options: MutateOptions): RowRevival {
	const rows = new Map<string, RevivedRow>();
	const removed: number[] = [];
	const time = { queuedAt: options.now(), clockOffset: options.clockOffset() };
	let places = 0;

	async function rowOf(spec: TableSpec, id: RowId): Promise<RevivedRow> {
		const key = JSON.stringify([spec.table, id]);
		const known = rows.get(key);
		if (known) return known;
		const row = await readRow(stores, spec, id);
		rows.set(key, row);
		return row;
	}

	return {
		async revive(spec, letter, edit) {
			const [first] = letter;
			if (!first) return false;
			const row = await rowOf(spec, first.rowId);
			const base = first.action === 'create' ? baseOfNewRow(row) : row.base;
			const { waiting, sent } = row;
			const { createId } = options;
			const revived = revive({ spec, letter, waiting, sent, base, edit, time, createId });
			if (!revived) return false;
			removed.push(...revived.removed);
			const appended = revived.appended.map((mutation) => ({ ...mutation, seq: NOT_STORED + places++ }));
			row.revived.push(...revived.kept, ...appended);
			row.waiting = [...waiting, ...revived.kept, ...appended].sort((a, b) => a.seq - b.seq);
			row.base = base;
			return true;
		},

		async write() {
			await Promise.all([stores.outbox.bulkDelete(removed), noteRewritten(stores)]);
			for (const row of rows.values()) if (row.revived.length > 0) await writeRow(stores, row);
		},
	};
}

async function readRow(stores: Stores, spec: TableSpec, id: RowId): Promise<RevivedRow> {
	const [waiting, stored, view, attempts] = await Promise.all([
		dirtyOf(stores, spec.table, id),
		stores.bases.get([spec.table, id]),
		stores.rows(spec.table).get(id),
		stores.attempts.where('table').equals(spec.table).toArray(),
	]);
	const own = attempts.flatMap(({ mutations }) => mutations).filter((sent) => sent.id === id);
	return {
		spec,
		id,
		sent: new Set(own.flatMap(({ seqs }) => seqs)),
		stored,
		base: waiting.length > 0 ? (stored?.base ?? { kind: 'absent' }) : cleanBase(spec, view),
		waiting,
		revived: [],
	};
}

/** A clean row's view is what the server confirmed; of a row that is not held nothing is known (R2). */
function cleanBase(spec: TableSpec, view: Row | undefined): Base {
	return view && !isTombstone(spec, view) ? { kind: 'held', row: view } : { kind: 'unknown' };
}

/**
 * A row that is not held is one that this very letter creates. Changes made since then of a row that was not
 * there any more were told to fetch it first, and would be refused.
 */
function baseOfNewRow({ base, stored }: RevivedRow): Base {
	return base.kind === 'unknown' && !stored?.seen ? { kind: 'absent' } : base;
}

async function writeRow(
	stores: Stores,
	{ spec, id, base, stored, waiting, revived }: RevivedRow,
): Promise<void> {
	const view = replay(spec, base, waiting);
	const added = revived.filter(({ seq }) => seq >= NOT_STORED).map(({ seq: _, ...mutation }) => mutation);
	await Promise.all([
		view ? stores.rows(spec.table).put(view) : stores.rows(spec.table).delete(id),
		writeBase(stores, { table: spec.table, id, base }, stored),
		stores.outbox.bulkPut(revived.filter(({ seq }) => seq < NOT_STORED)),
		stores.outbox.bulkAdd(added),
	]);
}

/** A record that says the same stays as it is, with all that it knows of a conflict. */
async function writeBase(stores: Stores, record: BaseRecord, stored: BaseRecord | undefined): Promise<void> {
	if (record.base.kind === 'absent') {
		if (stored && stored.base.kind !== 'absent') await stores.bases.delete([record.table, record.id]);
	} else if (!stored || stored.base.kind !== record.base.kind) await stores.bases.put(record);
}
