import type { DrawnState } from '../../src/inspect/chart-drawing.ts';

/** A machine as the documentation tells it: plain data, in the order of the code. */
export interface ChartModel {
	readonly id: string;
	/** Parents before their children; the root first. */
	readonly states: readonly ModelState[];
	/** A state's own, in the order in which they are tried; states as in `states`. */
	readonly transitions: readonly ModelTransition[];
	readonly delays: readonly ModelDelay[];
	/** Actors that the machine names and invokes nowhere: an action spawns them. */
	readonly spawned: readonly string[];
}

export interface ModelState {
	/** The state node's id, such as 'sync.gate.open'. */
	readonly id: string;
	/** The key alone, such as 'open'. */
	readonly key: string;
	/** Null: the root. */
	readonly parent: string | null;
	/** 'region': a child of a parallel state. */
	readonly kind: 'root' | 'region' | 'compound' | 'atomic';
	readonly isParallel: boolean;
	readonly isInitial: boolean;
	readonly tags: readonly string[];
	/** Names of actions. */
	readonly entry: readonly string[];
	readonly exit: readonly string[];
	readonly invokes: readonly ModelInvoke[];
}

export interface ModelInvoke {
	readonly id: string;
	/** The actor's name. */
	readonly src: string;
}

export interface ModelTransition {
	readonly source: string;
	/** As XState has it, such as 'xstate.done.actor.upload'; '' for one that needs no event. */
	readonly event: string;
	/** As a reader has it, such as 'upload done'. */
	readonly name: string;
	readonly guard: string | null;
	/** Ids of state nodes; none where the state is not left. */
	readonly targets: readonly string[];
	readonly actions: readonly string[];
	/** Leaves and enters the source anew. */
	readonly reenter: boolean;
}

export interface ModelDelay {
	readonly name: string;
	/** Ms; null: the function of that name computes it. */
	readonly ms: number | null;
	/** Ids of the states that wait for it. */
	readonly states: readonly string[];
}

/** The state of that id; a chart that refers to another is a bug of the reader. */
export function stateOf({ states }: ChartModel, id: string): ModelState {
	const state = states.find((one) => one.id === id);
	if (!state) throw new Error(`The chart has no state '${id}'.`);
	return state;
}

/** As what a state is drawn: a root that holds others is a box around them like any. */
export function drawnKindOf({ states }: ChartModel, { id, kind }: ModelState): DrawnState['kind'] {
	if (kind === 'region') return 'region';
	return states.some(({ parent }) => parent === id) ? 'compound' : 'atomic';
}
