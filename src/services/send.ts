import { isPutOff } from '../core/backoff.ts';
import { type PixSyncError, toErrorLine, toPixSyncError } from '../core/errors.ts';
import type { PushOutcome } from '../core/mutation.ts';
import { addCounts, NO_COUNTS, type StepCounts, StepError } from '../core/run-contract.ts';
import { applyPush, putOffUntil } from './apply-push.ts';
import type { SeenRows } from './queue-look.ts';
import { assertCurrent, type Run } from './run.ts';
import { stillUncertain, turnsAgain } from './send-again.ts';
import type { AttemptRecord } from './stores.ts';

export interface Sent {
	readonly counts: StepCounts;
	/** Turns were left out, for a look anew. */
	readonly isCut: boolean;
}

/** A stored attempt, and what its rows had queued as it was planned; null: that is long ago. */
export interface Sending {
	readonly attempt: AttemptRecord;
	readonly seen: SeenRows | null;
}

/** What is sent in its turn. */
export interface Turn {
	/** What may have arrived before; undefined: nothing of it has been sent. */
	readonly again?: AttemptRecord;
	take(): Promise<TakenTurn>;
}

/** What a turn comes to. `stale`: it was planned for a queue that is another now, as all that come after it. */
export type TakenTurn = ({ readonly kind: 'send' } & Sending) | { readonly kind: 'nothing' | 'stale' };

export interface SendOptions {
	readonly retryInMs: number;
	/** What the upload has done already, to which its counts are added. */
	readonly before: StepCounts;
	/** Asked before each turn: whether what is left must be looked at anew. */
	readonly mustStop: () => boolean;
}

/** A request that has ended. */
type Reply = Sending & ({ readonly outcomes: readonly PushOutcome[] } | { readonly error: PixSyncError });

/**
 * Sends one after the other, each stored by its turn just before. A turn comes when the request before has ended,
 * and while its outcome is still being written: the network and the disk work at the same time, and never are two
 * requests under way whose order the server might turn round. The first error that ends the upload ends the turns.
 * @throws StepError
 */
export async function sendInTurn(
	run: Run,
	turns: readonly Turn[],
	{ retryInMs, before, mustStop }: SendOptions,
): Promise<Sent> {
	const left = [...turns];
	let counts: StepCounts = before;
	let isCut = false;
	let failure: { readonly error: unknown } | null = null;
	let flying: Promise<Reply> | null = null;
	const isOver = () => failure !== null || isCut;
	while (flying || (left.length > 0 && !isOver())) {
		const reply: Reply | null = await flying;
		flying = null;
		try {
			while (!flying && left.length > 0 && !isOver() && !(reply && endsUpload(reply))) {
				isCut = mustStop();
				const taken = isCut ? null : await left.shift()?.take();
				if (taken?.kind === 'send') flying = request(run, taken);
				isCut ||= taken?.kind === 'stale';
			}
		} catch (error) {
			failure = { error };
		}
		if (!reply) continue;
		try {
			counts = addCounts(counts, await settle(run, reply, retryInMs));
		} catch (error) {
			if (failure || !isWayGone(run, error)) failure ??= { error };
			else counts = addCounts(counts, await goOtherWay(run, reply, left));
		}
	}
	if (failure) throw new StepError(toPixSyncError(failure.error, run.spec.table), counts);
	return { counts, isCut };
}

/** The function that it was to go by is gone, and there is another way. */
function isWayGone({ remote, spec }: Run, error: unknown): boolean {
	return toPixSyncError(error).code === 'rpc-missing' && !remote.isExactlyOnce(spec);
}

/** By the other way, without names: nothing that has one may go by it, or it would be taken for known later. */
async function goOtherWay(run: Run, reply: Reply, left: Turn[]): Promise<StepCounts> {
	const attempts = [reply.attempt, ...left.flatMap(({ again }) => again ?? [])];
	const { counts, turns } = await turnsAgain(run, await stillUncertain(run, attempts));
	left.splice(0, left.length, ...turns, ...left.filter(({ again }) => !again));
	return counts;
}

/** Never rejects: what goes wrong is its reply. */
async function request(run: Run, sending: Sending): Promise<Reply> {
	try {
		const { mutations } = sending.attempt;
		return { ...sending, outcomes: await run.remote.push(run.spec, mutations, run.signal) };
	} catch (cause) {
		return { ...sending, error: toPixSyncError(cause, run.spec.table) };
	}
}

/** Nobody answered, the session was refused, or the table cannot sync: nothing more is sent. */
function endsUpload(reply: Reply): boolean {
	if ('error' in reply) return reply.error.fault !== 'retryable';
	return reply.outcomes.some(
		(outcome) => outcome.kind === 'retryable' && outcome.error.fault !== 'retryable',
	);
}

/** Writes what became of the attempt. @throws what ends the upload. */
async function settle(run: Run, reply: Reply, retryInMs: number): Promise<StepCounts> {
	const { attempt, seen } = reply;
	try {
		if ('error' in reply) throw reply.error;
		const { fatal, ...counts } = await applyPush(run, attempt, reply.outcomes, retryInMs, seen);
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
