import type { Row } from '../../../src/core/types.ts';
import type { TableContext } from '../../../src/machines/table-context.ts';
import { TABLE } from './device-world.ts';
import type { TableStateName } from './table-expectations.ts';
import type { TableRun } from './table-run.ts';

/** What can be seen of a device and its server at one moment. */
export interface Observed {
	readonly state: TableStateName;
	readonly status: string;
	readonly context: TableContext;
	readonly pending: number;
	readonly rejected: number;
	/** Sequence numbers of the outbox. */
	readonly queued: readonly number[];
	/** Conflicts that wait to be decided. */
	readonly seen: number;
	readonly rows: readonly Row[];
	readonly serverRows: readonly Row[];
	readonly requests: number;
	readonly applied: number;
	readonly reports: number;
	readonly endedPulls: number;
	/** Services that have begun, and those that wait for their end. */
	readonly calls: number;
	readonly running: readonly string[];
}

export async function observe(run: TableRun): Promise<Observed> {
	const { actor, world, gates, reports } = run;
	const { value, status, context } = actor.getSnapshot();
	const [{ pending, rejected }, outbox, rows, seen] = await Promise.all([
		world.counts(),
		world.outbox(),
		world.rows(),
		world.workspace.store.transact('r', [], async (stores) => stores.bases.toArray()),
	]);
	return {
		state: value,
		status,
		context,
		pending,
		rejected,
		queued: outbox.map(({ seq }) => seq ?? -1),
		seen: seen.filter((record) => record.seen === 1).length,
		rows,
		serverRows: world.server.rows(TABLE),
		requests: world.server.requests.length,
		applied: world.server.applied.filter(({ by }) => by === 'alice').length,
		reports: reports.length,
		endedPulls: run.endedPulls,
		calls: gates.calls.length,
		running: gates.held.map(({ name }) => name),
	};
}
