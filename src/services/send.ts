import { isPutOff } from '../core/backoff.ts';
import { type PixSyncError, toErrorLine, toPixSyncError } from '../core/errors.ts';
import type { PushMutation } from '../core/mutation.ts';
import { addCounts, NO_COUNTS, type StepCounts } from '../core/run-contract.ts';
import { versionOf } from '../core/table-spec.ts';
import { nextStamp } from '../core/timestamp.ts';
import { applyPush, putOffUntil } from './apply-push.ts';
import { claimArrived } from './claim-arrived.ts';
import { assertCurrent, type Run, serverNow } from './run.ts';
import type { AttemptRecord } from './stores.ts';
import { type PlannedRow, toPushMutation } from './upload-plan.ts';

/** Stores an attempt of the rows (R7), and sends it. */
export async function sendRows(
	run: Run,
	rows: readonly PlannedRow[],
	retryInMs: number,
): Promise<StepCounts> {
	return send(run, await storeAttempt(run, rows), retryInMs);
}

/** Sends what may have arrived before. */
export async function sendAgain(
	run: Run,
	attempts: readonly AttemptRecord[],
	retryInMs: number,
): Promise<StepCounts> {
	const { counts, left } = await claimNameless(run, attempts);
	return addCounts(counts, await send(run, await stampAnew(run, left), retryInMs));
}

async function send(run: Run, attempts: readonly AttemptRecord[], retryInMs: number): Promise<StepCounts> {
	let counts: StepCounts = NO_COUNTS;
	for (const [at, attempt] of attempts.entries()) {
		try {
			counts = addCounts(counts, await push(run, attempt, retryInMs));
		} catch (error) {
			if (!isWayGone(run, error)) throw error;
			// By the other way, without names: nothing that has one may go by it, or it would be taken for known later.
			const left = await stillUncertain(run, attempts.slice(at));
			return addCounts(counts, await sendAgain(run, left, retryInMs));
		}
	}
	return counts;
}

/** The function that it was to go by is gone, and there is another way. */
function isWayGone({ remote, spec }: Run, error: unknown): boolean {
	return toPixSyncError(error).code === 'rpc-missing' && !remote.isExactlyOnce(spec);
}

/** The attempts less what became known of them. */
async function stillUncertain(
	run: Run,
	attempts: readonly AttemptRecord[],
): Promise<readonly AttemptRecord[]> {
	const ids = attempts.map(({ id }) => id ?? -1);
	const stored = await run.store.transact('r', [], (stores) => stores.attempts.bulkGet(ids));
	return attempts.flatMap((attempt, at) => {
		const open = new Set(stored[at]?.mutations.map(({ id }) => id));
		const mutations = attempt.mutations.filter(({ id }) => open.has(id));
		return mutations.length > 0 ? [{ ...attempt, mutations }] : [];
	});
}

/**
 * Where the server makes the ids, what was sent by a name is known at the server; the rest, of a former transport,
 * too, is looked for.
 */
async function claimNameless(
	run: Run,
	attempts: readonly AttemptRecord[],
): Promise<{ readonly counts: StepCounts; readonly left: readonly AttemptRecord[] }> {
	if (run.spec.ids !== 'server') return { counts: NO_COUNTS, left: attempts };
	const isKnown = ({ mutations }: AttemptRecord) =>
		run.remote.isExactlyOnce(run.spec) && mutations.every(({ pushId }) => pushId !== undefined);
	const unknown = attempts.filter((attempt) => !isKnown(attempt));
	const claimed = await claimArrived(run, unknown);
	return { counts: claimed.counts, left: [...attempts.filter(isKnown), ...claimed.left] };
}

