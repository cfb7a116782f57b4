import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import type { ChartModel, ModelDelay, ModelState, ModelTransition } from './chart-model.ts';
import { toEventName } from './event-name.ts';

/** Reads a machine of XState 5. Throws where something has no name: it could not be documented. */
export function readChart(machine: AnyStateMachine): ChartModel {
	const nodes = walk(machine.root);
	const states = nodes.map(toState);
	const invoked = new Set(states.flatMap(({ invokes }) => invokes.map(({ src }) => src)));
	return {
		id: machine.id,
		states,
		transitions: nodes.flatMap(toTransitions),
		delays: toDelays(machine, nodes),
		spawned: Object.keys(machine.implementations.actors ?? {}).filter((name) => !invoked.has(name)),
	};
}

function walk(node: AnyStateNode): readonly AnyStateNode[] {
	return [node, ...Object.values(node.states).flatMap((child) => walk(child))];
}

function toState(node: AnyStateNode): ModelState {
	return {
		id: node.id,
		key: node.key,
		parent: node.parent?.id ?? null,
		kind: toKind(node),
		isParallel: node.type === 'parallel',
		isInitial: node.parent?.type === 'compound' && node.parent.initial.target?.includes(node) === true,
		tags: [...node.tags],
		entry: node.entry.filter((action) => !isTimer(action)).map((action) => toName(action, node)),
		exit: node.exit.filter((action) => !isTimer(action)).map((action) => toName(action, node)),
		invokes: node.invoke.map(({ id, src }) => ({ id, src: toName(src, node) })),
	};
}

function toKind(node: AnyStateNode): ModelState['kind'] {
	if (!node.parent) return 'root';
	if (node.parent.type === 'parallel') return 'region';
	return Object.keys(node.states).length === 0 ? 'atomic' : 'compound';
}

function toTransitions(node: AnyStateNode): readonly ModelTransition[] {
	const all = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
	return all.map((transition: AnyTransitionDefinition) => ({
		source: node.id,
		event: transition.eventType,
		name: toEventName(transition.eventType, node.id),
		guard: transition.guard === undefined ? null : toName(transition.guard, node),
		targets: (transition.target ?? []).map(({ id }) => id),
		actions: transition.actions.map((action) => toName(action, node)),
		reenter: transition.reenter,
	}));
}

function toDelays(machine: AnyStateMachine, nodes: readonly AnyStateNode[]): readonly ModelDelay[] {
	return Object.entries(machine.implementations.delays ?? {}).map(([name, delay]) => ({
		name,
		ms: typeof delay === 'number' ? delay : null,
		states: nodes.filter((node) => node.after.some((after) => after.delay === name)).map(({ id }) => id),
	}));
}

/** XState's own, which start and cancel the timers of `after`. */
function isTimer(action: unknown): boolean {
	return (
		typeof action === 'function' && 'type' in action && /^xstate\.(raise|cancel)$/.test(String(action.type))
	);
}

function toName(named: unknown, { id }: AnyStateNode): string {
	if (typeof named === 'string') return named;
	if (typeof named === 'object' && named !== null && 'type' in named && typeof named.type === 'string')
		return named.type;
	throw new Error(`Something in '${id}' has no name: give each action, guard and actor one by setup().`);
}
