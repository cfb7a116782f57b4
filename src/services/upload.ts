import { isPutOff } from '../core/backoff.ts';
import { chunk } from '../core/chunk.ts';
import { PixSyncError, toErrorLine } from '../core/errors.ts';
import type { Mutation } from '../core/mutation.ts';
import {
	addCounts,
	NO_COUNTS,
	type StepCounts,
	type UploadInput,
	type UploadOutput,
} from '../core/run-contract.ts';
import { isTombstone, versionOf } from '../core/table-spec.ts';
import { toMicros } from '../core/timestamp.ts';
import { toDeadLetter, toRejectedNotices } from './apply-push.ts';
import { isOwing } from './at-head.ts';
import { readBeginning } from './checkpoints.ts';
import { isStoreEmpty } from './dense-range.ts';
import { dirtyOfRows, releaseAliases } from './outbox.ts';
import { isStill, type QueueLook } from './queue-look.ts';
import { readRechecks, recheckRows } from './recheck.ts';
import { assertCurrent, editTime, type PullBeginning, type Run } from './run.ts';
import { sendInTurn, type Turn } from './send.ts';
import { turnsAgain } from './send-again.ts';
import { createRowWriter } from './settle-row.ts';
import { storeAttempt } from './store-attempt.ts';
import { type PlannedRow, readPlan, seenRecords, type UploadPlan } from './upload-plan.ts';

/** Batches that are planned at once: a look at a long queue costs as much as to send one. */
export const BATCHES_A_PLAN = 16;

/** How often the time is asked for: an answer that the clock was set before tells none. */
const MEASURES = 2;

/** Some batches of a table's outbox. What it leaves is told by `more`, `held` and `waitingConflicts`. */
export async function upload(run: Run, input: UploadInput): Promise<UploadOutput> {
	// From now on: what an upload takes must not eat the delay up.
	const retryInMs = Math.max(0, input.retryAt - run.now());
	const nothing = await readNothing(run);
	if (nothing) {
		passOn(run, nothing);
		return { ...NO_COUNTS, more: false, held: 0, upTo: input.upTo ?? 0, waitingConflicts: 0 };
	}
	const { plan, beginning } = await begin(run, input);
	const rest = { more: plan.isPartial, held: plan.held, upTo: plan.upTo };
	let counts: StepCounts = NO_COUNTS;
	if (plan.retries.length === 0 && plan.rows.length === 0 && plan.unknown.length === 0) {
		passOn(run, beginning);
		return { ...counts, ...rest, waitingConflicts: plan.conflicts };
	}
	const isPulled = (beginning.stored.rest ?? beginning.stored.rpc) !== undefined;
	if (!isPulled) await assertSyncable(run);
	for (let asked = 0; asked < MEASURES && !run.isClockSure(); asked++) await assertSyncable(run);
	const wasSure = run.isClockSure();
	const { look } = plan;
	if (look) counts = addCounts(counts, await settleUnsent(run, plan.rows, look));
	if (plan.unknown.length > 0) counts = addCounts(counts, await settleUnknown(run, plan.unknown));
	if (isWorthAsking(run, plan)) await run.remote.prepare?.(run.spec, run.signal);
	const again = await turnsAgain(run, plan.retries);
	counts = addCounts(counts, again.counts);
	// Stored and stamped each as its turn comes, so that what an error keeps from being sent has not been tried.
	const batches = look ? chunk(plan.rows, run.settings.batchSize) : [];
	const turns = batches.map((rows): Turn => ({ take: () => storeAttempt(run, rows, look as QueueLook) }));
	const sent = await sendInTurn(run, [...again.turns, ...turns], {
		...{ retryInMs, before: counts },
		// A clock that was set meanwhile would stamp what is left wrongly; the next pass measures it first.
		mustStop: () => run.isAwaited() || (wasSure && !run.isClockSure()),
	});
	const waitingConflicts = await countConflicts(run);
	return { ...sent.counts, ...rest, more: rest.more || sent.isCut, waitingConflicts };
}

