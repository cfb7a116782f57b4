import { expect } from 'vitest';
import type { TableReport, TableRound } from '../../../src/machines/table-protocol.ts';
import { PAGE_SIZE, STEP_SIZE, TABLE } from './device-world.ts';
import type { TableStateName } from './table-expectations.ts';
import type { TableEventName } from './table-model.ts';
import type { Observed } from './table-observed.ts';
import type { TableRun } from './table-run.ts';

/** What the services told the chart since its last report of a round. */
export interface Ledger {
	uploaded: number;
	downloaded: number;
	conflicts: number;
}

type Check = (before: Observed, after: Observed) => void;

/** Only the chart moved: nothing was sent, stored or taken away. */
const isQuiet: Check = (before, after) => {
	expect(after.requests).toBe(before.requests);
	expect(after.applied).toBe(before.applied);
	expect(after.queued).toEqual(before.queued);
	expect(after.rows).toEqual(before.rows);
};

/** A failure loses nothing, and applies nothing (S1, S3). */
const isFailure: Check = (before, after) => {
	expect(after.queued).toEqual(before.queued);
	expect(after.pending).toBe(before.pending);
	expect(after.rejected).toBe(before.rejected);
	expect(after.rows).toEqual(before.rows);
	expect(after.applied).toBe(before.applied);
	expect(after.context.error?.fault ?? 'awaits the session').not.toBe('rejected');
};

const isFailedRequest: Check = (before, after) => {
	isFailure(before, after);
	expect(after.requests).toBeGreaterThan(before.requests);
};

/** What each event leaves behind, beside the state. Total: an event without an answer does not compile. */
export const OUTCOMES: Readonly<Record<TableEventName, Check>> = {
	'connection.restored': isQuiet,
	'connection.lost': isQuiet,
	'sync.request': isQuiet,
	'poke.received': isQuiet,
	'after backoff': isQuiet,
	'upload conflicts': (before, after) => {
		expect(after.queued).toEqual(before.queued);
		expect(after.seen).toBe(1);
		expect(after.rows).toEqual(before.rows);
		expect(after.serverRows).toEqual(before.serverRows);
	},
	'upload more': (before, after) => {
		expect(after.applied).toBe(before.applied + STEP_SIZE);
		expect(after.pending).toBe(before.pending - STEP_SIZE);
		expect(after.pending).toBeGreaterThan(0);
	},
	'upload drained': (before, after) => {
		expect(before.pending).toBeGreaterThan(0);
		expect(after.applied).toBe(before.applied + before.pending);
		expect(after.queued).toEqual([]);
		for (const row of after.rows) expect(after.serverRows).toContainEqual(row);
	},
	'upload unauthorised': isFailedRequest,
	'upload no-answer': isFailedRequest,
	'upload fatal': isFailedRequest,
	'resolve due': (before, after) => {
		expect([before.seen, after.seen]).toEqual([1, 0]);
		expect(after.pending).toBe(before.pending);
		expect(after.rows.map(({ title }) => title)).toEqual(before.rows.map(({ title }) => title));
		expect(after.requests).toBe(before.requests);
	},
	'resolve settled': (before, after) => {
		expect([before.seen, after.seen]).toEqual([1, 0]);
		expect(after.queued).toEqual([]);
		const theirs = after.serverRows.filter(({ title }) => title === 'theirs');
		expect(theirs.length).toBeGreaterThan(0);
		for (const row of theirs) expect(after.rows).toContainEqual(row);
		expect(after.requests).toBe(before.requests);
	},
	'resolve unauthorised': isFailure,
	'resolve no-answer': isFailure,
	'resolve fatal': isFailure,
	'download more': (before, after) => {
		expect(changed(before, after)).toBe(PAGE_SIZE);
		expect(after.applied).toBe(before.applied);
	},
	'download due': (before, after) => {
		expect(changed(before, after)).toBe(1);
		expect(after.pending).toBe(before.pending);
		expect(after.pending).toBeGreaterThan(0);
	},
	'download waiting': (before, after) => {
		expect(changed(before, after)).toBe(1);
		expect(after.pending).toBe(1);
	},
	'download head': (before, after) => {
		expect(changed(before, after)).toBe(1);
		expect(after.pending).toBe(0);
		expect(after.rows).toEqual(after.serverRows);
	},
	'download unauthorised': isFailedRequest,
	'download no-answer': isFailedRequest,
	'download fatal': isFailedRequest,
};

