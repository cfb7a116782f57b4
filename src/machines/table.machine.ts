import { assign, emit, sendTo, setup } from 'xstate';
import { fullJitter, RETRY_AFTER_CAP_MS } from '../core/backoff.ts';
import { type PixSyncError, toErrorLine, toPixSyncError } from '../core/errors.ts';
import {
	addCounts,
	type DownloadInput,
	type DownloadOutput,
	NO_COUNTS,
	type ResolveInput,
	type ResolveOutput,
	type StepCounts,
	type UploadInput,
	type UploadOutput,
} from '../core/run-contract.ts';
import { notProvidedAction, notProvidedActor } from './not-provided.ts';
import { parentOf, type TableContext, toRound, toTableContext } from './table-context.ts';
import type { TableEmitted, TableEvent, TableInput, TableTag } from './table-protocol.ts';

/*
 * One table's sync. The machine decides; the invoked services do.
 *
 *            connection.restored                sync.request
 *   offline ─────────────────────▶ idle ───────────────────────────▶ uploading ◀─┐ more due
 *      ▲  └────────(sync is wanted)──┼───────────────────────────────▶ │   │  └────┘
 *      │ connection.lost            │ poke.received     conflicts met │   │ drained
 *      │ (from everywhere)          ▼                                 ▼   │
 *      │                      downloading ◀─ remote won ─ resolving ──┤   │
 *      │                       │ ▲ │ └┘ more pages          └ local won   │
 *      │                       │ └─┼──────────────────────────────────────┘
 *      │       head, all done  │   │ head, something waits, or nobody answers
 *      │               idle ◀──┘   └──▶ backoff ── after the delay, or sync.request ──▶ uploading
 */

/** Rounds of resolve and upload after which what is sent anew is put off (R13). */
export const MAX_RESOLVINGS = 8;

const ANSWERED = { attempts: 0, isReauthorised: false } as const;

