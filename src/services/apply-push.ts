import { type PixSyncError, toErrorLine } from '../core/errors.ts';
import { hasSentStamp, isOurs } from '../core/is-ours.ts';
import type { Base, Mutation, PushMutation, PushOutcome } from '../core/mutation.ts';
import { isSameOnServer } from '../core/row-diff.ts';
import { addCounts, NO_COUNTS, type StepCounts } from '../core/run-contract.ts';
import type { RowNotice } from '../core/sync-notice.ts';
import { isTombstone, type TableSpec, versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { isNewer } from './apply-rows.ts';
import { awaitingRelatives } from './awaiting-relatives.ts';
import { readBases } from './bases.ts';
import { dirtyOfRows } from './outbox.ts';
import { dirtySince, type SeenRows } from './queue-look.ts';
import { type ReKeyed, reKey } from './re-key.ts';
import { assertCurrent, type Run } from './run.ts';
import { noteServerMade, readServerMade, serverMadeBy } from './server-made.ts';
import { createRowWriter, type RowChange } from './settle-row.ts';
import type { AttemptRecord, BaseRecord, Stores } from './stores.ts';

export interface AppliedPush extends StepCounts {
	/** An error that ends the upload: nobody answered, the session was refused, or the table cannot sync. */
	readonly fatal: PixSyncError | null;
}

/**
 * Writes the outcomes of one attempt in one transaction: acknowledged mutations leave the outbox as the echoed
 * row becomes the base (R6), refused ones become dead letters (R8), and what is uncertain stays an attempt (R7).
 * @param seen what the attempt's rows had queued as it was planned; null: that is long ago.
 */
export async function applyPush(
	run: Run,
	attempt: AttemptRecord,
	outcomes: readonly PushOutcome[],
	retryInMs: number,
	seen: SeenRows | null = null,
): Promise<AppliedPush> {
	const { spec, store } = run;
	const letters: Mutation[] = [];
	const { referrers } = run;
	const moves = attempt.mutations.flatMap((mutation, at) => toMove(run, mutation, outcomes[at]));
	const tables =
		moves.length > 0 ? [...new Set([spec.table, ...referrers.map(({ table }) => table)])] : [spec.table];
	// Lost, the attempt is still there, and its outcome is asked for again (R7).
	const applied = await store.transact('rw-relaxed', tables, async (stores) => {
		const ids = attempt.mutations.map(({ id }) => id);
		const movedTo = new Map(moves.map(({ from, to }) => [from, to]));
		const refused = attempt.mutations.filter((_, at) => isOrderError(outcomes[at]));
		const [, dirty, records, waitingForOrder, serverMade, stored] = await Promise.all([
			assertCurrent(stores, run),
			dirtyNow(stores, spec.table, [...ids, ...movedTo.values()], moves.length > 0 ? null : seen),
			readBases(stores, spec.table, ids),
			awaitingRelatives(stores, run, refused),
			readServerMade(stores, spec),
			// A retry leaves out rows known to have moved on; the resolver still needs to know what was sent of them.
			seen ? undefined : stores.attempts.get(attempt.id ?? -1),
		]);
		const writer = createRowWriter(spec, true);
		const own = new Set(ids);
		const uncertain = (stored?.mutations ?? []).filter(({ id }) => !own.has(id));
		let result: AppliedPush = { ...NO_COUNTS, fatal: null };
		let retryAfter = run.now() + retryInMs;
		const waiting = new Map<string, string>();
		const shown = new Set<string>();

		attempt.mutations.forEach((mutation, at) => {
			let outcome = outcomes[at];
			const record = records[at];
			const mutations = dirty.get(mutation.id) ?? [];
			if (!outcome) {
				uncertain.push(mutation);
				return;
			}
			// A foreign key refuses for good only where no relative is still to be sent (F32).
			if (isOrderError(outcome) && !waitingForOrder.has(mutation) && 'error' in outcome) {
				outcome = { kind: 'rejected', error: outcome.error };
			}
			switch (outcome.kind) {
				case 'acknowledged': {
					const known = { record, serverMade };
					const change = acknowledge(run, mutation, mutations, known, outcome);
					if (outcome.row && !outcome.isRepeated)
						for (const column of serverMadeBy(spec, mutation, record?.base, outcome.row)) shown.add(column);
					writer.change(moveRow(change, movedTo.get(mutation.id), dirty));
					result = addTo(result, { uploaded: change.removed.length });
					return;
				}
				case 'conflict':
					writer.change({
						id: mutation.id,
						base: record?.base ?? { kind: 'absent' },
						remaining: mutations,
						removed: [],
						remote: outcome.remote,
						...(isBehind(spec, record?.base, outcome.remote) ? { isNews: true as const } : {}),
					});
					return;
				case 'rejected': {
					const change = reject(run, mutation, mutations, record, outcome.error);
					writer.change(change);
					letters.push(...(change.rewritten ?? []));
					result = addTo(result, { errors: [toErrorLine(spec.table, outcome.error)] });
					return;
				}
				case 'retryable':
					uncertain.push(mutation);
					retryAfter = Math.max(retryAfter, run.now() + (outcome.error.retryAfterMs ?? 0));
					if (outcome.error.fault === 'retryable') {
						retryAfter = Math.max(retryAfter, putOffUntil(run, attempt, retryInMs));
						waiting.set(outcome.error.code, toErrorLine(spec.table, outcome.error));
					} else result = { ...result, fatal: outcome.error };
			}
		});
		await Promise.all([
			writer.write(stores),
			noteServerMade(stores, spec, serverMade, shown),
			uncertain.length === 0
				? stores.attempts.delete(attempt.id ?? -1)
				: stores.attempts.put({
						...attempt,
						mutations: uncertain,
						count: attempt.count + 1,
						nextAttemptAt: retryAfter,
					}),
		]);
		await reKey(stores, spec, referrers, moves);
		return addTo(result, { errors: [...waiting.values()] });
	});
	const echoes = outcomes.flatMap((outcome) =>
		outcome.kind === 'acknowledged' && outcome.row ? [outcome.row] : [],
	);
	run.session.echoes.note(spec, echoes);
	if (echoes.length > 0) run.session.quiet.delete(spec.table);
	run.notify(toRejectedNotices(letters));
	return applied;
}

async function dirtyNow(stores: Stores, table: string, ids: readonly RowId[], seen: SeenRows | null) {
	const since = seen && (await dirtySince(stores, table, seen));
	return since ?? dirtyOfRows(stores, table, ids);
}

/** A create that has got its id from the server. */
function toMove({ spec }: Run, mutation: PushMutation, outcome: PushOutcome | undefined): ReKeyed[] {
	if (spec.ids === 'client' || mutation.kind !== 'create' || outcome?.kind !== 'acknowledged') return [];
	const to = outcome.row?.[spec.idField] as RowId | undefined;
	return to === undefined || to === mutation.id ? [] : [{ from: mutation.id, to }];
}

/**
 * The change under the row's new id: later mutations of it go by that id, too. A pull may have brought the row
 * before its acknowledgement; what was done to it there meanwhile comes after.
 */
function moveRow(
	change: RowChange,
	to: RowId | undefined,
	dirty: ReadonlyMap<RowId, readonly Mutation[]>,
): RowChange {
	if (to === undefined) return change;
	const own = change.remaining.map((mutation) => ({ ...mutation, rowId: to }));
	const remaining = [...own, ...(dirty.get(to) ?? [])].sort((a, b) => a.seq - b.seq);
	return { ...change, id: to, formerId: change.id, remaining, rewritten: own };
}

/** What is stored of a row and its table beside the row's mutations. */
export interface KnownOfRow {
	readonly record: BaseRecord | undefined;
	/** As of {@link readServerMade}. */
	readonly serverMade: ReadonlySet<string>;
}

/** The change that an echoed row makes; also used where a row turns out to be ours. */
export function acknowledge(
	run: Run,
	mutation: PushMutation,
	mutations: readonly Mutation[],
	{ record, serverMade }: KnownOfRow,
	{ row, isRepeated }: Omit<Extract<PushOutcome, { kind: 'acknowledged' }>, 'kind'>,
): RowChange {
	const covered = new Set(mutation.seqs);
	const remaining = mutations.filter(({ seq }) => !covered.has(seq));
	const removed = mutations.filter(({ seq }) => covered.has(seq)).map(({ seq }) => seq);
	const { deleted } = run.spec;
	const [next] = remaining;
	if (isRepeated && next && mutation.kind !== 'delete') {
		// Deleted elsewhere since, as it was here: that is done.
		if (row === null && next.action === 'delete')
			return {
				id: mutation.id,
				base: { kind: 'absent' },
				remaining: remaining.slice(1),
				removed: [...removed, next.seq],
			};
		// Gone, or written over, and changed here since: those two are in conflict, on what this change had made of it.
		if (
			row === null ||
			!isOurs(run.spec, mutation, row) ||
			isChangedSince(run.spec, { mutation, remaining, base: record?.base, serverMade }, row)
		) {
			const made = madeOf(run.spec, mutation, record?.base, row);
			return {
				...{ id: mutation.id, base: { kind: 'held', row: made }, remaining, removed },
				...{ remote: row, isNews: true },
			};
		}
	}
	if (deleted && row && mutation.kind !== 'delete' && remaining.length > 0 && isTombstone(run.spec, row)) {
		// Ours had arrived, and was deleted elsewhere since: the edits made here meanwhile are in conflict with that.
		// Which version ours got nobody can tell any more.
		const live = { ...row, [deleted.field]: deleted.type === 'boolean' ? false : null };
		return {
			...{ id: mutation.id, base: { kind: 'held', row: live }, remaining, removed },
			...{ remote: row, isNews: true },
		};
	}
	const base: Base = row === null ? { kind: 'absent' } : { kind: 'held', row };
	const seen = record?.remote;
	const isSeenNewer = seen !== undefined && seen !== null && row !== null && isNewer(run.spec, seen, row);
	return {
		id: mutation.id,
		base,
		remaining,
		removed,
		...(isSeenNewer ? { remote: seen } : {}),
	};
}

/**
 * Whether somebody has written, since the change arrived unheard, what is changed here once more: the row holds all
 * that was sent still, but in a column of `remaining`, or in any if that deletes it, not what the change had left.
 * To a delete, what is known to be made by the server itself tells nothing.
 */
export function isChangedSince(
	spec: TableSpec,
	{
		mutation,
		remaining,
		base,
		serverMade,
	}: {
		readonly mutation: PushMutation;
		readonly remaining: readonly Mutation[];
		readonly base: Base | undefined;
		readonly serverMade: ReadonlySet<string>;
	},
	row: Row,
): boolean {
	if (hasSentStamp(spec, mutation, row)) return false;
	const made = madeOf(spec, mutation, base, row);
	const isOther = (column: string) => column in made && !isSameOnServer(made[column], row[column]);
	const all = Object.keys(made).filter((column) => column !== spec.timestampField && !serverMade.has(column));
	return remaining.some(({ action, data }) =>
		(action === 'delete' ? all : Object.keys(data ?? {})).some(isOther),
	);
}

/** The row as the change left it, as far as it is known here. */
function madeOf(
	{ idField }: TableSpec,
	{ id, body }: PushMutation,
	base: Base | undefined,
	row: Row | null,
): Row {
	const known = base?.kind === 'held' ? base.row : {};
	return { ...known, ...body, [idField]: row?.[idField] ?? id };
}

/** Whether the server's row is of an older version than the base: somebody's clock ran ahead, and no trigger sets it. */
function isBehind(spec: TableSpec, base: Base | undefined, remote: Row | null): boolean {
	if (base?.kind !== 'held' || !remote) return false;
	const [held, found] = [versionOf(spec, base.row), versionOf(spec, remote)];
	return held !== null && found !== null && compareTimestamps(held, found) > 0;
}

/** One dead letter for all that the attempt covered; after a rejected create, for all of the row (R8). */
function reject(
	run: Run,
	mutation: PushMutation,
	mutations: readonly Mutation[],
	record: BaseRecord | undefined,
	error: PixSyncError,
): RowChange {
	const covered = new Set(mutation.seqs);
	const isLetter = ({ seq }: Mutation) => mutation.kind === 'create' || covered.has(seq);
	return {
		id: mutation.id,
		base: record?.base ?? { kind: 'absent' },
		remaining: mutations.filter((other) => !isLetter(other)),
		removed: [],
		rewritten: toDeadLetter(mutations.filter(isLetter), error, run.now()),
	};
}

/** The mutations as one dead letter, their data kept. */
export function toDeadLetter(mutations: readonly Mutation[], error: PixSyncError, at: number): Mutation[] {
	const letter = mutations[0]?.mutationId;
	if (letter === undefined) return [];
	return mutations.map((mutation) => ({
		...mutation,
		status: 'rejected' as const,
		letter,
		error: { code: error.code, message: error.message, hint: error.hint, at },
	}));
}

/** One notice a dead letter, of mutations just refused. */
export function toRejectedNotices(mutations: readonly Mutation[]): readonly RowNotice[] {
	const notices = new Map<string, RowNotice>();
	for (const { table, rowId, letter, error } of mutations) {
		if (letter && error) notices.set(letter, { type: 'rejected', table, id: rowId, letter, error });
	}
	return [...notices.values()];
}

function isOrderError(outcome: PushOutcome | undefined): boolean {
	return outcome !== undefined && 'error' in outcome && outcome.error.code === '23503';
}

/** Device ms of the next attempt of what the server put off: counted from its answer, longer with each try (R13). */
export function putOffUntil(run: Run, attempt: AttemptRecord, retryInMs: number): number {
	return run.now() + Math.min(retryInMs * 2 ** Math.min(attempt.count, 30), run.settings.backoff.capMs);
}

function addTo(result: AppliedPush, counts: Partial<StepCounts>): AppliedPush {
	return { ...addCounts(result, { ...NO_COUNTS, ...counts }), fatal: result.fatal };
}
