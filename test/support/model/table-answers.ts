import { type AnyMachineSnapshot, createEmptyActor, getInitialSnapshot, transition } from 'xstate';
import { tableMachine } from '../../../src/machines/table.machine.ts';
import type { ModelEvent, ModelPath } from './chart-paths.ts';
import { type Answer, TABLE_EXPECTATIONS, type TableStateName, toAnswer } from './table-expectations.ts';
import { TABLE_EVENTS, type TableEventName, toModelEvents, toTableKey } from './table-model.ts';

/** One kind of state: the same state value, and the same memory as far as guards look at it. */
export interface StateKind {
	readonly key: string;
	readonly state: AnyMachineSnapshot;
	/** The shortest way there. */
	readonly names: readonly TableEventName[];
}

/** Every kind of state that the paths come to. */
export function kindsOf(paths: readonly ModelPath[]): readonly StateKind[] {
	const state = getInitialSnapshot(tableMachine, {
		table: 'notes',
		parent: createEmptyActor(),
		random: () => 0.5,
		now: () => 0,
	}) as AnyMachineSnapshot;
	const kinds = new Map<string, StateKind>([
		[toTableKey(state), { key: toTableKey(state), state, names: [] }],
	]);
	for (const { steps } of paths) {
		for (const [at, step] of steps.entries()) {
			const key = toTableKey(step.state);
			const names = steps.slice(0, at + 1).map(({ event }) => event.as as TableEventName);
			const known = kinds.get(key);
			if (!known || known.names.length > names.length) kinds.set(key, { key, state: step.state, names });
		}
	}
	return [...kinds.values()];
}

/** Everything that can happen to a table, whatever its state. */
export function everyEvent({ context }: AnyMachineSnapshot): readonly ModelEvent[] {
	return Object.keys(TABLE_EVENTS).flatMap((type) => toModelEvents(type, context));
}

/** What the design wants. */
export function expectedOf({ value, context }: AnyMachineSnapshot, event: ModelEvent): Answer {
	return toAnswer(TABLE_EXPECTATIONS[value as TableStateName][event.as as TableEventName], context);
}

/** What the chart does, in the words of the expectations. */
export function answerOf(machine: typeof tableMachine, state: AnyMachineSnapshot, event: ModelEvent): Answer {
	const canTake = machine.resolveState(state as never).can(event as never);
	// To XState an error that nobody takes ends the machine. None comes: the running machine refuses forged ends.
	if (event.type.startsWith('xstate.error.') && !canTake) return 'ignored';
	const [next] = transition(machine, state as never, event as never);
	if (!canTake) return next === state ? 'ignored' : 'stays';
	if (next.value !== state.value) return next.value;
	const children: AnyMachineSnapshot['children'] = next.children;
	return Object.keys(children).some((id) => children[id] !== state.children[id]) ? 'again' : 'stays';
}

/** Where chart and design part, a line each. */
export function disagreements(machine: typeof tableMachine, kinds: readonly StateKind[]): readonly string[] {
	return kinds.flatMap(({ key, state }) => {
		// Of this chart's own nodes: a mutant has others.
		const own = Object.assign(machine.resolveState(state as never), { children: state.children });
		return everyEvent(state).flatMap((event) => {
			const [wanted, found] = [expectedOf(state, event), answerOf(machine, own as never, event)];
			return wanted === found ? [] : [`${key} × ${event.as}: ${found} instead of ${wanted}`];
		});
	});
}