const tableSetup = setup({
	types: {} as {
		context: TableContext;
		events: TableEvent;
		input: TableInput;
		emitted: TableEmitted;
		tags: TableTag;
	},
	actors: {
		upload: notProvidedActor<UploadOutput, UploadInput>('upload'),
		download: notProvidedActor<DownloadOutput, DownloadInput>('download'),
		resolve: notProvidedActor<ResolveOutput, ResolveInput>('resolve'),
	},
	delays: { backoff: ({ context }) => context.retryInMs },
	guards: {
		isWanted: ({ context }) => context.requested > context.served,
		awaitsSession: ({ context }) => context.awaitsSession,
		hasConflicts: (_, { output }: { output: UploadOutput }) => output.waitingConflicts > 0,
		hasMore: (_, { output }: { output: { more: boolean } }) => output.more,
		isDue: (_, { output }: { output: { due: boolean } }) => output.due,
		isWantedOrDue: ({ context }, { output }: { output: { due: boolean } }) =>
			output.due || context.requested > context.served,
		isPoked: ({ context }) => context.isPoked,
		isWaiting: (_, { output }: { output: DownloadOutput }) => output.waitUntil !== null,
		isUnauthorised: (_, { error }: { error: unknown }) => toPixSyncError(error).fault === 'unauthorised',
		isFirstUnauthorised: ({ context }, { error }: { error: unknown }) =>
			toPixSyncError(error).fault === 'unauthorised' && !context.isReauthorised,
		isRetryable: (_, { error }: { error: unknown }) => {
			const { fault } = toPixSyncError(error);
			return fault === 'no-answer' || fault === 'retryable';
		},
	},
	actions: {
		/** Ends the prefetch (R11). */
		endPull: notProvidedAction<{ table: string }>('endPull'),
		rememberRequest: assign((_, { request, holdDeletes }: { request: number; holdDeletes: boolean }) => ({
			requested: request,
			holdDeletes,
		})),
		/** Joins a wish to a round that is under way: deletes stay free once they are. */
		joinRequest: assign(
			({ context }, { request, holdDeletes }: { request: number; holdDeletes: boolean }) => ({
				requested: Math.max(context.requested, request),
				holdDeletes: context.holdDeletes && holdDeletes,
			}),
		),
		/** Outside a run nobody tells when the dependants are done; a delete that is too early is put off (F32). */
		freeDeletes: assign({ holdDeletes: false }),
		rememberPoke: assign({ isPoked: true }),
		beginRound: assign({ counts: NO_COUNTS, resolvings: 0, error: null, isReauthorised: false }),
		beginUpload: assign(({ context }) => ({
			isForced: context.requested > context.served,
			served: context.requested,
			upTo: null,
			awaitsSession: false,
			// Known before the pass, so that the service can store when to try again (R13).
			retryInMs: fullJitter({ ...context.backoff, attempts: context.attempts + 1, random: context.random }),
			nextRetryAt: null,
		})),
		continueUpload: assign(({ context }, { output }: { output: UploadOutput }) => ({
			isForced: context.requested > context.served,
			served: context.requested,
			upTo: context.requested > context.served ? null : output.upTo,
		})),
		beginPull: assign(({ context }) => ({ pull: context.pull + 1, rowsRead: 0, isPoked: false })),
		countStep: assign(({ context }, { output }: { output: StepCounts }) => ({
			counts: addCounts(context.counts, output),
			// An upload or a verdict may come about without any request: only what the server took proves it there.
			...(output.uploaded > 0 ? ANSWERED : {}),
		})),
		/** A page came: the server is there, and takes the session. */
		noteAnswered: assign(ANSWERED),
		noteHeld: assign((_, { output }: { output: UploadOutput }) => ({ held: output.held })),
		countResolving: assign(({ context }) => ({ resolvings: context.resolvings + 1 })),
		noteProgress: assign((_, { output }: { output: DownloadOutput }) => ({ rowsRead: output.rowsRead })),
		noteSynced: assign(({ context }) => ({
			lastSyncedAt: context.counts.errors.length === 0 ? context.now() : context.lastSyncedAt,
		})),
		noteError: assign(({ context }, { error }: { error: unknown }) => {
			const known = toPixSyncError(error, context.table);
			return {
				error: known,
				counts: addCounts(context.counts, { ...NO_COUNTS, errors: [toErrorLine(context.table, known)] }),
			};
		}),
		noteReauthorising: assign({ isReauthorised: true, awaitsSession: true }),
		endReauthorising: assign({ awaitsSession: false }),
		waitForAnswer: assign(({ context }, { error }: { error: unknown }) => {
			const attempts = context.attempts + 1;
			const { retryAfterMs } = toPixSyncError(error);
			const retryInMs = fullJitter({
				...context.backoff,
				attempts,
				random: context.random,
				...(retryAfterMs === undefined ? {} : { retryAfterMs }),
			});
			return { attempts, retryInMs, nextRetryAt: context.now() + retryInMs };
		}),
		waitForDue: assign(({ context }, { output }: { output: DownloadOutput }) => {
			const waitMs = Math.max(0, (output.waitUntil ?? 0) - context.now());
			// A device clock that was set back makes it look like months, which no timer takes.
			const retryInMs = Math.min(waitMs, RETRY_AFTER_CAP_MS);
			return { retryInMs, nextRetryAt: context.now() + retryInMs };
		}),
		endBackoff: assign({ nextRetryAt: null }),
		reportUploaded: sendTo(parentOf, ({ context: { table, served, held } }) => ({
			type: 'table.uploaded' as const,
			table,
			served,
			held,
		})),
		reportCycled: sendTo(parentOf, ({ context }) => ({ type: 'table.cycled' as const, ...toRound(context) })),
		reportSettled: sendTo(parentOf, ({ context }) => ({
			type: 'table.settled' as const,
			...toRound(context),
		})),
		reportUnauthorised: sendTo(parentOf, ({ context: { table } }, { error }: { error: unknown }) => ({
			type: 'table.unauthorised' as const,
			table,
			error: toPixSyncError(error, table),
		})),
		forgetCounts: assign({ counts: NO_COUNTS }),
		emitPage: emit(({ context: { table } }, { output }: { output: DownloadOutput }) => ({
			type: 'page.applied' as const,
			table,
			rowsRead: output.rowsRead,
			downloaded: output.downloaded,
		})),
		emitResolved: emit(({ context: { table } }, { output }: { output: ResolveOutput }) => ({
			type: 'conflicts.resolved' as const,
			table,
			resolved: output.resolved,
		})),
	},
});

