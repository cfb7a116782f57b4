import type { Row } from '../../src/core/types.ts';
import { connectRest } from '../support/rest-remote.ts';
import { rpcSql } from '../support/rpc-sql.ts';
import { type FaultRequest, startSupabase } from '../support/supabase/index.ts';
import { CONFIGS, CONTRACT_TABLE_NAMES, CONTRACT_TABLES, type ContractTableName } from './contract-tables.ts';
import { hasKind, type RemoteBackend } from './remote-backend.ts';

const METHODS = { create: 'POST', patch: 'PATCH', delete: 'DELETE' } as const;

/** A transport on the real PostgREST and PostgreSQL. */
export async function startRestBackend(transport: 'rest' | 'rpc' = 'rest'): Promise<RemoteBackend> {
	const supabase = await startSupabase({
		sql: [
			...CONTRACT_TABLE_NAMES.map((name) => CONTRACT_TABLES[name].sql),
			...(transport === 'rpc' ? [rpcSql(Object.values(CONFIGS))] : []),
		].join('\n'),
	});
	const expired = await supabase.jwt({ sub: crypto.randomUUID(), expiresInS: -60 });
	// Without triggers: what is written here is stored as it is.
	const plain = await supabase.connect();
	await plain.query('set session_replication_role = replica');
	let isRefusing = false;
	let isCapped = false;

	const fetchAs: typeof fetch = (input, init) => {
		const headers = new Headers(init?.headers);
		if (isRefusing) headers.set('authorization', `Bearer ${expired}`);
		return fetch(input, { ...init, headers });
	};

	const backend: RemoteBackend = {
		isOneRequest: transport === 'rpc',
		connect: () => connectRest(supabase, { fetch: fetchAs, transport }),
		async now() {
			const [row] = await supabase.sql<{ at: string }>('select clock_timestamp() as at');
			return String(row?.at);
		},
		async put(table, row, stampedAt) {
			const columns = stampedAt === undefined ? row : { ...row, [timestampOf(table)]: stampedAt };
			const query = upsertSql(table, Object.keys(columns));
			if (stampedAt === undefined) return only(await supabase.sql<Row>(query, [JSON.stringify(columns)]));
			await plain.query(query, [JSON.stringify(columns)]);
			return backend.patch(table, row[keyOf(table)] as string, {});
		},
		async patch(table, id, changes) {
			const columns = Object.keys(changes);
			const key = keyOf(table);
			if (columns.length > 0) {
				const list = columns.map((column) => `${column} = given.${column}`).join(', ');
				await supabase.sql(
					`update ${table} set ${list} from jsonb_populate_record(null::${table}, $1::jsonb) given
						where ${table}.${key} = $2`,
					[JSON.stringify(changes), id],
				);
			}
			return only(await supabase.sql<Row>(`select * from ${table} where ${key} = $1`, [id]));
		},
		async remove(table, id) {
			await supabase.sql(`delete from ${table} where ${keyOf(table)} = $1`, [id]);
		},
		rows: (table) => supabase.sql<Row>(`select * from ${table} order by ${keyOf(table)}`),
		async setMaxRows(rows) {
			isCapped = true;
			await supabase.setMaxRows(rows);
		},
		loseNext(what, kind) {
			const effect = what === 'request' ? ('drop-before' as const) : ('drop-after' as const);
			const match = ({ method, body }: FaultRequest) =>
				transport === 'rpc' ? hasKind(body, kind) : method === METHODS[kind];
			supabase.faults.add({ match, effect: { kind: effect } });
		},
		hangNext: () =>
			new Promise<void>((resolve) => {
				const match = () => {
					resolve();
					return true;
				};
				supabase.faults.add({ match, effect: { kind: 'hang' } });
			}),
		delayNext(ms) {
			supabase.faults.add({ match: () => true, effect: { kind: 'latency', ms } });
		},
		refuseSessions(isOn) {
			isRefusing = isOn;
		},
		async reset() {
			isRefusing = false;
			supabase.faults.clear();
			await supabase.sql(`truncate ${CONTRACT_TABLE_NAMES.join(', ')}`);
			if (isCapped) await supabase.setMaxRows(1000);
			isCapped = false;
		},
		stop: () => supabase.stop(),
	};
	return backend;
}

function keyOf(table: ContractTableName): string {
	return CONTRACT_TABLES[table].memory.spec.idField;
}

function timestampOf(table: ContractTableName): string {
	return CONTRACT_TABLES[table].memory.spec.timestampField;
}

function upsertSql(table: ContractTableName, columns: readonly string[]): string {
	const list = columns.join(', ');
	const updates = columns.map((column) => `${column} = excluded.${column}`).join(', ');
	return `insert into ${table} (${list}) select ${list} from jsonb_populate_record(null::${table}, $1::jsonb)
		on conflict (${keyOf(table)}) do update set ${updates} returning *`;
}

function only(rows: readonly Row[]): Row {
	const [row] = rows;
	if (!row || rows.length > 1) throw new Error(`Expected one row, got ${rows.length}`);
	return row;
}
