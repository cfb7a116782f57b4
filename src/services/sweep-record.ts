import { selectionOf, type TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import type { Stores } from './stores.ts';

/** How far a comparison of ids has come. */
export interface Sweep {
	/** What the rows were selected by; another selection starts over. */
	readonly selection: string;
	/** Device ms. */
	readonly startedAt: number;
	/** The last id of the last page compared; null: none is. */
	readonly after: RowId | null;
	readonly pages: number;
	/** Whether all pages have been compared. */
	readonly isComplete: boolean;
}

/**
 * An older one begins anew. Rows that come and go meanwhile are no danger to it, for each is asked for by id before
 * it is removed; but the longer ago its pages were read, the more rows are asked for in vain.
 */
const MAX_AGE_MS = 3_600_000;

export async function readSweep(stores: Stores, spec: TableSpec): Promise<Sweep | null> {
	const record = await stores.meta.get(sweepKey(spec.table));
	return (record?.value as Sweep | undefined) ?? null;
}

/** The sweep to go on with: the one that was cut off, or one that begins now. */
export async function openSweep(stores: Stores, spec: TableSpec, now: number): Promise<Sweep> {
	const stored = await readSweep(stores, spec);
	const age = stored ? now - stored.startedAt : 0;
	if (stored?.selection === selectionOf(spec) && age >= 0 && age < MAX_AGE_MS) return stored;
	await dropSweep(stores, spec);
	return beginSweep(stores, spec, now);
}

/** Makes a sweep due, durably; one that is under way goes on. */
export async function markSweepDue(stores: Stores, spec: TableSpec, now: number): Promise<void> {
	if (!(await readSweep(stores, spec))) await beginSweep(stores, spec, now);
}

/** Stores the ids of the next page. They are kept apart: one growing record would be written anew at each page. */
export async function addSweepPage(
	stores: Stores,
	spec: TableSpec,
	{ sweep, ids }: { readonly sweep: Sweep; readonly ids: readonly RowId[] },
): Promise<Sweep> {
	const last = ids.at(-1);
	const next: Sweep =
		last === undefined ? { ...sweep, isComplete: true } : { ...sweep, after: last, pages: sweep.pages + 1 };
	if (last !== undefined) await stores.meta.put({ key: pageKey(spec.table, sweep.pages), value: ids });
	await stores.meta.put({ key: sweepKey(spec.table), value: next });
	return next;
}

/** All ids that the server has shown. */
export async function readSweepIds(
	stores: Stores,
	spec: TableSpec,
	{ pages }: Sweep,
): Promise<ReadonlySet<RowId>> {
	const records = await stores.meta.bulkGet(pageKeys(spec.table, pages));
	return new Set(records.flatMap((record) => (record?.value as readonly RowId[] | undefined) ?? []));
}

export async function dropSweep(stores: Stores, spec: TableSpec): Promise<void> {
	const stored = await readSweep(stores, spec);
	if (stored) await stores.meta.bulkDelete([sweepKey(spec.table), ...pageKeys(spec.table, stored.pages)]);
}

/** Notes that ids must be compared, whatever the app has set for intervals: deletes were lost to the pull. */
export async function oweSweep(stores: Stores, { table }: TableSpec): Promise<void> {
	await stores.meta.put({ key: owedKey(table), value: true });
}

export async function isSweepOwed(stores: Stores, { table }: TableSpec): Promise<boolean> {
	return (await stores.meta.get(owedKey(table))) !== undefined;
}

/** Once a comparison has taken away what is gone. */
export async function settleOwedSweep(stores: Stores, { table }: TableSpec): Promise<void> {
	await stores.meta.delete(owedKey(table));
}

async function beginSweep(stores: Stores, spec: TableSpec, now: number): Promise<Sweep> {
	const sweep = { selection: selectionOf(spec), startedAt: now, after: null, pages: 0, isComplete: false };
	await stores.meta.put({ key: sweepKey(spec.table), value: sweep });
	return sweep;
}

function pageKeys(table: string, pages: number): string[] {
	return Array.from({ length: pages }, (_, at) => pageKey(table, at));
}

export const owedKey = (table: string) => `sweep-owed:${table}`;
export const sweepKey = (table: string) => `sweep:${table}`;
/** The number comes first: a table may be called `notes:1`. */
const pageKey = (table: string, page: number) => `sweep-page:${page}:${table}`;
