import { assign, emit, sendTo, setup } from 'xstate';
import { fullJitter, RETRY_AFTER_CAP_MS } from '../core/backoff.ts';
import { toErrorLine, toPixSyncError } from '../core/errors.ts';
import {
	addCounts,
	countsOf,
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
import { parentOf, type TableContext, toRound } from './table-context.ts';
import type { TableEmitted, TableEvent, TableInput, TableTag } from './table-protocol.ts';

const ANSWERED = { attempts: 0, isReauthorised: false } as const;

/** The words of the table's chart: its guards, actions, delays and services. It knows no state. */
export const tableSetup = setup({
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
		beginPull: assign(({ context, event }) => ({
			pull: context.pull + 1,
			rowsRead: 0,
			isPoked: false,
			isPokedPull: context.isPoked || event.type === 'poke.received',
		})),
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
				...(countsOf(error).uploaded > 0 ? ANSWERED : {}),
				error: known,
				counts: addCounts(addCounts(context.counts, countsOf(error)), {
					...NO_COUNTS,
					errors: [toErrorLine(context.table, known)],
				}),
			};
		}),
		noteReauthorising: assign(({ context }, { error }: { error: unknown }) => ({
			...(countsOf(error).uploaded > 0 ? ANSWERED : {}),
			counts: addCounts(context.counts, countsOf(error)),
			isReauthorised: true,
			awaitsSession: true,
		})),
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
