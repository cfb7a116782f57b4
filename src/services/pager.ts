import type { Checkpoint, PullStart } from '../core/checkpoint.ts';
import { pullStart } from '../core/checkpoint.ts';
import { versionOf } from '../core/table-spec.ts';
import { compareTimestamps } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { readBases } from './bases.ts';
import { readHeld } from './held-rows.ts';
import type { LogPage, PullPage } from './remote.ts';
import type { Run } from './run.ts';

/** What a page of the server's log tells beside rows. */
type Told = Partial<Pick<LogPage, 'gone' | 'left' | 'cursor' | 'isReset' | 'isUncompared' | 'tellsAll'>>;

/** One page of a pull, ready to be applied. */
export interface ReadyPage extends Told {
	/** Rows to write; of a page of keys, those alone that the replica does not hold in this version. */
	readonly rows: readonly Row[];
	/** Rows that the page covered. */
	readonly read: number;
	readonly isHead: boolean;
	/** Place of the page's last row; null: the page was empty. */
	readonly position: { readonly timestamp: string; readonly id: RowId } | null;
	/** Server time of the scan's first request. */
	readonly scanStartedAt: string | null;
}

/** One pull's pages in order, each fetched while the one before is written. Ends with its own signal (R11). */
export interface Pager {
	next(): Promise<ReadyPage>;
	end(): void;
}

/**
 * @param run its signal is not the pager's: a page's end must not end the prefetch.
 * @param expectsNone whether the first page is likely to be empty.
 */
export function createPager(run: Run, checkpoint: Checkpoint | null, expectsNone: boolean): Pager {
	const { spec, remote, settings } = run;
	const controller = new AbortController();
	const first = pullStart(checkpoint, settings.overlapMs);
	const oldPosition = checkpoint?.position ?? null;
	let scanStartedAt = checkpoint?.scanStartedAt ?? null;
	let isFirstRequest = true;
	let upcoming: Promise<ReadyPage> | null = null;

	async function load(start: PullStart | null, keysOnly: boolean): Promise<ReadyPage> {
		const page = await remote.pull(
			{ spec, start, limit: settings.pageSize, keysOnly, expectsNone: expectsNone && isFirstRequest },
			controller.signal,
		);
		if (isFirstRequest) scanStartedAt ??= page.sentAt;
		isFirstRequest = false;
		const last = page.rows.at(-1);
		const position = last
			? { timestamp: versionOf(spec, last) ?? '', id: last[spec.idField] as RowId }
			: null;
		const rows = keysOnly ? await fetchChanged(page) : page.rows;
		return {
			rows,
			read: page.rows.length,
			isHead: page.isHead,
			position,
			scanStartedAt,
		};
	}

	/** The overlap is read again at each pull: past its first page, keys and versions tell what is new (R15). */
	function isWithinOverlap(position: { timestamp: string; id: RowId }): boolean {
		if (!oldPosition || first?.id !== null) return false;
		return compareTimestamps(position.timestamp, oldPosition.timestamp) <= 0;
	}

	function prefetch(start: PullStart, keysOnly: boolean): void {
		upcoming = load(start, keysOnly);
		// It may end unread, when the pull is left.
		upcoming.catch(() => undefined);
	}

	async function fetchChanged({ rows }: PullPage): Promise<readonly Row[]> {
		const ids = rows.map((row) => row[spec.idField] as RowId);
		const versions = await run.store.transact('r', [spec.table], async (stores) => {
			const [views, records] = await Promise.all([
				readHeld(stores, spec, ids),
				readBases(stores, spec.table, ids),
			]);
			return ids.map((_, at) => {
				const record = records[at];
				const row = record?.remote ?? (record?.base.kind === 'held' ? record.base.row : views[at]);
				return row ? versionOf(spec, row) : null;
			});
		});
		const changed = ids.filter((_, at) => {
			const row = rows[at];
			const version = row && versionOf(spec, row);
			const held = versions[at];
			return !version || !held || compareTimestamps(version, held) !== 0;
		});
		if (changed.length === 0) return [];
		return [...(await remote.fetch(spec, changed, controller.signal, 'selected')).values()];
	}

	return {
		async next() {
			const page = await (upcoming ?? load(first, false));
			upcoming = null;
			// One page ahead, no more: the place to go on from is the last row of the page just taken.
			if (page.position && !page.isHead) prefetch(page.position, isWithinOverlap(page.position));
			return page;
		},
		end() {
			controller.abort();
		},
	};
}
