import type { ActorRefFrom } from 'xstate';
import { NO_COUNTS } from '../core/run-contract.ts';
import { ancestorsOf } from '../core/topology.ts';
import type { SyncResult } from '../core/types.ts';
import { EMPTY_RUN, type RunPlan, type RunStep, type Waiter } from './run-plan.ts';
import type { SyncInput } from './sync-protocol.ts';
import type { tableMachine } from './table.machine.ts';

/** What the root remembers beside its state. */
export interface SyncContext {
	readonly input: SyncInput;
	readonly isHydrated: boolean;
	readonly isOnline: boolean;
	readonly isAuthorised: boolean;
	readonly isLeader: boolean;
	readonly tables: Readonly<Record<string, TableEntry>>;
	/** Tables that were written to since their last complete upload. */
	readonly dirty: readonly string[];
	readonly intervalMs: number;
	readonly run: RunPlan;
	/** What the last step of the run asked for; sent and emptied in the same transition. */
	readonly step: Pick<RunStep, 'commands' | 'completed'>;
}

export interface TableEntry {
	readonly ref: ActorRefFrom<typeof tableMachine>;
	readonly dependsOn: readonly string[];
}

/** Nothing to send. */
export const NO_STEP: SyncContext['step'] = { commands: [], completed: [] };

/** The context before anything is known; a region run alone in a test starts from it, too. */
export function toSyncContext(input: SyncInput): SyncContext {
	return {
		input,
		isHydrated: false,
		isOnline: true,
		isAuthorised: true,
		isLeader: true,
		tables: {},
		dirty: [],
		intervalMs: 0,
		run: EMPTY_RUN,
		step: NO_STEP,
	};
}

/** `dependsOn` of all tables. */
export function depsOf({ tables }: SyncContext): ReadonlyMap<string, readonly string[]> {
	return new Map(Object.entries(tables).map(([table, { dependsOn }]) => [table, dependsOn]));
}

/** The tables asked for, and what must go before them: parents, near and far, with something to upload (R14). */
export function withAncestors(
	context: SyncContext,
	tables: readonly string[] | undefined,
): readonly string[] {
	const all = Object.keys(context.tables);
	if (!tables) return all;
	const deps = depsOf(context);
	const wanted = new Set(tables);
	for (const table of tables) {
		for (const ancestor of ancestorsOf(table, deps))
			if (context.dirty.includes(ancestor)) wanted.add(ancestor);
	}
	return all.filter((table) => wanted.has(table));
}

/** The run as it would begin, for a call that comes while the gate is closed. */
export function joinPlan(
	context: SyncContext,
	tables: readonly string[] | undefined,
	token: number | null,
): RunPlan {
	// As if the run were to begin, with every table still to be started: each then answers with the gate's error.
	const names = tables?.filter((table) => context.tables[table]) ?? Object.keys(context.tables);
	const requests = context.run.requests + 1;
	const waiters: readonly Waiter[] = [{ token, request: requests, open: names, counts: NO_COUNTS }];
	return { requests, waiters, phases: Object.fromEntries(names.map((table) => [table, 'blocked' as const])) };
}

/** What a step of the run leaves in the context. */
export function take(context: SyncContext, { plan, ...step }: RunStep): Pick<SyncContext, 'run' | 'step'> {
	return { run: plan, step: append(context.step, step) };
}

/** Two steps of one transition are one. */
export function append(a: SyncContext['step'], b: SyncContext['step']): SyncContext['step'] {
	return { commands: [...a.commands, ...b.commands], completed: [...a.completed, ...b.completed] };
}

/** What a caller of `sync()` gets. */
export function toResult({ counts }: Waiter): SyncResult {
	return { success: counts.errors.length === 0, ...counts };
}
