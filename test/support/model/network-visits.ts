import type { AnyMachineSnapshot, InspectionEvent } from 'xstate';

/** Collects which states running actors enter and leave, step by small step: also those where no time passes. */
export interface Visits {
	/** For `createActor`'s `inspect`. */
	readonly inspect: (event: InspectionEvent) => void;
	readonly entered: ReadonlySet<string>;
	readonly left: ReadonlySet<string>;
}

export function createVisits(): Visits {
	const entered = new Set<string>();
	const left = new Set<string>();
	/** Leaves that each actor is in, by its session. */
	const current = new Map<string, readonly string[]>();
	return {
		inspect(event) {
			if (event.type !== '@xstate.microstep') return;
			const now = leavesIn(event.snapshot as AnyMachineSnapshot);
			// Inspection tells nothing of the very first state but that it is left.
			const before =
				current.get(event.actorRef.sessionId) ?? event._transitions.map(({ source }) => source.id);
			current.set(event.actorRef.sessionId, now);
			for (const id of [...before, ...now]) entered.add(id);
			for (const id of before) if (!now.includes(id)) left.add(id);
		},
		entered,
		left,
	};
}

function leavesIn({ _nodes }: AnyMachineSnapshot): readonly string[] {
	return _nodes.filter(({ type }) => type === 'atomic').map(({ id }) => id);
}
