import type { Checkpoint } from '../core/checkpoint.ts';
import { toErrorLine, toPixSyncError } from '../core/errors.ts';
import type { DownloadInput, DownloadOutput } from '../core/run-contract.ts';
import type { TableSpec } from '../core/table-spec.ts';
import { applyRows } from './apply-rows.ts';
import { createPager, type Pager, type ReadyPage } from './pager.ts';
import { reconcile } from './reconcile.ts';
import { assertCurrent, type Run } from './run.ts';
import { isDue, readPlan } from './upload-plan.ts';

/** The pull that a table is in. It lives between the pages, beyond any one step. */
export interface Pull {
	readonly id: number;
	readonly pager: Pager;
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
		const page = await pull.pager.next();
		const downloaded = await applyPage(run, page);
		pull.rowsRead += page.read;
		if (!page.isHead) return toOutput(pull, { downloaded, more: true });
		const sweep = await reconcileIfDue(run, page.isFirst);
		endPull(pulls, spec.table);
		const plan = await run.store.transact('r', [spec.table], (stores) =>
			readPlan(stores, spec, {
				upTo: null,
				force: false,
				holdDeletes: input.holdDeletes,
				limit: 1,
				now: run.now(),
			}),
		);
		return {
			...toOutput(pull, { downloaded: downloaded + sweep.changed, more: false }),
			errors: sweep.errors,
			due: isDue(plan),
			waitUntil: plan.waitUntil,
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
	const checkpoint = await readCheckpoint(run);
	const pull: Pull = { id, pager: createPager(run, checkpoint), rowsRead: 0 };
	pulls.set(table, pull);
	return pull;
}

/** Rows that were selected otherwise make the old position meaningless: start over (F21). */
async function readCheckpoint(run: Run): Promise<Checkpoint | null> {
	const stored = await run.store.transact('r', [], (stores) =>
		stores.checkpoints.get([run.spec.table, 'rest']),
	);
	return stored && stored.selection === selectionOf(run.spec) ? stored : null;
}

async function applyPage(run: Run, page: ReadyPage): Promise<number> {
	const { spec, store } = run;
	return store.transact('rw', [spec.table], async (stores) => {
		await assertCurrent(stores, run);
		const stored = await stores.checkpoints.get([spec.table, 'rest']);
		const selection = selectionOf(spec);
		const before = stored?.selection === selection ? stored : null;
		const changed = await applyRows(stores, spec, { rows: page.rows });
		const checkpoint: Checkpoint = {
			table: spec.table,
			transport: 'rest',
			selection,
			// While the overlap is read anew the place goes back with it: a pull cut off there reads on from there.
			position: page.position ?? before?.position ?? null,
			scanStartedAt: page.isHead ? null : page.scanStartedAt,
			headAt: page.isHead ? page.scanStartedAt : (before?.headAt ?? null),
			syncedAt: page.isHead ? run.now() : (before?.syncedAt ?? null),
		};
		await stores.checkpoints.put(checkpoint);
		return changed;
	});
}

interface Sweep {
	readonly changed: number;
	readonly errors: readonly string[];
}

/**
 * Rows deleted at the server leave no trace in a pull (F19). Where there are no tombstones, ids are compared at
 * the first sync of a session and then at intervals (R18); a first download has nothing to compare.
 */
async function reconcileIfDue(run: Run, isFirstDownload: boolean): Promise<Sweep> {
	const { spec, settings } = run;
	if (spec.deleted || settings.reconcileIntervalMs === 0) return { changed: 0, errors: [] };
	const last = run.reconciledAt.get(spec.table);
	if (last !== undefined && run.now() - last < settings.reconcileIntervalMs)
		return { changed: 0, errors: [] };
	if (isFirstDownload) {
		run.reconciledAt.set(spec.table, run.now());
		return { changed: 0, errors: [] };
	}
	try {
		const changed = await reconcile(run, { allowShrink: false });
		run.reconciledAt.set(spec.table, run.now());
		return { changed, errors: [] };
	} catch (cause) {
		const error = toPixSyncError(cause, spec.table);
		// The guard asks; the rest of the sync is sound.
		if (error.code !== 'reconcile-shrink') throw error;
		return { changed: 0, errors: [toErrorLine(spec.table, error)] };
	}
}

function selectionOf(spec: TableSpec): string {
	return JSON.stringify([spec.idField, spec.timestampField, spec.select, spec.filter]);
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
