import { chunk } from '../../core/chunk.ts';
import {
	chunkByBytes,
	columnName,
	encodedLength,
	eqParam,
	versionedIdsParam,
} from '../../core/encode-filter.ts';
import { PixSyncError, toPixSyncError } from '../../core/errors.ts';
import type { PushMutation, PushOutcome } from '../../core/mutation.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import type { Row } from '../../core/types.ts';
import type { Remote } from '../remote.ts';
import type { Http } from './http.ts';
import { pairEchoes } from './pair-echoes.ts';
import { runPool } from './pool.ts';
import { type PlannedRequest, planRequests } from './push-plan.ts';
import { judgeMissed, judgeUnechoed, refusal } from './push-verdict.ts';
import { keyColumns, MAX_QUERY_BYTES, type Param, rowColumns } from './queries.ts';
import { STAMP_REFUSED, without } from './stamp.ts';
import { isEcho, isStale } from './whole-row.ts';

/** A browser's connections to one HTTP/1.1 origin. */
const PATCHES_IN_FLIGHT = 6;

export interface RestPushOptions {
	readonly http: Http;
	readonly batchSize: number;
	readonly fetchRows: Remote['fetch'];
}

const UNKNOWN_COLUMN = 'PGRST204';

const TOO_LARGE: readonly string[] = ['http-413', 'http-414'];

/** Not the row's fault, but a smaller batch may pass: a foreign key, a statement timeout, a request too large. */
const BISECTED: ReadonlySet<string> = new Set(['23503', '57014', ...TOO_LARGE]);

/** A refusal without a code of the server's: some proxy may take offence at one row of a bulk. */
const BARE_REFUSAL = /^http-4\d\d$/;

/**
 * Such refusals in a row after which no batch is halved any more: whoever refuses them all, a login page or a
 * proxy that lets no PATCH pass, is not worth two requests a row. Enough to find one row among 500.
 */
const MAX_BARE_REFUSALS = 12;

