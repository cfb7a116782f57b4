import { isPutOff } from '../core/backoff.ts';
import type { Mutation } from '../core/mutation.ts';
import type { RowExplanation, RowOutcome } from '../core/row-explanation.ts';
import { type TableSpec, versionOf } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { type EngineFacts, whatNext } from '../core/what-next.ts';
import type { LocalStore } from './local-store.ts';
import { toConflictOutcome } from './outcome-record.ts';
import { toConflictRecord } from './park.ts';
import { readRechecks } from './recheck.ts';
import { lookUpId } from './row-lookup.ts';
import type { AttemptRecord, BaseRecord, OutcomeRecord, Stores } from './stores.ts';

const ALL_STATUSES = ['pending', 'conflicted', 'rejected'] as const;

/** Everything that is stored about one row, in one transaction; it changes nothing. `id` may be a localId (R3). */
export async function explainRow(
	store: LocalStore,
	spec: TableSpec,
	id: RowId,
	engine: EngineFacts,
): Promise<RowExplanation> {
	return store.transact('r', [spec.table], async (stores) => {
		const rowId = await lookUpId(stores, spec, id);
		const [view, record, all, attempts, outcome, parked, rechecks] = await Promise.all([
			stores.rows(spec.table).get(rowId),
			stores.bases.get([spec.table, rowId]),
			mutationsOf(stores, spec.table, [rowId]),
			stores.attempts.where('table').equals(spec.table).toArray(),
			stores.outcomes.get([spec.table, rowId]),
			stores.conflicts.get([spec.table, rowId]),
			readRechecks(stores, spec.table),
		]);
		const dirty = all.filter(({ status }) => status !== 'rejected');
		const held = dirty.length > 0 ? record : undefined;
		const base = dirty.length > 0 ? confirmedOf(held) : (view ?? null);
		const attempt = attempts.find(({ mutations }) => mutations.some((sent) => sent.id === rowId));
		const sent = seqsOf(attempt, rowId);
		const putOffUntil = Math.max(attempt?.nextAttemptAt ?? 0, held?.deferredUntil ?? 0);
		const explained: Omit<RowExplanation, 'next'> = {
			table: spec.table,
			id: rowId,
			status: statusOf(all, view !== undefined),
			row: view ?? null,
			base,
			remote: remoteOf(held),
			conflict: parked && held ? toConflictRecord(spec, parked, { record: held, mutations: dirty }) : null,
			mutations: all.map(({ mutationId, action, data, queuedAt, status, seq, error }) => ({
				mutationId,
				action,
				data,
				queuedAt,
				status,
				isSent: sent.has(seq),
				error: error ?? null,
			})),
			waitsFor: await awaitedRows(stores, spec, rowId, dirty),
			attempts: attempt?.count ?? 0,
			nextAttemptAt: isPutOff(putOffUntil, engine.now) ? putOffUntil : null,
			lastConflict: outcome ? toConflictOutcome(outcome) : null,
			lastOutcome: lastOutcome(spec, all, outcome, base),
			tableState: engine.tableState,
		};
		const next = whatNext(explained, {
			...engine,
			strategy: spec.strategy,
			isBaseUnknown: held?.base.kind === 'unknown',
			isRecheckDue: rechecks.includes(rowId),
		});
		return { ...explained, next };
	});
}

/** As `readRowState` has it. */
function statusOf(mutations: readonly Mutation[], isHeld: boolean): RowExplanation['status'] {
	for (const status of ['conflicted', 'pending', 'rejected'] as const) {
		if (mutations.some((mutation) => mutation.status === status)) return status;
	}
	return isHeld ? 'synced' : 'absent';
}

/** What a dirty row is known to be at the server. */
function confirmedOf(record: BaseRecord | undefined): Row | null {
	return record?.base.kind === 'held' ? record.base.row : null;
}

function remoteOf(record: BaseRecord | undefined): RowExplanation['remote'] {
	return record?.seen || record?.parked ? (record.remote ?? 'gone') : null;
}

function seqsOf(attempt: AttemptRecord | undefined, id: RowId): ReadonlySet<number> {
	return new Set(attempt?.mutations.filter((sent) => sent.id === id).flatMap(({ seqs }) => seqs));
}

/** The mutations of several rows of a table, dead letters included, in queue order. */
async function mutationsOf(stores: Stores, table: string, ids: readonly RowId[]): Promise<Mutation[]> {
	const keys = ids.flatMap((id) => ALL_STATUSES.map((status) => [table, status, id]));
	const mutations = await stores.outbox.where('[table+status+rowId]').anyOf(keys).toArray();
	return mutations.sort((a, b) => a.seq - b.seq);
}

/**
 * Parents that the server does not hold yet: without them a foreign key refuses the row (23503). They are told by
 * their id among the values of the row's changes; a foreign key that refers to another column is not seen.
 */
async function awaitedRows(
	stores: Stores,
	{ table: own, dependsOn }: TableSpec,
	rowId: RowId,
	dirty: readonly Mutation[],
): Promise<RowExplanation['waitsFor']> {
	const ids = [...new Set(dirty.flatMap(({ data }) => Object.values(data ?? {})).filter(isRowId))];
	const found = new Map<string, RowExplanation['waitsFor'][number]>();
	for (const table of dependsOn) {
		for (const { rowId: id, status, action } of await mutationsOf(stores, table, ids)) {
			if (action !== 'create' || (table === own && id === rowId)) continue;
			found.set(JSON.stringify([table, id]), { table, id, status });
		}
	}
	return [...found.values()];
}

function isRowId(value: unknown): value is RowId {
	return typeof value === 'string' || typeof value === 'number';
}

function lastOutcome(
	spec: TableSpec,
	mutations: readonly Mutation[],
	conflict: OutcomeRecord | undefined,
	base: Row | null,
): RowOutcome | null {
	const refusals = mutations.flatMap(({ error }) => (error ? [error] : []));
	const refusal = refusals.sort((a, b) => a.at - b.at).at(-1);
	// A conflict that left a dead letter is told by the letter, which says why.
	if (refusal && refusal.at >= (conflict?.at ?? 0)) {
		return { kind: 'rejected', at: refusal.at, code: refusal.code };
	}
	// The server's row has moved on since: our change on top of it was confirmed, or somebody else's came.
	const isPast = base !== null && versionOf(spec, base) !== conflict?.version;
	if (conflict && !isPast) return { kind: 'conflict', at: conflict.at, outcome: conflict.outcome };
	return base ? { kind: 'confirmed', at: null } : null;
}
