import type { Checkpoint } from '../core/checkpoint.ts';
import { toErrorLine, toPixSyncError } from '../core/errors.ts';
import type { DownloadInput, DownloadOutput } from '../core/run-contract.ts';
import { selectionOf } from '../core/table-spec.ts';
import type { Row } from '../core/types.ts';
import { applyRows } from './apply-rows.ts';
import { createPager, type Pager, type ReadyPage } from './pager.ts';
import { reconcile } from './reconcile.ts';
import { assertCurrent, type Run, throwIfAborted } from './run.ts';
import type { Stores } from './stores.ts';
import { markSweepDue, readSweep } from './sweep-record.ts';
import { isDue, readPlan, type UploadPlan } from './upload-plan.ts';

/** The pull that a table is in. It lives between the pages, beyond any one step. */
export interface Pull {
	readonly id: number;
	readonly pager: Pager;
	/** `first`: nothing was ever pulled; `reselected`: what the app selects has changed, so that all is read anew (F21). */
	readonly kind: 'first' | 'reselected' | 'next';
	/** The last complete one is long ago: tombstones may be gone. */
	readonly isAfterAbsence: boolean;
	/** Whether the table was empty as it began, so that all that is held has come by it. */
	readonly isFilling: boolean;
	rowsRead: number;
}

export type Pulls = Map<string, Pull>;

/** Ends a table's pull, its prefetch included. */
export function endPull(pulls: Pulls, table: string): void {
	pulls.get(table)?.pager.end();
	pulls.delete(table);
}

/** One page: fetched, or ready from the prefetch, and written with its checkpoint in one transaction. */
export async function download(run: Run, pulls: Pulls, input: DownloadInput): Promise<DownloadOutput> {
	const { spec } = run;
	const pull = await openPull(run, pulls, input.pull);
	const onAbort = () => endPull(pulls, spec.table);
	run.signal.addEventListener('abort', onAbort, { once: true });
	try {
		throwIfAborted(run.signal);
		const page = await pull.pager.next();
		const { downloaded, isSweepBegun, plan } = await applyPage(run, pull, page, input);
		pull.rowsRead += page.read;
		if (page.isHead) run.session.echoes.forget(spec.table);
		if (!plan) return toOutput(pull, { downloaded, more: true });
		const sweep = await reconcileIfDue(run, pull, isSweepBegun);
		endPull(pulls, spec.table);
		const left = sweep.isDone
			? await run.store.transact('r', [spec.table], (stores) => readRest(stores, run, input))
			: plan;
		return {
			...toOutput(pull, { downloaded: downloaded + sweep.changed, more: false }),
			errors: sweep.errors,
			due: isDue(left),
			waitUntil: left.waitUntil,
		};
	} catch (error) {
		endPull(pulls, spec.table);
		throw error;
	} finally {
		run.signal.removeEventListener('abort', onAbort);
	}
}

async function openPull(run: Run, pulls: Pulls, id: number): Promise<Pull> {
	const { table } = run.spec;
	const running = pulls.get(table);
	if (running?.id === id) return running;
	endPull(pulls, table);
	const [stored, rows] = await run.store.transact('r', [table], (stores) =>
		Promise.all([stores.checkpoints.get([table, 'rest']), stores.rows(table).limit(1).primaryKeys()]),
	);
	// Rows that were selected otherwise make the old position meaningless: start over (F21).
	const isSame = stored?.selection === selectionOf(run.spec);
	const isReselected = stored !== undefined && (!isSame || stored.isReselecting === true);
	const pull: Pull = {
		id,
		pager: createPager(run, isSame ? stored : null),
		isAfterAbsence: isSame && isLongAgo(run, stored.syncedAt),
		kind: !stored ? 'first' : isReselected ? 'reselected' : 'next',
		isFilling: rows.length === 0,
		rowsRead: 0,
	};
	pulls.set(table, pull);
	return pull;
}

/** What is left to upload. */
function readRest(stores: Stores, { spec, now }: Run, { holdDeletes }: DownloadInput): Promise<UploadPlan> {
	return readPlan(stores, spec, { upTo: null, force: false, holdDeletes, limit: 1, now: now() });
}

interface AppliedPage {
	readonly downloaded: number;
	/** Whether a comparison of ids was cut off, or is due. */
	readonly isSweepBegun: boolean;
	/** What is left to upload; null: the head is not reached. */
	readonly plan: UploadPlan | null;
}