/** Stores what is about to be sent, before it is (R7). */
async function storeAttempt(run: Run, rows: readonly PlannedRow[]): Promise<AttemptRecord[]> {
	const micros = BigInt(Math.round(serverNow(run) * 1000));
	const mutations = rows
		.map((row) => {
			const base = row.base.kind === 'held' ? versionOf(run.spec, row.base.row) : null;
			const mutation = toPushMutation(run.spec, row, nextStamp(micros, base, noise(run)));
			return mutation && run.remote.isExactlyOnce(run.spec)
				? { ...mutation, pushId: run.createId() }
				: mutation;
		})
		.filter((mutation): mutation is PushMutation => mutation !== null);
	if (mutations.length === 0) return [];
	const record: AttemptRecord = { table: run.spec.table, mutations, count: 0, nextAttemptAt: 0 };
	const id = await run.store.transact('rw', [], async (stores) => {
		await assertCurrent(stores, run);
		return stores.attempts.add(record);
	});
	return [{ ...record, id }];
}

/** Below the millisecond that clocks tell: makes a stamp this device's own. */
function noise(run: Run): bigint {
	return BigInt(Math.floor(run.random() * 1_000));
}

/** Stamps remembered of one request; past them it is told by its columns. */
const MAX_STAMPS = 20;

/**
 * A repeated request carries the time of its own sending (R17). With the first one's, a table that has no trigger
 * would take in a row behind the other devices' checkpoints, hours back after an offline spell, and they would
 * never pull it.
 */
async function stampAnew(run: Run, attempts: readonly AttemptRecord[]): Promise<readonly AttemptRecord[]> {
	const { timestampField } = run.spec;
	const micros = BigInt(Math.round(serverNow(run) * 1000));
	const isNamed = run.remote.isExactlyOnce(run.spec);
	const again = ({ pushId, ...mutation }: PushMutation): PushMutation => {
		const stamp = nextStamp(micros, mutation.base, noise(run));
		return {
			...mutation,
			// What goes by a transport without a ledger is not known by its name any more.
			...(isNamed && pushId !== undefined ? { pushId } : {}),
			stamp,
			earlierStamps: [mutation.stamp, ...(mutation.earlierStamps ?? [])].slice(0, MAX_STAMPS),
			body: mutation.body && { ...mutation.body, [timestampField]: stamp },
		};
	};
	return run.store.transact('rw', [], async (stores) => {
		await assertCurrent(stores, run);
		return Promise.all(
			attempts.map(async (attempt) => {
				const sent = new Map(attempt.mutations.map((mutation) => [mutation.id, again(mutation)]));
				const stored = (await stores.attempts.get(attempt.id ?? -1)) ?? attempt;
				// Rows that wait for the resolver are not sent, but what they may have left at the server is kept.
				const mutations = stored.mutations.map((mutation) => sent.get(mutation.id) ?? mutation);
				await stores.attempts.put({ ...stored, mutations });
				return { ...attempt, mutations: [...sent.values()] };
			}),
		);
	});
}

async function push(run: Run, attempt: AttemptRecord, retryInMs: number): Promise<StepCounts> {
	try {
		const outcomes = await run.remote.push(run.spec, attempt.mutations, run.signal);
		const { fatal, ...counts } = await applyPush(run, attempt, outcomes, retryInMs);
		if (fatal) throw fatal;
		return counts;
	} catch (cause) {
		const error = toPixSyncError(cause, run.spec.table);
		if (error.fault === 'retryable') {
			const until = putOffUntil(run, attempt, retryInMs);
			return { ...NO_COUNTS, ...(await putOff(run, attempt, until, error)) };
		}
		if (error.code !== 'superseded')
			await putOff(run, attempt, error.fault === 'no-answer' ? run.now() + retryInMs : 0, error);
		throw error;
	}
}

/** Marks when the attempt is due again, so that backoff outlives a restart (R13). */
async function putOff(
	run: Run,
	attempt: AttemptRecord,
	retryAt: number,
	error: PixSyncError,
): Promise<Partial<StepCounts>> {
	await run.store.transact('rw', [], async (stores) => {
		await assertCurrent(stores, run);
		const current = attempt.id === undefined ? undefined : await stores.attempts.get(attempt.id);
		// What was settled before the error came is not put back.
		if (!current || isPutOff(current.nextAttemptAt, run.now())) return;
		const nextAttemptAt = Math.max(retryAt, run.now() + (error.retryAfterMs ?? 0));
		await stores.attempts.put({ ...current, count: attempt.count + 1, nextAttemptAt });
	});
	return { errors: [toErrorLine(run.spec.table, error)] };
}
