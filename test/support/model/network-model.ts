import type { AnyMachineSnapshot, SnapshotFrom } from 'xstate';
import { PixSyncError } from '../../../src/core/errors.ts';
import { type NetworkContext, networkMachine } from '../../../src/machines/network.machine.ts';
import { type Model, type ModelEvent, ownEvents } from './chart-paths.ts';

/** All that can happen to the connection's chart, a name for each branch of the guards. */
export const NETWORK_EVENTS = {
	'browser.online': ['browser.online'],
	'browser.offline': ['browser.offline'],
	'request.answered': ['request.answered'],
	'request.unanswered': ['request.unanswered'],
	'quality.changed': ['quality.changed'],
	'probe.requested': ['probe.requested'],
	'probe.changed': ['probe lent', 'probe gone'],
	// The monitor's probe that throws has an end like any other: it did not reach the server.
	'xstate.done.actor.probe': ['probe reachable', 'probe unreachable', 'probe throws'],
	'xstate.error.actor.probe': ['probe bearable', 'probe fatal'],
	'xstate.after.probeDelay.network.offline.waiting': ['wait over'],
	'xstate.after.recheckDelay.network.offline.paused': ['recheck due'],
	'xstate.after.probeTimeout.network.online.doubted': ['doubt overdue'],
	'xstate.after.probeTimeout.network.offline.probing': ['probing overdue'],
} as const;

export type NetworkEventType = keyof typeof NETWORK_EVENTS;
export type NetworkEventName = (typeof NETWORK_EVENTS)[NetworkEventType][number];

/** Where the chart lets time pass. */
export type NetworkStateName = Exclude<
	ToPath<SnapshotFrom<typeof networkMachine>['value']>,
	'starting' | 'offline.entering'
>;

type ToPath<V> = V extends string
	? V
	: { [K in keyof V & string]-?: `${K}.${Extract<V[K], string>}` }[keyof V & string];

/** Who runs the chart: `NetworkMonitor`, whose probe never rejects, or an app with a probe of its own. */
export type NetworkHost = 'monitor' | 'app';

export interface NetworkStart {
	readonly onLine: boolean;
	readonly canProbe: boolean;
}

export const NETWORK_STARTS: Readonly<Record<string, NetworkStart>> = {
	online: { onLine: true, canProbe: true },
	offline: { onLine: false, canProbe: true },
	'online, blind': { onLine: true, canProbe: false },
	'offline, blind': { onLine: false, canProbe: false },
};

/** The jitter is then a quarter of each delay. */
export const random = () => 0.5;

/** Waits until the server is looked for again: shorter ones first, and so on; see the chart's delays. */
const WAITS_TOLD_APART = 2;
const MISSES_THAT_DOUBT = 2;

export const bearable = new TypeError('fetch failed');
export const fatal = new PixSyncError('not-provided', 'No probe', { fault: 'fatal', hint: 'none' });

const PAYLOADS: Readonly<Partial<Record<NetworkEventName, Readonly<Record<string, unknown>>>>> = {
	'request.answered': { rttMs: 40 },
	'quality.changed': { effectiveType: '4g' },
	'probe lent': { available: true },
	'probe gone': { available: false },
	'probe reachable': { output: true },
	'probe unreachable': { output: false },
	'probe throws': { output: false },
	'probe bearable': { error: bearable },
	'probe fatal': { error: fatal },
};

/** The events of a type as the traversal sends them to the chart. */
export function toModelEvents(type: string): readonly (ModelEvent & { readonly as: NetworkEventName })[] {
	const names = NETWORK_EVENTS[type as NetworkEventType] as readonly NetworkEventName[] | undefined;
	if (!names) throw new Error(`the chart has an event that the model does not know: ${type}`);
	return names.map((as) => ({ type, as, ...PAYLOADS[as] }));
}

/** The chart that ships, from one of its starts, with all that can happen to it at this host. */
export function createNetworkModel(start: NetworkStart, host: NetworkHost): Model {
	return {
		machine: networkMachine,
		input: { ...start, random },
		events: (state) => {
			if (state.status !== 'active') return [];
			return ownEvents(state)
				.flatMap(toModelEvents)
				.filter(({ as }) => canHappen(as, host, state.context.canProbe));
		},
		keyOf: toNetworkKey,
	};
}

/** Whether a host can bring an event about; `canProbe`: while there is a probe. */
export function canHappen(name: NetworkEventName, host: NetworkHost, canProbe: boolean): boolean {
	if (host === 'app') return name !== 'probe throws';
	if (name === 'probe bearable' || name === 'probe fatal') return false;
	// A loan ends once.
	return name !== 'probe gone' || canProbe;
}

export function toStateName({ value }: Pick<AnyMachineSnapshot, 'value'>): NetworkStateName {
	const [parent, child] = Object.entries(value as Record<string, string>)[0] ?? [];
	return `${parent}.${child}` as NetworkStateName;
}

/** State, and of the context what guards and delays look at. */
export function toNetworkKey(state: AnyMachineSnapshot): string {
	const { browserOffline, canProbe, misses, attempts } = state.context as NetworkContext;
	return [
		toStateName(state),
		...(state.status === 'active' ? [] : [state.status]),
		...(browserOffline ? ['browser offline'] : []),
		...(canProbe ? [] : ['blind']),
		...(misses + 1 < MISSES_THAT_DOUBT ? [] : ['missed']),
		...(attempts === 0 ? [] : [attempts < WAITS_TOLD_APART ? 'waited' : 'waited long']),
	].join(', ');
}