const STEP_OF: Readonly<Record<TableStateName, readonly string[]>> = {
	offline: [],
	idle: [],
	backoff: [],
	uploading: ['upload'],
	downloading: ['download'],
	resolving: ['resolve'],
};

/** What holds after every step, whatever it was. */
export function checkStep(
	event: TableEventName,
	before: Observed,
	after: Observed,
	run: TableRun,
	ledger: Ledger,
) {
	expect(after.status).toBe('active');
	// [R9] The service of the state runs, and no other.
	expect(after.running).toEqual(STEP_OF[after.state]);
	OUTCOMES[event](before, after);
	countStep(event, before, after, ledger);
	const reports = run.reports.slice(before.reports);
	expect(reports.map(({ type }) => type)).toEqual(reportsOf(event, before, after));
	for (const report of reports) {
		if (report.type !== 'table.settled' && report.type !== 'table.cycled') continue;
		checkRound(report, after, ledger);
		Object.assign(ledger, { uploaded: 0, downloaded: 0, conflicts: 0 });
	}
	// [R11] The prefetch ends with the pull, when the active states are left.
	const isLeft = isActive(before) && !isActive(after) && !event.startsWith('download ');
	expect(after.endedPulls > before.endedPulls).toBe(isLeft || (isActive(before) && isFailed(event)));
	// [S23]
	const { nextRetryAt, retryInMs } = after.context;
	expect(nextRetryAt === null).toBe(after.state !== 'backoff');
	expect(retryInMs).toBeLessThanOrEqual(60_000);
	if (after.state !== 'backoff' || before.state === 'backoff') return;
	expect(nextRetryAt).toBe(run.world.now() + retryInMs);
	expect(retryInMs).toBeGreaterThan(0);
}

/** [R12] The reports of a step, told from outside: what was left, what was reached, and by what. */
function reportsOf(event: TableEventName, before: Observed, after: Observed): TableReport['type'][] {
	const isAwaiting = after.context.awaitsSession;
	if (event === 'upload drained' || event === 'resolve settled') return ['table.uploaded'];
	if (isActive(before) && isActive(after))
		return before.state === 'downloading' && after.state === 'uploading' ? ['table.cycled'] : [];
	if (isActive(before)) return isAwaiting ? ['table.unauthorised'] : ['table.settled'];
	return before.context.awaitsSession && event === 'connection.lost' ? ['table.settled'] : [];
}

function checkRound(round: TableRound, { context }: Observed, ledger: Ledger): void {
	const { uploaded, downloaded, conflicts, errors } = round.counts;
	expect({ uploaded, downloaded, conflicts }).toEqual(ledger);
	expect(errors).toHaveLength(round.error ? 1 : 0);
	expect(round.table).toBe(TABLE);
	expect(round.served).toBeLessThanOrEqual(context.requested);
}

function countStep(event: TableEventName, before: Observed, after: Observed, ledger: Ledger): void {
	if (event.startsWith('upload ')) ledger.uploaded += before.queued.length - after.queued.length;
	if (event === 'resolve due' || event === 'resolve settled') ledger.conflicts += 1;
	if (event === 'resolve settled' || event.startsWith('download '))
		ledger.downloaded += changed(before, after);
}

/** Rows of the replica that are not as they were. */
function changed(before: Observed, after: Observed): number {
	const held = new Set(before.rows.map((row) => JSON.stringify(row)));
	return after.rows.filter((row) => !held.has(JSON.stringify(row))).length;
}

function isActive({ state }: Observed): boolean {
	return STEP_OF[state].length > 0;
}

function isFailed(event: TableEventName): boolean {
	return /unauthorised|no-answer|fatal/.test(event);
}

/** [L1][L2][S1][S2] All that was ever queued is at the server, once, and the replica is equal to it. */
export async function checkEnd(run: TableRun): Promise<void> {
	const { world, actor } = run;
	actor.stop();
	expect(run.gates.held).toEqual([]);
	world.tick(120_000);
	await world.settle();
	world.tick();
	await world.catchUp();
	expect(await world.outbox()).toEqual([]);
	expect(await world.rows()).toEqual(world.server.rows(TABLE));
	const created = world.server.applied.filter(({ by, kind }) => by === 'alice' && kind === 'create');
	expect(new Set(created.map(({ id }) => id)).size).toBe(created.length);
}
