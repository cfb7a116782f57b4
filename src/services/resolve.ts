import { decide, type Resolution } from '../core/decide.ts';
import { PixSyncError, toErrorLine } from '../core/errors.ts';
import { isOurs } from '../core/is-ours.ts';
import { isSameJson } from '../core/json.ts';
import type { Base, Mutation, PushMutation } from '../core/mutation.ts';
import type { ResolvedConflict, ResolveInput, ResolveOutput } from '../core/run-contract.ts';
import type { RowNotice } from '../core/sync-notice.ts';
import { isTombstone, versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { acknowledge, toDeadLetter, toRejectedNotices } from './apply-push.ts';
import type { AttemptRecord, BaseRecord, OutcomeRecord, Stores } from './local-store.ts';
import { dirtyOfRows } from './outbox.ts';
import { toOutcomeRecord } from './outcome-record.ts';
import { assertCurrent, editTime, type Run } from './run.ts';
import { createRowWriter, type RowChange, viewOf } from './settle-row.ts';
import { isDue, readPlan, seenRecords } from './upload-plan.ts';

/** One row that is dirty while the server holds something newer. */
interface OpenConflict {
	readonly record: BaseRecord;
	readonly mutations: readonly Mutation[];
	readonly attempt: PushMutation | null;
}

/** Decides every conflict that waits, in one transaction: nothing can be queued between verdict and write. */
export async function resolve(run: Run, input: ResolveInput): Promise<ResolveOutput> {
	const { spec, store } = run;
	const notices: RowNotice[] = [];
	const result = await store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const open = await readConflicts(stores, run);
		const views = await stores.rows(spec.table).bulkGet(open.map(({ record }) => record.id));
		const writer = createRowWriter(spec);
		const output = { uploaded: 0, downloaded: 0, conflicts: 0, errors: [] as string[] };
		const outcomes: OutcomeRecord[] = [];
		const deferred: BaseRecord[] = [];
		const settled = new Set<RowId>();
		const at = run.now();

		open.forEach((conflict, index) => {
			const { record, mutations } = conflict;
			const plain = settleWithoutConflict(run, conflict);
			if (plain) {
				output.uploaded += plain.removed.length;
				settled.add(record.id);
				writer.change(plain);
				return;
			}
			const resolution = decide({
				spec,
				mutations,
				remote: record.remote ?? null,
				isBaseKnown: record.base.kind === 'held',
				timeOf: (edit) => editTime(run, edit),
			});
			const willResend = resolution.kind === 'local-stands' || resolution.kind === 'recreate';
			if (input.isExhausted && willResend) {
				deferred.push({ ...record, deferredUntil: input.retryAt });
				outcomes.push(toOutcomeRecord(run, { record, mutations, outcome: 'deferred', dropped: [], at }));
				return;
			}
			const change = toChange(run, conflict, resolution);
			settled.add(record.id);
			writer.change(change);
			if (resolution.kind === 'dead-letter') notices.push(...toRejectedNotices(change.rewritten ?? []));
			if (resolution.kind === 'agreed') {
				output.uploaded += change.removed.length;
				return;
			}
			output.conflicts++;
			const outcome = OUTCOMES[resolution.kind];
			outcomes.push(toOutcomeRecord(run, { record, mutations, outcome, dropped: change.removed, at }));
			if (!isSameJson(views[index] ?? null, viewOf(spec, change))) output.downloaded++;
			if (resolution.kind === 'dead-letter')
				output.errors.push(toErrorLine(spec.table, remoteDeleted(run, record.id)));
		});

		await Promise.all([writer.write(stores), dropAttempts(stores, spec.table, settled)]);
		if (deferred.length > 0) await stores.bases.bulkPut(deferred);
		if (outcomes.length > 0) await stores.outcomes.bulkPut(outcomes);
		const plan = await readPlan(stores, spec, {
			upTo: null,
			force: false,
			holdDeletes: false,
			limit: 1,
			now: run.now(),
		});
		const resolved = outcomes.map(({ id, outcome }): ResolvedConflict => ({ id, outcome }));
		notices.push(
			...outcomes.map(({ version: _, ...outcome }) => ({ type: 'conflict' as const, ...outcome })),
		);
		return { ...output, due: isDue(plan), resolved };
	});
	run.notify(notices);
	return result;
}

const OUTCOMES = {
	'remote-stands': 'remote',
	'local-stands': 'local',
	recreate: 'recreated',
	'dead-letter': 'dead-letter',
} as const satisfies Record<Exclude<Resolution['kind'], 'agreed'>, ResolvedConflict['outcome']>;

