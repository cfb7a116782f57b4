import type { SnapshotFrom } from 'xstate';
import type { syncMachine } from '../../../src/machines/sync.machine.ts';
import type { RootEventName } from './root-events.ts';

type Leaves<V> = V extends string
	? V
	: { [K in keyof V & string]: V[K] extends string ? `${K}.${V[K]}` : never }[keyof V & string];

type RootValue = Required<SnapshotFrom<typeof syncMachine>['value']>;

export type GateState = Leaves<RootValue['gate']>;
export type ScheduleState = Leaves<RootValue['schedule']>;
export type RunState = Leaves<RootValue['run']>;

/** `stays`: noted or acted on, the state is the same. `again`: entered anew. */
type Answer<S> = S | 'stays' | 'again' | 'ignored';

export type Expected<S> =
	| Answer<S>
	/** Open if storage, network, session and leadership allow it; hydrating without storage; else closed. */
	| 'as the facts are'
	/** By whether the tables may talk. */
	| { readonly open: Answer<S>; readonly closed: Answer<S> }
	/** By whether somebody still waits for a round that began after the call. */
	| { readonly served: Answer<S>; readonly unserved: Answer<S> };

type Expectations<S extends string> = Readonly<Record<S, Readonly<Record<RootEventName, Expected<S>>>>>;

/** What no region but the root itself takes. */
const NOTED = {
	'storage.hydrated': 'stays',
	'storage.closed': 'stays',
	'network.changed': 'stays',
	'session.changed': 'stays',
	'leadership.changed': 'stays',
	'table.register': 'stays',
	'mutation.queued': 'stays',
	'poke.received': { open: 'stays', closed: 'ignored' },
} as const;

const NO_REPORT = {
	'upload done': 'ignored',
	'upload fatal': 'ignored',
	'download due': 'ignored',
	'download head': 'ignored',
	'download fatal': 'ignored',
	'session refused': 'ignored',
	'session refused twice': 'ignored',
	'refresh done': 'ignored',
	'refresh failed': 'ignored',
} as const;

const NO_SCHEDULE = {
	'gate.opened': 'ignored',
	'visibility.gained': 'ignored',
	'schedule.enable': 'ignored',
	'schedule.disable': 'ignored',
	'after interval': 'ignored',
	'after live delay': 'ignored',
} as const;

const GATE = {
	...NO_REPORT,
	...NO_SCHEDULE,
	...NOTED,
	'storage.hydrated': 'as the facts are',
	'storage.closed': 'as the facts are',
	'network.changed': 'as the facts are',
	'session.changed': 'as the facts are',
	'leadership.changed': 'as the facts are',
	'sync.request': 'ignored',
} as const;

const SCHEDULE = { ...NOTED, ...NO_REPORT, ...NO_SCHEDULE, 'sync.request': 'ignored' } as const;

const AUTO = {
	...SCHEDULE,
	'gate.opened': 'stays',
	'visibility.gained': { open: 'stays', closed: 'ignored' },
	'schedule.enable': 'auto.quiet',
	'schedule.disable': 'manual',
	'after interval': 'auto.quiet',
} as const;

const RUN = {
	...NOTED,
	...NO_SCHEDULE,
	...NO_REPORT,
	'upload done': 'stays',
} as const;

/*
 * What each region does with everything in every state, written from the design and not from the chart. No cell may
 * be left out: a new state or event does not compile until all of its cells are answered here.
 */

export const GATE_EXPECTATIONS: Expectations<GateState> = {
	hydrating: GATE,
	closed: GATE,
	'open.steady': { ...GATE, 'session refused': 'open.refreshing', 'session refused twice': 'stays' },
	'open.refreshing': { ...GATE, 'refresh done': 'open.steady', 'refresh failed': 'closed' },
};

export const SCHEDULE_EXPECTATIONS: Expectations<ScheduleState> = {
	manual: { ...SCHEDULE, 'schedule.enable': 'auto.quiet' },
	'auto.quiet': {
		...AUTO,
		'schedule.enable': 'again',
		'after interval': 'again',
		'mutation.queued': { open: 'auto.gathering', closed: 'stays' },
	},
	'auto.gathering': { ...AUTO, 'after live delay': 'auto.quiet' },
};

export const RUN_EXPECTATIONS: Expectations<RunState> = {
	idle: {
		...RUN,
		'sync.request': { open: 'syncing', closed: 'stays' },
		'download due': 'stays',
		'download head': 'stays',
		'download fatal': 'stays',
		'upload fatal': 'stays',
		'session refused twice': 'stays',
	},
	syncing: {
		...RUN,
		'sync.request': 'stays',
		'download due': { served: 'idle', unserved: 'stays' },
		'download head': { served: 'idle', unserved: 'stays' },
		'download fatal': 'idle',
		'upload fatal': 'idle',
		'session refused twice': 'idle',
	},
};
