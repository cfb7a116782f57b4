import { type AnyMachineSnapshot, type AnyStateMachine, transition } from 'xstate';
import { closedReason } from '../../../src/machines/closed-reason.ts';
import { gateRegion, rootEvents, runRegion, scheduleRegion } from '../../../src/machines/sync.machine.ts';
import { type SyncContext, toSyncContext } from '../../../src/machines/sync-context.ts';
import { syncSetup } from '../../../src/machines/sync-setup.ts';
import type { ModelEvent, ModelPath } from './chart-paths.ts';
import { ROOT_EVENTS, type RootEventName, toRootEvent } from './root-events.ts';
import {
	type Expected,
	GATE_EXPECTATIONS,
	RUN_EXPECTATIONS,
	SCHEDULE_EXPECTATIONS,
} from './root-expectations.ts';

export type RegionName = 'gate' | 'schedule' | 'run';

const REGIONS = { gate: gateRegion, schedule: scheduleRegion, run: runRegion };
const EXPECTATIONS = { gate: GATE_EXPECTATIONS, schedule: SCHEDULE_EXPECTATIONS, run: RUN_EXPECTATIONS };

/** One region beside the root's own events, and nothing else: what it takes is told by itself. */
export function regionMachine(name: RegionName): AnyStateMachine {
	return syncSetup.createMachine({
		id: 'sync',
		context: ({ input }) => toSyncContext(input),
		type: 'parallel',
		...rootEvents,
		states: { [name]: REGIONS[name] },
	}) as AnyStateMachine;
}

/** One state of the region with one memory. */
export interface RegionKind {
	readonly key: string;
	readonly value: unknown;
	readonly context: SyncContext;
}

/** Every kind of the region's states that the paths come to. */
export function regionKindsOf(
	name: RegionName,
	paths: readonly ModelPath[],
	keyOf: (state: AnyMachineSnapshot) => string,
): readonly RegionKind[] {
	const kinds = new Map<string, RegionKind>();
	for (const { state } of paths.flatMap(({ steps }) => steps)) {
		kinds.set(keyOf(state), { key: keyOf(state), value: state.value[name], context: state.context });
	}
	return [...kinds.values()];
}

export function everyRootEvent(context: SyncContext): readonly ModelEvent[] {
	return Object.values(ROOT_EVENTS).flatMap((names) =>
		names.map((name: RootEventName) => toRootEvent(name, context)),
	);
}

/** Where region and design part, a line each. */
export function regionDisagreements(
	name: RegionName,
	kinds: readonly RegionKind[],
	machine: AnyStateMachine = regionMachine(name),
): readonly string[] {
	return kinds.flatMap(({ key, value, context }) => {
		const state = machine.resolveState({ value: { [name]: value }, context } as never) as AnyMachineSnapshot;
		return everyRootEvent(context).flatMap((event) => {
			const leaf = toLeaf(value);
			const cells = EXPECTATIONS[name] as Record<string, Record<RootEventName, Expected<string>>>;
			const cell = cells[leaf]?.[event.as as RootEventName];
			if (cell === undefined) throw new Error(`no answer is expected of ${leaf} × ${event.as}`);
			const [found, after] = answerOf(machine, name, state, event);
			const wanted = toAnswer(cell, leaf, context, after);
			return wanted === found ? [] : [`${key} × ${event.as}: ${found} instead of ${wanted}`];
		});
	});
}

function answerOf(
	machine: AnyStateMachine,
	name: RegionName,
	state: AnyMachineSnapshot,
	event: ModelEvent,
): readonly [answer: string, after: SyncContext] {
	if (!state.can(event as never)) return ['ignored', state.context];
	const [next, actions] = transition(machine, state as never, event as never) as [
		AnyMachineSnapshot,
		unknown[],
	];
	const leaf = toLeaf(next.value[name]);
	if (leaf !== toLeaf(state.value[name])) return [leaf, next.context];
	// Timers of a state that was entered anew.
	const isAnew = actions.some(
		(action) => (action as { type: string }).type === 'xstate.raise' && hasDelay(action),
	);
	return [isAnew ? 'again' : 'stays', next.context];
}

function hasDelay(action: unknown): boolean {
	const { params } = action as { params?: { delay?: unknown } };
	return params?.delay !== undefined;
}

function toAnswer(cell: Expected<string>, leaf: string, before: SyncContext, after: SyncContext): string {
	if (cell === 'as the facts are') {
		const reason = closedReason(after);
		const wanted = reason === 'closed' ? 'hydrating' : reason === null ? 'open.steady' : 'closed';
		return wanted === leaf || (wanted === 'open.steady' && leaf === 'open.refreshing') ? 'stays' : wanted;
	}
	if (typeof cell === 'string') return cell;
	if ('open' in cell) return closedReason(before) === null ? cell.open : cell.closed;
	// The newest call waits for a round that begins after it: the reports made up here say that it did.
	const isServed = before.run.waiters.every(({ request }) => request <= before.run.requests);
	return isServed ? cell.served : cell.unserved;
}

function toLeaf(value: unknown): string {
	if (typeof value === 'string') return value;
	const [[parent, child] = ['', '']] = Object.entries(value as Record<string, string>);
	return `${parent}.${String(child)}`;
}
