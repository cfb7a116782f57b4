import type { SnapshotFrom } from 'xstate';
import { toSyncContext } from './sync-context.ts';
import { syncSetup } from './sync-setup.ts';

/*
 * The root of the engine: three regions side by side, and one child machine a table.
 *
 *   gate      hydrating ──▶ closed ◀──▶ open (steady ◀──▶ refreshing)
 *   schedule  manual ◀──▶ auto (quiet ──local write──▶ gathering)
 *   run       idle ◀──▶ syncing
 *
 * The gate tells the tables whether they may talk; the schedule wishes for syncs; the run orders the tables and
 * answers those who wait.
 */

/** Whether the tables may talk: storage hydrated, online, authorised, leader. */
export const gateRegion = syncSetup.createStateConfig({
	initial: 'hydrating',
	states: {
		hydrating: { tags: ['offline'], always: { guard: 'isHydrated', target: 'closed' } },
		closed: {
			tags: ['offline'],
			always: [
				{ guard: 'isUnhydrated', target: 'hydrating' },
				{ guard: 'mayTalk', target: 'open' },
			],
		},
		open: {
			entry: ['openTables', 'announceOpen'],
			exit: ['closeTables', 'failRun', 'sendCommands', 'emitCompleted', 'forgetStep'],
			always: { guard: 'mayNotTalk', target: 'closed' },
			initial: 'steady',
			states: {
				steady: {
					on: {
						'table.unauthorised': 'refreshing',
						// Refused with a fresh session, too: at rest with the error, not offline for good.
						'table.settled': {
							guard: { type: 'isUnauthorised', params: ({ event }) => ({ error: event.error }) },
							actions: 'openTable',
						},
					},
				},
				// One refresh for all tables; the runs stay open meanwhile.
				refreshing: {
					invoke: {
						id: 'refreshSession',
						src: 'refreshSession',
						onDone: { target: 'steady', actions: 'openTables' },
						onError: { actions: { type: 'noteSession', params: { isValid: false } } },
					},
				},
			},
		},
	},
});

/** When to sync without being asked. */
export const scheduleRegion = syncSetup.createStateConfig({
	initial: 'manual',
	states: {
		manual: {
			on: {
				'schedule.enable': {
					target: 'auto',
					actions: { type: 'noteInterval', params: ({ event }) => ({ intervalMs: event.intervalMs }) },
				},
			},
		},
		auto: {
			// A sync at once, for the app that turns it on expects its data now.
			entry: 'requestAll',
			on: {
				// Not on the region itself: to reenter from there leaves all regions, and so closes the gate.
				'schedule.enable': {
					target: 'auto',
					reenter: true,
					actions: { type: 'noteInterval', params: ({ event }) => ({ intervalMs: event.intervalMs }) },
				},
				'schedule.disable': 'manual',
				'visibility.gained': { guard: 'mayTalk', actions: 'requestAll' },
				'gate.opened': { actions: 'requestAll' },
			},
			after: { interval: { target: 'auto', reenter: true } },
			initial: 'quiet',
			states: {
				quiet: {
					on: {
						// A region that takes an event hides it from the root's own transition.
						'mutation.queued': {
							guard: 'isLive',
							target: 'gathering',
							actions: { type: 'markDirty', params: ({ event }) => ({ tables: event.tables }) },
						},
					},
				},
				gathering: { after: { liveDelay: { target: 'quiet', actions: 'requestDirty' } } },
			},
		},
	},
});

/** Who waits for what, and which table goes next. */
export const runRegion = syncSetup.createStateConfig({
	initial: 'idle',
	on: {
		'sync.request': [
			{
				guard: 'mayTalk',
				actions: [
					{ type: 'joinRun', params: ({ event }) => ({ token: event.token, tables: event.tables }) },
					'sendCommands',
					'emitCompleted',
					'forgetStep',
				],
			},
			{
				actions: [
					{ type: 'refuseRun', params: ({ event }) => ({ token: event.token, tables: event.tables }) },
					'emitCompleted',
					'forgetStep',
				],
			},
		],
		'table.uploaded': {
			actions: [
				{ type: 'noteUploaded', params: ({ event }) => ({ table: event.table, held: event.held }) },
				'sendCommands',
				'emitCompleted',
				'forgetStep',
			],
		},
		'table.cycled': {
			actions: [
				{ type: 'noteRound', params: ({ event }) => ({ round: event, isSettled: false }) },
				{ type: 'emitRound', params: ({ event }) => ({ round: event }) },
				'sendCommands',
				'emitCompleted',
				'forgetStep',
			],
		},
		'table.settled': {
			actions: [
				{ type: 'noteRound', params: ({ event }) => ({ round: event, isSettled: true }) },
				{ type: 'emitRound', params: ({ event }) => ({ round: event }) },
				'sendCommands',
				'emitCompleted',
				'forgetStep',
			],
		},
	},
	states: {
		idle: { tags: ['settled'], always: { guard: 'hasWaiters', target: 'syncing' } },
		syncing: { tags: ['syncing'], always: { guard: 'hasNoWaiters', target: 'idle' } },
	},
});

/** Facts and wishes that concern no region alone. */
export const rootEvents = syncSetup.createStateConfig({
	on: {
		'storage.hydrated': {
			actions: { type: 'noteHydrated', params: ({ event }) => ({ dirty: event.dirty }) },
		},
		'storage.closed': { actions: 'noteUnhydrated' },
		'network.changed': {
			actions: { type: 'noteOnline', params: ({ event }) => ({ isOnline: event.isOnline }) },
		},
		'session.changed': {
			actions: { type: 'noteSession', params: ({ event }) => ({ isValid: event.isValid }) },
		},
		'leadership.changed': {
			actions: { type: 'noteLeadership', params: ({ event }) => ({ isLeader: event.isLeader }) },
		},
		'table.register': {
			actions: [{ type: 'registerTable', params: ({ event }) => ({ spec: event.spec }) }, 'openTable'],
		},
		'mutation.queued': { actions: { type: 'markDirty', params: ({ event }) => ({ tables: event.tables }) } },
		'poke.received': { guard: 'mayTalk', actions: 'pokeTables' },
	},
});

/** The root machine. Services come in through `createSyncMachine`. */
export const syncMachine = syncSetup.createMachine({
	id: 'sync',
	context: ({ input }) => toSyncContext(input),
	type: 'parallel',
	...rootEvents,
	states: { gate: gateRegion, schedule: scheduleRegion, run: runRegion },
});

/** `value` has a key a region: gate, schedule, run. */
export type SyncSnapshot = SnapshotFrom<typeof syncMachine>;
