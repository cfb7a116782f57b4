import { PixSyncError } from '../core/errors.ts';
import { textFlaw, toPlainData } from '../core/json.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId, SyncAction } from '../core/types.ts';

/** One call of the app's, checked and copied: safe to queue. */
export interface CheckedAction {
	readonly spec: TableSpec;
	readonly action: SyncAction;
	/** Without the id column. Null for a delete. */
	readonly data: Row | null;
	/** `data[idField]`, where the app gave it. */
	readonly dataId: RowId | null;
	readonly localId: RowId | null;
}

/** The untrusted call. */
export interface ActionInput {
	readonly table: string;
	readonly action: SyncAction;
	readonly data?: unknown;
	readonly localId?: unknown;
}

/**
 * Checks a call without looking at the replica, and copies its data, so that a later change of the app's object
 * cannot reach the queue.
 * @throws PixSyncError `bad-action`, `missing-data`, `bad-data`, `missing-id`, `bad-id`, `id-change`.
 */
export function toCheckedAction(spec: TableSpec, input: ActionInput): CheckedAction {
	const { action } = input;
	if (action !== 'create' && action !== 'update' && action !== 'delete') {
		throw fail(
			'bad-action',
			spec,
			`${JSON.stringify(action)} is not an action`,
			"Use 'create', 'update' or 'delete'.",
		);
	}
	const hasData = input.data !== undefined && input.data !== null;
	if (!hasData && action !== 'delete') {
		const hint = action === 'create' ? 'Pass the row to create.' : 'Pass the columns to change.';
		throw fail('missing-data', spec, `A ${action} needs data`, hint);
	}
	const plain = hasData ? toPlainData(input.data, { table: spec.table }) : {};
	const { [spec.idField]: ownId, ...columns } = plain;
	const dataId = ownId === undefined || ownId === null ? null : toRowId(spec, ownId, `data.${spec.idField}`);
	if (action === 'create' && spec.ids === 'server' && dataId !== null) {
		throw fail(
			'bad-id',
			spec,
			'The server makes the ids of this table',
			`Leave ${spec.idField} out of the data; pass a localId to name the row until it has its id.`,
		);
	}
	const localId =
		input.localId === undefined || input.localId === null ? null : toRowId(spec, input.localId, 'localId');
	if (dataId === null && localId === null && action !== 'create') {
		throw fail(
			'missing-id',
			spec,
			`An ${action} needs an id`,
			'Pass the row id, or the localId that it was created with.',
		);
	}
	return { spec, action, data: action === 'delete' ? null : columns, dataId, localId };
}

/** @throws PixSyncError `bad-id` for what cannot be a key of both PostgreSQL and IndexedDB. */
export function toRowId(spec: TableSpec, value: unknown, where: string): RowId {
	if (typeof value === 'string' && value !== '') {
		const flaw = textFlaw(value);
		if (flaw !== null) throw fail('bad-id', spec, `${where} is text with ${flaw.found}`, flaw.hint);
		return value;
	}
	if (typeof value === 'number' && Number.isFinite(value)) return value;
	throw fail(
		'bad-id',
		spec,
		`${where} is not an id: ${describe(value)}`,
		'An id is a non-empty string or a finite number.',
	);
}

function describe(value: unknown): string {
	return typeof value === 'string' ? JSON.stringify(value) : `${typeof value} ${String(value)}`;
}

function fail(
	code: 'bad-action' | 'missing-data' | 'missing-id' | 'bad-id',
	spec: TableSpec,
	message: string,
	hint: string,
): PixSyncError {
	return new PixSyncError(code, `Table "${spec.table}": ${message}`, { hint, table: spec.table });
}
