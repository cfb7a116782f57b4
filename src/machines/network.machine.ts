import { assign, setup } from 'xstate';
import { isPixSyncError } from '../core/errors.ts';
import type { ConnectionInfo } from '../core/network-quality.ts';
import { notProvidedActor } from './not-provided.ts';

/*
 * Is the server within reach? Evidence decides; the browser's word is only a hint.
 *
 *   ┌ online ─────────────────────────────────────────────────────────────┐
 *   │            2nd request.unanswered in a row, or probe.requested      │
 *   │   trusted ────────────────────────────────────────▶ doubted (probe) │
 *   │      ▲   ◀──────────────── reachable ────────────────┘   │          │
 *   └──────┼───────────────────────────────────────────────────┼──────────┘
 *          │ reachable                                         │ unreachable, or overdue
 *   ┌ offline ─────────────────────────────────────────────────┼──────────┐
 *   │      │        ◀── 1 s … 60 s, probe.requested ── waiting ◀┤          │
 *   │   probing (probe) ── unreachable, or overdue ──▶    or    │          │
 *   │               ◀── ~1 min, probe.requested ─────  paused  ◀┘          │
 *   └─────────────────────────────────────────────────────────────────────┘
 *
 *   paused is waiting while the browser says offline
 *   from anywhere: request.answered ─▶ trusted · browser.offline ─▶ paused · while offline: browser.online ─▶ doubted
 *   without a probe: the 2nd miss leads to waiting, then to trusted on trial (one miss doubts); browser.online is believed
 *   trusted has neither timer nor probe: a quiet app makes no request
 */

export type NetworkEvent =
	| { readonly type: 'browser.online' }
	| { readonly type: 'browser.offline' }
	/** A request got an answer, whatever its status. `rttMs`: from sending to the first byte. */
	| { readonly type: 'request.answered'; readonly rttMs: number }
	| { readonly type: 'request.unanswered' }
	| ({ readonly type: 'quality.changed' } & ConnectionInfo)
	/** "Look now", such as when the user asks for a sync. */
	| { readonly type: 'probe.requested' }
	/** There is a probe from now on, or there is none any more. */
	| { readonly type: 'probe.changed'; readonly available: boolean };

export interface NetworkInput {
	/** `navigator.onLine`; only `false` means something. */
	readonly onLine?: boolean | undefined;
	/** Whether the actor `probe` can find out anything. @default true */
	readonly canProbe?: boolean;
	readonly connection?: ConnectionInfo | undefined;
	/** In [0, 1), for the jitter. */
	readonly random: () => number;
}

export interface NetworkContext {
	readonly browserOffline: boolean;
	readonly canProbe: boolean;
	readonly connection: ConnectionInfo;
	/** Exponentially weighted, in ms. */
	readonly meanRttMs: number | undefined;
	/** Requests without an answer since the last one that got one. */
	readonly misses: number;
	/** Waits since the server was last known to be there. */
	readonly attempts: number;
	readonly random: () => number;
}

const MISSES_TO_DOUBT = 2;
const PROBE_BASE_MS = 1_000;
const PROBE_CAP_MS = 60_000;
/** The chart's own limit, for a probe without one. */
const PROBE_TIMEOUT_MS = 30_000;
/** Weight of the newest request: about six requests forget nine tenths of the past. */
const RTT_WEIGHT = 0.3;

/** Holds the verdict on the connection; knows nothing of browsers or HTTP. Read it with {@link toNetworkStatus}. */
export const networkMachine = /*#__PURE__*/ createNetworkMachine();

