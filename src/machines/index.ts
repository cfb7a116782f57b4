export { PixSyncError } from '../core/errors.ts';
export type {
	DownloadInput,
	DownloadOutput,
	ResolvedConflict,
	ResolveInput,
	ResolveOutput,
	StepCounts,
	TableServices,
	UploadInput,
	UploadOutput,
} from '../core/run-contract.ts';
export { createSyncMachine, type SyncServices } from './create-sync-machine.ts';
export {
	type NetworkContext,
	type NetworkEvent,
	type NetworkInput,
	networkMachine,
} from './network.machine.ts';
export { type SyncSnapshot, syncMachine } from './sync.machine.ts';
export type { SyncContext, TableEntry } from './sync-context.ts';
export type { SyncCommand, SyncEmitted, SyncEvent, SyncInput, SyncTag } from './sync-protocol.ts';
export { type TableSnapshot, tableMachine } from './table.machine.ts';
export type { TableContext } from './table-context.ts';
export type {
	TableEmitted,
	TableEvent,
	TableInput,
	TableParent,
	TableReport,
	TableRound,
	TableTag,
} from './table-protocol.ts';
