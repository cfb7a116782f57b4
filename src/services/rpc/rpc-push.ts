import { toServerError } from '../../core/classify.ts';
import { PixSyncError, toPixSyncError } from '../../core/errors.ts';
import type { PushMutation, PushOutcome } from '../../core/mutation.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import type { Row } from '../../core/types.ts';
import { withoutValues } from '../../core/without-values.ts';
import type { Remote } from '../remote.ts';
import type { Http } from '../rest/http.ts';
import { planRequests } from '../rest/push-plan.ts';
import { judgeMissed, judgeUnechoed, refusal } from '../rest/push-verdict.ts';
import { STAMP_REFUSED, without } from '../rest/stamp.ts';
import { badRows, isEcho, isStale } from '../rest/whole-row.ts';
import type { Question } from './function-choice.ts';
import { explainCall } from './rpc-missing.ts';
import { type ToldColumn, toToldColumns } from './told-columns.ts';

export interface RpcPushOptions {
	readonly http: Http;
	/** PostgreSQL schema of the tables. */
	readonly schema: string;
	readonly batchSize: number;
	/** For tables whose rows the function cannot tell as the app selects them. */
	readonly rest: Remote['push'];
}

const PATH = 'rpc/pixsync_push';

/** A statement timeout, and requests too large: half as many may pass. */
const HALVED: ReadonlySet<string> = new Set(['57014', 'http-413', 'http-414']);

const UNKNOWN_COLUMN = '42703';

/** What the function says of one mutation. */
type Reply =
	/** `done`: by an earlier sending; `missed`: there is no row of that version, or one of that id exists. */
	| { readonly is: 'applied' | 'done' | 'missed'; readonly row: Row | null }
	| {
			readonly is: 'refused';
			readonly code: string;
			readonly message: string | null;
			readonly hint: string | null;
	  };

/** Pushes a batch a request; each mutation is applied once, however often it is sent (see src/sql). */
export function createRpcPush({ http, schema, batchSize, rest }: RpcPushOptions): Remote['push'] {
	// Tables that refuse to be told the timestamp (R17).
	const stampless = new Set<string>();

	return async (spec, mutations, signal) => {
		const columns = toToldColumns(spec.select);
		if (!columns) return rest(spec, mutations, signal);
		const outcomes = new Map<PushMutation, PushOutcome>();

		async function call(batch: readonly PushMutation[], isStamped: boolean): Promise<readonly Reply[]> {
			const { rows } = await http({
				table: spec.table,
				path: PATH,
				method: 'POST',
				query: [],
				body: { request: toRequest(spec, schema, columns ?? [], batch, isStamped) },
				signal,
			}).catch((error: unknown) => {
				throw explainCall(spec.table, 'pixsync_push', error);
			});
			const replies = rows as readonly unknown[];
			if (replies.length !== batch.length || !replies.every(isReply))
				throw badRows(spec, `${replies.length} outcomes of ${batch.length} changes`);
			return replies;
		}

		async function send(batch: readonly PushMutation[], isStamped: boolean): Promise<void> {
			try {
				const replies = await call(batch, isStamped);
				for (const [at, mutation] of batch.entries()) {
					const reply = replies[at];
					if (reply) outcomes.set(mutation, judge(spec, mutation, reply));
				}
			} catch (error) {
				const isTooMuch = error instanceof PixSyncError && HALVED.has(error.code);
				if (!isTooMuch || batch.length === 1) throw error;
				const half = Math.ceil(batch.length / 2);
				await send(batch.slice(0, half), isStamped);
				await send(batch.slice(half), isStamped);
			}
		}

		async function sendStamped(batch: readonly PushMutation[]): Promise<void> {
			if (stampless.has(spec.table)) return send(batch, false);
			await send(batch, true);
			// Some tables make the timestamp themselves, or grant no write to it: shown by the same without it.
			const refused = batch.filter((mutation) => {
				const outcome = outcomes.get(mutation);
				return mutation.body && outcome?.kind === 'rejected' && STAMP_REFUSED.includes(outcome.error.code);
			});
			if (refused.length === 0) return;
			await send(refused, false);
			if (refused.some((mutation) => outcomes.get(mutation)?.kind === 'acknowledged'))
				stampless.add(spec.table);
		}

		try {
			const ordered = planRequests(spec, mutations).flatMap((request) => request.mutations);
			for (let from = 0; from < ordered.length; from += batchSize) {
				await sendStamped(ordered.slice(from, from + batchSize));
			}
		} catch (cause) {
			const error = toPixSyncError(cause, spec.table);
			if (error.code === 'superseded' || outcomes.size === 0) throw error;
			for (const mutation of mutations) {
				if (!outcomes.has(mutation)) outcomes.set(mutation, { kind: 'retryable', error });
			}
		}
		const fatal = [...outcomes.values()].every(
			(outcome) => outcome.kind === 'retryable' && outcome.error.fault === 'fatal',
		);
		const [first] = outcomes.values();
		if (fatal && first?.kind === 'retryable') throw first.error;
		return mutations.map(
			(mutation) =>
				outcomes.get(mutation) ?? { kind: 'retryable', error: refusal(spec, mutation.id, 'bad-reply') },
		);
	};
}