function createNetworkMachine() {
	return setup({
		types: {
			context: {} as NetworkContext,
			events: {} as NetworkEvent,
			input: {} as NetworkInput,
			tags: {} as 'online',
		},
		actors: {
			/** Resolves to whether the server is within reach. A rejection counts as "no", unless it is fatal. */
			probe: notProvidedActor<boolean>('probe'),
		},
		guards: {
			canProbe: ({ context }) => context.canProbe,
			isBrowserOffline: ({ context }) => context.browserOffline,
			isEarlyMiss: ({ context }) => context.misses + 1 < MISSES_TO_DOUBT,
			isReachable: (_, params: { reachable: boolean }) => params.reachable,
			isAvailable: (_, params: { available: boolean }) => params.available,
			isBearable: (_, params: { error: unknown }) =>
				!isPixSyncError(params.error) || params.error.fault !== 'fatal',
		},
		actions: {
			noteBrowserOnline: assign({ browserOffline: false, attempts: 0 }),
			noteBrowserOffline: assign({ browserOffline: true }),
			noteProbe: assign({ canProbe: (_, params: { available: boolean }) => params.available }),
			noteConnection: assign({ connection: (_, params: ConnectionInfo) => params }),
			countMiss: assign({ misses: ({ context }) => context.misses + 1 }),
			countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
			measure: assign({
				meanRttMs: ({ context }, params: { rttMs: number }) => toMeanRtt(context.meanRttMs, params.rttMs),
			}),
			trust: assign({ misses: 0, attempts: 0 }),
			tryOnline: assign({ misses: MISSES_TO_DOUBT - 1 }),
		},
		delays: {
			probeDelay: ({ context }) => toProbeDelay(context.attempts, context.random),
			recheckDelay: ({ context }) => toJittered(PROBE_CAP_MS, context.random),
			probeTimeout: PROBE_TIMEOUT_MS,
		},
	}).createMachine({
		id: 'network',
		context: ({ input }) => ({
			browserOffline: input.onLine === false,
			canProbe: input.canProbe ?? true,
			connection: input.connection ?? {},
			meanRttMs: undefined,
			misses: 0,
			attempts: 0,
			random: input.random,
		}),
		initial: 'starting',
		on: {
			'request.answered': {
				target: '.online',
				actions: ['trust', { type: 'measure', params: ({ event }) => ({ rttMs: event.rttMs }) }],
			},
			'browser.online': { actions: 'noteBrowserOnline' },
			'browser.offline': { target: '.offline.paused', actions: 'noteBrowserOffline' },
			'quality.changed': {
				actions: { type: 'noteConnection', params: ({ event: { type: _, ...connection } }) => connection },
			},
			'probe.changed': {
				actions: { type: 'noteProbe', params: ({ event }) => ({ available: event.available }) },
			},
		},
		states: {
			starting: {
				always: [{ guard: 'isBrowserOffline', target: 'offline' }, { target: 'online' }],
			},
			online: {
				tags: 'online',
				initial: 'trusted',
				states: {
					trusted: {
						on: {
							'request.unanswered': [
								{ guard: 'isEarlyMiss', actions: 'countMiss' },
								{ guard: 'canProbe', target: 'doubted' },
								{ target: '#network.offline' },
							],
							'probe.requested': { guard: 'canProbe', target: 'doubted' },
						},
					},
					doubted: {
						invoke: {
							id: 'probe',
							src: 'probe',
							onDone: [
								{
									guard: { type: 'isReachable', params: ({ event }) => ({ reachable: event.output }) },
									target: 'trusted',
									actions: 'trust',
								},
								{ target: '#network.offline' },
							],
							onError: {
								guard: { type: 'isBearable', params: ({ event }) => ({ error: event.error }) },
								target: '#network.offline',
							},
						},
						after: { probeTimeout: '#network.offline' },
						on: {
							// What the old connection's probe finds says nothing about the new one.
							'browser.online': [
								{ guard: 'canProbe', target: 'doubted', reenter: true, actions: 'noteBrowserOnline' },
								{ target: 'trusted', actions: ['noteBrowserOnline', 'tryOnline'] },
							],
						},
					},
				},
			},
			offline: {
				initial: 'entering',
				on: {
					'browser.online': [
						// Believed at once, so that a sync asked for now is not turned away; the probe tells whether rightly.
						{ guard: 'canProbe', target: '#network.online.doubted', actions: 'noteBrowserOnline' },
						{ target: 'online', actions: ['noteBrowserOnline', 'tryOnline'] },
					],
				},
				states: {
					entering: {
						always: [{ guard: 'isBrowserOffline', target: 'paused' }, { target: 'waiting' }],
					},
					waiting: {
						after: {
							probeDelay: [
								{ guard: 'canProbe', target: 'probing', actions: 'countAttempt' },
								{ target: '#network.online', actions: ['countAttempt', 'tryOnline'] },
							],
						},
						on: {
							'probe.requested': [
								{ guard: 'canProbe', target: 'probing' },
								{ target: '#network.online', actions: 'tryOnline' },
							],
							'probe.changed': [
								{
									guard: { type: 'isAvailable', params: ({ event }) => ({ available: event.available }) },
									target: 'probing',
									actions: { type: 'noteProbe', params: ({ event }) => ({ available: event.available }) },
								},
								{ actions: { type: 'noteProbe', params: ({ event }) => ({ available: event.available }) } },
							],
						},
					},
					paused: {
						// Some systems say "offline" for good, with a connection that works: ask, though seldom.
						after: { recheckDelay: { guard: 'canProbe', target: 'probing' } },
						on: {
							'probe.requested': { guard: 'canProbe', target: 'probing' },
							// Entered anew: without a probe the timer has run out for nothing.
							'probe.changed': {
								target: 'paused',
								reenter: true,
								actions: { type: 'noteProbe', params: ({ event }) => ({ available: event.available }) },
							},
						},
					},
					probing: {
						invoke: {
							id: 'probe',
							src: 'probe',
							onDone: [
								{
									guard: { type: 'isReachable', params: ({ event }) => ({ reachable: event.output }) },
									target: '#network.online',
									actions: 'trust',
								},
								{ target: 'entering' },
							],
							onError: {
								guard: { type: 'isBearable', params: ({ event }) => ({ error: event.error }) },
								target: 'entering',
							},
						},
						after: { probeTimeout: 'entering' },
					},
				},
			},
		},
	});
}

/** The mean with one more request in it; a reading that cannot be (a clock that jumped) changes nothing. */
export function toMeanRtt(meanMs: number | undefined, rttMs: number): number | undefined {
	if (!Number.isFinite(rttMs) || rttMs < 0) return meanMs;
	return meanMs === undefined ? rttMs : meanMs + RTT_WEIGHT * (rttMs - meanMs);
}

/** 1 s, 2 s, 4 s … 60 s before the jitter. */
export function toProbeDelay(attempts: number, random: () => number): number {
	return toJittered(Math.min(PROBE_BASE_MS * 2 ** attempts, PROBE_CAP_MS), random);
}

/** Between half the delay and all of it: a fleet of clients spreads, and none of them hammers. */
function toJittered(delayMs: number, random: () => number): number {
	return Math.round(delayMs * (0.5 + random() / 2));
}
