import type { DownloadInput } from '../core/run-contract.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { RowId } from '../core/types.ts';
import type { Records } from './dense-range.ts';
import { leftKey, readLeft } from './left-rows.ts';
import type { Run } from './run.ts';
import type { Stores } from './stores.ts';
import { isSweepOwed, owedKey, readSweep, sweepKey } from './sweep-record.ts';
import { isDue, readPlan } from './upload-plan.ts';

/** What there is to do when all pages of a pull are written. */
export interface AtHead {
	/** A comparison of ids was cut off, or is due after a long absence. */
	readonly isBegun: boolean;
	/** The server has told that deletes were lost: ids are compared, whatever the intervals say. */
	readonly isOwed: boolean;
	/** Rows that may be gone, to be asked for one by one. */
	readonly left: readonly RowId[];
	readonly rest: Rest;
}

/** What is left to upload. */
export interface Rest {
	/** Something can be sent at once. */
	readonly due: boolean;
	/** Device ms of the earliest next attempt; null: nothing waits. */
	readonly waitUntil: number | null;
}

export const NOTHING_TO_DO: AtHead = {
	isBegun: false,
	isOwed: false,
	left: [],
	rest: { due: false, waitUntil: null },
};

export async function readAtHead(stores: Stores, run: Run, input: DownloadInput): Promise<AtHead> {
	const [sweep, isOwed, left, rest] = await Promise.all([
		readSweep(stores, run.spec),
		isSweepOwed(stores, run.spec),
		readLeft(stores, run.spec),
		readRest(stores, run, input),
	]);
	return { isBegun: sweep !== null, isOwed, left, rest };
}

export async function readRest(
	stores: Stores,
	{ spec, now }: Run,
	{ holdDeletes }: DownloadInput,
): Promise<Rest> {
	const options = { upTo: null, force: false, holdDeletes, limit: 1, now: now() };
	const plan = await readPlan(stores, spec, options);
	return { due: isDue(plan), waitUntil: plan.waitUntil };
}

/** Whether an earlier pull has left anything to do at the head; of the outbox it says nothing. */
export async function isOwing(records: Records, { table }: TableSpec): Promise<boolean> {
	const owed = await records.get('meta', [sweepKey(table), owedKey(table), leftKey(table)]);
	return owed.some((record) => record !== undefined);
}
