import type { TableSpec } from '../core/table-spec.ts';
import type { SyncResult } from '../core/types.ts';
import type { TableInput, TableReport, TableRound } from './table-protocol.ts';

/** What the root is told. Commands are wishes of the app's; the others are facts. */
export type SyncEvent =
	| SyncCommand
	| { readonly type: 'storage.hydrated'; readonly dirty: readonly string[] }
	| { readonly type: 'storage.closed' }
	| { readonly type: 'network.changed'; readonly isOnline: boolean }
	| { readonly type: 'session.changed'; readonly isValid: boolean }
	| { readonly type: 'leadership.changed'; readonly isLeader: boolean }
	| { readonly type: 'mutation.queued'; readonly tables: readonly string[] }
	| { readonly type: 'visibility.gained' }
	/** Raised by the gate for the schedule. */
	| { readonly type: 'gate.opened' }
	| TableReport;

export type SyncCommand =
	| { readonly type: 'table.register'; readonly spec: Pick<TableSpec, 'table' | 'dependsOn'> }
	/** Without `tables`: all. `token` comes back with `sync.completed`. */
	| { readonly type: 'sync.request'; readonly token: number | null; readonly tables?: readonly string[] }
	| { readonly type: 'schedule.enable'; readonly intervalMs: number }
	| { readonly type: 'schedule.disable' }
	/** Something changed at the server: pull soon. Without `tables`: all. */
	| { readonly type: 'poke.received'; readonly tables?: readonly string[] };

/** For observers outside: `actor.on('…')`. */
export type SyncEmitted =
	| {
			readonly type: 'sync.completed';
			readonly waiters: readonly { readonly token: number | null; readonly result: SyncResult }[];
	  }
	/** A table has ended a round of upload and download, well or with `error`. */
	| ({ readonly type: 'round.ended' } & TableRound);

export type SyncTag = 'offline' | 'syncing' | 'settled' | 'error';

export interface SyncInput {
	readonly backoff?: TableInput['backoff'];
	readonly random?: TableInput['random'];
	readonly now?: TableInput['now'];
	/** Upload soon after a local write while auto-sync is on. @default true */
	readonly liveUpload?: boolean;
}
