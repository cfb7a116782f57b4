import { liveQuery } from 'dexie';
import type { MutationStatus } from '../core/mutation.ts';
import type { LocalStore } from './local-store.ts';
import { ofStatus } from './outbox.ts';
import { parkedOf } from './park.ts';

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

/** Tells the counts of all tables now and after each change, other tabs' changes included. @returns stop */
export function watchTableCounts(
	store: LocalStore,
	tables: readonly string[],
	listener: (counts: ReadonlyMap<string, TableCounts>) => void,
): () => void {
	// Dexie follows native awaits only from an async function of its own.
	const subscription = liveQuery(async () => readTableCounts(store, tables)).subscribe({
		next: listener,
		// The database is closing, or broken: whoever calls next gets the error.
		error: () => undefined,
	});
	return () => subscription.unsubscribe();
}

export async function readTableCounts(
	store: LocalStore,
	tables: readonly string[],
): Promise<ReadonlyMap<string, TableCounts>> {
	return store.transact('r', [], async (stores) => {
		const counts = new Map<string, TableCounts>();
		for (const table of tables) {
			const count = (status: MutationStatus) => ofStatus(stores, table, status).count();
			const [pending, conflicts, letters, checkpoint] = await Promise.all([
				count('pending'),
				parkedOf(stores, table).count(),
				ofStatus(stores, table, 'rejected').toArray(),
				stores.checkpoints.get([table, 'rest']),
			]);
			const rejected = new Set(letters.map(({ letter }) => letter)).size;
			counts.set(table, { pending, conflicts, rejected, lastSyncedAt: checkpoint?.syncedAt ?? null });
		}
		return counts;
	});
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
