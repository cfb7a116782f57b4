import type { AnyStateMachine, AnyStateNode, InspectionEvent, StateNode } from 'xstate';
import type { ModelPath } from './chart-paths.ts';

/** Collects which transitions running actors take, keyed `nodeId|event|index`. */
export interface Coverage {
	/** For `createActor`'s `inspect`. */
	readonly inspect: (event: InspectionEvent) => void;
	readonly taken: ReadonlySet<string>;
	/** Transitions of the chart that no actor took. `within`: of these nodes and what is in them. */
	missing(machine: AnyStateMachine, within?: string): readonly string[];
	total(machine: AnyStateMachine, within?: string): number;
}

export function createCoverage(): Coverage {
	const taken = new Set<string>();
	const keysOf = (machine: AnyStateMachine, within = machine.id) =>
		allTransitionKeys(machine.root).filter((key) => {
			const [node = ''] = key.split('|');
			return node === within || node.startsWith(`${within}.`);
		});
	return {
		inspect(event) {
			if (event.type !== '@xstate.microstep') return;
			for (const transition of event._transitions) taken.add(transitionKey(transition.source, transition));
		},
		taken,
		missing: (machine, within) => keysOf(machine, within).filter((key) => !taken.has(key)),
		total: (machine, within) => keysOf(machine, within).length,
	};
}

/** Leaves of the chart, by id. */
export function leavesOf(node: AnyStateNode): readonly string[] {
	const children = Object.values(node.states);
	return children.length === 0 ? [node.id] : children.flatMap(leavesOf);
}

/** States that the paths enter, and states that they leave again (L4). */
export function visitedBy(paths: readonly ModelPath[], initial: readonly string[]) {
	const entered = new Set(initial);
	const left = new Set<string>();
	for (const { steps } of paths) {
		let before: readonly string[] = initial;
		for (const { state } of steps) {
			const now = state._nodes.filter(({ type }) => type === 'atomic').map(({ id }) => id);
			for (const id of now) entered.add(id);
			for (const id of before) if (!now.includes(id)) left.add(id);
			before = now;
		}
	}
	return { entered, left };
}

type AnyNode = Pick<StateNode, 'id' | 'transitions' | 'always' | 'states'>;

function transitionKey(
	node: Pick<AnyNode, 'id' | 'transitions' | 'always'>,
	transition: { readonly eventType: string },
): string {
	const own: readonly unknown[] = node.transitions.get(transition.eventType) ?? [];
	const index = own.includes(transition)
		? own.indexOf(transition)
		: ((node.always ?? []) as readonly unknown[]).indexOf(transition);
	return `${node.id}|${transition.eventType}|${index}`;
}

/** The denominator of transition coverage. */
function allTransitionKeys(node: AnyNode): string[] {
	return [...node.transitions.values(), node.always ?? []]
		.flat()
		.map((transition) => transitionKey(node, transition))
		.concat(Object.values(node.states).flatMap((child) => allTransitionKeys(child)));
}
