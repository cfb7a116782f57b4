import type { PushMutation } from '../../src/core/mutation.ts';
import type { TableSpec } from '../../src/core/table-spec.ts';
import { toTimestampText } from '../../src/core/timestamp.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import type { Remote } from '../../src/services/remote.ts';
import type { ContractTableName } from './contract-tables.ts';

/** A server with the contract's tables, some way to reach it, and a hand on what goes wrong on the way. */
export interface RemoteBackend {
	/** Whether a push is one request, whatever kinds of changes it holds. @default false */
	readonly isOneRequest?: boolean;
	/** A device's remote of its own. */
	connect(): Remote;
	/** Server time as timestamp text. */
	now(): Promise<string>;
	/** Somebody creates a row. `stampedAt`: with this timestamp, whoever stamps the table. */
	put(table: ContractTableName, row: Row, stampedAt?: string): Promise<Row>;
	/** Somebody changes a row. */
	patch(table: ContractTableName, id: RowId, changes: Row): Promise<Row>;
	/** Somebody removes a row for good. */
	remove(table: ContractTableName, id: RowId): Promise<void>;
	/** All rows, whole, in id order, as text of the server's. */
	rows(table: ContractTableName): Promise<readonly Row[]>;
	setMaxRows(rows: number): Promise<void>;
	/** The next statement of this kind is lost before it, or its reply after it, was carried out. */
	loseNext(what: 'request' | 'reply', kind: 'create' | 'patch' | 'delete'): void;
	/** The next call never reaches the server and is never answered. Resolves when it waits. */
	hangNext(): Promise<void>;
	/** The next call takes this long. */
	delayNext(ms: number): void;
	/** While on, devices' sessions are refused. */
	refuseSessions(isOn: boolean): void;
	/** Empties the tables and ends all of the above. */
	reset(): Promise<void>;
	stop(): Promise<void>;
}

/** The requests of a device, as the upload makes them of its outbox. */
export interface Writes {
	create(spec: TableSpec, id: RowId, columns?: Row): PushMutation;
	/** On the row as this device last saw it. */
	update(spec: TableSpec, seen: Row, columns: Row): PushMutation;
	/** A soft delete where the spec has a tombstone column. */
	remove(spec: TableSpec, seen: Row): PushMutation;
}

/** Its stamps are a microsecond apart and lie in 2040, after every row of a test. */
export function createWrites(): Writes {
	let seq = 0;
	const next = () => ({ seq: ++seq, stamp: toTimestampText(2_208_988_800_000_000n + BigInt(seq)) });
	return {
		create(spec, id, columns = {}) {
			const { seq, stamp } = next();
			const key = spec.ids === 'server' ? {} : { [spec.idField]: id };
			const body = { ...key, ...columns, [spec.timestampField]: stamp };
			return { kind: 'create', id, seqs: [seq], base: null, stamp, body };
		},
		update(spec, seen, columns) {
			const { seq, stamp } = next();
			const body = { ...columns, [spec.timestampField]: stamp };
			return { kind: 'update', ...identify(spec, seen), seqs: [seq], stamp, body };
		},
		remove(spec, seen) {
			const { seq, stamp } = next();
			const tombstone = spec.deleted?.type === 'boolean' ? true : stamp;
			const body = spec.deleted ? { [spec.deleted.field]: tombstone, [spec.timestampField]: stamp } : null;
			return { kind: 'delete', ...identify(spec, seen), seqs: [seq], stamp, body };
		},
	};
}

function identify(spec: TableSpec, seen: Row): { id: RowId; base: string | null } {
	const version = seen[spec.timestampField];
	return { id: seen[spec.idField] as RowId, base: typeof version === 'string' ? version : null };
}

/** Whether a call of the push function holds a change of that kind. */
export function hasKind(body: unknown, kind: 'create' | 'patch' | 'delete'): boolean {
	const { request } = (body ?? {}) as { request?: { mutations?: readonly { kind: string }[] } };
	const name = kind === 'patch' ? 'update' : kind;
	return request?.mutations?.some((mutation) => mutation.kind === name) ?? false;
}
