import { PixSyncError } from '../core/errors.ts';
import { discardDatabase } from './delete-database.ts';
import type { StorageEnvironment } from './open-database.ts';
import type { Workspace } from './workspace.ts';
import type { WorkspaceHost } from './workspace-host.ts';

export interface WipeOptions {
	/** Delete changes that the server does not have, too: pending, parked and refused ones. @default false */
	discardUnsynced?: boolean;
}

export interface WipePorts {
	readonly workspace: Workspace;
	readonly host: Pick<WorkspaceHost, 'reopen'>;
	readonly environment: StorageEnvironment;
}

/**
 * Deletes the current user's local database, whole, and opens an empty one in its place.
 * @throws PixSyncError `unsynced-changes` where there are some and they may not go, `user-changed`, `storage`;
 * nothing is deleted then.
 */
export async function wipe(
	{ workspace, host, environment }: WipePorts,
	{ discardUnsynced = false }: WipeOptions,
): Promise<void> {
	const { store } = workspace;
	const countUnsynced = () => store.transact('r', [], ({ outbox }) => outbox.count());
	const unsynced = await countUnsynced();
	if (unsynced > 0 && !discardUnsynced) throw unsyncedChanges(`${unsynced} changes are`);
	let isGone = false;
	await host.reopen(workspace, async () => {
		// Counted again in the transaction that deletes: another tab may have written meanwhile.
		const atMost = discardUnsynced ? Number.POSITIVE_INFINITY : 0;
		isGone = await discardDatabase(store.name, environment, atMost);
	});
	if (!isGone) throw unsyncedChanges('A change written meanwhile is');
}

function unsyncedChanges(which: string): PixSyncError {
	return new PixSyncError('unsynced-changes', `${which} not at the server yet`, {
		hint: 'Sync first, or save exportUnsynced() and call wipe({ discardUnsynced: true }).',
	});
}
