import type { FloorOptions, FloorRow, Queued } from './floor.ts';
import { done, result } from './indexed-db.ts';

/** Changes a request, and a transaction. */
const BATCH = 500;

/** What a browser opens to one HTTP/1.1 origin. */
const CONNECTIONS = 6;

type Send = (method: string, path: string, body?: unknown) => Promise<unknown>;

/** Sends the outbox a batch at a time, and takes each batch out of it with the rows that the server echoed. */
export function createFloorPush(
	db: IDBDatabase,
	send: Send,
	{ clearing, updates }: FloorOptions,
): () => Promise<void> {
	async function create(batch: readonly Queued[]): Promise<FloorRow[]> {
		const bodies = batch.map(({ body }) => body);
		return (await send('POST', 'notes?on_conflict=id&select=*', bodies)) as FloorRow[];
	}

	async function call(batch: readonly Queued[]): Promise<FloorRow[]> {
		const replies = await send('POST', 'rpc/pixsync_push', {
			request: {
				...{ schema: 'public', table: 'notes', key: 'id', stamp: 'updated_at' },
				...{ columns: [{ column: '*' }], mutations: batch },
			},
		});
		return (replies as { row: FloorRow }[]).map(({ row }) => row);
	}

	/** A compare-and-swap each: as many at a time as there are connections, for more would only wait in the browser. */
	async function patch(batch: readonly Queued[]): Promise<FloorRow[]> {
		const echoes: FloorRow[] = [];
		const left = batch.values();
		const work = async () => {
			for (const { id, base, body } of left) {
				const filters = `id=eq.${id}&updated_at=eq.${encodeURIComponent(base ?? '')}`;
				echoes.push(...((await send('PATCH', `notes?${filters}&select=*`, body)) as FloorRow[]));
			}
		};
		await Promise.all(Array.from({ length: CONNECTIONS }, work));
		return echoes;
	}

	function store(batch: readonly Queued[], echoes: readonly FloorRow[]): Promise<void> {
		const transaction = db.transaction(['rows', 'outbox'], 'readwrite', { durability: 'relaxed' });
		const [rows, outbox] = [transaction.objectStore('rows'), transaction.objectStore('outbox')];
		for (const row of echoes) rows.put(row);
		// The outbox was read in the order of its keys, so that a batch is a range of them.
		if (clearing === 'by range') outbox.delete(IDBKeyRange.bound(batch[0]?.id, batch.at(-1)?.id));
		else for (const { id } of batch) outbox.delete(id);
		transaction.commit();
		return done(transaction);
	}

	return async () => {
		const queued = (await result(db.transaction('outbox').objectStore('outbox').getAll())) as Queued[];
		const isPatch = updates === 'patch' && queued[0]?.kind === 'update';
		const stored: Promise<void>[] = [];
		for (let from = 0; from < queued.length; from += BATCH) {
			const batch = queued.slice(from, from + BATCH);
			const echoes = await (batch[0]?.kind === 'create' ? create : isPatch ? patch : call)(batch);
			if (echoes.length < batch.length) throw new Error(`${echoes.length} of ${batch.length} were taken`);
			const storing = store(batch, echoes);
			// The best that is possible writes one batch while it sends the next.
			if (isPatch) stored.push(storing);
			else await storing;
		}
		await Promise.all(stored);
	};
}
