import { expect } from 'vitest';
import { closedReason } from '../../../src/machines/closed-reason.ts';
import type { SyncContext } from '../../../src/machines/sync-context.ts';
import { TABLE } from './device-world.ts';
import type { RootEventName } from './root-events.ts';
import type { AskedSync, RootRun } from './root-run.ts';

/** What can be seen of the root, its table, the device and the server at one moment. */
export interface RootObserved {
	readonly value: { readonly gate: unknown; readonly schedule: unknown; readonly run: unknown };
	readonly status: string;
	readonly context: SyncContext;
	readonly isOpen: boolean;
	readonly isAuto: boolean;
	readonly isOfflineTagged: boolean;
	readonly table: string | undefined;
	readonly running: readonly string[];
	readonly pending: number;
	readonly requests: number;
	readonly uploads: number;
	readonly refreshes: number;
	readonly scheduled: number;
	readonly unanswered: number;
	/** Ids of rows that are queued, and of those at the server. */
	readonly queuedRows: readonly unknown[];
	readonly serverRows: readonly unknown[];
}

export async function observeRoot(run: RootRun): Promise<RootObserved> {
	const snapshot = run.actor.getSnapshot();
	const outbox = await run.world.outbox();
	const calls = (name: string) => run.gates.calls.filter((call) => call.name === name).length;
	return {
		value: snapshot.value as RootObserved['value'],
		status: snapshot.status,
		context: snapshot.context,
		isOpen: closedReason(snapshot.context) === null,
		isAuto: snapshot.matches({ schedule: 'auto' }),
		isOfflineTagged: snapshot.hasTag('offline'),
		table: run.tableState(),
		running: run.gates.held.map(({ name }) => name),
		pending: (await run.world.counts()).pending,
		requests: run.world.server.requests.length,
		uploads: calls('upload'),
		refreshes: calls('refresh'),
		scheduled: run.scheduled.length,
		unanswered: [...run.syncs.values()].filter(({ result }) => result === null).length,
		queuedRows: outbox.map(({ rowId }) => rowId),
		serverRows: run.world.server.rows(TABLE).map(({ id }) => id),
	};
}

/** What holds after every step of every region's paths. */
function checkAlways(before: RootObserved, after: RootObserved, run: RootRun): void {
	expect(after.status).toBe('active');
	expect(run.actor.getSnapshot().context.step).toEqual({ commands: [], completed: [] });
	// [S11] Nothing leaves while the gate is closed.
	if (!before.isOpen && !after.isOpen) expect(after.requests).toBe(before.requests);
	// [S1] Whatever was asked to be synced is queued, or at the server.
	for (const { rowId } of run.syncs.values()) {
		expect([...after.queuedRows, ...after.serverRows]).toContain(rowId);
	}
	// [R12] A sync that ended well has sent what was queued when it was asked for.
	for (const { rowId, result } of run.syncs.values()) {
		if (result?.success) expect(after.serverRows).toContain(rowId);
	}
	const waiting = after.context.run.waiters.filter(({ token }) => token !== null).length;
	expect(waiting).toBe(after.unanswered);
}

export function checkGate(
	event: RootEventName,
	before: RootObserved,
	after: RootObserved,
	run: RootRun,
): void {
	checkAlways(before, after, run);
	const isSteady = JSON.stringify(after.value.gate) === '{"open":"steady"}';
	const isRefreshing = JSON.stringify(after.value.gate) === '{"open":"refreshing"}';
	expect(after.isOfflineTagged).toBe(!isSteady && !isRefreshing);
	// The tables may talk exactly while the gate is open, but for those that wait for the session.
	if (after.table !== undefined) expect(after.table).toBe(isSteady ? 'idle' : 'offline');
	// One refresh for each refusal, running as long as the state.
	expect(after.running).toEqual(isRefreshing ? ['refresh'] : []);
	const entered = event === 'session refused' || event === 'session refused twice' ? 1 : 0;
	expect(after.refreshes - before.refreshes).toBe(entered);
	if (event === 'poke.received')
		expect(after.requests > before.requests).toBe(isSteady && after.table !== undefined);
	const last = lastOf(run);
	if (event === 'session refused') expect(last?.result).toBeNull();
	if (event === 'session refused twice') expectFailure(last, 'PGRST301');
	// The run stayed open meanwhile, and goes on.
	if (event === 'refresh done') expect(last?.result).toMatchObject({ success: true, errors: [] });
	if (event === 'refresh failed') expectFailure(last, 'unauthorised');
	const isLost = JSON.stringify(before.value.gate) === '{"open":"refreshing"}' && !after.isOpen;
	if (isLost) expectFailure(last, closedReason(after.context) ?? '');
}

