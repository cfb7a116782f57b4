export type { ConflictRecord, ParkReason } from './core/conflict-record.ts';
export { PixSyncError, type PixSyncErrorCode } from './core/errors.ts';
export type { RejectedMutation, RejectedWrite, RetriedWrites } from './core/rejected-write.ts';
export type {
	AwaitedRow,
	ConflictOutcome,
	ExplainedMutation,
	RowExplanation,
	RowOutcome,
	TableStanding,
} from './core/row-explanation.ts';
export type {
	ConflictNotice,
	ErrorNotice,
	ParkedNotice,
	RejectedNotice,
	SyncedNotice,
	SyncNoticeName,
	SyncNotices,
	UserChangedNotice,
} from './core/sync-notice.ts';
export type {
	ConflictContext,
	ConflictResolver,
	ConflictStrategy,
	FilterOperator,
	QueuedAction,
	Row,
	RowFilter,
	RowId,
	Scalar,
	SyncAction,
	SyncConfig,
	SyncResult,
	Verdict,
} from './core/types.ts';
export type { CheckName, Diagnosis, Finding, FindingCode, Severity } from './doctor/finding.ts';
export type { SyncManagerOptions } from './options.ts';
export type { ActionInput } from './services/action.ts';
export type { AdoptResult } from './services/adopt-anonymous.ts';
export type {
	UnsyncedConflict,
	UnsyncedExport,
	UnsyncedMutation,
	UnsyncedRejection,
} from './services/export-unsynced.ts';
export type { NetworkEnvironment } from './services/network-environment.ts';
export {
	NetworkMonitor,
	type NetworkMonitorOptions,
	type NetworkQuality,
	type NetworkStatus,
	networkMonitor,
} from './services/network-monitor.ts';
export type { Platform, PlatformClock } from './services/platform.ts';
export type { RowState } from './services/row-lookup.ts';
export type { SignOutOptions, SignOutPolicy, SignOutResult } from './services/sign-out.ts';
export type { SupabaseLike } from './services/supabase-access.ts';
export type { WipeOptions } from './services/wipe.ts';
export { SyncManager } from './sync-manager.ts';
export type { ErrorSummary, SyncState, TableState } from './sync-state.ts';
export type { TableHandle } from './table-handle.ts';
