import type { Checkpoint, Checkpoints } from '../core/checkpoint.ts';
import { isStoreEmpty, type Records } from './dense-range.ts';
import type { PullBeginning } from './run.ts';
import { storeOf } from './schema.ts';
import type { Stores } from './stores.ts';

/** A table's checkpoints, of all transports that it was ever pulled by. */
export async function readCheckpoints(records: Records, table: string): Promise<Checkpoints> {
	const [rest, rpc] = await records.get<Checkpoint>('checkpoints', [
		[table, 'rest'],
		[table, 'rpc'],
	]);
	return { ...(rest ? { rest } : {}), ...(rpc ? { rpc } : {}) };
}

export async function readBeginning(records: Records, table: string): Promise<PullBeginning> {
	const [stored, isEmpty] = await Promise.all([
		readCheckpoints(records, table),
		isStoreEmpty(records, storeOf(table)),
	]);
	return { stored, isEmpty, quietAt: null };
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
