import { isPutOff } from '../core/backoff.ts';
import { type Compacted, compact } from '../core/compact.ts';
import type { Base, Mutation, PushMutation } from '../core/mutation.ts';
import { referencesOf, withReferences } from '../core/references.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import { readBases } from './bases.ts';
import { type Parents, readParents } from './open-parents.ts';
import { groupByRow, mutationsAt, pendingSeqs } from './outbox.ts';
import { type QueueLook, takeLook } from './queue-look.ts';
import type { AttemptRecord, BaseRecord, Stores } from './stores.ts';

/** What a table's outbox asks for, as of one moment. */
export interface UploadPlan {
	/** Requests whose outcome is unknown; repeated to the letter before anything else of their rows (R7). */
	readonly retries: readonly AttemptRecord[];
	/** Rows to send, each with what its mutations come to. */
	readonly rows: readonly PlannedRow[];
	/** As of when; null: no rows. */
	readonly look: QueueLook | null;
	/** Rows that are not held: fetched first (R2). */
	readonly unknown: readonly { readonly id: RowId; readonly mutations: readonly Mutation[] }[];
	/** Rows with a newer server row. */
	readonly conflicts: number;
	/** Those left alone for now, which `conflicts` does not count (R13). */
	readonly deferred: number;
	/** Deletes held back. */
	readonly held: number;
	/** More can be done after this plan. */
	readonly isPartial: boolean;
	/** Device ms of the earliest next attempt; null: nothing waits. */
	readonly waitUntil: number | null;
	/** Nothing of the table waits, for whatever. */
	readonly isIdle: boolean;
	readonly upTo: number;
}

export interface PlannedRow extends Compacted {
	readonly id: RowId;
	readonly base: Base;
	readonly mutations: readonly Mutation[];
}

export interface PlanOptions {
	readonly upTo: number | null;
	readonly force: boolean;
	readonly holdDeletes: boolean;
	/** Rows at most. */
	readonly limit: number;
	/** Device ms. */
	readonly now: number;
}

/** Mutations read at once while looking for rows to send; then twice as many each time. */
const WINDOW_PER_ROW = 2;
const LEAST_WINDOW = 100;

/** A queue of so many is read as a whole: all is known of its rows, then, and none need be looked at again. */
const WHOLE_QUEUE_PER_ROW = 3;

/** What is planned of rows. */
interface RowPlan {
	readonly rows: PlannedRow[];
	readonly unknown: UploadPlan['unknown'][number][];
	held: number;
}

