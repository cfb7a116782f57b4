import type { InspectionEvent } from 'xstate';
import { PixSyncError } from './core/errors.ts';
import type { NetworkMonitor } from './services/network-monitor.ts';
import type { Platform } from './services/platform.ts';
import type { RunSettings } from './services/run.ts';
import { assertSignOutPolicy, type SignOutPolicy } from './services/sign-out.ts';

export interface SyncManagerOptions {
	/** Prefix of the local databases; the user's id is appended. @default `pixsync:<project host>` */
	databaseName?: string;
	/** @default the global one */
	indexedDB?: IDBFactory;
	/** @default the global one */
	IDBKeyRange?: typeof IDBKeyRange;
	/** @default the shared `networkMonitor` */
	networkMonitor?: NetworkMonitor;
	/** Clock, randomness, locks and channel of another making, as for a simulation. @default the globals */
	platform?: Partial<Platform>;
	/** PostgreSQL schema of the tables. @default 'public' */
	schema?: string;
	/**
	 * `'rpc'`: a batch of changes is one request, and each change is applied once; a pull misses nothing, tells of hard
	 * deletes, and is one request for several tables; needs the migration that `npx pixsync sql` prints. `'auto'`: so
	 * where the project has it, which is asked when there is more than one row to send; a "no" holds for a day.
	 * `'rest'`: nothing is asked. @default 'auto'
	 */
	transport?: 'auto' | 'rest' | 'rpc';
	/**
	 * While auto-sync is on, pull soon after the server tells of a change; polling goes on beside it.
	 * @default true where the client has Realtime
	 */
	realtime?: boolean;
	/** One tab syncs for all, where the platform has Web Locks and the database is the browser's own. @default true */
	multiTab?: boolean;
	/** Rows a page of a pull, at most. @default 1000 */
	pageSize?: number;
	/** Rows a bulk request, at most. @default 500 */
	batchSize?: number;
	/** @default 30000 */
	requestTimeoutMs?: number;
	/** How far a pull reaches back for rows that committed late, ms. @default 10000 */
	overlapMs?: number;
	/** How often ids are compared where a table has no `deletedField`, ms; 0: never. @default 900000 */
	reconcileIntervalMs?: number;
	/** Full jitter between 0 and `baseMs` · 2ⁿ, at most `capMs`. @default { baseMs: 1000, capMs: 60000 } */
	backoff?: { baseMs?: number; capMs?: number };
	/** Ask the browser to keep local data when space runs out; Firefox then asks the user. @default true */
	persistStorage?: boolean;
	/** Upload soon after a local write while auto-sync is on. @default true */
	liveUpload?: boolean;
	/** What `signOut()` does with local data: keep it, sync first and keep it, or take it off the device. @default 'keep' */
	onSignOut?: SignOutPolicy;
	/**
	 * Hears every event of the machines; see XState's `inspect`. Beside them it hears of every request's end: an event
	 * `request.ended` with method, table, status, rows and ms, and without address, header or body.
	 */
	inspect?: (event: InspectionEvent) => void;
}

/** Checked options with every default filled in. */
export interface Settings extends RunSettings {
	readonly databaseName: string;
	readonly schema: string;
	readonly transport: 'auto' | 'rest' | 'rpc';
	readonly multiTab: boolean;
	readonly requestTimeoutMs: number;
	readonly backoff: { readonly baseMs: number; readonly capMs: number };
	readonly persistStorage: boolean;
	readonly liveUpload: boolean;
	readonly onSignOut: SignOutPolicy;
}

/** @throws PixSyncError `bad-config`. */
export function toSettings(options: SyncManagerOptions, projectUrl: string): Settings {
	const onSignOut = options.onSignOut ?? 'keep';
	assertSignOutPolicy(onSignOut, 'onSignOut');
	return {
		databaseName: options.databaseName ?? `pixsync:${new URL(projectUrl).host}`,
		schema: options.schema ?? 'public',
		transport: toTransport(options.transport),
		multiTab: options.multiTab ?? true,
		pageSize: wholeNumber(options.pageSize, 'pageSize', 1000, 1),
		batchSize: wholeNumber(options.batchSize, 'batchSize', 500, 1),
		requestTimeoutMs: wholeNumber(options.requestTimeoutMs, 'requestTimeoutMs', 30_000, 1),
		overlapMs: wholeNumber(options.overlapMs, 'overlapMs', 10_000, 0),
		reconcileIntervalMs: wholeNumber(options.reconcileIntervalMs, 'reconcileIntervalMs', 900_000, 0),
		backoff: {
			baseMs: wholeNumber(options.backoff?.baseMs, 'backoff.baseMs', 1_000, 1),
			capMs: wholeNumber(options.backoff?.capMs, 'backoff.capMs', 60_000, 1),
		},
		persistStorage: options.persistStorage ?? true,
		liveUpload: options.liveUpload ?? true,
		onSignOut,
	};
}

function wholeNumber(value: number | undefined, name: string, fallback: number, least: number): number {
	if (value === undefined) return fallback;
	if (Number.isInteger(value) && value >= least) return value;
	throw new PixSyncError(
		'bad-config',
		`\`${name}\` is not a whole number of at least ${least}: ${String(value)}`,
		{
			hint: `Leave it out for ${fallback}.`,
		},
	);
}

function toTransport(transport: SyncManagerOptions['transport'] = 'auto'): Settings['transport'] {
	if (transport === 'auto' || transport === 'rest' || transport === 'rpc') return transport;
	throw new PixSyncError('bad-config', `\`transport\` ${JSON.stringify(transport)} is unknown`, {
		hint: "Use 'auto', 'rest' or 'rpc'.",
	});
}
