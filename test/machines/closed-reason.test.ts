import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closedGateError, closedReason, type GateFacts } from '../../src/machines/closed-reason.ts';

const OPEN: GateFacts = { isHydrated: true, isOnline: true, isAuthorised: true, isLeader: true };

describe('closedReason', () => {
	it('[F53][R22][R24] is null only when nothing is missing', () => {
		const facts = fc.record({
			isHydrated: fc.boolean(),
			isOnline: fc.boolean(),
			isAuthorised: fc.boolean(),
			isLeader: fc.boolean(),
		});
		fc.assert(
			fc.property(facts, (given) => {
				expect(closedReason(given) === null).toBe(Object.values(given).every(Boolean));
			}),
		);
	});

	it.each([
		[{ isHydrated: false }, 'closed'],
		[{ isLeader: false }, 'not-leader'],
		[{ isOnline: false }, 'offline'],
		[{ isAuthorised: false }, 'unauthorised'],
		[{ isOnline: false, isAuthorised: false }, 'offline'],
		[{ isLeader: false, isOnline: false }, 'not-leader'],
		[{ isHydrated: false, isLeader: false, isOnline: false, isAuthorised: false }, 'closed'],
	] as const)('%o is %s', (missing, reason) => {
		expect(closedReason({ ...OPEN, ...missing })).toBe(reason);
	});
});

describe('closedGateError', () => {
	it.each([
		[{ isHydrated: false }, 'no-answer', 'notes: The local database is not open (closed)'],
		[{ isLeader: false }, 'no-answer', 'notes: Another tab of this app does the syncing (not-leader)'],
		[{ isOnline: false }, 'no-answer', 'notes: There is no connection (offline)'],
		[{ isAuthorised: false }, 'unauthorised', 'notes: There is no valid session (unauthorised)'],
	] as const)('%o: an error with a hint, classified %s', (missing, fault, line) => {
		const closed = closedGateError({ ...OPEN, ...missing }, 'notes');
		expect(closed.line).toBe(line);
		expect(closed.error).toMatchObject({ fault, table: 'notes' });
		expect(closed.error.hint).not.toBe('');
	});
});
