import type { Checkpoint, Checkpoints } from '../core/checkpoint.ts';
import type { Stores } from './stores.ts';

/** A table's checkpoints, of all transports that it was ever pulled by. */
export async function readCheckpoints(stores: Stores, table: string): Promise<Checkpoints> {
	const [rest, rpc] = await stores.checkpoints.bulkGet([
		[table, 'rest'],
		[table, 'rpc'],
	]);
	return { ...(rest ? { rest } : {}), ...(rpc ? { rpc } : {}) };
}

/** Stores how far a pull has come. The other transport's place goes where it is one among rows that were selected otherwise. */
export async function writeCheckpoint(
	stores: Stores,
	checkpoint: Checkpoint,
	{ rest, rpc }: Checkpoints,
): Promise<void> {
	await stores.checkpoints.put(checkpoint);
	const other = checkpoint.transport === 'rest' ? rpc : rest;
	if (other && other.selection !== checkpoint.selection)
		await stores.checkpoints.delete([other.table, other.transport]);
}
