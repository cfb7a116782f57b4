import { type AnyMachineSnapshot, transition } from 'xstate';
import type { NetworkContext, networkMachine } from '../../../src/machines/network.machine.ts';
import { type ModelEvent, ownEvents } from './chart-paths.ts';
import { type Answer, NETWORK_EXPECTATIONS, toAnswer } from './network-expectations.ts';
import {
	NETWORK_EVENTS,
	type NetworkEventName,
	type NetworkHost,
	type NetworkStart,
	toModelEvents,
	toNetworkKey,
	toStateName,
} from './network-model.ts';
import type { NetworkPath } from './network-path.ts';

/** One kind of state: the same state value, and the same memory as far as guards and delays look at it. */
export interface StateKind {
	readonly key: string;
	readonly state: AnyMachineSnapshot;
	/** The shortest way there. */
	readonly host: NetworkHost;
	readonly start: NetworkStart;
	readonly names: readonly NetworkEventName[];
}

/** Every kind of state that the paths come to, and that a running machine can be in. */
export function kindsOf(paths: readonly NetworkPath[]): readonly StateKind[] {
	const kinds = new Map<string, StateKind>();
	for (const { host, start, steps } of paths) {
		for (const [at, { state }] of steps.entries()) {
			if (state.status !== 'active') continue;
			const key = toNetworkKey(state);
			const names = steps.slice(0, at + 1).map(({ event }) => event.as as NetworkEventName);
			const known = kinds.get(key);
			if (!known || known.names.length > names.length) kinds.set(key, { key, state, host, start, names });
		}
	}
	return [...kinds.values()];
}

/** Everything that can happen to the chart, whatever its state. */
export function everyEvent() {
	return Object.keys(NETWORK_EVENTS).flatMap(toModelEvents);
}

/** What the design wants. */
export function expectedOf(state: AnyMachineSnapshot, name: NetworkEventName): Answer {
	const { browserOffline, canProbe, misses } = state.context as NetworkContext;
	return toAnswer(NETWORK_EXPECTATIONS[toStateName(state)][name], {
		browserOffline,
		blind: !canProbe,
		misses,
	});
}

/** What the chart does, in the words of the expectations. */
export function answerOf(
	machine: typeof networkMachine,
	state: AnyMachineSnapshot,
	event: ModelEvent,
): Answer {
	const [next, actions] = transition(machine, state as never, event as never);
	// To XState an error that nobody takes ends the machine. Where no probe runs none comes.
	if (next.status === 'error') return ownEvents(state).includes(event.type) ? 'ended' : 'ignored';
	if (!state.can(event as never)) return next === state ? 'ignored' : 'stays';
	if (toStateName(next) !== toStateName(state)) return toStateName(next);
	return actions.some(({ type }) => type === 'xstate.spawnChild' || type === 'xstate.raise')
		? 'again'
		: 'stays';
}

/** Where chart and design part, a line each. */
export function disagreements(
	machine: typeof networkMachine,
	kinds: readonly StateKind[],
): readonly string[] {
	return kinds.flatMap(({ key, state }) => {
		// Of this chart's own nodes: a mutant has others.
		const own = Object.assign(machine.resolveState(state as never), { children: state.children });
		return everyEvent().flatMap((event) => {
			const [wanted, found] = [expectedOf(state, event.as), answerOf(machine, own as never, event)];
			return wanted === found ? [] : [`${key} × ${event.as}: ${found} instead of ${wanted}`];
		});
	});
}
