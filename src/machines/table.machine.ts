import type { SnapshotFrom } from 'xstate';
import type { PixSyncError } from '../core/errors.ts';
import { type TableContext, toTableContext } from './table-context.ts';
import { tableSetup } from './table-setup.ts';

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
			{ type: 'noteReauthorising', params: withError },
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
					isPoked: context.isPokedPull,
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

/** `value` is one of the six states. */
export type TableSnapshot = SnapshotFrom<typeof tableMachine>;
