import { isAgreed, rowsOf } from '../core/conflict-sides.ts';
import type { Rule } from '../core/decide.ts';
import { isPixSyncError, PixSyncError } from '../core/errors.ts';
import type { ConflictContext, ConflictResolver, Row, RowId } from '../core/types.ts';
import { toRule } from '../core/verdict.ts';
import { withoutValues } from '../core/without-values.ts';
import { isSameConflict, type OpenConflict, readConflicts, settleWithoutConflict } from './open-conflicts.ts';
import { copyOf, sidesOf } from './park.ts';
import { type Run, throwIfAborted } from './run.ts';

/** What the app's resolver made of the conflicts that it was shown. */
export interface Verdicts {
	/** Null: it was not asked about the conflict as it is now. An error is why it gave no verdict. */
	of(conflict: OpenConflict): Rule | PixSyncError | null;
}

interface Answer {
	/** The conflict as the resolver saw it. */
	readonly saw: OpenConflict;
	readonly rule: Rule | PixSyncError;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Conflicts that are shown to the resolver at once: one that never answers must not hold hundreds up, one by one. */
const AT_ONCE = 8;

/**
 * Asks the app's resolver about all that wait. No transaction is open meanwhile: it may take its time, and do what
 * it likes. What it says counts only as long as nothing changed since; who applies it looks.
 * @throws PixSyncError `superseded` where the run is called off; a late answer is then heard by nobody.
 */
export async function askResolver(run: Run, resolver: ConflictResolver): Promise<Verdicts> {
	const { spec, store, signal } = run;
	const open = await store.transact('r', [spec.table], (stores) => readConflicts(stores, run));
	const asked = open.filter(
		(conflict) =>
			!conflict.record.parked &&
			settleWithoutConflict(run, conflict) === null &&
			!isAgreed(sidesOf(spec, conflict)),
	);
	const answers = new Map<RowId, Answer>();
	for (let from = 0; from < asked.length; from += AT_ONCE) {
		throwIfAborted(signal);
		const group = asked.slice(from, from + AT_ONCE);
		const rules = await Promise.all(group.map((conflict) => askAbout(run, resolver, conflict)));
		group.forEach((saw, at) => {
			const rule = rules[at];
			if (rule) answers.set(saw.record.id, { saw, rule });
		});
	}
	throwIfAborted(signal);
	return {
		of(conflict) {
			const answer = answers.get(conflict.record.id);
			return answer && isSameConflict(answer.saw, conflict) ? answer.rule : null;
		},
	};
}

/** Rejects only where the run is called off. */
async function askAbout(
	run: Run,
	resolver: ConflictResolver,
	conflict: OpenConflict,
): Promise<Rule | PixSyncError> {
	const { spec } = run;
	const sides = sidesOf(spec, conflict);
	const { id } = conflict.record;
	const { base, local, remote } = rowsOf(sides);
	const copy = (row: Row | null) => row && copyOf(row);
	const context = { table: spec.table, id, base: copy(base), local: copy(local), remote: copy(remote) };
	try {
		return toRule(sides, id, await withinTime(run, resolver, context));
	} catch (cause) {
		throwIfAborted(run.signal);
		return failed(context, cause);
	}
}

/** The resolver's answer, or a rejection when the time is over or the run is called off. */
async function withinTime(
	{ signal, settings }: Run,
	resolver: ConflictResolver,
	context: ConflictContext,
): Promise<unknown> {
	const ms = settings.requestTimeoutMs ?? DEFAULT_TIMEOUT_MS;
	let end: () => void = () => undefined;
	const limit = new Promise<never>((_, reject) => {
		const timer = setTimeout(() => reject(tookTooLong(ms)), ms);
		const onAbort = () => reject(signal.reason);
		signal.addEventListener('abort', onAbort, { once: true });
		end = () => {
			clearTimeout(timer);
			signal.removeEventListener('abort', onAbort);
		};
	});
	try {
		return await Promise.race([(async () => resolver(context))(), limit]);
	} finally {
		end();
	}
}

function tookTooLong(ms: number): PixSyncError {
	return new PixSyncError('resolver-error', `it gave no verdict within ${ms} ms`, {
		hint: "Decide faster, or answer 'manual' and decide later by resolveConflict.",
	});
}

/** What the app's code throws may quote the rows; errors go to logs, and must not (S33). */
function failed(context: ConflictContext, cause: unknown): PixSyncError {
	const { table, id, base, local, remote } = context;
	const told = cause instanceof Error ? cause.message : String(cause);
	const text = isPixSyncError(cause)
		? told
		: withoutValues(told, { body: [base, local, remote], filters: [] });
	const hint = isPixSyncError(cause) ? cause.hint : 'Mend the resolver.';
	return new PixSyncError('resolver-error', `The resolver failed for row ${JSON.stringify(id)}: ${text}`, {
		fault: 'rejected',
		table,
		id,
		cause,
		hint: `${hint} The conflict waits in getConflicts(), to be decided by resolveConflict.`,
	});
}