async function applyPage(run: Run, pull: Pull, page: ReadyPage, input: DownloadInput): Promise<AppliedPage> {
	const isReselected = pull.kind === 'reselected';
	const { spec, store, session } = run;
	// Without a checkpoint the replica may be a new one, which has lost what was stored.
	const isKnown = (row: Row) => pull.kind === 'next' && session.echoes.has(spec, row);
	const rows = page.rows.filter((row) => !isKnown(row));
	const incoming = { rows, isReselected, isFilling: pull.isFilling };
	return store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const stored = await stores.checkpoints.get([spec.table, 'rest']);
		const selection = selectionOf(spec);
		const before = stored?.selection === selection ? stored : null;
		const downloaded = await applyRows(stores, spec, incoming);
		const checkpoint: Checkpoint = {
			table: spec.table,
			transport: 'rest',
			selection,
			...(isReselected && !page.isHead ? { isReselecting: true as const } : {}),
			// While the overlap is read anew the place goes back with it: a pull cut off there reads on from there.
			position: page.position ?? before?.position ?? null,
			scanStartedAt: page.isHead ? null : page.scanStartedAt,
			headAt: page.isHead ? page.scanStartedAt : (before?.headAt ?? null),
			syncedAt: page.isHead ? run.now() : (before?.syncedAt ?? null),
		};
		await stores.checkpoints.put(checkpoint);
		// Together with the time that says the absence is over.
		if (page.isHead && isSweptByItself(run) && pull.isAfterAbsence)
			await markSweepDue(stores, spec, run.now());
		if (!page.isHead) return { downloaded, isSweepBegun: false, plan: null };
		const [sweep, plan] = await Promise.all([readSweep(stores, spec), readRest(stores, run, input)]);
		return { downloaded, isSweepBegun: sweep !== null, plan };
	});
}

interface Reconciled {
	/** Whether ids were compared. */
	readonly isDone: boolean;
	readonly changed: number;
	readonly errors: readonly string[];
}

const NOT_RECONCILED: Reconciled = { isDone: false, changed: 0, errors: [] };

/**
 * After this long tombstones may have been purged, and deletes with them leave no trace any more (F19): few
 * projects keep them for less.
 */
const LONG_ABSENCE_MS = 7 * 86_400_000;

function isLongAgo(run: Run, syncedAt: number | null): boolean {
	return syncedAt !== null && run.now() - syncedAt > LONG_ABSENCE_MS;
}

function isSweptByItself({ settings }: Run): boolean {
	return settings.reconcileIntervalMs > 0;
}

/**
 * Rows deleted at the server leave no trace in a pull (F19). Where there are no tombstones, ids are compared at
 * the first sync of a session and then at intervals (R18); where there are, after a long absence; and after a
 * change of what is selected. A first download has nothing to compare. A comparison that was cut off is due.
 */
async function reconcileIfDue(run: Run, { kind }: Pull, isBegun: boolean): Promise<Reconciled> {
	const { spec, settings } = run;
	// What another filter leaves out goes, however much it is: the app itself asked for it.
	const isReselected = kind === 'reselected';
	if (!isReselected && !isSweptByItself(run)) return NOT_RECONCILED;
	const last = run.session.reconciledAt.get(spec.table);
	// Also where the clock has been set back since.
	const isRecent = last !== undefined && Math.abs(run.now() - last) < settings.reconcileIntervalMs;
	const isRegular = !spec.deleted && !isRecent;
	if (!isReselected && !isRegular && !isBegun) return NOT_RECONCILED;
	if (kind === 'first') {
		run.session.reconciledAt.set(spec.table, run.now());
		return NOT_RECONCILED;
	}
	try {
		const changed = await reconcile(run, { allowShrink: isReselected, isResuming: true });
		run.session.reconciledAt.set(spec.table, run.now());
		return { isDone: true, changed, errors: [] };
	} catch (cause) {
		const error = toPixSyncError(cause, spec.table);
		// The guard asks; the rest of the sync is sound.
		if (error.code !== 'reconcile-shrink') throw error;
		return { isDone: true, changed: 0, errors: [toErrorLine(spec.table, error)] };
	}
}

function toOutput(pull: Pull, { downloaded, more }: { downloaded: number; more: boolean }): DownloadOutput {
	return {
		uploaded: 0,
		downloaded,
		conflicts: 0,
		errors: [],
		rowsRead: pull.rowsRead,
		more,
		due: false,
		waitUntil: null,
	};
}
