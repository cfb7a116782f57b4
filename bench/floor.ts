import type { Contestant, NewRow } from './contestant.ts';

/** Rows a page of a download; changes a batch of an upload. */
const PAGE = 1_000;
const BATCH = 500;

interface Row extends NewRow {
	readonly updated_at: string;
}

interface Queued {
	readonly kind: 'create' | 'update';
	readonly id: string;
	readonly base: string | null;
	readonly body: object;
}

/**
 * No engine: raw fetch, one raw IndexedDB transaction a page, the least that an outbox needs. It keeps nobody's
 * change from being overwritten but its own, survives no lost reply, and knows one user and one tab.
 */
export function createFloor(url: string, name: string): Contestant {
	let db: IDBDatabase;
	let cursor: Row | null = null;

	async function send(method: string, path: string, body?: unknown): Promise<unknown> {
		const reply = await fetch(`${url}/rest/v1/${path}`, {
			method,
			headers: { apikey: 'key', authorization: 'Bearer key', 'content-type': 'application/json' },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		return reply.json();
	}

	async function queue(changes: readonly Queued[]): Promise<void> {
		const transaction = db.transaction(['rows', 'outbox'], 'readwrite', { durability: 'strict' });
		const [rows, outbox] = [transaction.objectStore('rows'), transaction.objectStore('outbox')];
		for (const change of changes) {
			if (change.kind === 'create') rows.put(change.body);
			else {
				const read = rows.get(change.id);
				read.onsuccess = () => {
					const row = read.result as Row;
					rows.put({ ...row, ...change.body });
					outbox.put({ ...change, base: row.updated_at });
				};
			}
			if (change.kind === 'create') outbox.put(change);
		}
		// A commit before the last read has come would cut off what it puts.
		if (changes[0]?.kind === 'create') transaction.commit();
		await done(transaction);
	}

	return {
		async open() {
			const request = indexedDB.open(name, 1);
			request.onupgradeneeded = () => {
				request.result.createObjectStore('rows', { keyPath: 'id' });
				// One entry a row: a later change of the same row takes the place of the former.
				request.result.createObjectStore('outbox', { keyPath: 'id' });
			};
			db = await result(request);
			await result(db.transaction('rows').objectStore('rows').get('none'));
		},
		async download() {
			for (;;) {
				const from = cursor
					? `&or=(updated_at.gt."${encodeURIComponent(cursor.updated_at)}",and(updated_at.eq."${encodeURIComponent(cursor.updated_at)}",id.gt.${cursor.id}))`
					: '';
				const page = (await send('GET', `notes?select=*&order=updated_at,id&limit=${PAGE}${from}`)) as Row[];
				if (page.length > 0) {
					const transaction = db.transaction('rows', 'readwrite', { durability: 'relaxed' });
					const rows = transaction.objectStore('rows');
					for (const row of page) rows.put(row);
					transaction.commit();
					await done(transaction);
				}
				cursor = page.at(-1) ?? cursor;
				if (page.length < PAGE) return result(db.transaction('rows').objectStore('rows').count());
			}
		},
		createMany: (rows) => queue(rows.map((body) => ({ kind: 'create', id: body.id, base: null, body }))),
		updateMany: (ids, n) => queue(ids.map((id) => ({ kind: 'update', id, base: null, body: { n } }))),
		updateOne: (id, n) => queue([{ kind: 'update', id, base: null, body: { n } }]),
		async upload() {
			let taken = 0;
			const queued = (await result(db.transaction('outbox').objectStore('outbox').getAll())) as Queued[];
			for (let from = 0; from < queued.length; from += BATCH) {
				const batch = queued.slice(from, from + BATCH);
				const isCreate = batch[0]?.kind === 'create';
				const echoes = isCreate
					? ((await send(
							'POST',
							'notes?on_conflict=id&select=*',
							batch.map(({ body }) => body),
						)) as Row[])
					: (
							(await send('POST', 'rpc/pixsync_push', { request: { mutations: batch } })) as { row: Row }[]
						).map(({ row }) => row);
				const transaction = db.transaction(['rows', 'outbox'], 'readwrite', { durability: 'relaxed' });
				const [rows, outbox] = [transaction.objectStore('rows'), transaction.objectStore('outbox')];
				for (const row of echoes) rows.put(row);
				outbox.delete(IDBKeyRange.bound(batch[0]?.id, batch.at(-1)?.id));
				transaction.commit();
				await done(transaction);
				taken += echoes.length;
			}
			return taken;
		},
		async close() {
			db.close();
		},
	};
}

function result<T>(request: IDBRequest<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

function done(transaction: IDBTransaction): Promise<void> {
	return new Promise((resolve, reject) => {
		transaction.oncomplete = () => resolve();
		transaction.onabort = () => reject(transaction.error);
	});
}
