import { toServerError } from '../../core/classify.ts';
import { PixSyncError } from '../../core/errors.ts';
import { isRecord, isRow } from '../../core/is-record.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import type { Row, RowFilter, RowId } from '../../core/types.ts';
import { withoutValues } from '../../core/without-values.ts';
import type { ChangeLog, LogPage, LogRequest } from '../remote.ts';
import type { Http } from '../rest/http.ts';
import { explainUnpullable } from '../rest/unpullable.ts';
import { assertVersioned, assertWhole, badRows } from '../rest/whole-row.ts';
import { createPullBatch } from './pull-batch.ts';
import { rpcMissing } from './rpc-missing.ts';
import { type ToldColumn, toToldColumns } from './told-columns.ts';

export interface RpcPullOptions {
	readonly http: Http;
	/** PostgreSQL schema of the tables. */
	readonly schema: string;
	/** How many tables the app has. */
	readonly tables: () => number;
}

/** The table was not named when the migration was made, or by another key. */
const UNPREPARED = 'PX001';

/** What `pixsync_pull` says of one table (see src/sql/pull-sql.ts). */
interface Answer {
	readonly rows: readonly Row[];
	/** Ids as rows that hold nothing else, so that they come in the same types. */
	readonly gone: readonly Row[];
	readonly left: readonly Row[];
	readonly cursor: string;
	readonly more: boolean;
	readonly reset: boolean;
	readonly compare: boolean;
	readonly tellsAll: boolean;
	readonly at: string;
}

interface Refusal {
	readonly error: { readonly code: string; readonly message: string | null; readonly hint: string | null };
}

/** Pulls by the log of changes that the migration keeps. Pulls that begin together are one request. */
export function createRpcPull({ http, schema, tables }: RpcPullOptions): ChangeLog {
	const ask = createPullBatch(http, tables);

	return {
		covers: (spec) => toToldColumns(spec.select) !== null,

		async pull(request, signal): Promise<LogPage> {
			const { spec, limit } = request;
			const answer = await ask({ spec, limit, body: toBody(request, schema) }, signal);
			if (isRefusal(answer)) throw toRefused(spec, answer);
			if (!isAnswer(answer)) throw badRows(spec, 'no page of a pull');
			assertWhole(spec, answer.rows, limit);
			for (const row of answer.rows) assertVersioned(spec, row);
			const { cursor, more, reset, compare, tellsAll, at } = answer;
			// Whoever goes on from there would be given it for ever.
			if (more && cursor === request.cursor) throw badRows(spec, 'no place behind the one named');
			return {
				rows: answer.rows,
				gone: toIds(spec, answer.gone),
				left: toIds(spec, answer.left),
				...{ cursor, tellsAll, isHead: !more, isReset: reset, isUncompared: compare, sentAt: at },
			};
		},
	};
}

function toBody({ spec, cursor, from }: LogRequest, schema: string) {
	const columns: readonly ToldColumn[] = toToldColumns(spec.select) ?? [];
	return {
		schema,
		table: spec.table,
		key: spec.idField,
		stamp: spec.timestampField,
		columns,
		filter: toConditions(spec.filter),
		...(cursor === null ? {} : { cursor }),
		...(from === null ? {} : { from }),
	};
}

function toConditions(filter: RowFilter) {
	return Object.entries(filter).map(([column, condition]) => {
		const isPlain = condition === null || typeof condition !== 'object';
		return isPlain ? { column, op: 'eq', value: condition } : { column, ...condition };
	});
}

/** Each once: a row may have been deleted, made again and deleted again. */
function toIds(spec: TableSpec, rows: readonly Row[]): readonly RowId[] {
	const ids = rows.map((row) => {
		const id = row[spec.idField];
		if (typeof id !== 'string' && typeof id !== 'number')
			throw badRows(spec, `a row without "${spec.idField}"`);
		return id;
	});
	return [...new Set(ids)];
}

function toRefused(spec: TableSpec, { error: { code, message, hint } }: Refusal): unknown {
	if (code === UNPREPARED)
		return rpcMissing(
			spec.table,
			`The migration does not prepare "${spec.table}" for pulls by "${spec.idField}"`,
			new PixSyncError(code, message ?? 'not prepared', { hint: hint ?? '', table: spec.table }),
		);
	const textOf = (text: string | null) =>
		text === null ? null : withoutValues(text, { body: spec.filter, filters: [] });
	const told = { code, message: textOf(message), hint: textOf(hint) };
	const status = code === '42501' ? 403 : 400;
	return explainUnpullable(spec, toServerError({ ...told, status, retryAfterMs: null }, spec.table));
}

function isRefusal(answer: Row): answer is Row & Refusal {
	const { error } = answer;
	return isRecord(error) && typeof error.code === 'string';
}

function isAnswer(answer: Row): answer is Row & Answer {
	const { rows, gone, left, cursor, more, reset, compare, tellsAll, at } = answer;
	return (
		[rows, gone, left].every((list) => Array.isArray(list) && list.every(isRow)) &&
		[more, reset, compare, tellsAll].every((flag) => typeof flag === 'boolean') &&
		typeof cursor === 'string' &&
		typeof at === 'string'
	);
}
