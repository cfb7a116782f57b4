import type { SnapshotFrom } from 'xstate';
import type { tableMachine } from '../../../src/machines/table.machine.ts';
import type { TableContext } from '../../../src/machines/table-context.ts';
import type { TableEventName } from './table-model.ts';

export type TableStateName = SnapshotFrom<typeof tableMachine>['value'];

/** `stays`: noted, and what runs goes on. `again`: entered anew, the service begins once more. */
export type Answer = TableStateName | 'stays' | 'again' | 'ignored';

/** Where what the table remembers makes a difference: the first that holds decides. */
export interface ByMemory {
	readonly awaiting?: Answer;
	readonly wanted?: Answer;
	readonly poked?: Answer;
	readonly else: Answer;
}

export type Expected = Answer | ByMemory;

const NO_SERVICE_RUNS = {
	'upload conflicts': 'ignored',
	'upload more': 'ignored',
	'upload drained': 'ignored',
	'upload unauthorised': 'ignored',
	'upload no-answer': 'ignored',
	'upload fatal': 'ignored',
	'resolve due': 'ignored',
	'resolve settled': 'ignored',
	'resolve unauthorised': 'ignored',
	'resolve no-answer': 'ignored',
	'resolve fatal': 'ignored',
	'download more': 'ignored',
	'download due': 'ignored',
	'download waiting': 'ignored',
	'download head': 'ignored',
	'download unauthorised': 'ignored',
	'download no-answer': 'ignored',
	'download fatal': 'ignored',
} as const;

const WHILE_ACTIVE = {
	'connection.restored': 'ignored',
	'connection.lost': 'offline',
	'sync.request': 'stays',
	'poke.received': 'stays',
	'after backoff': 'ignored',
} as const;

/**
 * What the table does with everything in every state, written from the design and not from the chart. No cell may
 * be left out: a new state or event does not compile until all of its cells are answered here.
 */
export const TABLE_EXPECTATIONS: Readonly<
	Record<TableStateName, Readonly<Record<TableEventName, Expected>>>
> = {
	offline: {
		...NO_SERVICE_RUNS,
		'connection.restored': { awaiting: 'uploading', wanted: 'uploading', else: 'idle' },
		'connection.lost': { awaiting: 'stays', else: 'ignored' },
		'sync.request': 'stays',
		'poke.received': 'stays',
		'after backoff': 'ignored',
	},
	idle: {
		...NO_SERVICE_RUNS,
		'connection.restored': 'ignored',
		'connection.lost': 'offline',
		'sync.request': 'uploading',
		'poke.received': 'downloading',
		'after backoff': 'ignored',
	},
	uploading: {
		...NO_SERVICE_RUNS,
		...WHILE_ACTIVE,
		'upload conflicts': 'resolving',
		'upload more': 'again',
		'upload drained': 'downloading',
		'upload unauthorised': 'offline',
		'upload no-answer': 'backoff',
		'upload fatal': 'idle',
	},
	resolving: {
		...NO_SERVICE_RUNS,
		...WHILE_ACTIVE,
		'resolve due': 'uploading',
		'resolve settled': 'downloading',
		'resolve unauthorised': 'offline',
		'resolve no-answer': 'backoff',
		'resolve fatal': 'idle',
	},
	downloading: {
		...NO_SERVICE_RUNS,
		...WHILE_ACTIVE,
		'download more': 'again',
		'download due': 'uploading',
		'download waiting': { wanted: 'uploading', poked: 'again', else: 'backoff' },
		'download head': { wanted: 'uploading', poked: 'again', else: 'idle' },
		'download unauthorised': 'offline',
		'download no-answer': 'backoff',
		'download fatal': 'idle',
	},
	backoff: {
		...NO_SERVICE_RUNS,
		'connection.restored': 'ignored',
		'connection.lost': 'offline',
		'sync.request': 'uploading',
		'poke.received': 'stays',
		'after backoff': 'uploading',
	},
};

/** The answer that a table with this memory owes. */
export function toAnswer(
	expected: Expected,
	{ awaitsSession, requested, served, isPoked }: TableContext,
): Answer {
	if (typeof expected === 'string') return expected;
	if (awaitsSession && expected.awaiting) return expected.awaiting;
	if (requested > served && expected.wanted) return expected.wanted;
	return (isPoked && expected.poked) || expected.else;
}
