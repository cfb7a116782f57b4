import type { AnyActorRef, AnyStateMachine } from 'xstate';

/** What only an invoked or spawned actor's own end may bring about. */
const END = /^xstate\.(done|error)\.actor\./;
/** Raised inside the machine, never sent. */
const RAISED = /^xstate\.done\.state\./;

/**
 * The machine, deaf to forged ends: XState takes a raw `xstate.done.actor.upload` from anybody's `send`, and would
 * count as uploaded what never left. An end is believed only if the actor that it names has ended so, with that very
 * output or error; of any other the actor's logger is told, and nothing changes. It also keeps a late end of a former
 * step from passing for that of the running one with the same id.
 *
 * Not for a chart that is traversed, where ends are made up.
 * @param machine fresh from `.provide`: it is changed in place.
 */
export function refuseForged<M extends AnyStateMachine>(machine: M): M {
	const { transition, provide } = machine;
	machine.transition = (snapshot, event, scope) => {
		if (!isForged(snapshot.children, event)) return transition.call(machine, snapshot, event, scope);
		scope.logger(
			`PixSync: refused '${event.type}', which no step of the machine has sent. Send the events of the public types only.`,
		);
		return snapshot;
	};
	machine.provide = (implementations) => refuseForged(provide.call(machine, implementations));
	return machine;
}

function isForged(children: Readonly<Record<string, AnyActorRef | undefined>>, event: EndEvent): boolean {
	if (RAISED.test(event.type)) return true;
	const kind = END.exec(event.type)?.[1];
	if (kind === undefined) return false;
	const { actorId } = event;
	// Own ones only: every object has something called `constructor`.
	if (typeof actorId !== 'string' || !Object.hasOwn(children, actorId)) return true;
	const end = children[actorId]?.getSnapshot();
	if (end?.status !== kind || event.type !== `xstate.${kind}.actor.${actorId}`) return true;
	return kind === 'done' ? !Object.is(end.output, event.output) : !Object.is(end.error, event.error);
}

interface EndEvent {
	readonly type: string;
	readonly actorId?: unknown;
	readonly output?: unknown;
	readonly error?: unknown;
}
