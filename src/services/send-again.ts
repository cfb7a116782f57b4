import { NO_COUNTS, type StepCounts } from '../core/run-contract.ts';
import { claimArrived } from './claim-arrived.ts';
import type { Run } from './run.ts';
import type { Turn } from './send.ts';
import { stampAnew } from './store-attempt.ts';
import type { AttemptRecord } from './stores.ts';

export interface Again {
	/** What was found to have arrived. */
	readonly counts: StepCounts;
	readonly turns: readonly Turn[];
}

/**
 * Turns of what may have arrived before. What of it has no name and no id is looked for first, all of it: a row that
 * is sent again would be taken for another one's.
 */
export async function turnsAgain(run: Run, attempts: readonly AttemptRecord[]): Promise<Again> {
	const { spec, remote } = run;
	const wasNamed = remote.isExactlyOnce(spec);
	const { counts, left } = await claimNameless(run, attempts);
	const toTurn = (attempt: AttemptRecord): Turn => ({
		again: attempt,
		take: async () => {
			// The way by which it was known has gone since: to be looked for, as all that has no name.
			if (spec.ids === 'server' && wasNamed && !remote.isExactlyOnce(spec)) return { kind: 'stale' };
			const [stamped] = await stampAnew(run, [attempt]);
			return stamped ? { kind: 'send', attempt: stamped, seen: null } : { kind: 'nothing' };
		},
	});
	return { counts, turns: left.map(toTurn) };
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

/** The attempts less what became known of them. */
export async function stillUncertain(
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
