import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	downloaded,
	fault,
	flush,
	lost,
	poke,
	request,
	resolved,
	restored,
	startTable,
	type TableChart,
	uploaded,
} from '../support/table-chart.ts';

type Op =
	| { readonly kind: 'restored' | 'lost' | 'poke' | 'time' }
	| { readonly kind: 'request'; readonly hold: boolean }
	| { readonly kind: 'done'; readonly n: number; readonly flags: number }
	| { readonly kind: 'fail'; readonly fault: 'no-answer' | 'retryable' | 'unauthorised' | 'fatal' };

const op: fc.Arbitrary<Op> = fc.oneof(
	{ weight: 4, arbitrary: fc.constant({ kind: 'restored' as const }) },
	{ weight: 1, arbitrary: fc.constant({ kind: 'lost' as const }) },
	{ weight: 2, arbitrary: fc.constant({ kind: 'poke' as const }) },
	{ weight: 2, arbitrary: fc.constant({ kind: 'time' as const }) },
	{ weight: 3, arbitrary: fc.record({ kind: fc.constant('request' as const), hold: fc.boolean() }) },
	{
		weight: 12,
		arbitrary: fc.record({ kind: fc.constant('done' as const), n: fc.nat(5), flags: fc.nat(15) }),
	},
	{
		weight: 3,
		arbitrary: fc.record({
			kind: fc.constant('fail' as const),
			fault: fc.constantFrom('no-answer', 'retryable', 'unauthorised', 'fatal'),
		}),
	},
);

const STEP_OF: Readonly<Record<string, string | undefined>> = {
	uploading: 'upload',
	resolving: 'resolve',
	downloading: 'download',
};

/** What the services told, to be compared with what the chart reported. */
interface Ledger {
	requests: number;
	told: number;
	rounds: number;
	isActive: boolean;
	errors: number;
}

async function perform(chart: TableChart, ledger: Ledger, op: Op): Promise<void> {
	switch (op.kind) {
		case 'restored':
			return chart.send(restored);
		case 'lost':
			return chart.send(lost);
		case 'poke':
			return chart.send(poke);
		case 'time':
			return void chart.clock.increment(60_000);
		case 'request':
			return chart.send(request(++ledger.requests, op.hold));
		case 'fail':
			if (chart.open().length > 0) await chart.fail(fault(op.fault));
			return;
		case 'done': {
			const [step] = chart.open();
			if (!step) return;
			ledger.told += op.n;
			const bit = (at: number) => (op.flags & (1 << at)) !== 0;
			if (step.name === 'upload') {
				await chart.done(
					'upload',
					uploaded({
						uploaded: op.n,
						more: bit(0),
						waitingConflicts: bit(1) && bit(2) ? 1 : 0,
						held: bit(3) ? 2 : 0,
					}),
				);
			} else if (step.name === 'download') {
				const waitUntil = bit(2) ? chart.clock.now() + 500 : null;
				await chart.done(
					'download',
					downloaded({ uploaded: op.n, more: bit(0), due: bit(1) && bit(3), waitUntil }),
				);
			} else await chart.done('resolve', resolved({ uploaded: op.n, due: bit(0) }));
		}
	}
}

function assertInvariants(chart: TableChart, ledger: Ledger): void {
	const state = String(chart.state());
	const { awaitsSession, attempts, retryInMs, nextRetryAt } = chart.context();
	// [R9] The step of the state runs, and no other.
	expect(chart.open().map(({ name }) => name)).toEqual(STEP_OF[state] === undefined ? [] : [STEP_OF[state]]);
	// [R12] One settled for each stretch of activity, at its end.
	const isActive = STEP_OF[state] !== undefined || awaitsSession;
	if (isActive && !ledger.isActive) ledger.rounds++;
	ledger.isActive = isActive;
	const settled = chart.reportsOf('table.settled');
	expect(settled).toHaveLength(ledger.rounds - (isActive ? 1 : 0));
	// All that the services told is reported, and once.
	const rounds = [...settled, ...chart.reportsOf('table.cycled')];
	const reported = rounds.reduce((sum, { counts }) => sum + counts.uploaded, 0);
	expect(reported + (isActive ? chart.context().counts.uploaded : 0)).toBe(ledger.told);
	for (const { error, counts } of settled) expect(counts.errors).toHaveLength(error ? 1 : 0);
	// [S23]
	expect(nextRetryAt === null).toBe(state !== 'backoff');
	expect(retryInMs).toBeLessThanOrEqual(60_000);
	expect(attempts).toBeGreaterThanOrEqual(0);
	expect(awaitsSession && state !== 'offline').toBe(false);
	for (const { served } of rounds) expect(served).toBeLessThanOrEqual(ledger.requests);
	expect(chart.errors).toEqual([]);
}

describe('table.machine: random walks', () => {
	it('[R12][S29] whatever comes in whatever order: settled once, counts kept', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(op, { minLength: 10, maxLength: 60 }), async (program) => {
				const chart = startTable();
				const ledger: Ledger = { requests: 0, told: 0, rounds: 0, isActive: false, errors: 0 };
				for (const next of program) {
					const wasActive = ledger.isActive;
					const settledBefore = chart.reportsOf('table.settled').length;
					await perform(chart, ledger, next);
					await flush();
					// A round that ended and another that began within one step.
					const ended = chart.reportsOf('table.settled').length - settledBefore;
					if (wasActive && ended > 0) ledger.isActive = false;
					assertInvariants(chart, ledger);
				}
				chart.actor.stop();
				expect(chart.open()).toEqual([]);
			}),
			{ numRuns: 400, seed: 7 },
		);
	});
});