/** Reads a plan, in a caller's transaction. It changes nothing. */
export async function readPlan(stores: Stores, spec: TableSpec, options: PlanOptions): Promise<UploadPlan> {
	const [byRow, attempts, seen] = await Promise.all([
		pendingSeqs(stores, spec.table),
		stores.attempts.where('table').equals(spec.table).toArray(),
		seenRecords(stores, spec.table),
	]);
	const seqs = [...byRow].sort((a, b) => a - b);
	const upTo = options.upTo ?? seqs.at(-1) ?? 0;
	const within = seqs.filter((seq) => seq <= upTo);
	const inAttempt = new Set(attempts.flatMap(({ mutations }) => mutations.map(({ id }) => id)));
	const retries: AttemptRecord[] = [];
	let conflicts = 0;
	let plan: RowPlan = { rows: [], unknown: [], held: 0 };
	let waitUntil: number | null = null;
	let isPartial = false;
	let waitsForParent = false;
	let retryAt: number | null = null;
	const waits = (until: number) => {
		waitUntil = waitUntil === null ? until : Math.min(waitUntil, until);
	};

	const seenRows = new Set<RowId>();
	for (const record of seen) {
		seenRows.add(record.id);
		if (isPutOff(record.deferredUntil, options.now)) waits(record.deferredUntil);
		else conflicts++;
	}
	const deferred = seen.length - conflicts;
	for (const attempt of attempts) {
		// What is known to have moved on is compared by the resolver, not sent again.
		const mutations = attempt.mutations.filter(({ id }) => !seenRows.has(id));
		if (mutations.length === 0) continue;
		// Tried once in an upload, in its first pass: what was put off in it is not taken up by the next (R13).
		const isWaiting = isPutOff(attempt.nextAttemptAt, options.now);
		const isTried = options.upTo !== null || isWaiting;
		if (!options.force && isTried) waits(isWaiting ? attempt.nextAttemptAt : options.now);
		else retries.push({ ...attempt, mutations });
	}
	if (retries.length > 0) isPartial = within.length > 0;

	// A retry goes alone: what comes after it may depend on its outcome.
	const isTaken = (id: RowId) => seenRows.has(id) || inAttempt.has(id);
	let read: Mutation[] = [];
	let end = 0;
	let isEnough = false;
	// How far the queue is known, as far as it is about the planned rows; null: as far as it goes.
	let knownUpTo: number | null = null;
	if (retries.length === 0 && within.length > options.limit) {
		const few = await readWhole(stores, within.slice(0, options.limit), byRow);
		if (few && countRows(few, isTaken) === options.limit) {
			const outcome = await planRows(stores, spec, options, few, isTaken);
			isEnough = outcome.plan.rows.length + outcome.plan.unknown.length === options.limit;
			if (isEnough) plan = outcome.plan;
		}
	}
	isPartial ||= isEnough;
	while (retries.length === 0 && !isEnough && end < within.length) {
		const most = Math.max(2 * end, WINDOW_PER_ROW * options.limit, LEAST_WINDOW);
		const isShort = within.length <= WHOLE_QUEUE_PER_ROW * options.limit;
		const window = within.slice(end, isShort ? within.length : most);
		end += window.length;
		read = read.concat(await mutationsAt(stores, window));
		// Until enough rows are at hand, or all is: so that what is planned of a row is as much as can be (R16).
		if (end < within.length && countRows(read, isTaken) < options.limit) continue;
		const outcome = await planRows(stores, spec, options, read, isTaken);
		plan = outcome.plan;
		knownUpTo = end < seqs.length ? (within[end - 1] ?? 0) : null;
		waitsForParent = outcome.waitsForParent;
		retryAt = outcome.retryAt;
		const planned = plan.rows.length + plan.unknown.length;
		if (!outcome.isFull && (planned < options.limit || end === within.length)) continue;
		isPartial = true;
		break;
	}
	if (waitsForParent && retryAt !== null) waits(retryAt);
	// A row of a table that refers to itself may wait for one of this very plan.
	isPartial ||= waitsForParent && plan.rows.length > 0;
	isPartial ||= plan.unknown.length > 0 || plan.rows.some((row) => leavesSome(row));
	const look = plan.rows.length > 0 ? await takeLook(stores, knownUpTo) : null;
	const isIdle = seqs.length + attempts.length + seen.length === 0;
	return { ...plan, look, conflicts, deferred, retries, isPartial, waitUntil, isIdle, upTo };
}

/** Above so many neighbours it is likely that some are of the same rows. */
const FEW_NEIGHBOURS = 16;

/**
 * The first mutations of the queue, where all that is queued for their rows is among them, as with rows made one after
 * the other: then no more need be read than is sent.
 * @param byRow the places of all that is queued, in row order: those of one row lie side by side.
 * @returns null where it takes more, or may.
 */
async function readWhole(
	stores: Stores,
	seqs: readonly number[],
	byRow: readonly number[],
): Promise<Mutation[] | null> {
	const own = new Set(seqs);
	const neighbours = byRow
		.filter((seq, at) => !own.has(seq) && (own.has(byRow[at - 1] ?? -1) || own.has(byRow[at + 1] ?? -1)))
		.sort((a, b) => a - b);
	if (neighbours.length > FEW_NEIGHBOURS) return null;
	const [mutations, others] = await Promise.all([mutationsAt(stores, seqs), mutationsAt(stores, neighbours)]);
	const rows = new Set(mutations.map(({ rowId }) => rowId));
	return others.some(({ rowId }) => rows.has(rowId)) ? null : mutations;
}

function countRows(mutations: readonly Mutation[], isTaken: (id: RowId) => boolean): number {
	const ids = new Set<RowId>();
	for (const { rowId } of mutations) if (!isTaken(rowId)) ids.add(rowId);
	return ids.size;
}