/**
 * Whether it matters by which way the changes go: REST has a request for each, does not know an id of the server's
 * again, and nobody else knows what has a name.
 */
function isWorthAsking({ spec }: Run, { retries, rows }: UploadPlan): boolean {
	const again = retries.flatMap(({ mutations }) => mutations);
	const sent = rows.filter(({ intent }) => intent !== null && intent.kind !== 'none');
	if (again.some(({ pushId }) => pushId !== undefined)) return true;
	const count = again.length + sent.length;
	return count > 1 || (count === 1 && spec.ids === 'server');
}

/** The pull that follows goes by it, too. */
function passOn({ session, spec, epoch }: Run, beginning: PullBeginning): void {
	session.beginnings.set(spec.table, { ...beginning, epoch });
}

/**
 * One look at an empty outbox is all that a sync of nothing costs.
 * @returns where the pull begins; null: something waits, be it of another table, and is to be looked at.
 */
function readNothing({ store, spec }: Run): Promise<PullBeginning | null> {
	const { writes } = store;
	return store.read([spec.table], async (records) => {
		const [beginning, isOwed, rechecks, ...empty] = await Promise.all([
			readBeginning(records, spec.table),
			isOwing(records, spec),
			readRechecks(records, spec.table),
			...['outbox', 'attempts', 'bases'].map((name) => isStoreEmpty(records, name)),
		]);
		const isNothing = !isOwed && rechecks.length === 0 && !empty.includes(false);
		return isNothing ? { ...beginning, quietAt: writes } : null;
	});
}

interface Beginning {
	readonly plan: UploadPlan;
	readonly beginning: PullBeginning;
}

/** What there is to do, after what comes before it: rows to check again, and conflicts put off. */
async function begin(run: Run, input: UploadInput): Promise<Beginning> {
	const { spec, store } = run;
	const look = () => {
		const { writes } = store;
		return store.transact('r', [spec.table], async (stores) => {
			const limit = run.settings.batchSize * BATCHES_A_PLAN;
			const options = { ...input, limit, now: run.now() };
			const [plan, rechecks, beginning, isOwed] = await Promise.all([
				readPlan(stores, spec, options),
				readRechecks(stores, spec.table),
				readBeginning(stores, spec.table),
				isOwing(stores, spec),
			]);
			const quietAt = plan.isIdle && !isOwed ? writes : null;
			return { plan, rechecks, beginning: { ...beginning, quietAt } };
		});
	};
	const first = await look();
	const endsDeferrals = input.force && first.plan.deferred > 0;
	if (first.rechecks.length === 0 && !endsDeferrals) return first;
	await recheckRows(run, first.rechecks);
	// A sync that was asked for also tries the conflicts that were put off.
	if (endsDeferrals) await endDeferrals(run);
	return look();
}

/** What needs no request: mutations that undo each other, and changes that the base holds already. */
async function settleUnsent(run: Run, rows: readonly PlannedRow[], look: QueueLook): Promise<StepCounts> {
	const unsent = rows.filter(({ cancelled, intent }) => cancelled.length > 0 || intent?.kind === 'none');
	if (unsent.length === 0) return NO_COUNTS;
	return run.store.transact('rw', [run.spec.table], async (stores) => {
		await assertCurrent(stores, run);
		// What is sent of the plan finds it out, too, and ends it.
		if (!(await isStill(stores, look))) return NO_COUNTS;
		const dirty = await dirtyOfRows(
			stores,
			run.spec.table,
			unsent.map(({ id }) => id),
		);
		const writer = createRowWriter(run.spec, true);
		let uploaded = 0;
		for (const { id, base, cancelled, intent } of unsent) {
			const held = intent?.kind === 'none' ? intent.seqs : [];
			const removed = new Set([...cancelled, ...held]);
			uploaded += held.length;
			const remaining = (dirty.get(id) ?? []).filter(({ seq }) => !removed.has(seq));
			writer.change({ id, base, remaining, removed: [...removed] });
		}
		await writer.write(stores);
		const isUndone = ({ cancelled, intent, base }: PlannedRow) =>
			cancelled.length > 0 && intent === null && base.kind === 'absent';
		await releaseAliases(stores, run.spec.table, new Set(unsent.filter(isUndone).map(({ id }) => id)));
		return { ...NO_COUNTS, uploaded };
	});
}

