import { assign, emit, setup } from 'xstate';
import type { PixSyncError } from '../core/errors.ts';
import type { TableSpec } from '../core/table-spec.ts';
import { closedGateError, closedReason } from './closed-reason.ts';
import { notProvidedActor } from './not-provided.ts';
import { failRun, joinRun, noteRound, noteUploaded } from './run-plan.ts';
import {
	append,
	depsOf,
	joinPlan,
	NO_STEP,
	type SyncContext,
	take,
	toResult,
	toSyncContext,
	withAncestors,
} from './sync-context.ts';
import type { SyncEmitted, SyncEvent, SyncInput, SyncTag } from './sync-protocol.ts';
import { tableMachine } from './table.machine.ts';
import type { TableReport } from './table-protocol.ts';

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

/** Local writes that come within this time after one another travel together, ms. */
export const LIVE_DELAY_MS = 100;

const baseSetup = setup({
	types: {} as {
		context: SyncContext;
		events: SyncEvent;
		input: SyncInput;
		emitted: SyncEmitted;
		tags: SyncTag;
	},
	actors: {
		table: tableMachine,
		/** A fresh session; rejects where there is none to be had. */
		refreshSession: notProvidedActor<void>('refreshSession'),
	},
	delays: {
		interval: ({ context }) => context.intervalMs,
		liveDelay: LIVE_DELAY_MS,
	},
	guards: {
		isHydrated: ({ context }) => context.isHydrated,
		isUnhydrated: ({ context }) => !context.isHydrated,
		mayTalk: ({ context }) => closedReason(context) === null,
		mayNotTalk: ({ context }) => closedReason(context) !== null,
		isLive: ({ context }) => context.input.liveUpload !== false && closedReason(context) === null,
		isUnauthorised: (_, { error }: { error: PixSyncError | null }) => error?.fault === 'unauthorised',
		hasWaiters: ({ context }) => context.run.waiters.length > 0,
		hasNoWaiters: ({ context }) => context.run.waiters.length === 0,
	},
	actions: {
		noteHydrated: assign((_, { dirty }: { dirty: readonly string[] }) => ({ isHydrated: true, dirty })),
		noteUnhydrated: assign({ isHydrated: false, dirty: [] }),
		noteOnline: assign((_, { isOnline }: { isOnline: boolean }) => ({ isOnline })),
		noteSession: assign((_, { isValid }: { isValid: boolean }) => ({ isAuthorised: isValid })),
		noteLeadership: assign((_, { isLeader }: { isLeader: boolean }) => ({ isLeader })),
		noteInterval: assign((_, { intervalMs }: { intervalMs: number }) => ({ intervalMs })),
		markDirty: assign(({ context }, { tables }: { tables: readonly string[] }) => ({
			dirty: [...new Set([...context.dirty, ...tables])],
		})),
		registerTable: assign(
			({ context, spawn, self }, { spec }: { spec: Pick<TableSpec, 'table' | 'dependsOn'> }) => {
				if (context.tables[spec.table]) return {};
				const { backoff, random, now } = context.input;
				const ref = spawn('table', {
					id: `table:${spec.table}`,
					input: {
						table: spec.table,
						parent: self,
						...(backoff ? { backoff } : {}),
						...(random ? { random } : {}),
						...(now ? { now } : {}),
					},
				});
				return { tables: { ...context.tables, [spec.table]: { ref, dependsOn: spec.dependsOn } } };
			},
		),
		joinRun: assign(
			({ context }, { token, tables }: { token: number | null; tables: readonly string[] | undefined }) =>
				take(context, joinRun(context.run, depsOf(context), withAncestors(context, tables), token)),
		),
		refuseRun: assign(
			({ context }, { token, tables }: { token: number | null; tables: readonly string[] | undefined }) => {
				const { plan, ...step } = failRun(
					joinPlan(context, tables, token),
					(table) => closedGateError(context, table).line,
				);
				return { run: { ...context.run, requests: plan.requests }, step: append(context.step, step) };
			},
		),
		failRun: assign(({ context }) =>
			take(
				context,
				failRun(context.run, (table) => closedGateError(context, table).line),
			),
		),
		noteUploaded: assign(({ context }, { table, held }: { table: string; held: number }) =>
			take(context, noteUploaded(context.run, depsOf(context), table, held)),
		),
		noteRound: assign(
			(
				{ context },
				{
					round,
					isSettled,
				}: { round: Extract<TableReport, { type: 'table.settled' | 'table.cycled' }>; isSettled: boolean },
			) => {
				const isClean = isSettled && round.counts.errors.length === 0 && round.held === 0;
				return {
					...take(context, noteRound(context.run, depsOf(context), round, isSettled)),
					dirty: isClean ? context.dirty.filter((name) => name !== round.table) : context.dirty,
				};
			},
		),
		forgetStep: assign({ step: NO_STEP }),
		emitCompleted: emit(({ context }) => ({
			type: 'sync.completed' as const,
			waiters: context.step.completed.map((waiter) => ({ token: waiter.token, result: toResult(waiter) })),
		})),
	},
});

/** Actions that send to children: each sends to as many as there are. */
const syncSetup = baseSetup.extend({
	actions: {
		/** Sends what the run's last step asked for. */
		sendCommands: baseSetup.enqueueActions(({ context, enqueue }) => {
			for (const { table, request, holdDeletes } of context.step.commands) {
				const entry = context.tables[table];
				if (entry) enqueue.sendTo(entry.ref, { type: 'sync.request', request, holdDeletes });
			}
		}),
		openTables: baseSetup.enqueueActions(({ context, enqueue }) => {
			for (const { ref } of Object.values(context.tables))
				enqueue.sendTo(ref, { type: 'connection.restored' });
		}),
		/** One table alone: it came late, or was left offline while the gate is open (R4). */
		openTable: baseSetup.enqueueActions(({ context, event, enqueue }) => {
			const table =
				event.type === 'table.register' ? event.spec.table : 'table' in event ? event.table : undefined;
			const entry = table === undefined ? undefined : context.tables[table];
			if (entry && closedReason(context) === null) enqueue.sendTo(entry.ref, { type: 'connection.restored' });
		}),
		closeTables: baseSetup.enqueueActions(({ context, enqueue }) => {
			for (const [table, { ref }] of Object.entries(context.tables)) {
				enqueue.sendTo(ref, { type: 'connection.lost', error: closedGateError(context, table).error });
			}
		}),
		pokeTables: baseSetup.enqueueActions(({ context, event, enqueue }) => {
			const tables = event.type === 'poke.received' ? event.tables : undefined;
			for (const [table, { ref }] of Object.entries(context.tables)) {
				if (!tables || tables.includes(table)) enqueue.sendTo(ref, { type: 'poke.received' });
			}
		}),
		announceOpen: baseSetup.raise({ type: 'gate.opened' }),
		requestAll: baseSetup.raise({ type: 'sync.request', token: null }),
		requestDirty: baseSetup.enqueueActions(({ context, enqueue }) => {
			if (context.dirty.length === 0) return;
			enqueue.raise({ type: 'sync.request', token: null, tables: context.dirty });
		}),
	},
});

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
				'sendCommands',
				'emitCompleted',
				'forgetStep',
			],
		},
		'table.settled': {
			actions: [
				{ type: 'noteRound', params: ({ event }) => ({ round: event, isSettled: true }) },
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

/** The root machine. Services come in through `createSyncMachine`. */
export const syncMachine = syncSetup.createMachine({
	id: 'sync',
	context: ({ input }) => toSyncContext(input),
	type: 'parallel',
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
	states: { gate: gateRegion, schedule: scheduleRegion, run: runRegion },
});
