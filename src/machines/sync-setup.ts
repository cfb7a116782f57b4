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
	withAncestors,
} from './sync-context.ts';
import type { SyncEmitted, SyncEvent, SyncInput, SyncTag } from './sync-protocol.ts';
import { tableMachine } from './table.machine.ts';
import type { TableReport, TableRound } from './table-protocol.ts';

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
		emitRound: emit((_, { round: { table, served, held, counts, error } }: { round: TableRound }) => ({
			type: 'round.ended' as const,
			table,
			served,
			held,
			counts,
			error,
		})),
	},
});

/** The words of the root's chart. The actions added here send or emit as often as there is something to say. */
export const syncSetup = baseSetup.extend({
	actions: {
		/** Sends what the run's last step asked for. */
		sendCommands: baseSetup.enqueueActions(({ context, enqueue }) => {
			for (const { table, request, holdDeletes } of context.step.commands) {
				const entry = context.tables[table];
				if (entry) enqueue.sendTo(entry.ref, { type: 'sync.request', request, holdDeletes });
			}
		}),
		/** Says nothing where nobody has got an answer. */
		emitCompleted: baseSetup.enqueueActions(({ context, enqueue }) => {
			const { completed } = context.step;
			if (completed.length === 0) return;
			const waiters = completed.map((waiter) => ({ token: waiter.token, result: toResult(waiter) }));
			enqueue.emit({ type: 'sync.completed', waiters });
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
