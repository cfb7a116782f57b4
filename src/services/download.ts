import { type Checkpoint, type PullPlan, planPull, type Transport } from '../core/checkpoint.ts';
import { toErrorLine, toPixSyncError } from '../core/errors.ts';
import type { DownloadInput, DownloadOutput } from '../core/run-contract.ts';
import { selectionOf, type TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { applyRows } from './apply-rows.ts';
import { type AtHead, NOTHING_TO_DO, readAtHead, readRest } from './at-head.ts';
import { readBeginning, readCheckpoints, writeCheckpoint } from './checkpoints.ts';
import { noteLeft, settleLeft } from './left-rows.ts';
import { createLogPager } from './log-pager.ts';
import { dirtyAmong } from './outbox.ts';
import { createPager, type Pager, type ReadyPage } from './pager.ts';
import { reconcile, removeAbsent, SHRINK_GUARD } from './reconcile.ts';
import { assertCurrent, type Run, throwIfAborted } from './run.ts';
import type { Stores } from './stores.ts';
import { markSweepDue, oweSweep } from './sweep-record.ts';

/** The pull that a table is in. It lives between the pages, beyond any one step. */
export interface Pull {
	readonly id: number;
	readonly pager: Pager;
	readonly transport: Transport;
	/** As of `PullPlan`. A pull may be told on its way to start over. */
	kind: PullPlan['kind'];
	/** The last complete one is long ago: tombstones may be gone. */
	readonly isAfterAbsence: boolean;
	/** Whether the table was empty as it began, so that all that is held has come by it. */
	readonly isFilling: boolean;
	/** Device ms at which the place that it begins from was stored; null: there is none, or a scan was cut off there. */
	readonly settledAt: number | null;
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
	const pull = await openPull(run, pulls, input);
	const onAbort = () => endPull(pulls, spec.table);
	run.signal.addEventListener('abort', onAbort, { once: true });
	try {
		throwIfAborted(run.signal);
		const page = await pull.pager.next();
		if (page.isReset && pull.kind === 'next') pull.kind = 'reset';
		const { downloaded, atHead } = await applyPage(run, pull, page, input);
		pull.rowsRead += page.read;
		if (page.isHead) noteHead(run, pull);
		if (!atHead) return toOutput(pull, { downloaded, more: true });
		const { left } = atHead;
		const removed = left.length > 0 ? await removeLeft(run, left) : 0;
		const sweep = await reconcileIfDue(run, pull, atHead, page.tellsAll === true);
		endPull(pulls, spec.table);
		// Asking takes its time, in which the app may have written.
		const rest =
			sweep.isDone || left.length > 0
				? await run.store.transact('r', [spec.table], (stores) => readRest(stores, run, input))
				: atHead.rest;
		return {
			...toOutput(pull, { downloaded: downloaded + removed + sweep.changed, more: false }),
			errors: sweep.errors,
			...rest,
		};
	} catch (error) {
		endPull(pulls, spec.table);
		if (pull.transport === 'rpc' && isLogGone(run, error)) return download(run, pulls, input);
		throw error;
	} finally {
		run.signal.removeEventListener('abort', onAbort);
	}
}

/** The function that the log is read by is gone, and there is another way. */
function isLogGone({ remote, spec }: Run, error: unknown): boolean {
	return toPixSyncError(error).code === 'rpc-missing' && remote.log?.covers(spec) === false;
}

function noteHead({ session, spec: { table } }: Run, { rowsRead }: Pull): void {
	session.echoes.forget(table);
	if (rowsRead === 0) session.quiet.add(table);
	else session.quiet.delete(table);
}

async function openPull(run: Run, pulls: Pulls, { pull: id, isPoked }: DownloadInput): Promise<Pull> {
	const { table } = run.spec;
	const running = pulls.get(table);
	if (running?.id === id) return running;
	endPull(pulls, table);
	await run.remote.log?.prepare?.(run.spec, run.signal);
	const { stored, isEmpty } =
		run.beginning ?? (await run.store.transact('r', [table], (stores) => readBeginning(stores, table)));
	const log = run.remote.log?.covers(run.spec) ? run.remote.log : null;
	const transport = log ? 'rpc' : 'rest';
	// Rows that were selected otherwise make the old position meaningless: start over (F21).
	const plan = planPull(transport, stored, selectionOf(run.spec));
	const expectsNone = plan.kind === 'next' && !isPoked && run.session.quiet.has(table);
	const pull: Pull = {
		id,
		transport,
		pager: log ? createLogPager(run, log, plan) : createPager(run, plan.checkpoint, expectsNone),
		isAfterAbsence: isLongAgo(run, plan.checkpoint?.syncedAt ?? null),
		kind: plan.kind,
		isFilling: isEmpty,
		settledAt: settledAt(stored[transport], plan),
		rowsRead: 0,
	};
	pulls.set(table, pull);
	return pull;
}

function settledAt(own: Checkpoint | undefined, { kind, checkpoint }: PullPlan): number | null {
	return kind === 'next' && own === checkpoint && own?.scanStartedAt === null ? own.syncedAt : null;
}

interface AppliedPage {
	readonly downloaded: number;
	/** null: the head is not reached. */
	readonly atHead: AtHead | null;
}

/**
 * The place where nothing came is as good as a later one, and to write costs more than all that is read. It is moved
 * now and then all the same, lest the next pull read a long way again, and for the time of the last sync.
 */
const MOVED_AFTER_MS = 60_000;

function isNothingNew(run: Run, pull: Pull, page: ReadyPage): boolean {
	const { gone = [], left = [] } = page;
	if (!page.isHead || page.read + pull.rowsRead + gone.length + left.length > 0) return false;
	if (page.isReset || page.isUncompared || pull.kind !== 'next' || pull.isAfterAbsence) return false;
	// Also where the clock has been set back since.
	return pull.settledAt !== null && Math.abs(run.now() - pull.settledAt) < MOVED_AFTER_MS;
}

async function applyPage(run: Run, pull: Pull, page: ReadyPage, input: DownloadInput): Promise<AppliedPage> {
	if (!isNothingNew(run, pull, page)) return writePage(run, pull, page, input);
	// The look of a moment ago still holds. Nothing is written, so that it does not matter who leads.
	if (run.beginning?.quietAt === run.store.writes) return { downloaded: 0, atHead: NOTHING_TO_DO };
	return run.store.transact('r', [run.spec.table], async (stores) => {
		const [, atHead] = await Promise.all([assertCurrent(stores, run), readAtHead(stores, run, input)]);
		return { downloaded: 0, atHead };
	});
}

async function writePage(run: Run, pull: Pull, page: ReadyPage, input: DownloadInput): Promise<AppliedPage> {
	const isReselected = pull.kind === 'reselected';
	const isReset = pull.kind === 'reset';
	const { spec, store, session } = run;
	// Without a checkpoint the replica may be a new one, which has lost what was stored.
	const isKnown = (row: Row) => pull.kind === 'next' && session.echoes.has(spec, row);
	const rows = page.rows.filter((row) => !isKnown(row));
	return store.transact('rw-relaxed', [spec.table], async (stores) => {
		const apply = async () => {
			const { gone, kept } = await goneOf(stores, spec, page);
			const incoming = { rows, gone, isReselected, isReset, isFilling: pull.isFilling };
			return { kept, downloaded: await applyRows(stores, spec, incoming) };
		};
		// Together, as each wait for the database costs as much as what is asked. Where the lead is lost nothing stays.
		const [, stored, { kept, downloaded }] = await Promise.all([
			assertCurrent(stores, run),
			readCheckpoints(stores, spec.table),
			apply(),
		]);
		const selection = selectionOf(spec);
		const { transport } = pull;
		const before = planPull(transport, stored, selection).checkpoint;
		// Rows held before the log was ever read, such as those uploaded before: what was deleted of them since is told to
		// nobody who reads it from its beginning.
		const isUntold = transport === 'rpc' && !before && !pull.isFilling && !page.isUncompared;
		const untold = isUntold ? await heldBeside(stores, spec, page) : [];
		const checkpoint: Checkpoint = {
			table: spec.table,
			transport,
			selection,
			...(page.cursor === undefined ? {} : { cursor: page.cursor }),
			...(isReselected && !page.isHead ? { isReselecting: true as const } : {}),
			...(isReset && !page.isHead ? { isResetting: true as const } : {}),
			// While the overlap is read anew the place goes back with it: a pull cut off there reads on from there.
			position: page.position ?? before?.position ?? null,
			scanStartedAt: page.isHead ? null : page.scanStartedAt,
			headAt: page.isHead ? page.scanStartedAt : (before?.headAt ?? null),
			syncedAt: page.isHead ? run.now() : (before?.syncedAt ?? null),
		};
		await noteLeft(stores, spec, [...kept, ...(untold ?? [])]);
		if (page.isUncompared || untold === null) await oweSweep(stores, spec);
		// Together with the time that says the absence is over.
		if (page.isHead && isSweptByItself(run) && pull.isAfterAbsence && !page.tellsAll)
			await markSweepDue(stores, spec, run.now());
		const [atHead] = await Promise.all([
			page.isHead ? readAtHead(stores, run, input) : null,
			writeCheckpoint(stores, checkpoint, stored),
		]);
		return { downloaded, atHead };
	});
}

/** A row that has left the filter is still there: of one that is dirty the upload decides. */
async function goneOf(
	stores: Stores,
	{ table }: TableSpec,
	{ gone = [], left = [] }: ReadyPage,
): Promise<{ readonly gone: readonly RowId[]; readonly kept: readonly RowId[] }> {
	const dirty = await dirtyAmong(stores, table, left);
	return {
		gone: [...gone, ...left.filter((id) => !dirty.has(id))],
		kept: left.filter((id) => dirty.has(id)),
	};
}

/**
 * Rows held that the page does not tell of; null: so many that ids are compared instead, which asks before it removes
 * many (F17).
 */
async function heldBeside(
	stores: Stores,
	{ table, idField }: TableSpec,
	page: ReadyPage,
): Promise<readonly RowId[] | null> {
	const told = new Set(page.rows.map((row) => row[idField]));
	const most = SHRINK_GUARD + told.size;
	const held = await stores
		.rows(table)
		.limit(most + 1)
		.primaryKeys();
	const beside = held.filter((id) => !told.has(id));
	return beside.length > SHRINK_GUARD ? null : beside;
}

async function removeLeft(run: Run, ids: readonly RowId[]): Promise<number> {
	const changed = await removeAbsent(run, ids);
	await run.store.transact('rw', [run.spec.table], async (stores) => {
		await assertCurrent(stores, run);
		await settleLeft(stores, run.spec, ids);
	});
	return changed;
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
 * @param isTold the server tells of all deletes: ids are compared only when it says that some were lost.
 */
async function reconcileIfDue(
	run: Run,
	{ kind }: Pull,
	{ isBegun, isOwed }: AtHead,
	isTold: boolean,
): Promise<Reconciled> {
	const { spec, settings } = run;
	// What another filter leaves out goes, however much it is: the app itself asked for it.
	const isReselected = kind === 'reselected';
	const isForced = isReselected || isOwed;
	if (!isForced && !isSweptByItself(run)) return NOT_RECONCILED;
	const last = run.session.reconciledAt.get(spec.table);
	// Also where the clock has been set back since.
	const isRecent = last !== undefined && Math.abs(run.now() - last) < settings.reconcileIntervalMs;
	const isRegular = !spec.deleted && !isRecent && !isTold;
	if (!isForced && !isRegular && !isBegun) return NOT_RECONCILED;
	if (kind === 'first' && !isOwed) {
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
