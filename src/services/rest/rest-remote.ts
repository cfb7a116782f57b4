import {
	chunkByBytes,
	columnName,
	encodedLength,
	idListParam,
	quoteInList,
	rowFilterParams,
} from '../../core/encode-filter.ts';
import { toTimestampText } from '../../core/timestamp.ts';
import type { Row, RowId } from '../../core/types.ts';
import type { PullPage, Remote } from '../remote.ts';
import type { Http, HttpTiming } from './http.ts';
import { createRestPush } from './push.ts';
import { keyColumns, MAX_QUERY_BYTES, pullParams, rowColumns } from './queries.ts';
import { explainUnpullable } from './unpullable.ts';
import { assertVersioned, assertWhole, badRows } from './whole-row.ts';

export interface RestRemoteOptions {
	readonly http: Http;
	/** Rows a bulk request may carry. */
	readonly batchSize: number;
	/**
	 * Whether a browser asks the server's leave (CORS) before it sends a request that it has not sent of late: who expects
	 * nothing then asks by HEAD, for which leave is remembered.
	 */
	readonly asksLeave: boolean;
}

/** One may be an accident; after two nobody looks any more. */
const MOST_IDLE_LOOKS = 2;

/** The REST transport: plain PostgREST requests, nothing to install in the project. */
export function createRestRemote({ http, batchSize, asksLeave }: RestRemoteOptions): Remote {
	// The longest page seen. The server's row cap is at least that, so that a shorter page is the end (F14).
	let longestPage = 0;
	/** Looks in a row that told nothing, though rows were given then. */
	let idleLooks = 0;
	/** Whether a look was cut off: that may be the connection, or somebody on the way who knows no HEAD. */
	let isDoubted = false;

	function doubt(error: unknown): never {
		isDoubted = true;
		throw error;
	}

	const fetchRows: Remote['fetch'] = async (spec, ids, signal, scope) => {
		const found = new Map<RowId, Row>();
		const filter = scope === 'selected' ? rowFilterParams(spec.filter) : [];
		const byText = new Map(ids.map((id) => [String(id), id]));
		const overhead =
			encodedLength(spec.idField) + encodedLength(spec.select) + encodedLength(filter.join()) + 40;
		const chunks = chunkByBytes(
			ids,
			(id) => encodedLength(quoteInList(id)) + 1,
			MAX_QUERY_BYTES - overhead,
			batchSize,
		);
		for (const chunk of chunks) {
			let missing = chunk;
			while (missing.length > 0) {
				const { rows } = await http({
					table: spec.table,
					method: 'GET',
					query: [rowColumns(spec), ...filter, idListParam(spec.idField, missing)],
					signal,
				});
				assertWhole(spec, rows);
				const before = found.size;
				for (const row of rows) {
					const id = byText.get(String(row[spec.idField]));
					// What was not asked for does not answer the question; to go on would take the rest for gone.
					if (id === undefined) throw badRows(spec, 'another row than was asked for');
					found.set(id, row);
				}
				const got = found.size - before;
				// None, or fewer than a page that came before: the server's row cap cut nothing off (F14).
				const isComplete = got === 0 || got < longestPage;
				longestPage = Math.max(longestPage, got);
				missing = isComplete ? [] : missing.filter((id) => !found.has(id));
			}
		}
		return found;
	};

	return {
		isExactlyOnce: () => false,
		log: null,

		async pull({ spec, start, limit, keysOnly, expectsNone = false }, signal): Promise<PullPage> {
			const columns = keysOnly ? keyColumns(spec) : rowColumns(spec);
			const query = [columns, ...pullParams(spec, start, limit)];
			const isLook = asksLeave && expectsNone && !isDoubted && idleLooks < MOST_IDLE_LOOKS;
			const look = isLook
				? await http({ table: spec.table, method: 'HEAD', query, signal }).catch(doubt)
				: null;
			if (look && look.isAny !== null) idleLooks = 0;
			if (look?.isAny === false) return { rows: [], sentAt: toServerTime(look), isHead: true };
			const reply = await http({ table: spec.table, method: 'GET', query, signal }).catch(
				(error: unknown) => {
					throw explainUnpullable(spec, error);
				},
			);
			if (isDoubted || look?.isAny === null) idleLooks++;
			isDoubted = false;
			assertWhole(spec, reply.rows, limit);
			const last = reply.rows.at(-1);
			// Whoever goes on from there would be given it for ever.
			if (last && last[spec.idField] === start?.id && last[spec.timestampField] === start?.timestamp) {
				throw badRows(spec, 'no row behind the one named');
			}
			for (const row of reply.rows) assertVersioned(spec, row);
			const isHead = reply.rows.length === 0 || reply.rows.length < Math.min(limit, longestPage);
			longestPage = Math.max(longestPage, reply.rows.length);
			return { rows: reply.rows, sentAt: toServerTime(reply), isHead };
		},

		push: createRestPush({ http, batchSize, fetchRows }),
		fetch: fetchRows,

		async listKeys(spec, after, limit, signal) {
			const id = columnName(spec.idField);
			const from: [string, string][] = after === null ? [] : [[id, `gt.${String(after)}`]];
			const { rows } = await http({
				table: spec.table,
				method: 'GET',
				query: [
					keyColumns(spec),
					...rowFilterParams(spec.filter),
					...from,
					['order', `${id}.asc`],
					['limit', String(limit)],
				],
				signal,
			});
			assertWhole(spec, rows, limit);
			if (rows.at(-1)?.[spec.idField] === after) throw badRows(spec, 'no row behind the one named');
			return rows;
		},
	};
}

/** No later than the request's arrival at the server: the answer's `Date` less the whole round trip. */
function toServerTime({ serverDateMs, sentAt, receivedAt }: HttpTiming): string | null {
	if (serverDateMs === null) return null;
	return toTimestampText(BigInt(Math.floor(serverDateMs - Math.max(0, receivedAt - sentAt))) * 1000n);
}
