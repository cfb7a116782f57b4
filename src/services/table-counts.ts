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
	const counts = new Map<string, TableCounts>();
	// A query for each table: what changes one has the others' counts stand.
	const subscriptions = tables.map((table) =>
		// Dexie follows native awaits only from an async function of its own.
		liveQuery(async () => readTableCounts(store, table)).subscribe({
			next(own) {
				counts.set(table, own);
				if (counts.size === tables.length) listener(new Map(counts));
			},
			// The database is closing, or broken: whoever calls next gets the error.
			error: () => undefined,
		}),
	);
	return () => {
		for (const subscription of subscriptions) subscription.unsubscribe();
	};
}

export function readTableCounts(store: LocalStore, table: string): Promise<TableCounts> {
	return store.transact('r', [], async (stores) => {
		const count = (status: MutationStatus) => ofStatus(stores, table, status).count();
		const [pending, conflicts, letters, checkpoint] = await Promise.all([
			count('pending'),
			parkedOf(stores, table).count(),
			ofStatus(stores, table, 'rejected').toArray(),
			stores.checkpoints.get([table, 'rest']),
		]);
		const rejected = new Set(letters.map(({ letter }) => letter)).size;
		return { pending, conflicts, rejected, lastSyncedAt: checkpoint?.syncedAt ?? null };
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
