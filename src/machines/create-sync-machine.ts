import { fromPromise } from 'xstate';
import type {
	DownloadInput,
	DownloadOutput,
	ResolveInput,
	ResolveOutput,
	TableServices,
	UploadInput,
	UploadOutput,
} from '../core/run-contract.ts';
import { refuseForged } from './refuse-forged.ts';
import { syncMachine } from './sync.machine.ts';
import { tableMachine } from './table.machine.ts';

/** All that the machines need done for them. */
export interface SyncServices extends TableServices {
	/** A fresh session. Rejects with a PixSyncError of fault `unauthorised` where there is none to be had. */
	refreshSession(signal: AbortSignal): Promise<void>;
}

/**
 * The root machine with its services: `createActor(createSyncMachine(services), { input: {} })`. The one place
 * where decisions and deeds are tied together. Ends of steps that no step has sent are refused.
 */
export function createSyncMachine(services: SyncServices) {
	const table = refuseForged(
		tableMachine.provide({
			actors: {
				upload: fromPromise<UploadOutput, UploadInput>(({ input, signal }) => services.upload(input, signal)),
				download: fromPromise<DownloadOutput, DownloadInput>(({ input, signal }) =>
					services.download(input, signal),
				),
				resolve: fromPromise<ResolveOutput, ResolveInput>(({ input, signal }) =>
					services.resolve(input, signal),
				),
			},
			actions: { endPull: (_, params) => services.endPull(params) },
		}),
	);
	return refuseForged(
		syncMachine.provide({
			actors: { table, refreshSession: fromPromise<void>(({ signal }) => services.refreshSession(signal)) },
		}),
	);
}
