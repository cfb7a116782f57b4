import type { MachineName, ServiceName } from './inspection-entry.ts';

/** What is known of an actor that XState tells of: a machine of ours, a service that one invokes, or neither. */
export type InspectedActor =
	| { readonly kind: 'machine'; readonly machine: MachineName; readonly table: string | null }
	| { readonly kind: 'service'; readonly service: ServiceName; readonly table: string | null }
	| { readonly kind: 'foreign' };

/** An actor as far as an observer reads it; everything may be missing. */
export interface ActorLike {
	readonly id?: string;
	readonly sessionId: string;
	readonly logic?: {
		readonly id?: unknown;
		readonly config?: unknown;
		readonly states?: object;
		readonly events?: readonly string[];
	};
	readonly _parent?: ActorLike;
	getSnapshot?(): unknown;
}

/** An app's machine may be named as one of ours is; it will hardly have these states. */
const STATES_OF: Readonly<Record<MachineName, readonly string[]>> = {
	sync: ['gate', 'schedule', 'run'],
	table: ['uploading', 'resolving', 'downloading', 'backoff'],
	network: ['starting', 'online', 'offline'],
};

const SERVICES_OF: Readonly<Record<MachineName, readonly ServiceName[]>> = {
	sync: ['refreshSession'],
	table: ['upload', 'download', 'resolve'],
	network: ['probe'],
};

export function identify(actor: ActorLike): InspectedActor {
	const machine = machineOf(actor);
	if (machine) return { kind: 'machine', machine, table: machine === 'table' ? tableOf(actor) : null };
	const parent = actor._parent;
	const owner = parent && machineOf(parent);
	const service = owner && SERVICES_OF[owner].find((name) => name === actor.id);
	if (!service) return { kind: 'foreign' };
	return { kind: 'service', service, table: owner === 'table' ? tableOf(parent) : null };
}

/** The event's type, if the actor's chart or XState has that word. */
export function toEventType(actor: ActorLike, type: unknown): string {
	if (typeof type !== 'string') return '(unknown)';
	const isKnown = type.startsWith('xstate.') || actor.logic?.events?.includes(type);
	return isKnown ? type : '(unknown)';
}

/** The active states without the states around them, from the machine's root: 'idle', or 'gate.open.steady' and more. */
export function toLeaves(value: unknown): readonly string[] {
	if (typeof value === 'string') return [value];
	if (typeof value !== 'object' || value === null) return [];
	return Object.entries(value).flatMap(([key, inner]) => toLeaves(inner).map((leaf) => `${key}.${leaf}`));
}

function machineOf({ logic }: ActorLike): MachineName | null {
	const names = Object.keys(STATES_OF) as MachineName[];
	const { id, states = {} } = logic ?? {};
	return names.find((name) => name === id && STATES_OF[name].every((state) => state in states)) ?? null;
}

function tableOf(actor: ActorLike): string | null {
	const { context } = (snapshotOf(actor) ?? {}) as { readonly context?: { readonly table?: unknown } };
	return typeof context?.table === 'string' ? context.table : null;
}

/** undefined while the actor is being made: it tells of itself before it can be asked, and then throws. */
export function snapshotOf(actor: ActorLike): unknown {
	try {
		return actor.getSnapshot?.();
	} catch {
		return undefined;
	}
}
