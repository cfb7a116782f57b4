import type { ConflictRecord } from '../core/conflict-record.ts';
import { decide, type Resolution } from '../core/decide.ts';
import { toDecidedRow } from '../core/decided-row.ts';
import { isPixSyncError, PixSyncError } from '../core/errors.ts';
import { toPlainData } from '../core/json.ts';
import type { EditTime } from '../core/mutation.ts';
import type { RowNotice } from '../core/sync-notice.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row } from '../core/types.ts';
import type { MutateOptions } from './mutate.ts';
import { dirtyOf, dirtyOfRows } from './outbox.ts';
import { toConflictNotice, toOutcomeRecord } from './outcome-record.ts';
import {
	type ConflictedRow,
	conflictIdOf,
	mutationIdOf,
	parkedOf,
	sidesOf,
	toConflictRecord,
	unpark,
} from './park.ts';
import { toResolved } from './resolution-change.ts';
import { createRowWriter } from './settle-row.ts';
import type { ParkedRecord, Stores } from './stores.ts';

/** What a person says to a conflict, checked and copied as the call was made. */
export type Decision = 'local' | 'remote' | { readonly row: Row };

/** The conflicts that wait for a person. */
export interface ConflictInbox {
	/** Longest waiting first. */
	list(specs: readonly TableSpec[]): Promise<readonly ConflictRecord[]>;
	/**
	 * Ends a conflict as decided: what is to be sent is pending, on the server's row that the person saw.
	 * @throws PixSyncError `unknown-conflict`, `id-change`, `bad-data`, before anything is written.
	 */
	decide(specs: ReadonlyMap<string, TableSpec>, conflict: string, decision: Decision): Promise<Decided>;
}

export interface Decided {
	readonly table: string;
	readonly notices: readonly RowNotice[];
}

export function createConflictInbox({ store, now, clockOffset }: MutateOptions): ConflictInbox {
	return {
		async list(specs) {
			const lists = await store.transact('r', [], (stores) =>
				Promise.all(specs.map((spec) => listOf(stores, spec))),
			);
			return lists.flat().sort((a, b) => a.since - b.since);
		},

		async decide(specs, id, decision) {
			// Looked for first: its table tells which store the transaction needs.
			const found = await store.transact('r', [], (stores) => find(stores, id));
			const spec = specs.get(found.table);
			if (!spec) throw unknownConflict(id);
			return store.transact('rw', [spec.table], async (stores) => {
				const parked = await find(stores, id);
				const conflict = await readRow(stores, spec, parked, id);
				const time: EditTime = { queuedAt: now(), clockOffset: clockOffset() };
				// Decided now, and no longer only held: a newer row of the server's is compared with this time.
				const mutations = conflict.mutations.map((mutation) => ({
					...mutation,
					...time,
					status: 'pending' as const,
				}));
				const decided: ConflictedRow = { ...conflict, mutations };
				const resolution = toResolution(spec, decided, decision);
				const { change, outcome, ...told } = toResolved(spec, decided, resolution, time);
				const writer = createRowWriter(spec);
				writer.change({ ...change, rewritten: change.remaining });
				const record = toOutcomeRecord(spec, {
					...conflict,
					...told,
					outcome: outcome ?? 'remote',
					dropped: change.removed,
					at: time.queuedAt,
				});
				await Promise.all([
					writer.write(stores),
					unpark(stores, spec.table, [parked.id]),
					stores.outcomes.put(record),
				]);
				return { table: spec.table, notices: [toConflictNotice(record)] };
			});
		},
	};
}

/** @throws PixSyncError `bad-action`, and `bad-data` as `queueAction` does. */
export function toDecision(decision: unknown): Decision {
	if (decision === 'local' || decision === 'remote') return decision;
	if (typeof decision !== 'object' || decision === null) {
		throw new PixSyncError('bad-action', 'This is not a decision', {
			hint: "Pass 'local', 'remote', or the row as it should be.",
		});
	}
	try {
		return { row: toPlainData(decision, { table: '' }) };
	} catch (error) {
		// Whose row it is, is not known yet.
		throw isPixSyncError(error) ? new PixSyncError(error.code, error.message, { hint: error.hint }) : error;
	}
}

function toResolution(
	spec: TableSpec,
	conflict: ConflictedRow,
	decision: Decision,
): Exclude<Resolution, { kind: 'park' }> {
	const sides = sidesOf(spec, conflict);
	// Somebody chose: where the server's row is gone, it stays gone, and the edit goes.
	if (decision === 'remote') return { kind: 'remote-stands' };
	const rule =
		decision === 'local' ? 'local-wins' : { row: toDecidedRow(sides, conflict.record.id, decision.row) };
	const resolution = decide({ ...sides, rule, timeOf: ({ queuedAt }) => queuedAt });
	switch (resolution.kind) {
		case 'park':
		case 'dead-letter':
			// Of a row never held and gone by now, what was set here is all that there is: the server says what it lacks.
			return { kind: 'recreate', lost: [] };
		default:
			return resolution;
	}
}

async function listOf(stores: Stores, spec: TableSpec): Promise<readonly ConflictRecord[]> {
	const parked = await parkedOf(stores, spec.table).toArray();
	const ids = parked.map(({ id }) => id);
	const [dirty, records] = await Promise.all([
		dirtyOfRows(stores, spec.table, ids),
		stores.bases.bulkGet(ids.map((id) => [spec.table, id])),
	]);
	return parked.flatMap((entry, at) => {
		const record = records[at];
		const mutations = dirty.get(entry.id);
		return record?.parked && mutations ? toConflictRecord(spec, entry, { record, mutations }) : [];
	});
}

async function find(stores: Stores, id: unknown): Promise<ParkedRecord> {
	const mutationId = typeof id === 'string' ? mutationIdOf(id) : '';
	const parked = await stores.conflicts.where('mutationId').equals(mutationId).first();
	if (!parked) throw unknownConflict(id);
	return parked;
}

/** The row, where its conflict is the one that was seen. */
async function readRow(
	stores: Stores,
	spec: TableSpec,
	parked: ParkedRecord,
	seen: string,
): Promise<ConflictedRow> {
	const { table, id } = parked;
	const [record, mutations] = await Promise.all([stores.bases.get([table, id]), dirtyOf(stores, table, id)]);
	if (
		!record?.parked ||
		mutations.length === 0 ||
		conflictIdOf(spec, parked, record.remote ?? null) !== seen
	) {
		throw unknownConflict(seen);
	}
	return { record, mutations };
}

function unknownConflict(id: unknown): PixSyncError {
	return new PixSyncError('unknown-conflict', `There is no conflict ${JSON.stringify(id)}`, {
		hint: 'It was decided before, or the server’s row has changed since: look again, getConflicts() tells what waits.',
	});
}