/** Whether the project has the function and takes the table: an empty batch is asked for, which changes nothing. */
export function createRpcQuestion({ http, schema }: Pick<RpcPushOptions, 'http' | 'schema'>): Question {
	return async (spec, signal) => {
		const body = { request: toRequest(spec, schema, [], [], true) };
		await http({ table: spec.table, path: PATH, method: 'POST', query: [], body, signal });
	};
}

function toRequest(
	spec: TableSpec,
	schema: string,
	columns: readonly ToldColumn[],
	batch: readonly PushMutation[],
	isStamped: boolean,
) {
	return {
		schema,
		table: spec.table,
		key: spec.idField,
		stamp: spec.timestampField,
		columns,
		mutations: batch.map(({ kind, id, base, body, pushId }) => ({
			// A soft delete is an update of the tombstone column.
			kind: kind === 'delete' && body ? 'update' : kind,
			...{ id, base, push: pushId ?? null },
			body: body && !isStamped ? without(body, spec.timestampField) : body,
		})),
	};
}

function judge(spec: TableSpec, mutation: PushMutation, reply: Reply): PushOutcome {
	switch (reply.is) {
		case 'applied':
			if (mutation.body === null) return { kind: 'acknowledged', row: null };
			return reply.row && isEcho(spec, reply.row) && !isStale(spec, mutation, reply.row)
				? { kind: 'acknowledged', row: reply.row }
				: { kind: 'retryable', error: refusal(spec, mutation.id, 'bad-reply') };
		case 'done':
			// Whatever became of the row since: this change was made.
			return { kind: 'acknowledged', row: reply.row, isRepeated: true };
		case 'missed': {
			const row = reply.row ?? undefined;
			return mutation.kind === 'create'
				? judgeUnechoed(spec, mutation, row)
				: judgeMissed(spec, mutation, row);
		}
		case 'refused':
			return toRefusal(spec, mutation, reply);
	}
}

function toRefusal(
	spec: TableSpec,
	mutation: PushMutation,
	{ code, message, hint }: Extract<Reply, { is: 'refused' }>,
): PushOutcome {
	const textOf = (text: string | null) =>
		text === null ? null : withoutValues(text, { body: mutation.body, filters: [] });
	const error = toServerError(
		{ status: statusOf(code), code, message: textOf(message), hint: textOf(hint), retryAfterMs: null },
		spec.table,
	);
	// A column that the server does not know yet, or a typo: it waits, and keeps nobody else waiting (F36).
	if (code === UNKNOWN_COLUMN)
		return {
			kind: 'retryable',
			error: new PixSyncError(code, error.message, { ...error, fault: 'retryable' }),
		};
	return { kind: error.fault === 'rejected' ? 'rejected' : 'retryable', error };
}

/** As PostgREST would answer, had the row been a request of its own: a trigger may name a status, PT402. */
function statusOf(code: string): number {
	const named = /^PT([45]\d\d)$/.exec(code)?.[1];
	return named === undefined ? (code === '42501' ? 403 : 400) : Number(named);
}

function isReply(value: unknown): value is Reply {
	if (typeof value !== 'object' || value === null || !('is' in value)) return false;
	if (value.is === 'refused') return 'code' in value && typeof value.code === 'string';
	const isKnown = value.is === 'applied' || value.is === 'done' || value.is === 'missed';
	return isKnown && 'row' in value && typeof value.row === 'object';
}
