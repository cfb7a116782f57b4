import type { Mutation, PushMutation } from '../core/mutation.ts';
import { versionOf } from '../core/table-spec.ts';
import { nextStamp } from '../core/timestamp.ts';
import { isStill, type QueueLook } from './queue-look.ts';
import { assertCurrent, type Run, serverNow } from './run.ts';
import type { TakenTurn } from './send.ts';
import type { AttemptRecord } from './stores.ts';
import { type PlannedRow, toPushMutation } from './upload-plan.ts';

/**
 * Stores what is about to be sent, before it is (R7).
 * @returns `stale` where the queue was rewritten since the plan was made: a dead letter was revived under a newer edit,
 * or the queue was cleared. What was planned may be no longer what is wanted.
 */
export async function storeAttempt(
	run: Run,
	rows: readonly PlannedRow[],
	look: QueueLook,
): Promise<TakenTurn> {
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
	if (mutations.length === 0) return { kind: 'nothing' };
	const record: AttemptRecord = { table: run.spec.table, mutations, count: 0, nextAttemptAt: 0 };
	const id = await run.store.transact('rw', [], async (stores) => {
		await assertCurrent(stores, run);
		if (!(await isStill(stores, look))) return null;
		return stores.attempts.add(record);
	});
	if (id === null) return { kind: 'stale' };
	const queued = new Map(rows.map((row) => [row.id, withoutCancelled(row)]));
	return { kind: 'send', attempt: { ...record, id }, seen: { look, mutations: queued } };
}

/** What undid itself has left the queue before anything is sent. */
function withoutCancelled({ mutations, cancelled }: PlannedRow): readonly Mutation[] {
	return cancelled.length === 0 ? mutations : mutations.filter(({ seq }) => !cancelled.includes(seq));
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
export async function stampAnew(
	run: Run,
	attempts: readonly AttemptRecord[],
): Promise<readonly AttemptRecord[]> {
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
