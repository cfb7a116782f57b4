import type { Contestant, NewRow, Site } from './contestant.ts';
import { createFloorPush } from './floor-push.ts';
import { done, result } from './indexed-db.ts';

/** Rows a page of a download. */
const PAGE = 1_000;

export interface FloorOptions {
	/** How an acknowledged batch leaves the outbox. */
	readonly clearing: 'key by key' | 'by range';
	/** How checked updates are sent: one call of the RPC transport's function a batch, or a PATCH each. */
	readonly updates: 'rpc' | 'patch';
}

export interface FloorRow extends NewRow {
	readonly updated_at: string;
}

/** The last row of the last page. */
type Cursor = Pick<FloorRow, 'id' | 'updated_at'> | undefined;

export interface Queued {
	readonly kind: 'create' | 'update';
	readonly id: string;
	readonly base: string | null;
	readonly body: object;
}

/**
 * No engine: raw fetch, one raw IndexedDB transaction a page, the least that an outbox needs. It keeps nobody's
 * change from being overwritten but its own, survives no lost reply, and knows one user and one tab.
 */
export function createFloor(site: Site, options: FloorOptions): Contestant {
	let db: IDBDatabase;

	async function send(method: string, path: string, body?: unknown): Promise<unknown> {
		const reply = await fetch(`${site.url}/rest/v1/${path}`, {
			method,
			headers: {
				apikey: site.key,
				authorization: `Bearer ${site.key}`,
				'content-type': 'application/json',
				prefer: 'resolution=ignore-duplicates,return=representation',
			},
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
		return reply.json();
	}

	async function queue(changes: readonly Queued[]): Promise<void> {
		const transaction = db.transaction(['rows', 'outbox'], 'readwrite', { durability: 'strict' });
		const [rows, outbox] = [transaction.objectStore('rows'), transaction.objectStore('outbox')];
		for (const change of changes) {
			if (change.kind === 'create') {
				rows.put(change.body);
				outbox.put(change);
				continue;
			}
			const read = rows.get(change.id);
			read.onsuccess = () => {
				const row = read.result as FloorRow;
				rows.put({ ...row, ...change.body });
				outbox.put({ ...change, base: row.updated_at });
			};
		}
		// A commit before the last read has come would cut off what it puts.
		if (changes[0]?.kind === 'create') transaction.commit();
		await done(transaction);
	}

	return {
		async open() {
			const request = indexedDB.open(site.databaseName, 1);
			request.onupgradeneeded = () => {
				request.result.createObjectStore('rows', { keyPath: 'id' });
				// One entry a row: a later change of the same row takes the place of the former.
				request.result.createObjectStore('outbox', { keyPath: 'id' });
				request.result.createObjectStore('meta');
			};
			db = await result(request);
			await result(db.transaction('rows').objectStore('rows').get('none'));
		},
		async download() {
			let cursor = (await result(db.transaction('meta').objectStore('meta').get('cursor'))) as Cursor;
			for (;;) {
				const from = cursor
					? `&or=(updated_at.gt."${encodeURIComponent(cursor.updated_at)}",and(updated_at.eq."${encodeURIComponent(cursor.updated_at)}",id.gt.${cursor.id}))`
					: '';
				const page = (await send(
					'GET',
					`notes?select=*&order=updated_at,id&limit=${PAGE}${from}`,
				)) as FloorRow[];
				const last = page.at(-1);
				if (last) {
					cursor = { id: last.id, updated_at: last.updated_at };
					const transaction = db.transaction(['rows', 'meta'], 'readwrite', { durability: 'relaxed' });
					const rows = transaction.objectStore('rows');
					for (const row of page) rows.put(row);
					transaction.objectStore('meta').put(cursor, 'cursor');
					transaction.commit();
					await done(transaction);
				}
				if (page.length < PAGE) return;
			}
		},
		count: () => result(db.transaction('rows').objectStore('rows').count()),
		read: (id) => result(db.transaction('rows').objectStore('rows').get(id)),
		createMany: (rows) => queue(rows.map((body) => ({ kind: 'create', id: body.id, base: null, body }))),
		updateMany: (ids, n) => queue(ids.map((id) => ({ kind: 'update', id, base: null, body: { n } }))),
		updateOne: (id, n) => queue([{ kind: 'update', id, base: null, body: { n } }]),
		upload: () => createFloorPush(db, send, options)(),
		async close() {
			db.close();
		},
	};
}