/**
 * Rows that were changed without being held (R2): not newer than the edit, the server's row becomes the base;
 * newer, it is a conflict; absent, an update is refused and a delete is done.
 */
async function settleUnknown(run: Run, unknown: UploadPlan['unknown']): Promise<StepCounts> {
	const { spec } = run;
	const ids = unknown.map(({ id }) => id);
	const remotes = await run.remote.fetch(spec, ids, run.signal, 'visible');
	const letters: Mutation[] = [];
	const settled = await run.store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const dirty = await dirtyOfRows(stores, spec.table, ids);
		const writer = createRowWriter(spec);
		let counts: StepCounts = NO_COUNTS;
		for (const { id, mutations: planned } of unknown) {
			const mutations = dirty.get(id) ?? [];
			const remote = remotes.get(id);
			const editedAt = Math.max(...planned.map((mutation) => editTime(run, mutation)));
			if (!remote) {
				const seqs = new Set(planned.map(({ seq }) => seq));
				const isDelete = planned.at(-1)?.action === 'delete';
				const covered = mutations.filter(({ seq }) => seqs.has(seq));
				const remaining = mutations.filter(({ seq }) => !seqs.has(seq));
				const error = new PixSyncError(
					'not-found',
					`Row ${JSON.stringify(id)} does not exist at the server`,
					{
						fault: 'rejected',
						table: spec.table,
						id,
						hint: 'It was deleted, or this user may not see it. Create it to bring it back.',
					},
				);
				const rewritten = isDelete ? [] : toDeadLetter(covered, error, run.now());
				letters.push(...rewritten);
				writer.change({
					id,
					base: { kind: 'absent' },
					remaining,
					removed: isDelete ? covered.map(({ seq }) => seq) : [],
					rewritten,
				});
				counts = addCounts(counts, {
					...NO_COUNTS,
					uploaded: isDelete ? covered.length : 0,
					errors: isDelete ? [] : [toErrorLine(spec.table, error)],
				});
				continue;
			}
			const remoteAt = toMicros(versionOf(spec, remote));
			const isLater = remoteAt !== null && remoteAt > BigInt(Math.round(editedAt * 1000));
			// Whoever edits a row has seen it live: sent onto a tombstone, the edit would be taken and never be seen (R20).
			writer.change(
				isLater || isTombstone(spec, remote)
					? { id, base: { kind: 'unknown' }, remaining: mutations, removed: [], remote }
					: { id, base: { kind: 'held', row: remote }, remaining: mutations, removed: [] },
			);
		}
		await writer.write(stores);
		return counts;
	});
	run.notify(toRejectedNotices(letters));
	return settled;
}

async function endDeferrals(run: Run): Promise<void> {
	await run.store.transact('rw', [], async (stores) => {
		const deferred = (await seenRecords(stores, run.spec.table)).filter(
			(record) => record.deferredUntil !== undefined,
		);
		await assertCurrent(stores, run);
		await stores.bases.bulkPut(deferred.map(({ deferredUntil: _, ...record }) => record));
	});
}

async function countConflicts(run: Run): Promise<number> {
	const records = await run.store.transact('r', [], (stores) => seenRecords(stores, run.spec.table));
	return records.filter(({ deferredUntil }) => !isPutOff(deferredUntil, run.now())).length;
}

/**
 * Before a device sends anything of a table for the first time: does the table exist, with its timestamp? A write
 * to a table that cannot be pulled would be a write whose conflicts nobody could see.
 * And before it sends anything while it cannot know the server's time: a stamp of a clock that was set would put
 * the row behind, or far beyond, everybody's checkpoint, where no trigger mends it. The answer tells the time.
 */
async function assertSyncable(run: Run): Promise<void> {
	await run.remote.pull({ spec: run.spec, start: null, limit: 1, keysOnly: true }, run.signal);
}
