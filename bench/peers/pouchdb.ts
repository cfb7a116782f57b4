import PouchDB from 'pouchdb-browser';
import type { Contestant, NewRow, Site } from '../contestant.ts';

/** PouchDB, with a CouchDB in the place of Supabase. */
export function createPouch(site: Site): Contestant {
	let db: PouchDB.Database<NewRow>;
	const remote = new PouchDB<NewRow>(`${site.url}/couch/notes`, {
		skip_setup: true,
		// The emulator knows no cookies.
		fetch: (url, options) => fetch(url, { ...options, credentials: 'omit' }),
	});

	const toDocument = ({ id, ...columns }: NewRow) => ({ ...columns, _id: id }) as unknown as NewRow;

	async function write(documents: NewRow[]): Promise<void> {
		const replies = await db.bulkDocs(documents);
		const refused = replies.filter((one) => 'error' in one);
		if (refused.length > 0) throw new Error(`${refused.length} documents were not written`);
	}

	return {
		async open() {
			db = new PouchDB<NewRow>(site.databaseName, { auto_compaction: true });
			await db.get('none').catch(() => null);
		},
		async download() {
			await db.replicate.from(remote, { batch_size: 1_000 });
		},
		count: async () => (await db.info()).doc_count,
		read: (id) => db.get(id),
		createMany: (rows) => write(rows.map(toDocument)),
		async updateMany(ids, n) {
			const { rows } = await db.allDocs({ keys: [...ids], include_docs: true });
			await write(rows.flatMap((row) => ('doc' in row && row.doc ? [{ ...row.doc, n }] : [])));
		},
		async updateOne(id, n) {
			await db.put({ ...(await db.get(id)), n });
		},
		async upload() {
			await db.replicate.to(remote, { batch_size: 500 });
		},
		close: () => db.close(),
	};
}