async function readConflicts(stores: Stores, run: Run): Promise<OpenConflict[]> {
	const { table } = run.spec;
	const records = (await seenRecords(stores, table)).filter(
		({ deferredUntil = 0 }) => deferredUntil <= run.now(),
	);
	const [dirty, attempts] = await Promise.all([
		dirtyOfRows(
			stores,
			table,
			records.map(({ id }) => id),
		),
		stores.attempts.where('table').equals(table).toArray(),
	]);
	const attemptOf = new Map(
		attempts.flatMap(({ mutations }) => mutations.map((mutation) => [mutation.id, mutation])),
	);
	return records.map((record) => ({
		record,
		mutations: dirty.get(record.id) ?? [],
		attempt: attemptOf.get(record.id) ?? null,
	}));
}

/** The newer row may be our own write whose reply was lost (F28), or nothing new at all. */
function settleWithoutConflict(run: Run, { record, mutations, attempt }: OpenConflict): RowChange | null {
	const { spec } = run;
	const remote = record.remote ?? null;
	const { id, base } = record;
	if (mutations.length === 0) {
		return {
			id,
			base: remote ? { kind: 'held', row: remote } : { kind: 'absent' },
			remaining: [],
			removed: [],
		};
	}
	if (base.kind === 'held' && remote) {
		const [held, seen] = [versionOf(spec, base.row), versionOf(spec, remote)];
		if (held && seen && compareTimestamps(seen, held) <= 0)
			return { id, base, remaining: mutations, removed: [] };
	}
	if (!attempt || !remote) return null;
	const isOurDelete = attempt.kind === 'delete' && isTombstone(spec, remote);
	if (!isOurDelete && !isOurs(spec, attempt, remote)) return null;
	const { remote: _, ...settled } = acknowledge(run, attempt, mutations, undefined, remote);
	return settled;
}

function toChange(run: Run, { record, mutations }: OpenConflict, resolution: Resolution): RowChange {
	const { id } = record;
	const remote = record.remote ?? null;
	const base: Base = remote ? { kind: 'held', row: remote } : { kind: 'absent' };
	const all = mutations.map(({ seq }) => seq);
	switch (resolution.kind) {
		case 'agreed':
		case 'remote-stands':
			return { id, base, remaining: [], removed: all };
		case 'local-stands':
			return { id, base, remaining: keep(mutations, resolution.lost), removed: resolution.lost };
		case 'recreate': {
			const remaining = asCreate(run, record, keep(mutations, resolution.lost));
			return { id, base, remaining, removed: resolution.lost, rewritten: remaining.slice(0, 1) };
		}
		case 'dead-letter':
			return {
				id,
				base,
				remaining: [],
				removed: [],
				rewritten: toDeadLetter(mutations, remoteDeleted(run, id), run.now()),
			};
	}
}

function keep(mutations: readonly Mutation[], lost: readonly number[]): readonly Mutation[] {
	return mutations.filter(({ seq }) => !lost.includes(seq));
}

/** The first mutation as a create of the whole row: what the server lost, with the edit on it. */
function asCreate(run: Run, record: BaseRecord, mutations: readonly Mutation[]): readonly Mutation[] {
	const [first, ...rest] = mutations;
	if (!first || first.action === 'create') return mutations;
	const known: Row = record.base.kind === 'held' ? record.base.row : (record.remote ?? {});
	const data: Record<string, unknown> = { ...known, ...first.data };
	delete data[run.spec.idField];
	const { deleted } = run.spec;
	if (deleted) data[deleted.field] = deleted.type === 'boolean' ? false : null;
	return [{ ...first, action: 'create', data }, ...rest];
}

function remoteDeleted(run: Run, id: RowId): PixSyncError {
	return new PixSyncError(
		'remote-deleted',
		`Row ${JSON.stringify(id)} was deleted elsewhere; the local edit is kept aside`,
		{
			fault: 'rejected',
			table: run.spec.table,
			id,
			hint: 'Create the row anew from the kept edit, or let it go.',
		},
	);
}

/** A row whose conflict is decided has no uncertain request any more. */
async function dropAttempts(stores: Stores, table: string, settled: ReadonlySet<RowId>): Promise<void> {
	if (settled.size === 0) return;
	const attempts = await stores.attempts.where('table').equals(table).toArray();
	const changed: AttemptRecord[] = attempts
		.map((attempt) => ({ ...attempt, mutations: attempt.mutations.filter(({ id }) => !settled.has(id)) }))
		.filter((attempt, at) => attempt.mutations.length !== attempts[at]?.mutations.length);
	await Promise.all(
		changed.map((attempt) =>
			attempt.mutations.length === 0
				? stores.attempts.delete(attempt.id ?? -1)
				: stores.attempts.put(attempt),
		),
	);
}