/** What a step answered, or why it failed, for the actions and guards of its transition. */
const withOutput = <T>({ event }: { event: { output: T } }) => ({ output: event.output });
const withError = ({ event }: { event: { error: unknown } }) => ({ error: event.error });

const endPull = {
	type: 'endPull',
	params: ({ context }: { context: TableContext }) => ({ table: context.table }),
} as const;

/** A lost connection ends any active state; what is in flight is of unknown outcome (R7). */
const lost = {
	target: '#table.offline',
	actions: [
		endPull,
		{
			type: 'noteError',
			params: ({ event }: { event: { error: PixSyncError } }) => ({ error: event.error }),
		},
		'reportSettled',
	],
} as const;

/** Errors of every active state, by fault. */
const onError = [
	{
		guard: {
			type: 'isFirstUnauthorised',
			params: withError,
		},
		target: '#table.offline',
		actions: [
			endPull,
			'noteReauthorising',
			{
				type: 'reportUnauthorised',
				params: withError,
			},
		],
	},
	{
		guard: {
			type: 'isUnauthorised',
			params: withError,
		},
		target: '#table.offline',
		actions: [endPull, { type: 'noteError', params: withError }, 'reportSettled'],
	},
	{
		guard: {
			type: 'isRetryable',
			params: withError,
		},
		target: '#table.backoff',
		actions: [
			endPull,
			{ type: 'noteError', params: withError },
			{
				type: 'waitForAnswer',
				params: withError,
			},
			'reportSettled',
		],
	},
	{
		target: '#table.idle',
		actions: [endPull, { type: 'noteError', params: withError }, 'reportSettled'],
	},
] as const;

const request = ({ event }: { event: { request: number; holdDeletes: boolean } }) => ({
	request: event.request,
	holdDeletes: event.holdDeletes,
});

/** What each active state does with wishes that come while it works. */
const whileActive = {
	'connection.lost': lost,
	'sync.request': { actions: { type: 'joinRequest', params: request } },
	'poke.received': { actions: 'rememberPoke' },
} as const;

