import { PixSyncError } from './errors.ts';
import { isSameJson } from './json.ts';
import type { Base, EditTime, Mutation } from './mutation.ts';
import { comesTo } from './rejected-write.ts';
import { replay } from './replay.ts';
import type { TableSpec } from './table-spec.ts';
import type { Row } from './types.ts';

/** Columns to put in place of the refused ones, and columns not to send at all. */
export interface LetterEdit {
	readonly set: Row;
	readonly leaveOut: readonly string[];
}

/** A dead letter and the row that it goes back to. */
export interface Revival {
	readonly spec: TableSpec;
	/** The letter's mutations in queue order; at least one. */
	readonly letter: readonly Mutation[];
	/** The row's mutations that wait, in queue order. */
	readonly waiting: readonly Mutation[];
	/** Those of them that a request of unknown outcome covers. */
	readonly sent: ReadonlySet<number>;
	/** The confirmed row, the letter's own create taken into account. */
	readonly base: Base;
	readonly edit: LetterEdit | null;
	readonly time: EditTime;
	readonly createId: () => string;
}

/** What becomes of the letter's mutations. */
export interface Revived {
	/** In their old places. */
	readonly kept: readonly Mutation[];
	/** To be queued behind all others, in this order. */
	readonly appended: readonly Omit<Mutation, 'seq'>[];
	/** Mutations that are in their old places no more. */
	readonly removed: readonly number[];
}

/**
 * Makes a dead letter pending again, as new work: its time is now, for somebody has just decided that the change
 * is still wanted, and an old time would lose to every change that came to the server meanwhile.
 *
 * Its place is its old one, before later changes of the row that still wait: those were made by somebody who saw
 * the row without it, so that where both set a column the later value stays, and nothing newer is overwritten by
 * what was refused. It is as if the letter had only waited. Two places would break that, and are not taken:
 * - behind a request under way: what that one sets is left out of the letter, for it arrives first;
 * - before a create of the same id: the row is another one by now, and the letter's change goes on top of that.
 *
 * A delete goes last: what waits is made before it, and nothing can be changed after it. What an edit sets was
 * decided now, and wins over all that waits.
 * @returns null where the row is deleted here by a change that waits: there is nothing to change any more.
 * @throws PixSyncError `bad-action` (a delete cannot be edited), `missing-data` (the edit leaves nothing to send).
 */
export function revive({ spec, letter, waiting, sent, base, edit, time, createId }: Revival): Revived | null {
	if (waiting.at(-1)?.action === 'delete') return null;
	const { action } = comesTo(letter);
	if (edit && action === 'delete') throw noEditOfDelete(spec, letter);
	const edited = edit ? editLetter(spec, letter, edit) : letter;
	const lastSeq = letter.at(-1)?.seq ?? 0;
	const later = waiting.filter(({ seq }) => seq > lastSeq);
	const isNewRow = letter[0]?.action === 'create';
	const remadeAt = isNewRow ? -1 : later.findLastIndex((mutation) => mutation.action === 'create');
	const goesLast = later.length > 0 && !isNewRow && (action === 'delete' || remadeAt >= 0);
	const superseding = remadeAt >= 0 ? later.slice(remadeAt) : later.filter(({ seq }) => sent.has(seq));
	const pending = edited.map((mutation) => toPending(leaveOut(mutation, columnsOf(superseding)), time));

	const kept = goesLast ? [] : pending;
	const appended = goesLast ? pending.map(({ seq: _, ...mutation }) => mutation) : [];
	const keptSeqs = new Set(kept.map(({ seq }) => seq));
	const removed = letter.map(({ seq }) => seq).filter((seq) => !keptSeqs.has(seq));
	if (edit) {
		const queue = [...[...kept, ...waiting].sort((a, b) => a.seq - b.seq), ...appended];
		const onTop = coveredColumns(spec, base, queue, edit);
		const [first] = pending;
		if (onTop && first) {
			const { seq: _, ...mutation } = first;
			appended.push({ ...mutation, mutationId: createId(), action: 'update', data: onTop });
		}
	}
	return { kept, appended, removed };
}

/**
 * The edited columns are set wherever the letter sets them and, all of them, in its first change of the row: a
 * request may take a part of the letter alone, and must not find the refused value in it.
 */
function editLetter(spec: TableSpec, letter: readonly Mutation[], { set, leaveOut: out }: LetterEdit) {
	const from = letter.findLastIndex(({ action }) => action === 'delete') + 1;
	const edited = letter
		.map((mutation, at): Mutation => {
			if (at < from) return mutation;
			const kept = leaveOut(mutation, out).data ?? {};
			const columns = Object.entries(set).filter(([name]) => at === from || Object.hasOwn(kept, name));
			return { ...mutation, data: { ...kept, ...Object.fromEntries(columns) } };
		})
		.filter(({ action, data }) => action !== 'update' || Object.keys(data ?? {}).length > 0);
	if (edited.length > 0) return edited;
	throw new PixSyncError('missing-data', `Table "${spec.table}": the edit leaves no column to send`, {
		table: spec.table,
		hint: 'Use discardRejected to drop the change.',
	});
}

/** The edited columns that later changes of the row would cover; null: none. */
function coveredColumns(
	spec: TableSpec,
	base: Base,
	queue: Parameters<typeof replay>[2],
	{ set }: LetterEdit,
): Row | null {
	// A row that is not held shows nothing; here only what the queue sets counts.
	const row = replay(spec, base.kind === 'unknown' ? { kind: 'held', row: {} } : base, queue);
	const covered = Object.entries(set).filter(([name, value]) => !isSameJson(row?.[name], value));
	return row && covered.length > 0 ? Object.fromEntries(covered) : null;
}

function leaveOut(mutation: Mutation, names: readonly string[]): Mutation {
	if (!mutation.data) return mutation;
	const columns = Object.entries(mutation.data).filter(([name]) => !names.includes(name));
	return { ...mutation, data: Object.fromEntries(columns) };
}

function columnsOf(mutations: readonly Mutation[]): readonly string[] {
	return mutations.flatMap(({ data }) => Object.keys(data ?? {}));
}

function toPending({ letter: _, error: __, ...mutation }: Mutation, time: EditTime): Mutation {
	return { ...mutation, ...time, status: 'pending' };
}

function noEditOfDelete(spec: TableSpec, letter: readonly Mutation[]): PixSyncError {
	const id = letter[0]?.rowId;
	return new PixSyncError('bad-action', `Table "${spec.table}": a refused delete takes no data`, {
		table: spec.table,
		...(id === undefined ? {} : { id }),
		hint: 'Retry it without data, or discard it and queue an update.',
	});
}
