import type { Mutation } from '../core/mutation.ts';
import type { RowId } from '../core/types.ts';
import type { Stores } from './stores.ts';

/** A look at the queue that a later transaction may go by: what was queued since then has a higher place. */
export interface QueueLook {
	/** The newest place that was seen; of the rows looked at, all that is dirty up to there is known. */
	readonly upTo: number;
	readonly revision: number;
}

/** Rows as an earlier transaction saw them. */
export interface SeenRows {
	readonly look: QueueLook;
	/** Dirty mutations in queue order. */
	readonly mutations: ReadonlyMap<RowId, readonly Mutation[]>;
}

const REVISION_KEY = 'queueRevision';

/** With more than these queued since, looking at each row costs no more. */
const FEW_NEW = 32;

/**
 * Counts what is done to queued mutations other than queueing and acknowledging them: what is rewritten, revived,
 * parked, discarded. In the transaction that does it; a look from before is worth nothing then.
 */
export async function noteRewritten(stores: Stores): Promise<void> {
	await stores.meta.put({ key: REVISION_KEY, value: (await readRevision(stores)) + 1 });
}

async function readRevision(stores: Stores): Promise<number> {
	return ((await stores.meta.get(REVISION_KEY))?.value as number | undefined) ?? 0;
}

/** @param upTo how far the caller has read; null: all there is. */
export async function takeLook(stores: Stores, upTo: number | null): Promise<QueueLook> {
	const [revision, newest] = await Promise.all([
		readRevision(stores),
		upTo === null ? stores.outbox.orderBy(':id').reverse().limit(1).primaryKeys() : [],
	]);
	return { revision, upTo: upTo ?? newest[0] ?? 0 };
}

/** Whether nothing but queueing more and acknowledging was done since. */
export async function isStill(stores: Stores, look: QueueLook): Promise<boolean> {
	return (await readRevision(stores)) === look.revision;
}

/**
 * The rows' dirty mutations now, from what was seen and what was queued since: two requests, where a look at each
 * of five hundred rows is as many.
 * @returns null where it takes those.
 */
export async function dirtySince(
	stores: Stores,
	table: string,
	{ look, mutations }: SeenRows,
): Promise<ReadonlyMap<RowId, readonly Mutation[]> | null> {
	const [revision, added] = await Promise.all([
		readRevision(stores),
		stores.outbox
			.where(':id')
			.above(look.upTo)
			.limit(FEW_NEW + 1)
			.toArray(),
	]);
	if (revision !== look.revision || added.length > FEW_NEW) return null;
	const now = new Map(mutations);
	for (const mutation of added) {
		const isDirty = mutation.table === table && mutation.status !== 'rejected';
		const known = isDirty ? now.get(mutation.rowId) : undefined;
		if (known) now.set(mutation.rowId, [...known, mutation]);
	}
	return now;
}