/** Pushes by kind: bulk creates, a compare-and-swap PATCH a row, bulk compare-and-swap deletes (R16). */
export function createRestPush({ http, batchSize, fetchRows }: RestPushOptions): Remote['push'] {
	// Tables that refuse to be told the timestamp (R17).
	const stampless = new Set<string>();

	return async (spec, mutations, signal) => {
		const outcomes = new Map<PushMutation, PushOutcome>();
		let bareRefusals = 0;

		async function send(request: Omit<Parameters<Http>[0], 'table' | 'signal'>): Promise<readonly Row[]> {
			const { rows } = await http({ ...request, table: spec.table, signal });
			return rows;
		}

		/** Settles what an error settles; rethrows what ends the push. */
		function refuse(batch: readonly PushMutation[], error: PixSyncError): void {
			// A column that the server does not know yet, or a typo: it waits, and keeps nobody else waiting (F36).
			if (error.code === UNKNOWN_COLUMN) {
				const waiting = new PixSyncError(error.code, error.message, { ...error, fault: 'retryable' });
				for (const mutation of batch) outcomes.set(mutation, { kind: 'retryable', error: waiting });
				return;
			}
			if (error.fault !== 'rejected' && error.fault !== 'retryable') throw error;
			// A single row that is too large will not shrink by itself.
			const kind = TOO_LARGE.includes(error.code) ? 'rejected' : error.fault;
			for (const mutation of batch) outcomes.set(mutation, { kind, error });
		}

		/** A bulk is all or nothing: halved until what is refused stands alone (F27). */
		async function bisect(
			batch: readonly PushMutation[],
			attempt: (batch: readonly PushMutation[]) => Promise<void>,
		): Promise<void> {
			try {
				await attempt(batch);
				bareRefusals = 0;
			} catch (cause) {
				const error = toPixSyncError(cause, spec.table);
				const isBare = BARE_REFUSAL.test(error.code) && !TOO_LARGE.includes(error.code);
				if (isBare) bareRefusals++;
				const isSplit = isBare ? bareRefusals <= MAX_BARE_REFUSALS : BISECTED.has(error.code);
				const isWholesale = error.fault !== 'rejected' && !isSplit;
				if (batch.length === 1 || isWholesale) return refuse(batch, error);
				const half = Math.ceil(batch.length / 2);
				await bisect(batch.slice(0, half), attempt);
				await bisect(batch.slice(half), attempt);
			}
		}

		/** Some tables make the timestamp themselves, or grant no write to it: shown by the same request without it. */
		async function stampIfAllowed(attempt: (isStamped: boolean) => Promise<void>): Promise<void> {
			try {
				await attempt(!stampless.has(spec.table));
			} catch (error) {
				const isRefused = error instanceof PixSyncError && STAMP_REFUSED.includes(error.code);
				if (!isRefused || stampless.has(spec.table)) throw error;
				await attempt(false);
				stampless.add(spec.table);
			}
		}

		async function create(batch: readonly PushMutation[]): Promise<void> {
			await stampIfAllowed(async (isStamped) => {
				const rows = await send({
					method: 'POST',
					query: [['on_conflict', columnName(spec.idField)], rowColumns(spec)],
					body: batch.map(({ body }) => (isStamped ? body : without(body ?? {}, spec.timestampField))),
					prefer: ['resolution=ignore-duplicates', 'return=representation', 'missing=default'],
				});
				acknowledgeEchoes(batch, rows);
			});
			await compare(batch, (mutation, row) => judgeUnechoed(spec, mutation, row));
		}

		/** Nothing of such a row can be met at the server before it is there: no id, no comparison. */
		async function createUnkeyed(batch: readonly PushMutation[]): Promise<void> {
			await stampIfAllowed(async (isStamped) => {
				const rows = await send({
					method: 'POST',
					query: [rowColumns(spec)],
					body: batch.map(({ body }) => (isStamped ? body : without(body ?? {}, spec.timestampField))),
					prefer: ['return=representation', 'missing=default'],
				});
				const echoes = rows.filter((row) => isEcho(spec, row));
				for (const [mutation, row] of pairEchoes(spec, batch, echoes)) {
					outcomes.set(mutation, { kind: 'acknowledged', row });
				}
			});
		}

		async function patch(mutation: PushMutation): Promise<void> {
			await stampIfAllowed(async (isStamped) => {
				const body = isStamped ? mutation.body : without(mutation.body ?? {}, spec.timestampField);
				const rows = await send({
					method: 'PATCH',
					// Plain filters only: before PostgREST 14.4 an `or` here also filters the answer, which then
					// looks like a lost compare-and-swap.
					query: [...versionParams(spec, mutation), rowColumns(spec)],
					body,
					prefer: ['return=representation'],
				});
				acknowledgeEchoes([mutation], rows);
			});
		}

		async function remove(batch: readonly PushMutation[]): Promise<void> {
			const [first] = batch;
			const pairs = batch.map(({ id, base }) => ({ id, version: base }));
			const rows = await send({
				method: 'DELETE',
				query: [
					...(batch.length === 1 && first
						? versionParams(spec, first)
						: [versionedIdsParam(spec.idField, spec.timestampField, pairs)]),
					keyColumns(spec),
				],
				prefer: ['return=representation'],
			});
			const gone = new Set(rows.map((row) => String(row[spec.idField])));
			for (const mutation of batch) {
				if (gone.has(String(mutation.id))) outcomes.set(mutation, { kind: 'acknowledged', row: null });
			}
			await compare(batch, (mutation, row) => judgeMissed(spec, mutation, row));
		}

		/** Only a row echoed with its key and a version acknowledges: a 2xx alone proves nothing (F23, F29). */
		function acknowledgeEchoes(batch: readonly PushMutation[], rows: readonly Row[]): void {
			const whole = rows.filter((row) => isEcho(spec, row));
			const byId = new Map(whole.map((row) => [String(row[spec.idField]), row]));
			for (const mutation of batch) {
				const row = byId.get(String(mutation.id));
				if (row && !isStale(spec, mutation, row)) outcomes.set(mutation, { kind: 'acknowledged', row });
			}
		}

		/** Fetches the rows of the mutations without an outcome, and judges each by what the server holds. */
		async function compare(
			batch: readonly PushMutation[],
			judge: (mutation: PushMutation, row: Row | undefined) => PushOutcome,
		): Promise<void> {
			const open = batch.filter((mutation) => !outcomes.has(mutation));
			if (open.length === 0) return;
			const rows = await fetchRows(
				spec,
				open.map(({ id }) => id),
				signal,
				'visible',
			);
			for (const mutation of open) outcomes.set(mutation, judge(mutation, rows.get(mutation.id)));
		}

		async function patchAll(batch: readonly PushMutation[]): Promise<void> {
			await runPool(batch, PATCHES_IN_FLIGHT, (mutation) => bisect([mutation], () => patch(mutation)));
			await compare(batch, (mutation, row) => judgeMissed(spec, mutation, row));
		}

		async function run(request: PlannedRequest): Promise<void> {
			switch (request.kind) {
				case 'create':
					for (const batch of chunk(request.mutations, batchSize)) {
						await bisect(batch, spec.ids === 'server' ? createUnkeyed : create);
					}
					return;
				case 'patch':
					return patchAll(request.mutations);
				case 'delete':
					for (const batch of chunkDeletes(spec, request.mutations, batchSize)) await bisect(batch, remove);
			}
		}

		try {
			for (const request of planRequests(spec, mutations)) await run(request);
		} catch (cause) {
			const error = toPixSyncError(cause, spec.table);
			if (error.code === 'superseded' || outcomes.size === 0) throw error;
			for (const mutation of mutations) {
				if (!outcomes.has(mutation)) outcomes.set(mutation, { kind: 'retryable', error });
			}
		}
		return mutations.map(
			(mutation) =>
				outcomes.get(mutation) ?? { kind: 'retryable', error: refusal(spec, mutation.id, 'bad-reply') },
		);
	};
}

function versionParams(spec: TableSpec, { id, base }: PushMutation): Param[] {
	return [
		[columnName(spec.idField), eqParam(id)],
		[columnName(spec.timestampField), eqParam(base)],
	];
}

function chunkDeletes(
	spec: TableSpec,
	mutations: readonly PushMutation[],
	maxItems: number,
): readonly PushMutation[][] {
	const sizeOf = ({ id, base }: PushMutation) =>
		encodedLength(versionedIdsParam(spec.idField, spec.timestampField, [{ id, version: base }])[1]);
	return chunkByBytes(mutations, sizeOf, MAX_QUERY_BYTES - 200, maxItems) as PushMutation[][];
}
