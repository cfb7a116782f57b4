import type { TableSpec } from '../core/table-spec.ts';
import { type ConflictInbox, createConflictInbox } from './conflict-inbox.ts';
import { createDeadLetters, type DeadLetters } from './dead-letters.ts';
import { type LocalStore, type LocalStoreOptions, openLocalStore } from './local-store.ts';
import { createMutate, type Mutate } from './mutate.ts';
import type { StorageEnvironment } from './open-database.ts';
import { ofStatus } from './outbox.ts';
import type { Remote } from './remote.ts';
import { EPOCH_KEY } from './run.ts';

/** One user's replica with all that works on it. A change of user is a change of workspace (F3). */
export interface Workspace {
	readonly userId: string | null;
	readonly store: LocalStore;
	readonly remote: Remote;
	readonly mutate: Mutate;
	readonly letters: DeadLetters;
	readonly conflicts: ConflictInbox;
	/** The leadership that this device's runs belong to; null: another tab leads (R9). */
	epoch: number | null;
}

export interface WorkspaceOptions {
	readonly databaseName: string;
	readonly environment: StorageEnvironment;
	readonly userId: string | null;
	readonly specs: readonly TableSpec[];
	readonly remote: Remote;
	readonly now: () => number;
	readonly clockOffset: () => number | null;
	readonly createId: () => string;
	readonly storage?: LocalStoreOptions;
}

/** The name of a user's database; null: of what is written signed out. */
export function databaseOf(databaseName: string, userId: string | null): string {
	return `${databaseName}:${userId ?? 'anon'}`;
}

export async function openWorkspace(options: WorkspaceOptions): Promise<Workspace> {
	const { userId, remote, now, clockOffset, createId } = options;
	const name = databaseOf(options.databaseName, userId);
	const store = await openLocalStore(name, options.environment, options.specs, options.storage);
	const writing = { store, userId, now, clockOffset, createId };
	const mutate = createMutate(writing);
	const letters = createDeadLetters(writing);
	const conflicts = createConflictInbox(writing);
	return { userId, store, remote, mutate, letters, conflicts, epoch: null };
}

/**
 * Begins a new leadership: runs of any former one can write nothing from now on. A loss of power, which alone may
 * take the record of it, ends all runs. @returns its epoch.
 */
export async function takeLeadership({ store }: Workspace): Promise<number> {
	return store.transact('rw-relaxed', [], async (stores) => {
		const held = await stores.meta.get(EPOCH_KEY);
		const epoch = (typeof held?.value === 'number' ? held.value : 0) + 1;
		await stores.meta.put({ key: EPOCH_KEY, value: epoch });
		return epoch;
	});
}

/**
 * Whether the database is one that was made anew since this tab took the lead: leaderships are counted in it, and the
 * count never goes back.
 */
export async function isMadeAnew({ store, epoch }: Workspace): Promise<boolean> {
	if (epoch === null) return false;
	const held = await store.transact('r', [], (stores) => stores.meta.get(EPOCH_KEY));
	return typeof held?.value !== 'number' || held.value < epoch;
}

/** Whether nobody has taken the lead since. */
export async function isLeading(workspace: Workspace): Promise<boolean> {
	const held = await workspace.store.transact('r', [], (stores) => stores.meta.get(EPOCH_KEY));
	return held?.value === workspace.epoch;
}

/** Tables with something pending. */
export async function dirtyTables(
	workspace: Workspace,
	tables: readonly string[],
): Promise<readonly string[]> {
	return workspace.store.transact('r', [], async (stores) => {
		const counts = await Promise.all(tables.map((table) => ofStatus(stores, table, 'pending').count()));
		return tables.filter((_, at) => (counts[at] ?? 0) > 0);
	});
}
