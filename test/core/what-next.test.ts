import { describe, expect, it } from 'vitest';
import type { ExplainedMutation, RowExplanation } from '../../src/core/row-explanation.ts';
import { type NextFacts, whatNext } from '../../src/core/what-next.ts';

const mutation: ExplainedMutation = {
	mutationId: 'm1',
	action: 'update',
	data: { title: 'mine' },
	queuedAt: 1,
	status: 'pending',
	isSent: false,
	error: null,
};
const tableState = { state: 'idle', nextRetryAt: null, error: null } as const;
const pending: RowExplanation = {
	table: 'notes',
	id: 'r',
	status: 'pending',
	row: null,
	base: null,
	remote: null,
	conflict: null,
	mutations: [mutation],
	waitsFor: [],
	attempts: 0,
	nextAttemptAt: null,
	lastConflict: null,
	lastOutcome: null,
	tableState,
	next: '',
};
const open: NextFacts = {
	connection: 'open',
	isAuto: true,
	tableState,
	now: 0,
	strategy: 'latest-wins',
	isBaseUnknown: false,
	isRecheckDue: false,
};
const sent = { ...pending, mutations: [{ ...mutation, isSent: true }] };
const REPEATED = 'A request of it left and no final answer is known: it is repeated before anything else.';
const error = { code: 'timeout', message: 'No answer in 30 s', hint: '' };

/** What a row and its circumstances come to. */
const cases: readonly [string, Partial<RowExplanation>, Partial<NextFacts>, string][] = [
	['the gate: offline', pending, { connection: 'offline' }, 'Waits for the connection.'],
	['the gate: offline, sent', sent, { connection: 'offline' }, `Waits for the connection. ${REPEATED}`],
	[
		'the gate: no session',
		pending,
		{ connection: 'unauthorised' },
		'Waits for a valid session: sign in again.',
	],
	[
		'the gate: a follower',
		pending,
		{ connection: 'not-leader' },
		'Waits for the tab of this app that does the syncing.',
	],
	['the gate: starting', pending, { connection: 'starting' }, 'Waits until the local database is open.'],
	[
		'the gate is open, but not for this table',
		pending,
		{ tableState: { ...tableState, state: 'offline' } },
		'Waits until its table may talk to the server.',
	],
	[
		'a closed gate is not blamed on its own error',
		pending,
		{ connection: 'offline', tableState: { ...tableState, state: 'offline', error } },
		'Waits for the connection.',
	],
	['idle, auto', pending, {}, 'Uploads with the next sync.'],
	[
		'idle, manual',
		pending,
		{ isAuto: false },
		'Uploads with the next call of sync(): automatic sync is off.',
	],
	['idle, sent before', sent, {}, `Tried again with the next sync. ${REPEATED}`],
	[
		'idle after an error that only somebody can mend',
		pending,
		{ tableState: { ...tableState, error } },
		'Uploads with the next sync. The last round ended with: No answer in 30 s (timeout).',
	],
	[
		'uploading, sent',
		sent,
		{ tableState: { ...tableState, state: 'uploading' } },
		'Its request is on its way.',
	],
	[
		'downloading, not sent',
		pending,
		{ tableState: { ...tableState, state: 'downloading' } },
		'Goes with the sync that is under way.',
	],
	[
		'downloading, put off',
		{ ...sent, nextAttemptAt: 60_000 },
		{ tableState: { ...tableState, state: 'downloading' } },
		`Tried again at 1970-01-01T00:01:00.000Z. ${REPEATED}`,
	],
	[
		'backoff of the table alone',
		pending,
		{ tableState: { state: 'backoff', nextRetryAt: 1_000, error: null } },
		'Uploads at 1970-01-01T00:00:01.000Z, or with the next sync.',
	],
	[
		'backoff, the row’s own attempt later than the table’s',
		{ ...pending, attempts: 2, nextAttemptAt: 60_000 },
		{ tableState: { state: 'backoff', nextRetryAt: 1_000, error: null } },
		'Tried again at 1970-01-01T00:01:00.000Z, or with the next sync.',
	],
	[
		'a known conflict is decided, not repeated',
		{ ...sent, remote: { id: 'r' } },
		{},
		"Tried again with the next sync. The server's row has changed meanwhile: 'latest-wins' decides.",
	],
];

const conflict: NonNullable<RowExplanation['conflict']> = {
	id: 'm1@gone',
	table: 'notes',
	rowId: 'r',
	base: null,
	local: null,
	remote: null,
	since: 0,
	columns: [],
	reason: 'manual',
};

describe('what next', () => {
	it.each([
		['manual', "as the table's rule wants it"],
		['edit-vs-delete', 'for one side deleted the row and the other edited it'],
		['resolver-error', "for the table's resolver gave no verdict (refused)"],
		['exhausted', 'for another change was there first each time that it was sent'],
	] as const)('[R19] parked, %s: why, and that nothing happens by itself', (reason, why) => {
		const failure = { code: 'resolver-error', message: 'refused', at: 1 };
		const row = {
			...pending,
			status: 'conflicted' as const,
			conflict: { ...conflict, reason, ...(reason === 'resolver-error' ? { error: failure } : {}) },
		};
		expect(whatNext(row, open)).toBe(
			`Parked, ${why}: it waits until somebody decides by resolveConflict(), and its later changes with it.`,
		);
	});

	it('[R19] a resolver of the app’s is no strategy’s name', () => {
		const row = { ...pending, remote: 'gone' as const };
		expect(whatNext(row, { ...open, strategy: 'custom' })).toContain(
			"The server's row is gone meanwhile: the table's resolver decides.",
		);
	});

	it.each(cases)('[R11] %s', (_, row, facts, said) => {
		expect(whatNext({ ...pending, ...row }, { ...open, ...facts })).toBe(said);
	});

	it('[R10] what was dropped while its request was under way is fetched, held or not', () => {
		for (const status of ['synced', 'absent'] as const) {
			const row = { ...pending, status, mutations: [] };
			expect(whatNext(row, { ...open, isRecheckDue: true })).toMatch(/^Fetched before the next upload/);
			expect(whatNext(row, open)).toMatch(/^Nothing to do/);
		}
	});

	it('[R8] of several refusals the newest is told', () => {
		const letter = (code: string, at: number): ExplainedMutation => ({
			...mutation,
			status: 'rejected',
			error: { code, message: 'refused', at },
		});
		const row: RowExplanation = {
			...pending,
			status: 'rejected',
			mutations: [letter('23505', 1), letter('23514', 2)],
		};
		expect(whatNext(row, open)).toBe('Kept aside, and not sent again by itself: refused (23514).');
	});
});
