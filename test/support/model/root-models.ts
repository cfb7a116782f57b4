import type { AnyMachineSnapshot } from 'xstate';
import { NO_COUNTS } from '../../../src/core/run-contract.ts';
import { closedReason } from '../../../src/machines/closed-reason.ts';
import { gateRegion, rootEvents, runRegion, scheduleRegion } from '../../../src/machines/sync.machine.ts';
import { type SyncContext, toSyncContext } from '../../../src/machines/sync-context.ts';
import type { SyncEvent, SyncInput } from '../../../src/machines/sync-protocol.ts';
import { syncSetup } from '../../../src/machines/sync-setup.ts';
import { fault } from '../table-chart.ts';
import { type Model, type ModelEvent, ownEvents } from './chart-paths.ts';
import { TABLE } from './device-world.ts';

/*
 * The root's regions, each a chart of its own for the traversal (together they explode), with the root's own events
 * beside it. The paths are walked on the whole root.
 */

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

const isRegistered = ({ tables }: SyncContext) => tables[TABLE] !== undefined;

/** The gate with all its facts, and a table to open and close. */
export const gateModel: Model = {
	machine: syncSetup.createMachine({
		id: 'sync',
		context: ({ input }) => toSyncContext(input),
		type: 'parallel',
		...rootEvents,
		states: { gate: gateRegion },
	}),
	input: {},
	events: (state) => {
		const context: SyncContext = state.context;
		const names = namesOf(state).filter((name) => {
			if (name === 'table.register') return !isRegistered(context);
			// The table reports these; without one nobody does.
			if (name.startsWith('session refused')) return isRegistered(context);
			return !['upload fatal', 'download head', 'download fatal'].includes(name);
		});
		return names.map((name) => toRootEvent(name, context));
	},
	keyOf: toGateKey,
};

export function toGateKey({ value, context }: AnyMachineSnapshot): string {
	const { isHydrated, isOnline, isAuthorised, isLeader } = context as SyncContext;
	const facts = { isHydrated, isOnline, isAuthorised, isLeader };
	const missing = Object.entries(facts).flatMap(([name, holds]) => (holds ? [] : [name]));
	return `gate ${JSON.stringify(value.gate)}, missing: ${missing.join(' ') || 'nothing'}, ${isRegistered(context) ? 'a table' : 'no table'}`;
}

/** When to sync: the gate's facts as far as they open and close it, and a table that is at rest between events. */
export function createScheduleModel(input: SyncInput): Model {
	return {
		machine: syncSetup.createMachine({
			id: 'sync',
			context: ({ input: given }) => ({ ...toSyncContext(given) }),
			type: 'parallel',
			...rootEvents,
			states: { schedule: scheduleRegion },
		}),
		input,
		events: (state) => {
			const context: SyncContext = state.context;
			if (!isRegistered(context)) return [toRootEvent('table.register', context)];
			const names = namesOf(state).filter((name) => {
				if (name === 'storage.hydrated') return !context.isHydrated;
				// The gate raises it as it opens, and no sooner.
				if (name === 'gate.opened') return closedReason(context) === null;
				return !['storage.closed', 'session.changed', 'leadership.changed', 'table.register'].includes(name);
			});
			return names.map((name) => toRootEvent(name, context));
		},
		keyOf: toScheduleKey,
	};
}

export function toScheduleKey({ value, context }: AnyMachineSnapshot): string {
	return `schedule ${JSON.stringify(value.schedule)}, ${closedReason(context) === null ? 'open' : 'closed'}, ${isRegistered(context) ? 'a table' : 'no table'}`;
}

/**
 * What a table may report, and when: at rest, or in a round that began after the newest request (`fresh`) or before
 * it (`stale`). It keeps the traversal to what a real table does.
 */
const tableCompanion = syncSetup.createStateConfig({
	initial: 'rest',
	states: {
		rest: {
			on: {
				'sync.request': { guard: 'mayTalk', target: 'uploading' },
				'poke.received': { guard: 'mayTalk', target: 'downloading' },
			},
		},
		uploading: {
			initial: 'fresh',
			on: { 'table.settled': 'rest' },
			states: {
				fresh: { on: { 'table.uploaded': '#sync.table.downloading', 'sync.request': 'stale' } },
				stale: { on: { 'table.uploaded': '#sync.table.downloading.stale' } },
			},
		},
		downloading: {
			initial: 'fresh',
			on: { 'table.settled': 'rest', 'table.cycled': 'uploading' },
			states: { fresh: { on: { 'sync.request': 'stale' } }, stale: {} },
		},
	},
});

/** Who waits for what, beside a table that reports. */
export const runModel: Model = {
	machine: syncSetup.createMachine({
		id: 'sync',
		context: ({ input }) => toSyncContext(input),
		type: 'parallel',
		...rootEvents,
		states: { run: runRegion, table: tableCompanion },
	}),
	input: {},
	events: (state) => {
		const context: SyncContext = state.context;
		if (!isRegistered(context)) return [toRootEvent('table.register', context)];
		const isStale =
			state.matches({ table: { uploading: 'stale' } }) || state.matches({ table: { downloading: 'stale' } });
		const offered = new Set<RootEventName>([
			'storage.hydrated',
			'sync.request',
			'poke.received',
			...reportsOf(state),
		]);
		if (context.isHydrated) offered.delete('storage.hydrated');
		if (isStale) offered.delete('sync.request');
		return namesOf(state)
			.filter((name) => offered.has(name))
			.map((name) => toRootEvent(name, context, context.run.requests - (isStale ? 1 : 0)));
	},
	keyOf: toRunKey,
};

/** The reports that the table can come to from where it is. */
function reportsOf(state: AnyMachineSnapshot): readonly RootEventName[] {
	if (state.matches({ table: 'uploading' })) return ['upload done', 'upload fatal'];
	if (state.matches({ table: { downloading: 'stale' } })) return ['download due', 'download fatal'];
	return state.matches({ table: 'downloading' }) ? ['download due', 'download head', 'download fatal'] : [];
}

export function toRunKey({ value, context }: AnyMachineSnapshot): string {
	const { run, tables } = context as SyncContext;
	const own = tables[TABLE]?.ref.getSnapshot().value;
	const table = value.table ?? own;
	const phase = typeof table === 'object' ? Object.keys(table as object)[0] : table;
	return `run ${String(value.run)}, ${run.waiters.length} waiting, table ${['idle', 'offline', 'rest'].includes(String(phase)) ? 'at rest' : String(phase)}, ${closedReason(context) === null ? 'open' : 'closed'}`;
}

function namesOf(state: AnyMachineSnapshot): readonly RootEventName[] {
	return ownEvents(state).flatMap((type): readonly RootEventName[] => {
		const names = ROOT_EVENTS[type as RootEventType] as readonly RootEventName[] | undefined;
		if (!names) throw new Error(`the chart has an event that the model does not know: ${type}`);
		return names;
	});
}