/** Plans rows in the queue's order, as many as the limit allows. */
async function planRows(
	stores: Stores,
	spec: TableSpec,
	options: PlanOptions,
	mutations: readonly Mutation[],
	isTaken: (id: RowId) => boolean,
) {
	const plan: RowPlan = { rows: [], unknown: [], held: 0 };
	const byRow = groupByRow(mutations.filter(({ rowId }) => !isTaken(rowId)));
	const parents = await readParents(stores, spec, mutations);
	const ids = [...byRow.keys()];
	let waitsForParent = false;
	for (let from = 0; from < ids.length; from += options.limit) {
		const some = ids.slice(from, from + options.limit);
		const bases = await readBases(stores, spec.table, some);
		for (const [at, id] of some.entries()) {
			// A change that came back to a parked row, as a revived dead letter does, waits with the others.
			if (bases[at]?.parked) continue;
			if (plan.rows.length + plan.unknown.length >= options.limit)
				return { plan, waitsForParent, retryAt: parents.retryAt, isFull: true };
			const base = bases[at]?.base ?? { kind: 'absent' as const };
			const row = { id, mutations: byRow.get(id) ?? [], base };
			waitsForParent = addRow(plan, spec, options, row, parents) === 'waits' || waitsForParent;
		}
	}
	return { plan, waitsForParent, retryAt: parents.retryAt, isFull: false };
}

/** Whether anything can be done at once: what "due" means (R11). */
export function isDue(plan: UploadPlan): boolean {
	return plan.retries.length > 0 || plan.rows.length > 0 || plan.unknown.length > 0 || plan.conflicts > 0;
}

export function seenRecords(stores: Stores, table: string): Promise<BaseRecord[]> {
	return stores.bases.where('[table+seen]').equals([table, 1]).toArray();
}

function addRow(
	plan: RowPlan,
	spec: TableSpec,
	{ holdDeletes }: PlanOptions,
	row: { id: RowId; mutations: readonly Mutation[]; base: Base },
	parents: Parents,
): 'planned' | 'waits' {
	if (holdDeletes && row.mutations.some(({ action }) => action === 'delete')) {
		plan.held++;
		return 'planned';
	}
	if (row.base.kind === 'unknown') {
		plan.unknown.push(row);
		return 'planned';
	}
	const compacted = compact(spec, row.mutations, row.base);
	const references = referencesOf(spec, compacted.intent?.columns ?? null);
	const others = references.filter(({ table, id }) => table !== spec.table || id !== row.id);
	if (others.some(parents.isOpen)) return 'waits';
	plan.rows.push({ ...row, ...toCurrent(spec, compacted, parents) });
	return 'planned';
}

/** With each reference as its row is called now. */
function toCurrent(spec: TableSpec, compacted: Compacted, { idOf }: Parents): Compacted {
	const { intent } = compacted;
	return intent
		? { ...compacted, intent: { ...intent, columns: withReferences(spec, intent.columns, idOf) } }
		: compacted;
}

function leavesSome({ mutations, cancelled, intent }: PlannedRow): boolean {
	return mutations.length > cancelled.length + (intent?.seqs.length ?? 0);
}

export function toPushMutation(spec: TableSpec, row: PlannedRow, stamp: string): PushMutation | null {
	const { intent, base, id } = row;
	if (!intent || intent.kind === 'none') return null;
	const version = base.kind === 'held' ? base.row[spec.timestampField] : null;
	const common = { id, seqs: intent.seqs, stamp, base: typeof version === 'string' ? version : null };
	switch (intent.kind) {
		case 'create':
			return {
				...common,
				kind: 'create',
				body: {
					...(spec.ids === 'server' ? {} : { [spec.idField]: id }),
					...intent.columns,
					[spec.timestampField]: stamp,
				},
			};
		case 'update':
			return { ...common, kind: 'update', body: { ...intent.columns, [spec.timestampField]: stamp } };
		case 'delete':
			return { ...common, kind: 'delete', body: tombstoneBody(spec, stamp) };
	}
}

/** The patch that soft-deletes; null where a delete removes the row. */
function tombstoneBody(spec: TableSpec, stamp: string): PushMutation['body'] {
	if (!spec.deleted) return null;
	const value = spec.deleted.type === 'boolean' ? true : stamp;
	return { [spec.deleted.field]: value, [spec.timestampField]: stamp };
}
