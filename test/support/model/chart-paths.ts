import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import { TestModel } from 'xstate/graph';

/** One event of a traversal. `as` names it among those of its type, for keys and for people. */
export interface ModelEvent extends EventObject {
	readonly as: string;
	readonly [payload: string]: unknown;
}

export interface ModelStep {
	readonly event: ModelEvent;
	/** The chart's snapshot after the event. */
	readonly state: AnyMachineSnapshot;
}

export interface ModelPath {
	readonly steps: readonly ModelStep[];
	readonly title: string;
}

export interface Model {
	readonly machine: AnyStateMachine;
	readonly input: unknown;
	/** What may happen in a state: every type that its nodes own, with one payload for each branch of its guards. */
	readonly events: (state: AnyMachineSnapshot) => readonly ModelEvent[];
	/** State value, and of the context what guards look at. */
	readonly keyOf: (state: AnyMachineSnapshot) => string;
}

/**
 * Shortest paths that take every edge (state, event, state) of the model once at least. A vertex is an edge here:
 * the state together with how it was come by, so that paths to all vertices take all transitions.
 */
export function pathsOf({ machine, input, events, keyOf }: Model): readonly ModelPath[] {
	const model = new TestModel(
		machine as never,
		{
			input,
			events: events as never,
			serializeEvent: (event: ModelEvent) => event.as,
			serializeState: (state: never, event: ModelEvent | undefined, previous: never | undefined) =>
				`${keyOf(state)}${event && previous ? ` < ${event.as} < ${keyOf(previous)}` : ''}`,
		} as never,
	);
	return model.getShortestPaths().map((path) => {
		// The first step is the start itself.
		const steps = (path.steps as unknown as ModelStep[]).slice(1);
		return { steps, title: steps.map(({ event }) => event.as).join(' → ') };
	});
}

/** Every type that a state takes notice of. */
export function ownEvents(state: AnyMachineSnapshot): readonly string[] {
	return [...new Set(state._nodes.flatMap((node) => node.ownEvents))];
}
