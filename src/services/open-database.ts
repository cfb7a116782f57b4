import Dexie from 'dexie';
import type { TableSpec } from '../core/table-spec.ts';
import { addDurability } from './durability.ts';
import { mergedSchema } from './schema.ts';
import { blockedError, toStorageError } from './storage-error.ts';
import type { StorageHealth } from './storage-health.ts';

export interface StorageEnvironment {
	readonly indexedDB: IDBFactory;
	readonly IDBKeyRange: typeof IDBKeyRange;
}

/** How long an opening may wait for other tabs before it is told. */
const BLOCKED_AFTER_MS = 5_000;

/** Two tabs that upgrade at the same time may each have to look again. */
const MAX_ROUNDS = 5;

/**
 * Opens the database with the union of what is on disk and what is registered (R4). While another tab keeps it
 * from being opened, it waits and tells `health` so.
 */
export async function openDatabase(
	name: string,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
	health: StorageHealth,
): Promise<Dexie> {
	const dexie = await openInRounds(name, environment, { specs, health, isMade: true });
	if (!dexie) throw new Error('unreachable: a database that is missing is made');
	return dexie;
}

/** As `openDatabase`, but null where there is no such database: none is made. */
export function openExistingDatabase(
	name: string,
	environment: StorageEnvironment,
	specs: readonly TableSpec[],
	health: StorageHealth,
): Promise<Dexie | null> {
	return openInRounds(name, environment, { specs, health, isMade: false });
}

async function openInRounds(
	name: string,
	environment: StorageEnvironment,
	{
		specs,
		health,
		isMade,
	}: { readonly specs: readonly TableSpec[]; readonly health: StorageHealth; readonly isMade: boolean },
): Promise<Dexie | null> {
	for (let round = 0; round < MAX_ROUNDS; round++) {
		const existing = await openAsItIs(name, environment, health);
		if (existing && isFit(existing, specs)) return existing;
		if (!existing && !isMade) return null;
		const version = existing ? Math.floor(existing.verno) + 1 : 1;
		const onDisk = existing ? schemaOf(existing) : {};
		existing?.close();
		const merged = mergedSchema(onDisk, specs);
		if (merged) await upgrade(name, environment, { version, merged, health });
	}
	throw toStorageError(new Error(`the schema of "${name}" does not come to rest`));
}

/** Null: there is no such database. */
export async function openAsItIs(
	name: string,
	environment: StorageEnvironment,
	health: StorageHealth,
): Promise<Dexie | null> {
	// Opened so, without a schema of its own, a connection that Dexie reopens by itself never upgrades anything.
	const dexie = create(name, environment);
	const timer = setTimeout(() => health.report(blockedError()), BLOCKED_AFTER_MS);
	try {
		return await dexie.open();
	} catch (error) {
		if (error instanceof Dexie.NoSuchDatabaseError) return null;
		throw toStorageError(error);
	} finally {
		clearTimeout(timer);
	}
}

/** Whether the database holds all that the tables need. */
export function isFit(dexie: Dexie, specs: readonly TableSpec[]): boolean {
	try {
		return mergedSchema(schemaOf(dexie), specs) === null;
	} catch {
		return false;
	}
}

async function upgrade(
	name: string,
	environment: StorageEnvironment,
	{
		version,
		merged,
		health,
	}: {
		readonly version: number;
		readonly merged: Readonly<Record<string, string>>;
		readonly health: StorageHealth;
	},
): Promise<void> {
	const dexie = create(name, environment);
	dexie.version(version).stores({ ...merged });
	let timer: ReturnType<typeof setTimeout> | undefined;
	// Only from here on: building an index may take long, and that is nobody's fault.
	dexie.on('blocked', () => {
		timer ??= setTimeout(() => health.report(blockedError()), BLOCKED_AFTER_MS);
	});
	try {
		await dexie.open();
	} catch (error) {
		throw toStorageError(error);
	} finally {
		clearTimeout(timer);
		dexie.close();
	}
}

function create(name: string, environment: StorageEnvironment): Dexie {
	const dexie = new Dexie(name, {
		...environment,
		// Browsers acknowledge a commit before it is on disk unless asked not to (F48).
		chromeTransactionDurability: 'strict',
		cache: 'disabled',
	});
	addDurability(dexie);
	return dexie;
}

function schemaOf(dexie: Dexie): Record<string, string> {
	return Object.fromEntries(
		dexie.tables.map(({ name, schema }) => [
			name,
			[schema.primKey.src, ...schema.indexes.map(({ src }) => src)].join(','),
		]),
	);
}
