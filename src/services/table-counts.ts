import Dexie from 'dexie';
import type { Checkpoints } from '../core/checkpoint.ts';
import { readCheckpoints } from './checkpoints.ts';
import type { LocalStore } from './local-store.ts';
import { isOutboxEmpty, ofStatus } from './outbox.ts';
import { parkedOf } from './park.ts';
import { type Platform, setQuietTimer } from './platform.ts';
import type { Stores } from './stores.ts';

/** How much of a table waits, and since when it is in step. */
export interface TableCounts {
	readonly pending: number;
	/** Parked conflicts; one may hold several mutations. */
	readonly conflicts: number;
	/** Dead letters; one may hold several mutations. */
	readonly rejected: number;
	/** Device ms of the last complete sync, of earlier sessions, too; null: never. */
	readonly lastSyncedAt: number | null;
}

export const NO_TABLE_COUNTS: TableCounts = { pending: 0, conflicts: 0, rejected: 0, lastSyncedAt: null };

/** What the numbers are read from. */
const COUNTED_STORES = ['outbox', 'conflicts'];

/**
 * Between two looks, at least, and so many times what the last one took: a look holds up the next write, so that a
 * thousand writes, one after the other, or a long upload would take twice as long.
 */
const PAUSE_MS = 100;
const PAUSE_PER_LOOK = 9;
const LONGEST_PAUSE_MS = 1_000;

export interface CountsWatch {
	/** Looks at once, whatever pause there is; resolves when the listener has been told. */
	look(): Promise<void>;
	/**
	 * Resolves when the listener has been told the numbers that this tab has left, and looks only where they may have
	 * changed since. Of other tabs nothing is said, nor of `lastSyncedAt`, which whoever syncs knows.
	 */
	settle(): Promise<void>;
	stop(): void;
}

/** Tells the counts of all tables now and soon after each change, other tabs' changes included. */
export function watchTableCounts(
	{ store, platform }: { readonly store: LocalStore; readonly platform: Platform },
	tables: readonly string[],
	listener: (counts: ReadonlyMap<string, TableCounts>) => void,
): CountsWatch {
	/** The first look is not in the way of who has waited for the database to open, either. */
	let isPausing = true;
	let stopPause = setQuietTimer(platform, () => void look(), 0);
	/** Whether anything that is told may have changed since the last look began. */
	let isStale = false;
	/** Whether the numbers may have, since the last look was asked for. */
	let isMiscounted = true;
	let isStopped = false;
	let running: Promise<void> = Promise.resolve();
	/** The look that counts what was miscounted last. */
	let counting: Promise<void> = running;

	function look(): Promise<void> {
		running = running.then(lookOnce);
		if (isMiscounted) counting = running;
		isMiscounted = false;
		return running;
	}

	async function lookOnce(): Promise<void> {
		if (isStopped) return;
		stopPause();
		isPausing = true;
		isStale = false;
		const since = platform.monotonic();
		// The database is closing, or broken: whoever calls next gets the error.
		const counts = await readTableCounts(store, tables).catch(() => null);
		if (isStopped) return;
		if (counts) listener(counts);
		else isMiscounted = true;
		const tookMs = platform.monotonic() - since;
		const pauseMs = Math.min(Math.max(PAUSE_MS, tookMs * PAUSE_PER_LOOK), LONGEST_PAUSE_MS);
		stopPause = setQuietTimer(platform, resume, pauseMs);
	}

	function resume(): void {
		isPausing = false;
		if (isStale) void look();
	}

	// Not a live query: that looks again at once, however often something changes.
	const onMutated = (parts: object) => {
		const isOf = (name: string) =>
			Object.keys(parts).some((key) => key.startsWith(`idb://${store.name}/${name}/`));
		isMiscounted ||= COUNTED_STORES.some(isOf);
		if (!isMiscounted && !isOf('checkpoints')) return;
		isStale = true;
		if (isPausing) return;
		isPausing = true;
		// Not in the way of whoever waits for the change itself.
		stopPause = setQuietTimer(platform, () => void look(), 0);
	};
	Dexie.on.storagemutated.subscribe(onMutated);
	return {
		look,
		settle: () => (isMiscounted ? look() : counting),
		stop() {
			isStopped = true;
			stopPause();
			Dexie.on.storagemutated.unsubscribe(onMutated);
		},
	};
}

export async function readTableCounts(
	store: LocalStore,
	tables: readonly string[],
): Promise<ReadonlyMap<string, TableCounts>> {
	return store.transact('r', [], async (stores) => {
		const isEmpty = await isOutboxEmpty(stores);
		const all = tables.map(async (table) => [table, await countsOf(stores, table, isEmpty)] as const);
		return new Map(await Promise.all(all));
	});
}

async function countsOf(stores: Stores, table: string, isEmpty: boolean): Promise<TableCounts> {
	const [pending, conflicts, letters, checkpoints] = await Promise.all([
		isEmpty ? 0 : ofStatus(stores, table, 'pending').count(),
		isEmpty ? 0 : parkedOf(stores, table).count(),
		isEmpty ? [] : ofStatus(stores, table, 'rejected').toArray(),
		readCheckpoints(stores, table),
	]);
	const rejected = new Set(letters.map(({ letter }) => letter)).size;
	return { pending, conflicts, rejected, lastSyncedAt: lastSyncedAt(checkpoints) };
}

function lastSyncedAt({ rest, rpc }: Checkpoints): number | null {
	const times = [rest?.syncedAt, rpc?.syncedAt].filter((at) => typeof at === 'number');
	return times.length > 0 ? Math.max(...times) : null;
}

/** Mutations that wait to be confirmed, those parked in a conflict included. */
export async function countUnconfirmed(store: LocalStore, tables: readonly string[]): Promise<number> {
	return store.transact('r', [], async (stores) => {
		const counts = await Promise.all(
			tables.flatMap((table) => [
				ofStatus(stores, table, 'pending').count(),
				ofStatus(stores, table, 'conflicted').count(),
			]),
		);
		return counts.reduce((sum, count) => sum + count, 0);
	});
}
