import { PixSyncError } from '../../core/errors.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import type { Row } from '../../core/types.ts';
import type { Http } from '../rest/http.ts';
import { badRows } from '../rest/whole-row.ts';
import { superseded, throwIfAborted } from '../run.ts';
import { explainCall } from './rpc-missing.ts';

/** One table's part of a request. */
export interface PullCall {
	readonly spec: TableSpec;
	readonly limit: number;
	readonly body: object;
}

/** Answers with what the function says of this table. Rejects with PixSyncError only. */
export type AskPull = (call: PullCall, signal: AbortSignal) => Promise<Row>;

/** One address for all tables: a browser asks leave (CORS) once. */
const PATH = 'rpc/pixsync_pull';

/** Tables whose pulls begin within this time share a request: those of one sync do, each behind its own upload. */
const GATHER_MS = 5;

/** A statement has eight seconds on Supabase, for all of them. */
const MOST_TABLES = 20;

/** A statement timeout, and an answer too large: half as many rows may pass. */
const TOO_MUCH: ReadonlySet<string> = new Set(['57014', 'http-413']);

/** Below it a smaller page does not help. */
const LEAST_ROWS = 50;

interface Waiting extends PullCall {
	readonly signal: AbortSignal;
	readonly resolve: (answer: Row) => void;
	readonly reject: (error: unknown) => void;
}

/**
 * Gathers pulls of several tables into one request. A table whose pull is called off leaves the others theirs; what
 * the request meets, each of them meets.
 * @param tables how many the app has: one alone waits for nobody.
 */
export function createPullBatch(http: Http, tables: () => number): AskPull {
	let gathered: Waiting[] = [];

	function send(): void {
		const all = gathered;
		gathered = [];
		for (let from = 0; from < all.length; from += MOST_TABLES)
			void answer(all.slice(from, from + MOST_TABLES));
	}

	async function answer(asked: readonly Waiting[], most = Number.POSITIVE_INFINITY): Promise<void> {
		const waiting = asked.filter(({ signal }) => !signal.aborted);
		const [first] = waiting;
		if (!first) return;
		const limit = Math.min(most, Math.max(...waiting.map((call) => call.limit)));
		const shared = shareSignal(waiting.map(({ signal }) => signal));
		try {
			const request = { limit, pulls: waiting.map(({ body }) => body) };
			const { rows } = await http({
				...{ table: first.spec.table, path: PATH, method: 'POST', query: [], body: { request } },
				signal: shared.signal,
			});
			waiting.forEach(({ spec, resolve, reject }, at) => {
				const row = rows[at];
				if (row && rows.length === waiting.length) resolve(row);
				else reject(badRows(spec, `${rows.length} pages of ${waiting.length} tables`));
			});
		} catch (error) {
			const isTooMuch = error instanceof PixSyncError && TOO_MUCH.has(error.code);
			if (isTooMuch && waiting.length > 1) {
				for (const one of waiting) void answer([one], most);
			} else if (isTooMuch && limit > LEAST_ROWS) {
				void answer(waiting, Math.ceil(limit / 2));
			} else {
				for (const { spec, reject } of waiting)
					reject(explainCall(spec.table, 'pixsync_pull', ofTable(spec, error)));
			}
		} finally {
			shared.end();
		}
	}

	return (call, signal) =>
		new Promise<Row>((resolve, reject) => {
			throwIfAborted(signal);
			const leave = () => reject(superseded());
			signal.addEventListener('abort', leave, { once: true });
			const settled = () => signal.removeEventListener('abort', leave);
			if (gathered.length === 0) {
				if (tables() > 1) setTimeout(send, GATHER_MS);
				else queueMicrotask(send);
			}
			gathered.push({
				...call,
				signal,
				resolve: (row) => {
					settled();
					resolve(row);
				},
				reject: (error) => {
					settled();
					reject(error);
				},
			});
		});
}

/** Aborts when all of them have: nobody waits for the answer any more. */
function shareSignal(signals: readonly AbortSignal[]): { readonly signal: AbortSignal; end(): void } {
	const controller = new AbortController();
	const check = () => {
		if (signals.every(({ aborted }) => aborted)) controller.abort();
	};
	for (const signal of signals) signal.addEventListener('abort', check);
	return {
		signal: controller.signal,
		end() {
			for (const signal of signals) signal.removeEventListener('abort', check);
		},
	};
}

/** The request was made in one table's name; each hears of it under its own. */
function ofTable(spec: TableSpec, error: unknown): unknown {
	if (!(error instanceof PixSyncError) || error.table === spec.table) return error;
	const { code, message, hint, fault, cause, retryAfterMs } = error;
	return new PixSyncError(code, message, {
		...{ hint, fault, cause, table: spec.table },
		...(retryAfterMs === undefined ? {} : { retryAfterMs }),
	});
}
