import type { Reply } from './postgrest.ts';
import type { Columns, EmulatedTable, Row } from './table.ts';

export interface CouchQuestion {
	readonly method: string;
	readonly url: URL;
	readonly body: unknown;
}

/** Answers the questions of a CouchDB replication about the same rows. */
export type Couch = (question: CouchQuestion) => Reply;

type Revised = Record<string, unknown> & {
	readonly _id: string;
	readonly _rev: string;
	readonly _revisions: { readonly start: number; readonly ids: readonly string[] };
};

/** As much of CouchDB as PouchDB's replication asks for: one branch a document, for nobody here makes two. */
export function createCouch(table: EmulatedTable): Couch {
	/** By id: the stamp of the row that they were told of, and its revisions, the newest first. */
	const histories = new Map<string, { readonly stamp: string; readonly ids: readonly string[] }>();
	const checkpoints = new Map<string, object>();

	function revisionsOf({ id, updated_at: stamp }: Row): readonly string[] {
		const history = histories.get(id);
		if (history?.stamp === stamp) return history.ids;
		// Digits are hexadecimal, too.
		const ids = [stamp.replaceAll(/\D/g, '').padStart(32, '0'), ...(history?.ids ?? [])];
		histories.set(id, { stamp, ids });
		return ids;
	}

	function toDocument(row: Row): Revised {
		const { id, ...columns } = row;
		const ids = revisionsOf(row);
		return { ...columns, _id: id, _rev: `${ids.length}-${ids[0]}`, _revisions: { start: ids.length, ids } };
	}

	function changes({ searchParams }: URL): object {
		const since = Number(searchParams.get('since') ?? 0);
		const found = table.since(since, Number(searchParams.get('limit') ?? 1_000));
		const results = found.flatMap(({ id, position }) => {
			const row = table.get(id);
			return row ? [{ seq: position, id, changes: [{ rev: toDocument(row)._rev }] }] : [];
		});
		return { results, last_seq: results.at(-1)?.seq ?? since };
	}

	function store({ _id, _rev, _revisions, ...columns }: Revised): void {
		const row = table.put({ ...columns, id: _id } as Columns);
		histories.set(_id, { stamp: row.updated_at, ids: _revisions.ids });
	}

	function missing(asked: Record<string, readonly string[]>): object {
		return Object.fromEntries(
			Object.entries(asked).map(([id, revisions]) => {
				const row = table.get(id);
				const known = row ? revisionsOf(row) : [];
				return [id, { missing: revisions.filter((one) => !known.includes(one.split('-')[1] ?? '')) }];
			}),
		);
	}

	function checkpoint(method: string, path: string, body: unknown): Reply {
		if (method !== 'PUT') return reply(checkpoints.get(path));
		checkpoints.set(path, { ...(body as object), _rev: '0-1' });
		return reply({ ok: true, id: path, rev: '0-1' });
	}

	return ({ method, url, body }) => {
		const path = decodeURIComponent(url.pathname.replace(/^.*\/couch\/notes\/?/, ''));
		if (path.startsWith('_local/')) return checkpoint(method, url.pathname, body);
		if (path === '') return reply({ db_name: 'notes', doc_count: table.size, update_seq: 0 });
		if (path === '_changes') return reply(changes(url));
		if (path === '_revs_diff') return reply(missing(body as Record<string, readonly string[]>));
		if (path === '_bulk_docs') {
			for (const one of (body as { docs: Revised[] }).docs) store(one);
			return reply([]);
		}
		if (path !== '_bulk_get') return reply(undefined);
		const results = (body as { docs: { id: string }[] }).docs.flatMap(({ id }) => {
			const row = table.get(id);
			return row ? [{ id, docs: [{ ok: toDocument(row) }] }] : [];
		});
		return reply({ results });
	};
}

function reply(content: unknown): Reply {
	if (content === undefined) return { status: 404, text: '{"error":"not_found","reason":"missing"}' };
	return { status: 200, text: JSON.stringify(content) };
}