/** One table: exactly six states (see the chart above). Its services are provided by `createSyncMachine`. */
export const tableMachine = tableSetup.createMachine({
	id: 'table',
	context: ({ input }) => toTableContext(input),
	initial: 'offline',
	states: {
		offline: {
			tags: ['offline', 'settled'],
			on: {
				'connection.restored': [
					// The round goes on with what it has counted; a wish left over from a settled one is a new round.
					{ guard: 'awaitsSession', target: 'uploading', actions: 'beginUpload' },
					{ guard: 'isWanted', target: 'uploading', actions: ['beginRound', 'beginUpload'] },
					{ target: 'idle' },
				],
				// The refresh that the table waited for brought nothing.
				'connection.lost': {
					guard: 'awaitsSession',
					actions: [
						{ type: 'noteError', params: ({ event }) => ({ error: event.error }) },
						'reportSettled',
						'endReauthorising',
					],
				},
				// Kept until the connection is back.
				'sync.request': [
					{ guard: 'awaitsSession', actions: { type: 'joinRequest', params: request } },
					{ actions: ['beginRound', { type: 'rememberRequest', params: request }] },
				],
				'poke.received': { actions: 'rememberPoke' },
			},
		},
		idle: {
			tags: ['settled'],
			on: {
				'connection.lost': { target: 'offline' },
				'sync.request': {
					target: 'uploading',
					actions: ['beginRound', { type: 'rememberRequest', params: request }, 'beginUpload'],
				},
				'poke.received': { target: 'downloading', actions: ['beginRound', 'beginPull'] },
			},
		},
		uploading: {
			tags: ['syncing'],
			invoke: {
				id: 'upload',
				src: 'upload',
				input: ({ context }) => ({
					table: context.table,
					upTo: context.upTo,
					force: context.isForced,
					holdDeletes: context.holdDeletes,
					retryAt: context.now() + context.retryInMs,
				}),
				onDone: [
					{
						guard: { type: 'hasConflicts', params: withOutput },
						target: 'resolving',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'noteHeld', params: withOutput },
						],
					},
					{
						guard: { type: 'hasMore', params: withOutput },
						target: 'uploading',
						reenter: true,
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'continueUpload', params: withOutput },
						],
					},
					{
						target: 'downloading',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'noteHeld', params: withOutput },
							'reportUploaded',
							'beginPull',
						],
					},
				],
				onError,
			},
			on: whileActive,
		},
		resolving: {
			tags: ['syncing'],
			entry: 'countResolving',
			invoke: {
				id: 'resolve',
				src: 'resolve',
				input: ({ context }) => ({
					table: context.table,
					isExhausted: context.resolvings > MAX_RESOLVINGS,
					retryAt: context.now() + context.backoff.capMs,
				}),
				onDone: [
					{
						guard: { type: 'isDue', params: withOutput },
						target: 'uploading',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'emitResolved', params: withOutput },
							'beginUpload',
						],
					},
					{
						target: 'downloading',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'emitResolved', params: withOutput },
							'reportUploaded',
							'beginPull',
						],
					},
				],
				onError,
			},
			on: whileActive,
		},
		downloading: {
			tags: ['syncing'],
			invoke: {
				id: 'download',
				src: 'download',
				input: ({ context }) => ({
					table: context.table,
					pull: context.pull,
					holdDeletes: context.holdDeletes,
				}),
				onDone: [
					{
						guard: { type: 'hasMore', params: withOutput },
						target: 'downloading',
						reenter: true,
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'noteProgress', params: withOutput },
							{ type: 'emitPage', params: withOutput },
							'noteAnswered',
						],
					},
					{
						guard: { type: 'isWantedOrDue', params: withOutput },
						target: 'uploading',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'emitPage', params: withOutput },
							'noteAnswered',
							'noteSynced',
							'reportCycled',
							'forgetCounts',
							'beginUpload',
						],
					},
					{
						guard: 'isPoked',
						target: 'downloading',
						reenter: true,
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'emitPage', params: withOutput },
							'noteAnswered',
							'beginPull',
						],
					},
					{
						guard: { type: 'isWaiting', params: withOutput },
						target: 'backoff',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'emitPage', params: withOutput },
							'noteAnswered',
							{ type: 'waitForDue', params: withOutput },
							'noteSynced',
							'reportSettled',
						],
					},
					{
						target: 'idle',
						actions: [
							{ type: 'countStep', params: withOutput },
							{ type: 'emitPage', params: withOutput },
							'noteAnswered',
							'noteSynced',
							'reportSettled',
						],
					},
				],
				onError,
			},
			on: whileActive,
		},
		backoff: {
			tags: ['settled', 'error'],
			exit: 'endBackoff',
			on: {
				'connection.lost': { target: 'offline' },
				'sync.request': {
					target: 'uploading',
					actions: ['beginRound', { type: 'rememberRequest', params: request }, 'beginUpload'],
				},
				// The pull that a retry ends with will see it.
				'poke.received': { actions: 'rememberPoke' },
			},
			after: { backoff: { target: 'uploading', actions: ['beginRound', 'freeDeletes', 'beginUpload'] } },
		},
	},
});
