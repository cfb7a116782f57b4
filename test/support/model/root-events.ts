import { NO_COUNTS } from '../../../src/core/run-contract.ts';
import type { SyncContext } from '../../../src/machines/sync-context.ts';
import type { SyncEvent } from '../../../src/machines/sync-protocol.ts';
import { fault } from '../table-chart.ts';
import type { ModelEvent } from './chart-paths.ts';
import { TABLE } from './device-world.ts';

/** What only the chart itself or its services bring about. */
export type InnerRootEvent =
	| `xstate.${'done' | 'error'}.actor.refreshSession`
	| 'xstate.after.interval.sync.schedule.auto'
	| 'xstate.after.liveDelay.sync.schedule.auto.gathering';

/** All that can happen to the root, a name for each way that it can happen. */
export const ROOT_EVENTS = {
	'storage.hydrated': ['storage.hydrated'],
	'storage.closed': ['storage.closed'],
	'network.changed': ['network.changed'],
	'session.changed': ['session.changed'],
	'leadership.changed': ['leadership.changed'],
	'mutation.queued': ['mutation.queued'],
	'visibility.gained': ['visibility.gained'],
	'gate.opened': ['gate.opened'],
	'table.register': ['table.register'],
	'sync.request': ['sync.request'],
	'schedule.enable': ['schedule.enable'],
	'schedule.disable': ['schedule.disable'],
	'poke.received': ['poke.received'],
	'table.uploaded': ['upload done'],
	'table.cycled': ['download due'],
	'table.settled': ['session refused twice', 'upload fatal', 'download head', 'download fatal'],
	'table.unauthorised': ['session refused'],
	'xstate.done.actor.refreshSession': ['refresh done'],
	'xstate.error.actor.refreshSession': ['refresh failed'],
	'xstate.after.interval.sync.schedule.auto': ['after interval'],
	'xstate.after.liveDelay.sync.schedule.auto.gathering': ['after live delay'],
} as const satisfies Record<SyncEvent['type'] | InnerRootEvent, readonly string[]>;

export type RootEventType = keyof typeof ROOT_EVENTS;
export type RootEventName = (typeof ROOT_EVENTS)[RootEventType][number];

/** An event as the traversal sends it; facts are turned to what they are not. */
export function toRootEvent(
	as: RootEventName,
	context: SyncContext,
	served = context.run.requests,
): ModelEvent {
	const type = Object.keys(ROOT_EVENTS).find((key) =>
		(ROOT_EVENTS[key as RootEventType] as readonly string[]).includes(as),
	) as RootEventType;
	const round = { table: TABLE, served, held: 0, counts: NO_COUNTS };
	switch (type) {
		case 'storage.hydrated':
			return { type, as, dirty: [] };
		case 'network.changed':
			return { type, as, isOnline: !context.isOnline };
		case 'session.changed':
			return { type, as, isValid: !context.isAuthorised };
		case 'leadership.changed':
			return { type, as, isLeader: !context.isLeader };
		case 'mutation.queued':
			return { type, as, tables: [TABLE] };
		case 'table.register':
			return { type, as, spec: { table: TABLE, dependsOn: [] } };
		case 'sync.request':
			return { type, as, token: context.run.requests + 1 };
		case 'schedule.enable':
			return { type, as, intervalMs: 1_000 };
		case 'table.uploaded':
			return { type, as, table: TABLE, served, held: 0 };
		case 'table.cycled':
			return { type, as, ...round, error: null };
		case 'table.settled':
			if (as === 'download head') return { type, as, ...round, error: null };
			return { type, as, ...round, error: fault(as === 'session refused twice' ? 'unauthorised' : 'fatal') };
		case 'table.unauthorised':
			return { type, as, table: TABLE, error: fault('unauthorised') };
		case 'xstate.error.actor.refreshSession':
			return { type, as, error: fault('unauthorised') };
		default:
			return { type, as };
	}
}
