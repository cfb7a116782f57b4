import type { AnyMachineSnapshot } from 'xstate';
import { closedReason } from '../../../src/machines/closed-reason.ts';
import { gateRegion, rootEvents, runRegion, scheduleRegion } from '../../../src/machines/sync.machine.ts';
import { type SyncContext, toSyncContext } from '../../../src/machines/sync-context.ts';
import type { SyncInput } from '../../../src/machines/sync-protocol.ts';
import { syncSetup } from '../../../src/machines/sync-setup.ts';
import { type Model, ownEvents } from './chart-paths.ts';
import { TABLE } from './device-world.ts';
import { ROOT_EVENTS, type RootEventName, type RootEventType, toRootEvent } from './root-events.ts';

/*
 * The root's regions, each a chart of its own for the traversal (together they explode), with the root's own events
 * beside it. The paths are walked on the whole root.
 */

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
