import type { Checkpoint, Checkpoints } from '../core/checkpoint.ts';
import type { PullBeginning } from './run.ts';
import type { Stores } from './stores.ts';

/** A table's checkpoints, of all transports that it was ever pulled by. */
export async function readCheckpoints(stores: Stores, table: string): Promise<Checkpoints> {
	const [rest, rpc] = await stores.checkpoints.bulkGet([
		[table, 'rest'],
		[table, 'rpc'],
	]);
	return { ...(rest ? { rest } : {}), ...(rpc ? { rpc } : {}) };
}

export async function readBeginning(stores: Stores, table: string): Promise<PullBeginning> {
	const [stored, first] = await Promise.all([
		readCheckpoints(stores, table),
		stores.rows(table).limit(1).primaryKeys(),
	]);
	return { stored, isEmpty: first.length === 0, quietAt: null };
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
