import { type PixSyncError, toPixSyncError, unreachable } from '../../src/core/errors.ts';
import type { PushMutation, PushOutcome } from '../../src/core/mutation.ts';
import { type TableSpec, versionOf } from '../../src/core/table-spec.ts';
import { compareTimestamps } from '../../src/core/timestamp.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import { pairEchoes } from '../../src/services/rest/pair-echoes.ts';
import { planRequests } from '../../src/services/rest/push-plan.ts';
import { judgeMissed, judgeUnechoed } from '../../src/services/rest/push-verdict.ts';
import { project } from './memory-query.ts';
import type { MemoryTable } from './memory-table.ts';

/** Codes after which a smaller batch may pass, though no single row is at fault. */
const BISECTED: readonly string[] = ['23503', '57014'];

/** One of the statements that a push comes to. */
export interface PushStatement {
	readonly kind: 'create' | 'patch' | 'delete';
	readonly ids: readonly RowId[];
}

export interface PushOptions {
	/** The device's name. */
	readonly by: string;
	/** Waited for before and after each statement; what it throws loses the request, or the reply. */
	readonly pause: (moment: 'before' | 'after', statement: PushStatement) => Promise<void>;
}

type Outcomes = readonly (readonly [PushMutation, PushOutcome])[];

/**
 * Carries a push out in the statements that the REST transport makes of it: deletes in one, each patch by itself,
 * creates of one key set in one, halves of what was refused (R16). What a statement did stays done whatever
 * happens to the next; once something is known, a lost statement leaves the rest `retryable`.
 */
export async function carryOutPush(
	table: MemoryTable,
	spec: TableSpec,
	mutations: readonly PushMutation[],
	{ by, pause }: PushOptions,
): Promise<readonly PushOutcome[]> {
	const outcomes = new Map<PushMutation, PushOutcome>();

	function visible({ id }: PushMutation): Row | undefined {
		const row = table.get(id);
		return row && !table.definition.isHidden?.(row) ? row : undefined;
	}

	/** Whether a compare-and-swap touches the row. */
	function isUnchanged(mutation: PushMutation): boolean {
		const row = visible(mutation);
		if (!row || table.definition.isReadOnly?.(row)) return false;
		const version = versionOf(spec, row);
		if (version === null || mutation.base === null) return version === mutation.base;
		return compareTimestamps(version, mutation.base) === 0;
	}

	function echo(row: Row): PushOutcome {
		return { kind: 'acknowledged', row: project(spec.select, row) };
	}

	function asSeen(mutation: PushMutation): Row | undefined {
		const row = visible(mutation);
		return row && project(spec.select, row);
	}

	function create(batch: readonly PushMutation[]): Outcomes {
		for (const { body } of batch) table.assertColumns(body ?? {});
		const rows = table.insert(
			batch.map(({ body }) => body ?? {}),
			{ by },
		);
		if (spec.ids === 'server') {
			const echoes = rows.map((row) => project(spec.select, row));
			return [...pairEchoes(spec, batch, echoes)].map(([mutation, row]) => [
				mutation,
				{ kind: 'acknowledged', row },
			]);
		}
		const inserted = new Map(rows.map((row) => [String(row[spec.idField]), row]));
		return batch.map((mutation) => {
			const row = inserted.get(String(mutation.id));
			return [mutation, row ? echo(row) : judgeUnechoed(spec, mutation, asSeen(mutation))];
		});
	}

	function patch(mutation: PushMutation): Outcomes {
		table.assertColumns(mutation.body ?? {});
		const row = isUnchanged(mutation) ? table.update(mutation.id, mutation.body ?? {}, { by }) : undefined;
		return [[mutation, row ? echo(row) : judgeMissed(spec, mutation, asSeen(mutation))]];
	}

	function remove(batch: readonly PushMutation[]): Outcomes {
		const hit = new Set(batch.filter(isUnchanged));
		table.remove(
			[...hit].map(({ id }) => id),
			{ by },
		);
		return batch.map((mutation) => [
			mutation,
			hit.has(mutation) ? { kind: 'acknowledged', row: null } : judgeMissed(spec, mutation, asSeen(mutation)),
		]);
	}

	function carryOut(kind: PushStatement['kind'], batch: readonly PushMutation[]): Outcomes {
		switch (kind) {
			case 'create':
				return create(batch);
			case 'patch':
				return batch.flatMap(patch);
			case 'delete':
				return remove(batch);
			default:
				return unreachable(kind);
		}
	}

	function refuse(batch: readonly PushMutation[], error: PixSyncError): void {
		// A column that the server does not know yet waits, and keeps nobody else waiting.
		const fault = error.code === 'PGRST204' ? 'retryable' : error.fault;
		if (fault !== 'rejected' && fault !== 'retryable') throw error;
		for (const mutation of batch) outcomes.set(mutation, { kind: fault, error });
	}

	/** A statement is all or nothing: halved until what is refused stands alone. */
	async function send(kind: PushStatement['kind'], batch: readonly PushMutation[]): Promise<void> {
		const statement = { kind, ids: batch.map(({ id }) => id) };
		try {
			await pause('before', statement);
			const reply = attempt(() => carryOut(kind, batch));
			await pause('after', statement);
			for (const [mutation, outcome] of reply()) outcomes.set(mutation, outcome);
		} catch (cause) {
			const error = toPixSyncError(cause, spec.table);
			const isWholesale = error.fault !== 'rejected' && !BISECTED.includes(error.code);
			if (batch.length === 1 || isWholesale) return refuse(batch, error);
			const half = Math.ceil(batch.length / 2);
			await send(kind, batch.slice(0, half));
			await send(kind, batch.slice(half));
		}
	}

	try {
		for (const { kind, mutations: batch } of planRequests(spec, mutations)) {
			if (kind !== 'patch') await send(kind, batch);
			else for (const mutation of batch) await send(kind, [mutation]);
		}
	} catch (cause) {
		const error = toPixSyncError(cause, spec.table);
		if (error.code === 'superseded' || outcomes.size === 0) throw error;
		for (const mutation of mutations) {
			if (!outcomes.has(mutation)) outcomes.set(mutation, { kind: 'retryable', error });
		}
	}
	return mutations.map((mutation) => {
		const outcome = outcomes.get(mutation);
		if (!outcome) throw new Error(`No outcome of ${JSON.stringify(mutation)}`);
		return outcome;
	});
}

/** A refusal is an answer too, and travels back as one. */
function attempt<T>(statement: () => T): () => T {
	try {
		const result = statement();
		return () => result;
	} catch (error) {
		return () => {
			throw error;
		};
	}
}
