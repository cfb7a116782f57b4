import { PixSyncError } from '../core/errors.ts';
import type { TableServices } from '../core/run-contract.ts';
import type { TableSpec } from '../core/table-spec.ts';
import { dependantsOf } from '../core/topology.ts';
import { clearQueue } from './clear.ts';
import { download, endPull, type Pulls } from './download.ts';
import { createOwnEchoes } from './own-echoes.ts';
import { type ReconcileOptions, reconcile } from './reconcile.ts';
import { resolve } from './resolve.ts';
import { type Run, type RunSession, type RunSettings, throwIfAborted } from './run.ts';
import { createTableLocks } from './table-locks.ts';
import { upload } from './upload.ts';
import type { Workspace } from './workspace.ts';

export interface TableServicesOptions {
	/** The current user's; null while none is open. */
	readonly workspace: () => Workspace | null;
	readonly specs: ReadonlyMap<string, TableSpec>;
	readonly now: () => number;
	readonly random: () => number;
	readonly createId: () => string;
	readonly clockOffset: () => number | null;
	readonly isClockSure: () => boolean;
	readonly settings: RunSettings;
	/** Hears of conflicts and refusals. @default nobody */
	readonly notify?: Run['notify'];
}

/** The table machine's services, and those that the façade calls itself under the same lock. */
export interface LockedTableServices extends TableServices {
	reconcile(table: string, options: ReconcileOptions, signal: AbortSignal): Promise<number>;
	clearQueue(table: string, upTo: number): Promise<void>;
}

export function createTableServices(options: TableServicesOptions): LockedTableServices {
	const locks = createTableLocks();
	const pulls: Pulls = new Map();
	const sessions = new WeakMap<Workspace, RunSession>();

	/** Binds a run to the workspace of the moment that it really begins. */
	function withRun<T>(table: string, signal: AbortSignal, work: (run: Run) => Promise<T>): Promise<T> {
		return locks.run(table, async () => {
			throwIfAborted(signal);
			const workspace = options.workspace();
			const spec = options.specs.get(table);
			if (!workspace || !spec) throw notReady(table);
			if (workspace.epoch === null) throw notLeader(table);
			const session = sessions.get(workspace) ?? createRunSession();
			sessions.set(workspace, session);
			const begun = session.beginnings.get(table);
			// Under another leadership, somebody else may have written since.
			const beginning = begun?.epoch === workspace.epoch ? begun : null;
			session.beginnings.delete(table);
			return work({
				spec,
				store: workspace.store,
				remote: workspace.remote,
				signal,
				epoch: workspace.epoch,
				dependants: dependants(table, spec),
				referrers: [...options.specs.values()].filter(({ references }) =>
					Object.values(references).includes(table),
				),
				now: options.now,
				random: options.random,
				createId: options.createId,
				clockOffset: options.clockOffset,
				isClockSure: options.isClockSure,
				isAwaited: () => locks.isAwaited(table),
				settings: options.settings,
				session,
				beginning,
				notify: options.notify ?? (() => undefined),
			});
		});
	}

	/** Tables whose rows may refer to this one's; a table that names itself is its own dependant here. */
	function dependants(table: string, spec: TableSpec): readonly string[] {
		const deps = new Map([...options.specs].map(([name, own]) => [name, own.dependsOn]));
		return [...dependantsOf(table, deps), ...(spec.dependsOn.includes(table) ? [table] : [])];
	}

	return {
		upload: (input, signal) => withRun(input.table, signal, (run) => upload(run, input)),
		download: (input, signal) => withRun(input.table, signal, (run) => download(run, pulls, input)),
		resolve: (input, signal) => withRun(input.table, signal, (run) => resolve(run, input)),
		endPull: ({ table }) => endPull(pulls, table),
		reconcile: (table, input, signal) =>
			withRun(table, signal, (run) => reconcile(run, { ...input, isResuming: false })),
		clearQueue: (table, upTo) =>
			locks.run(table, async () => {
				const workspace = options.workspace();
				const spec = options.specs.get(table);
				if (!workspace || !spec) throw notReady(table);
				await clearQueue(workspace.store, spec, upTo);
			}),
	};
}

function createRunSession(): RunSession {
	return { reconciledAt: new Map(), echoes: createOwnEchoes(), quiet: new Set(), beginnings: new Map() };
}

function notLeader(table: string): PixSyncError {
	return new PixSyncError('not-leader', 'Another tab of this app does the syncing', {
		fault: 'no-answer',
		table,
		hint: 'What is queued here is synced by that tab.',
	});
}

function notReady(table: string): PixSyncError {
	return new PixSyncError('superseded', 'There is no open replica', {
		fault: 'no-answer',
		table,
		hint: 'Nothing to do: sync begins when the replica is open.',
	});
}
