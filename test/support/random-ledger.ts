import type { TableName } from './random-tables.ts';

/** What the devices were promised to keep of one row. */
export interface LedgerRow {
	readonly table: TableName;
	readonly id: string;
	/** Devices that wrote it. */
	readonly writers: Set<string>;
	creates: number;
	deletes: number;
	/** Every value ever written, by column, as JSON. */
	readonly values: Map<string, Set<string>>;
	/** What the last write left, by the order of the calls; null: deleted. Means something with one writer only. */
	state: Readonly<Record<string, unknown>> | null;
}

export interface LedgerWrite {
	readonly device: string;
	readonly table: TableName;
	readonly id: string;
	readonly action: 'create' | 'update' | 'delete';
	readonly data: Readonly<Record<string, unknown>> | null;
}

/** Remembers every acknowledged write, to be compared with what came of it. */
export interface Ledger {
	readonly rows: ReadonlyMap<string, LedgerRow>;
	readonly acknowledged: number;
	note(write: LedgerWrite): void;
}

export function createLedger(): Ledger {
	const rows = new Map<string, LedgerRow>();
	let acknowledged = 0;
	return {
		rows,
		get acknowledged() {
			return acknowledged;
		},
		note({ device, table, id, action, data }) {
			acknowledged++;
			const key = ledgerKey(table, id);
			const row = rows.get(key) ?? newRow(table, id);
			rows.set(key, row);
			row.writers.add(device);
			if (action === 'create') row.creates++;
			if (action === 'delete') row.deletes++;
			for (const [column, value] of Object.entries(data ?? {})) {
				const values = row.values.get(column) ?? new Set();
				row.values.set(column, values.add(comparable(value)));
			}
			row.state = action === 'delete' ? null : { ...row.state, ...data };
		},
	};
}

export function ledgerKey(table: string, id: string): string {
	return `${table} ${id}`;
}

/** One text for a value sent and the same value read back. */
export function comparable(value: unknown): string {
	const isInstant = typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value);
	return JSON.stringify(isInstant ? new Date(value).toISOString() : sorted(value));
}

/** PostgreSQL's jsonb orders keys its own way. */
function sorted(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(sorted);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(
		Object.entries(value)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([key, own]) => [key, sorted(own)]),
	);
}

function newRow(table: TableName, id: string): LedgerRow {
	return { table, id, writers: new Set(), creates: 0, deletes: 0, values: new Map(), state: null };
}
