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
export {
	type SyncCommand,
	type SyncContext,
	type SyncEmitted,
	type SyncEvent,
	type SyncInput,
	type SyncTag,
	syncMachine,
	type TableEntry,
} from './sync.machine.ts';
export {
	type TableContext,
	type TableEmitted,
	type TableEvent,
	type TableInput,
	type TableReport,
	type TableRound,
	type TableTag,
	tableMachine,
} from './table.machine.ts';