/** Ends a gate's path: a sync asked for now does what the gate says. */
export async function checkGateEnd(run: RootRun): Promise<void> {
	const before = await observeRoot(run);
	const asked = await run.ask();
	await run.rest();
	if (run.gates.held.some(({ name }) => name === 'refresh')) {
		expect(asked.result).toBeNull();
		await run.gates.only('refresh').release();
		await run.rest();
	}
	const after = await observeRoot(run);
	const hasTable = after.table !== undefined;
	if (before.isOpen) {
		expect(asked.result).toMatchObject({ success: true, errors: [] });
		expect(after.serverRows.includes(asked.rowId)).toBe(hasTable);
		return;
	}
	expect(after.requests).toBe(before.requests);
	expect(after.queuedRows).toContain(asked.rowId);
	if (hasTable) expectFailure(asked, closedReason(after.context) ?? '');
	else expect(asked.result).toMatchObject({ success: true });
}

export function checkSchedule(
	event: RootEventName,
	before: RootObserved,
	after: RootObserved,
	run: RootRun,
): void {
	checkAlways(before, after, run);
	const opens = !before.isOpen && after.isOpen;
	const wished = wishesOf(event, before, opens);
	expect(after.scheduled - before.scheduled).toBe(wished);
	for (const result of run.scheduled.slice(before.scheduled)) {
		expect(result.success).toBe(after.isOpen);
		if (!result.success) expect(result.errors).toHaveLength(1);
	}
	// A pull that finds something due goes on with it.
	const isDue = event === 'poke.received' && before.pending > 0;
	expect(after.uploads > before.uploads).toBe((wished > 0 || isDue) && after.isOpen);
	if (wished > 0 && after.isOpen) expect(after.pending).toBe(0);
	// It was noted for the sync to come.
	if (event === 'mutation.queued') expect(after.context.dirty).toContain(TABLE);
}

/** How many syncs the schedule wishes for, told from outside. */
function wishesOf(event: RootEventName, before: RootObserved, opens: boolean): number {
	switch (event) {
		case 'schedule.enable':
		case 'after interval':
			return 1;
		case 'visibility.gained':
			return before.isAuto && before.isOpen ? 1 : 0;
		case 'gate.opened':
			return before.isAuto ? 1 : 0;
		case 'after live delay':
			return before.context.dirty.length > 0 ? 1 : 0;
		default:
			return opens && before.isAuto ? 1 : 0;
	}
}

export function checkRun(
	event: RootEventName,
	before: RootObserved,
	after: RootObserved,
	run: RootRun,
): void {
	checkAlways(before, after, run);
	expect(after.value.run).toBe(after.unanswered > 0 ? 'syncing' : 'idle');
	const ended = [...run.syncs.values()].filter(({ result }) => result !== null).length;
	const answered = ended - (run.syncs.size - (event === 'sync.request' ? 1 : 0) - before.unanswered);
	switch (event) {
		case 'sync.request':
			// Turned away at once, or waiting for its round.
			expect(answered).toBe(before.isOpen ? 0 : 1);
			if (!before.isOpen) expectFailure(lastOf(run), closedReason(after.context) ?? '');
			return;
		case 'upload fatal':
		case 'download fatal':
			expect(answered).toBe(before.unanswered);
			if (answered > 0) expectFailure(lastOf(run), event === 'upload fatal' ? '42P01' : 'storage');
			return;
		case 'download head':
			expect(answered).toBe(before.unanswered);
			if (answered > 0) expect(lastOf(run)?.result).toMatchObject({ success: true });
			return;
		case 'download due':
			// The round has ended for those whose call it began after.
			expect(after.uploads).toBe(before.uploads + 1);
			return;
		default:
			expect(answered).toBe(0);
	}
}

function lastOf(run: RootRun): AskedSync | undefined {
	return [...run.syncs.values()].at(-1);
}

function expectFailure(asked: AskedSync | undefined, code: string): void {
	expect(asked?.result).toMatchObject({ success: false });
	expect(asked?.result?.errors).toHaveLength(1);
	expect(asked?.result?.errors[0]).toMatch(new RegExp(`^${TABLE}: .+ \\(${code}\\)$`));
}
