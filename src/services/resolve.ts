import { isAgreed } from '../core/conflict-sides.ts';
import { decide, type Resolution } from '../core/decide.ts';
import { isPixSyncError, type PixSyncError } from '../core/errors.ts';
import type { EditTime } from '../core/mutation.ts';
import type { ResolveInput, ResolveOutput } from '../core/run-contract.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { askResolver, type Verdicts } from './ask-resolver.ts';
import { type OpenConflict, readConflicts, settleWithoutConflict } from './open-conflicts.ts';
import { resendsBefore } from './outcome-record.ts';
import { sidesOf, toStoredError } from './park.ts';
import { toResolved } from './resolution-change.ts';
import { createResolveRound, type ResolveRound } from './resolve-round.ts';
import { assertCurrent, editTime, type Run } from './run.ts';
import type { OutcomeRecord, ParkedRecord } from './stores.ts';
import { isDue, readPlan } from './upload-plan.ts';

/**
 * After how many resends of one row, each lost to a newer row, a table that can ask somebody does so (R13). A
 * table whose rule never parks goes on by itself, later: its app may have nobody to ask.
 */
export const MAX_RESENDS = 8;

/**
 * Decides every conflict that waits, in one transaction: nothing can be queued between verdict and write. A
 * resolver of the app's is asked before, outside of it; where it saw something else than is there by then, the
 * conflict waits for the next round. What a parked row's conflict is about is brought up to date.
 */
export async function resolve(run: Run, input: ResolveInput): Promise<ResolveOutput> {
	const { spec, store } = run;
	const verdicts = spec.resolver ? await askResolver(run, spec.resolver) : null;
	const { round, due } = await store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const open = await readConflicts(stores, run);
		const ids = open.map(({ record }) => record.id);
		const keys = ids.map((id): [string, RowId] => [spec.table, id]);
		const [views, outcomes, parked] = await Promise.all([
			stores.rows(spec.table).bulkGet(ids),
			stores.outcomes.bulkGet(keys),
			stores.conflicts.bulkGet(keys),
		]);
		const round = createResolveRound(run);
		open.forEach((conflict, at) => {
			const known = { view: views[at] ?? null, outcome: outcomes[at], parked: parked[at] };
			resolveOne(run, input, round, conflict, known, verdicts);
		});
		await round.write(stores);
		const plan = await readPlan(stores, spec, {
			upTo: null,
			force: false,
			holdDeletes: false,
			limit: 1,
			now: run.now(),
		});
		return { round, due: isDue(plan) };
	});
	run.notify(round.notices());
	return { ...round.result(), due };
}

/** What is stored of a conflict's row beside the conflict. */
interface Known {
	readonly view: Row | null;
	readonly outcome: OutcomeRecord | undefined;
	readonly parked: ParkedRecord | undefined;
}

function resolveOne(
	run: Run,
	{ isExhausted, retryAt }: ResolveInput,
	round: ResolveRound,
	conflict: OpenConflict,
	known: Known,
	verdicts: Verdicts | null,
): void {
	const { spec } = run;
	const { record } = conflict;
	const at = run.now();
	const settled = settleWithoutConflict(run, conflict);
	if (settled) {
		round.agree(settled);
		return;
	}
	if (record.parked) {
		round.parkAnew(conflict, known.parked ?? { reason: 'manual', since: at });
		return;
	}
	const resends = resendsBefore(spec, record, known.outcome);
	const resolution = resolutionOf(run, conflict, verdicts);
	if (resolution === null) {
		if (isExhausted) round.defer(conflict, retryAt, resends);
		return;
	}
	if (isPixSyncError(resolution)) {
		const error = toStoredError(resolution, at);
		round.park(conflict, { reason: 'resolver-error', since: at, error }, resolution);
		return;
	}
	if (resolution.kind === 'park') {
		round.park(conflict, { reason: resolution.reason, since: at });
		return;
	}
	const resolved = toResolved(spec, conflict, resolution, { queuedAt: at, clockOffset: run.clockOffset() });
	const isResent = resolved.change.remaining.length > 0;
	if (!isExhausted || !isResent) round.end(conflict, resolved, { view: known.view, resends });
	else if (mayAsk(spec) && resends >= MAX_RESENDS) round.park(conflict, { reason: 'exhausted', since: at });
	else round.defer(conflict, retryAt, resends);
}

/** Null: the resolver has not seen the conflict as it is now. An error: it gave no verdict. */
function resolutionOf(
	run: Run,
	conflict: OpenConflict,
	verdicts: Verdicts | null,
): Resolution | PixSyncError | null {
	const { spec } = run;
	const sides = sidesOf(spec, conflict);
	const timeOf = (edit: EditTime) => editTime(run, edit);
	if (spec.strategy !== 'custom') return decide({ ...sides, rule: spec.strategy, timeOf });
	if (isAgreed(sides)) return { kind: 'agreed' };
	const rule = verdicts?.of(conflict) ?? null;
	return rule === null || isPixSyncError(rule) ? rule : decide({ ...sides, rule, timeOf });
}

/** Whether conflicts of the table may be parked: its app then has somebody who decides them. */
function mayAsk({ strategy }: TableSpec): boolean {
	return strategy === 'merge' || strategy === 'manual' || strategy === 'custom';
}
