import type { NetworkEventName, NetworkStateName } from './network-model.ts';

/**
 * `stays`: noted, and what runs goes on. `again`: entered anew, its timer and its probe begin once more. `ended`:
 * the machine is over, with an error.
 */
export type Answer = NetworkStateName | 'stays' | 'again' | 'ignored' | 'ended';

/** What the chart must remember. */
export interface NetworkMemory {
	/** The browser's last word was "offline". */
	readonly browserOffline: boolean;
	/** There is no probe. */
	readonly blind: boolean;
	/** Requests without an answer since the server was last known to be there; one on trial. */
	readonly misses: number;
}

/** Where what is remembered makes a difference: the first that holds decides. */
export interface ByMemory {
	/** No request has gone unanswered yet. */
	readonly firstMiss?: Expected;
	readonly blind?: Expected;
	readonly browserOffline?: Expected;
	readonly else: Expected;
}

export type Expected = Answer | ByMemory;

const FALLS_OFFLINE = { browserOffline: 'offline.paused', else: 'offline.waiting' } as const;
const COMES_BACK = { blind: 'online.trusted', else: 'online.doubted' } as const;

const NO_PROBE_RUNS = {
	'probe reachable': 'ignored',
	'probe unreachable': 'ignored',
	'probe throws': 'ignored',
	'probe bearable': 'ignored',
	'probe fatal': 'ignored',
	'doubt overdue': 'ignored',
	'probing overdue': 'ignored',
} as const;

/** The server's answer, or none in time: the two states that ask go the same ways. */
const WHILE_ASKING = {
	'request.unanswered': 'ignored',
	'probe.requested': 'ignored',
	'probe lent': 'stays',
	'probe gone': 'stays',
	'probe reachable': 'online.trusted',
	'probe unreachable': FALLS_OFFLINE,
	'probe throws': FALLS_OFFLINE,
	'probe bearable': FALLS_OFFLINE,
	'probe fatal': 'ended',
	'wait over': 'ignored',
	'recheck due': 'ignored',
} as const;

/**
 * What the chart does with everything in every state, written from its drawing and documentation. No cell may be
 * left out: a new state or event does not compile until all of its cells are answered here.
 */
export const NETWORK_EXPECTATIONS: Readonly<
	Record<NetworkStateName, Readonly<Record<NetworkEventName, Expected>>>
> = {
	'online.trusted': {
		...NO_PROBE_RUNS,
		'browser.online': 'stays',
		'browser.offline': 'offline.paused',
		'request.answered': 'stays',
		'request.unanswered': { firstMiss: 'stays', blind: FALLS_OFFLINE, else: 'online.doubted' },
		'quality.changed': 'stays',
		'probe.requested': { blind: 'ignored', else: 'online.doubted' },
		'probe lent': 'stays',
		'probe gone': 'stays',
		'wait over': 'ignored',
		'recheck due': 'ignored',
	},
	'online.doubted': {
		...WHILE_ASKING,
		'browser.online': { blind: 'online.trusted', else: 'again' },
		'browser.offline': 'offline.paused',
		'request.answered': 'online.trusted',
		'quality.changed': 'stays',
		'doubt overdue': FALLS_OFFLINE,
		'probing overdue': 'ignored',
	},
	'offline.waiting': {
		...NO_PROBE_RUNS,
		'browser.online': COMES_BACK,
		'browser.offline': 'offline.paused',
		'request.answered': 'online.trusted',
		'request.unanswered': 'ignored',
		'quality.changed': 'stays',
		'probe.requested': { blind: 'online.trusted', else: 'offline.probing' },
		'probe lent': 'offline.probing',
		'probe gone': 'stays',
		'wait over': { blind: 'online.trusted', else: 'offline.probing' },
		'recheck due': 'ignored',
	},
	'offline.paused': {
		...NO_PROBE_RUNS,
		'browser.online': COMES_BACK,
		'browser.offline': 'again',
		'request.answered': 'online.trusted',
		'request.unanswered': 'ignored',
		'quality.changed': 'stays',
		'probe.requested': { blind: 'ignored', else: 'offline.probing' },
		'probe lent': 'again',
		'probe gone': 'again',
		'wait over': 'ignored',
		'recheck due': { blind: 'ignored', else: 'offline.probing' },
	},
	'offline.probing': {
		...WHILE_ASKING,
		'browser.online': COMES_BACK,
		'browser.offline': 'offline.paused',
		'request.answered': 'online.trusted',
		'quality.changed': 'stays',
		'doubt overdue': 'ignored',
		'probing overdue': FALLS_OFFLINE,
	},
};

/** The answer that a chart with this memory owes. */
export function toAnswer(expected: Expected, memory: NetworkMemory): Answer {
	if (typeof expected === 'string') return expected;
	if (expected.firstMiss && memory.misses === 0) return toAnswer(expected.firstMiss, memory);
	if (expected.blind && memory.blind) return toAnswer(expected.blind, memory);
	if (expected.browserOffline && memory.browserOffline) return toAnswer(expected.browserOffline, memory);
	return toAnswer(expected.else, memory);
}
