import { addCounts, NO_COUNTS, type StepCounts } from '../core/run-contract.ts';
import { type Dependencies, dependantsOf } from '../core/topology.ts';
import type { TableRound } from './table-protocol.ts';

/*
 * Who may upload when (R12, R14), as plain data: the run region of the root machine keeps a RunPlan and asks
 * these functions what to do next. A table's way through a run:
 *
 *   blocked ──parents uploaded──▶ uploading ──table.uploaded──▶ uploaded ──table.settled──▶ settled
 *                                     ▲           │ deletes held
 *                                     │           └──▶ holding ──table.settled──▶ held
 *                                     └── dependants uploaded, their deletes, too ──┘
 */

export type TablePhase = 'blocked' | 'uploading' | 'uploaded' | 'holding' | 'held' | 'settled';

/** One call that waits for its tables. */
export interface Waiter {
	/** The caller's own number; null: nobody asked, the schedule did. */
	readonly token: number | null;
	readonly request: number;
	/** Tables that have not answered yet. */
	readonly open: readonly string[];
	readonly counts: StepCounts;
}

export interface RunPlan {
	/** The newest request given out. */
	readonly requests: number;
	readonly phases: Readonly<Record<string, TablePhase>>;
	readonly waiters: readonly Waiter[];
}

/** A `sync.request` to send to a table. */
export interface RunCommand {
	readonly table: string;
	readonly request: number;
	readonly holdDeletes: boolean;
}

export interface RunStep {
	readonly plan: RunPlan;
	readonly commands: readonly RunCommand[];
	readonly completed: readonly Waiter[];
}

export const EMPTY_RUN: RunPlan = { requests: 0, phases: {}, waiters: [] };

/** A call for `tables` begins a run or joins the one under way. */
export function joinRun(
	plan: RunPlan,
	deps: Dependencies,
	tables: readonly string[],
	token: number | null,
): RunStep {
	const request = plan.requests + 1;
	const phases: Record<string, TablePhase> = { ...plan.phases };
	// One that is blocked starts later with the newest request, in its turn.
	const joined = tables.filter((table) => isActive(phases[table]) && phases[table] !== 'blocked');
	for (const table of tables) if (!isActive(phases[table])) phases[table] = 'blocked';
	const next: RunPlan = {
		requests: request,
		phases,
		waiters: [...plan.waiters, { token, request, open: tables, counts: NO_COUNTS }],
	};
	const step = advance(next, deps);
	const commands = joined.map((table) => ({
		table,
		request,
		holdDeletes: isHolding(step.plan, deps, table),
	}));
	return { ...step, commands: [...commands, ...step.commands] };
}

/** A table has sent all that it may: its dependants can go, and, if it held no deletes, those that waited for it. */
export function noteUploaded(plan: RunPlan, deps: Dependencies, table: string, held: number): RunStep {
	const phase = plan.phases[table];
	if (phase !== 'uploading' && phase !== 'holding') return { plan, commands: [], completed: [] };
	const next = held > 0 ? 'holding' : 'uploaded';
	return advance({ ...plan, phases: { ...plan.phases, [table]: next } }, deps);
}

/** A table's round has ended; `isSettled`: the table is at rest. */
export function noteRound(plan: RunPlan, deps: Dependencies, round: TableRound, isSettled: boolean): RunStep {
	const { table, served, held, error, counts } = round;
	const isHeld = held > 0 && error === null && plan.phases[table] !== undefined;
	const waiters = plan.waiters.map((waiter): Waiter => {
		if (!waiter.open.includes(table)) return waiter;
		const isAnswered = error !== null || (served >= waiter.request && !isHeld);
		return {
			...waiter,
			counts: addCounts(waiter.counts, counts),
			open: isAnswered ? waiter.open.filter((name) => name !== table) : waiter.open,
		};
	});
	const isWaited = waiters.some(({ open, request }) => open.includes(table) && served < request);
	const phases: Record<string, TablePhase> = { ...plan.phases };
	if (phases[table] !== undefined && isSettled && !isWaited) phases[table] = isHeld ? 'held' : 'settled';
	return advance({ ...plan, waiters, phases }, deps);
}

/** The gate has closed: tables that were not under way answer with `toLine`'s error; the others report by themselves. */
export function failRun(plan: RunPlan, toLine: (table: string) => string): RunStep {
	const idle = Object.keys(plan.phases).filter((table) =>
		['blocked', 'held'].includes(plan.phases[table] ?? ''),
	);
	const waiters = plan.waiters.map((waiter): Waiter => {
		const failed = waiter.open.filter((table) => idle.includes(table));
		return {
			...waiter,
			open: waiter.open.filter((table) => !failed.includes(table)),
			counts: addCounts(waiter.counts, { ...NO_COUNTS, errors: failed.map(toLine) }),
		};
	});
	const phases = { ...plan.phases };
	for (const table of idle) phases[table] = 'settled';
	return finish({ ...plan, waiters, phases }, []);
}

/** Starts what has become ready, frees held deletes, and takes out the waiters that have their answer. */
function advance(plan: RunPlan, deps: Dependencies): RunStep {
	const phases: Record<string, TablePhase> = { ...plan.phases };
	const started: string[] = [];
	let { requests } = plan;
	const commands: RunCommand[] = [];
	for (const table of Object.keys(phases)) {
		if (phases[table] !== 'blocked') continue;
		const parents = (deps.get(table) ?? []).filter((parent) => parent !== table);
		if (parents.some((parent) => phases[parent] === 'blocked' || phases[parent] === 'uploading')) continue;
		started.push(table);
	}
	for (const table of started) phases[table] = 'uploading';
	for (const table of Object.keys(phases)) {
		if (phases[table] !== 'held' || isHolding({ ...plan, phases }, deps, table)) continue;
		phases[table] = 'uploading';
		requests++;
		commands.push({ table, request: requests, holdDeletes: false });
	}
	const next: RunPlan = { ...plan, requests, phases };
	for (const table of started) {
		commands.push({ table, request: requests, holdDeletes: isHolding(next, deps, table) });
	}
	return finish(next, commands);
}

function finish(plan: RunPlan, commands: readonly RunCommand[]): RunStep {
	const completed = plan.waiters.filter(({ open }) => open.length === 0);
	const waiters = plan.waiters.filter(({ open }) => open.length > 0);
	return { plan: { ...plan, waiters, phases: waiters.length === 0 ? {} : plan.phases }, commands, completed };
}

/** Deletes wait while a table that refers to this one may still have rows to delete (R14). */
function isHolding(plan: RunPlan, deps: Dependencies, table: string): boolean {
	return dependantsOf(table, deps).some((dependant) => {
		const phase = plan.phases[dependant];
		return isActive(phase) && phase !== 'uploaded';
	});
}

/** A table that will report by itself. */
function isActive(phase: TablePhase | undefined): boolean {
	return phase !== undefined && phase !== 'settled';
}
