import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PullStart } from '../../src/core/checkpoint.ts';
import type { PushMutation } from '../../src/core/mutation.ts';
import type { TableSpec } from '../../src/core/table-spec.ts';
import type { FilterOperator, Row, RowFilter, RowId, SyncConfig } from '../../src/index.ts';
import type { Remote } from '../../src/services/remote.ts';
import { createDevice } from '../support/device.ts';
import { specOf } from '../support/mutations.ts';
import { fuzzSeed, oddText, oddTexts } from '../support/odd-text.ts';
import { createRandomSource, type RandomSource } from '../support/random-source.ts';
import { differences, readReplica, readServer } from '../support/replica-compare.ts';
import { connectRest } from '../support/rest-remote.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

const COUNT = 10_000;
const SIGNAL = new AbortController().signal;

const hard = specOf({ table: 'hard' });
const soft = specOf({ table: 'soft', deletedField: 'deleted_at' });

let supabase: Supabase;
let random: RandomSource;
let remote: Remote;
/** Values by id: what the server must hold. */
const wanted = new Map<RowId, string>();
/** Rows as the server told them last. */
let held = new Map<RowId, Row>();

beforeAll(async () => {
	random = createRandomSource(fuzzSeed('fuzz'));
	supabase = await startSupabase({
		sql: `
			create table hard (id text primary key, value text, updated_at timestamptz not null default now());
			${touchTrigger('hard')}
			create table soft (id text primary key, value text, deleted_at timestamptz, updated_at timestamptz not null default now());
			${touchTrigger('soft')}
			create table filtered (id int primary key, value text, flag boolean, updated_at timestamptz not null default now());
			create table app (id text primary key, value text, data jsonb, updated_at timestamptz not null default now());
			${touchTrigger('app')}
			create table odd_names ("or" text primary key, "a.b,(c)" text, "limit" timestamptz not null default now());
		`,
	});
	remote = connectRest(supabase);
	for (const id of oddTexts(random, COUNT)) wanted.set(id, oddText(random));
}, 60_000);

afterAll(() => supabase?.stop());

function createOf(spec: TableSpec, id: RowId, columns: Row, seq: number): PushMutation {
	const stamp = new Date().toISOString();
	return {
		kind: 'create',
		id,
		seqs: [seq],
		base: null,
		stamp,
		body: { [spec.idField]: id, ...columns, [spec.timestampField]: stamp },
	};
}

function changeOf(spec: TableSpec, row: Row, columns: Row | null): PushMutation {
	const stamp = new Date().toISOString();
	return {
		kind: columns === null || 'deleted_at' in columns ? 'delete' : 'update',
		id: row[spec.idField] as RowId,
		seqs: [1],
		base: String(row[spec.timestampField]),
		stamp,
		body: columns && { ...columns, [spec.timestampField]: stamp },
	};
}

/** Pushes, and answers with the rows echoed; each mutation must have been acknowledged with its own row. */
async function pushAll(spec: TableSpec, mutations: readonly PushMutation[]): Promise<Map<RowId, Row | null>> {
	const outcomes = await remote.push(spec, mutations, SIGNAL);
	const echoes = new Map<RowId, Row | null>();
	outcomes.forEach((outcome, at) => {
		const id = mutations[at]?.id ?? '';
		if (outcome.kind !== 'acknowledged') throw new Error(`${JSON.stringify(id)}: ${JSON.stringify(outcome)}`);
		if (outcome.row !== null && outcome.row[spec.idField] !== id) {
			throw new Error(`${JSON.stringify(id)} was answered with ${JSON.stringify(outcome.row)}`);
		}
		echoes.set(id, outcome.row);
	});
	return echoes;
}

/** One line a row that is not as wanted; at most a few, for there may be thousands. */
function wrongRows(rows: ReadonlyMap<RowId, Row | null>): readonly string[] {
	const lines: string[] = [];
	for (const [id, value] of wanted) {
		const row = rows.get(id);
		if (row?.value !== value)
			lines.push(`${JSON.stringify(id)}: ${JSON.stringify(value)}, got ${JSON.stringify(row?.value)}`);
	}
	for (const id of rows.keys()) if (!wanted.has(id)) lines.push(`${JSON.stringify(id)} was never written`);
	return lines.slice(0, 10);
}

const byId = (rows: readonly Row[]) => new Map(rows.map((row) => [row.id as RowId, row]));

describe(`${COUNT} odd ids and values`, () => {
	it('[F13] come back equal from bulk creates', async () => {
		let seq = 0;
		const creates = [...wanted].map(([id, value]) => createOf(hard, id, { value }, ++seq));
		held = (await pushAll(hard, creates)) as Map<RowId, Row>;
		expect(wrongRows(held)).toEqual([]);
		// Not by way of PostgREST: what PostgreSQL itself holds.
		const rows = await supabase.sql<Row>('select id, value from hard');
		expect(rows).toHaveLength(COUNT);
		expect(wrongRows(byId(rows))).toEqual([]);
	});

	it('[F13] are found by in.(…)', async () => {
		expect(wrongRows(await remote.fetch(hard, [...wanted.keys()], SIGNAL, 'visible'))).toEqual([]);
		const strangers = oddTexts(random, 500).filter((id) => !wanted.has(id));
		expect(strangers.length).toBeGreaterThan(100);
		expect((await remote.fetch(hard, strangers, SIGNAL, 'visible')).size).toBe(0);
	});

	it('[F12] [F13] are changed one by one by id=eq.… and their version', async () => {
		for (const id of wanted.keys()) wanted.set(id, oddText(random));
		const changes = [...held.values()].map((row) =>
			changeOf(hard, row, { value: wanted.get(row.id as RowId) }),
		);
		held = (await pushAll(hard, changes)) as Map<RowId, Row>;
		expect(wrongRows(held)).toEqual([]);
		expect(wrongRows(byId(await supabase.sql<Row>('select id, value from hard')))).toEqual([]);
	});

	it('[F9] [F13] are all passed by a pull that continues behind an odd id, within one timestamp and without', async () => {
		const plain = await supabase.connect();
		await plain.query('set session_replication_role = replica');
		await plain.query(
			`update hard set updated_at = '2024-01-01T00:00:00.12+00:00' where hashtext(id) % 2 = 0`,
		);
		const seen = new Map<RowId, Row>();
		let start: PullStart | null = null;
		let pages = 0;
		let isHead = false;
		while (!isHead) {
			const page = await remote.pull({ spec: hard, start, limit: 17, keysOnly: false }, SIGNAL);
			pages++;
			for (const row of page.rows) {
				expect(seen.has(row.id as RowId)).toBe(false);
				seen.set(row.id as RowId, row);
			}
			const last = page.rows.at(-1);
			if (last) start = { timestamp: String(last.updated_at), id: last.id as RowId };
			isHead = page.isHead;
		}
		expect(wrongRows(seen)).toEqual([]);
		expect(pages).toBeGreaterThan(COUNT / 17);
		held = seen;
	});

	it('[F13] [R18] are all listed, page behind page', async () => {
		const seen: RowId[] = [];
		for (;;) {
			const page = await remote.listKeys(hard, seen.at(-1) ?? null, 17, SIGNAL);
			if (page.length === 0) break;
			seen.push(...page.map(({ id }) => id as RowId));
		}
		expect(seen).toHaveLength(COUNT);
		expect(new Set(seen)).toEqual(new Set(wanted.keys()));
	});

	it('[F13] [R16] are deleted in bulk by or=(and(…),…), those of the version named and no others', async () => {
		const [kept = [], gone = []] = [0, 1].map((side) =>
			[...held.values()].filter((_, at) => at % 2 === side),
		);
		supabase.clearRequests();
		await pushAll(
			hard,
			gone.map((row) => changeOf(hard, row, null)),
		);
		const deletes = supabase.requests.filter(({ method }) => method === 'DELETE');
		expect(deletes.length).toBeLessThan(gone.length / 5);
		for (const { id } of gone) wanted.delete(id as RowId);
		expect(wrongRows(byId(await supabase.sql<Row>('select id, value from hard')))).toEqual([]);
		expect(wanted.size).toBe(kept.length);
		const stale = kept.slice(0, 200).map((row) => ({ ...row, updated_at: '2001-01-01T00:00:00+00:00' }));
		const outcomes = await remote.push(
			hard,
			stale.map((row) => changeOf(hard, row, null)),
			SIGNAL,
		);
		expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['conflict']));
		expect(wrongRows(byId(await supabase.sql<Row>('select id, value from hard')))).toEqual([]);
	});

	it('[F13] [S9] are soft-deleted one by one', async () => {
		const ids = [...wanted.keys()].slice(0, 1_000);
		const created = await pushAll(
			soft,
			ids.map((id, seq) => createOf(soft, id, { value: wanted.get(id) }, seq)),
		);
		const gone = [...created.values()].filter((_, at) => at % 2 === 1) as Row[];
		await pushAll(
			soft,
			gone.map((row) => changeOf(soft, row, { deleted_at: new Date().toISOString() })),
		);
		const live = await supabase.sql<Row>('select id, value from soft where deleted_at is null');
		expect(new Set(live.map(({ id }) => id))).toEqual(
			new Set(ids.filter((id) => !gone.some((row) => row.id === id))),
		);
	});
});

describe('row filters', () => {
	const OPERATORS = { eq: '=', neq: '<>', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

	async function pullIds(filter: RowFilter): Promise<unknown[]> {
		const page = await remote.pull(
			{ spec: specOf({ table: 'filtered', filter }), start: null, limit: 1000, keysOnly: true },
			SIGNAL,
		);
		return page.rows.map(({ id }) => id).sort((a, b) => Number(a) - Number(b));
	}

	const selectIds = async (where: string, params: readonly unknown[] = []) =>
		(await supabase.sql<{ id: number }>(`select id from filtered where ${where} order by id`, params)).map(
			({ id }) => id,
		);

	it('[F13] let in exactly the rows that PostgreSQL would, for each operator and odd value', async () => {
		const values = oddTexts(random, 60);
		await supabase.sql(
			`insert into filtered (id, value, flag)
				select row_number() over (), value, (row_number() over ()) % 3 = 0 from jsonb_array_elements_text($1::jsonb) value`,
			[JSON.stringify(values)],
		);
		await supabase.sql(
			`insert into filtered values (1001, null, null), (1002, '', true), (1003, 'null', false)`,
		);
		const probes = [...values, ...oddTexts(random, 60), '', 'null', 'NULL', '()', '""'];
		const wrong: unknown[] = [];
		for (const value of probes) {
			for (const [op, sql] of Object.entries(OPERATORS)) {
				const found = await pullIds({ value: { op: op as FilterOperator, value } });
				const expected = await selectIds(`value ${sql} $1`, [value]);
				if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ op, value, found, expected });
			}
			const list = [value, random.pick(probes), random.pick(probes)].slice(0, 1 + random.below(3));
			const found = await pullIds({ value: { op: 'in', value: list } });
			const expected = await selectIds('value = any($1)', [list]);
			if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push({ list, found, expected });
		}
		expect(wrong.slice(0, 5)).toEqual([]);
		expect(await pullIds({ value: values[7] ?? '' })).toEqual([8]);
	});

	it('[F13] of null, true, false and unknown', async () => {
		expect(await pullIds({ value: null })).toEqual([1001]);
		expect(await pullIds({ value: { op: 'neq', value: null } })).toEqual(
			await selectIds('value is not null'),
		);
		for (const value of [true, false, null] as const) {
			expect(await pullIds({ flag: { op: 'is', value } })).toEqual(await selectIds(`flag is ${value}`));
		}
		expect(await pullIds({ flag: { op: 'is', value: 'unknown' } })).toEqual([1001]);
		expect(await pullIds({ value: { op: 'in', value: [] } })).toEqual([]);
	});
});

describe('through the whole engine', () => {
	const app: SyncConfig = { table: 'app' };

	it('[F13] [S1] what alice creates, changes and deletes with odd ids and values, bob holds in the end', async () => {
		const options = { reconcileIntervalMs: 0, pageSize: 90 };
		const alice = await createDevice(supabase, 'alice', { tables: [app], options });
		const bob = await createDevice(supabase, 'bob', { tables: [app], options });
		try {
			const ids = oddTexts(random, 600);
			await alice.sync.queueActions(
				ids.map((id) => ({
					table: 'app',
					action: 'create',
					data: { id, value: oddText(random), data: { [oddText(random)]: [oddText(random)] } },
				})),
			);
			expect(await alice.sync.sync()).toMatchObject({ success: true, uploaded: 600, errors: [] });
			await bob.sync.sync();
			await bob.sync.queueActions([
				...ids.slice(0, 200).map((localId) => ({
					table: 'app',
					action: 'update' as const,
					data: { value: `${oddText(random)} new` },
					localId,
				})),
				...ids.slice(200, 400).map((localId) => ({ table: 'app', action: 'delete' as const, localId })),
			]);
			expect(await bob.sync.sync()).toMatchObject({ success: true, uploaded: 400, conflicts: 0, errors: [] });
			await alice.sync.sync();
			await alice.sync.reconcile('app');
			const server = await readServer(supabase, 'app');
			expect(new Set(server.keys())).toEqual(new Set([...ids.slice(0, 200), ...ids.slice(400)]));
			for (const device of [alice, bob]) {
				expect(differences(device.name, await readReplica(device, 'app'), 'server', server)).toEqual([]);
			}
		} finally {
			await Promise.all([alice.close(), bob.close()]);
		}
	});

	it('[F13] [F50] what PostgreSQL cannot store is refused at once, with nothing written', async () => {
		const alice = await createDevice(supabase, 'alice', { tables: [app] });
		try {
			const flaws: [string, string][] = [
				['\0', 'NUL'],
				['a\0b', 'NUL'],
				['\ud83d', 'surrogate'],
				['x\udc00', 'surrogate'],
			];
			for (const [text, word] of flaws) {
				const calls: [data: unknown, localId: string | undefined, code: string][] = [
					[{ id: text, value: 'v' }, undefined, 'bad-data'],
					[{ value: 'v' }, text, 'bad-id'],
					[{ value: text }, undefined, 'bad-data'],
					[{ data: { deep: [{ er: text }] } }, undefined, 'bad-data'],
					[{ data: { [text]: 1 } }, undefined, 'bad-data'],
					[{ [text]: 1 }, undefined, 'bad-data'],
				];
				for (const [data, localId, code] of calls) {
					const call = alice.sync.queueAction('app', 'create', data, localId);
					await expect(call).rejects.toMatchObject({ code, message: expect.stringContaining(word) });
				}
				expect(() => alice.sync.registerTable({ table: 'hard', filter: { value: text } })).toThrow(
					expect.objectContaining({ code: 'bad-config', hint: expect.stringContaining(word) }),
				);
			}
			expect(await alice.sync.getPendingCount()).toBe(0);
		} finally {
			await alice.close();
		}
	});

	it('[F12] [F13] columns whose names are PostgREST’s own words or hold its syntax', async () => {
		const config: SyncConfig = { table: 'odd_names', idField: 'or', timestampField: 'limit' };
		const spec = specOf(config);
		const ids = oddTexts(random, 60);
		const created = await pushAll(
			spec,
			ids.map((id, seq) => createOf(spec, id, { 'a.b,(c)': oddText(random) }, seq)),
		);
		expect((await remote.fetch(spec, ids, SIGNAL, 'visible')).size).toBe(60);
		expect(await remote.listKeys(spec, ids[0] ?? '', 100, SIGNAL)).not.toHaveLength(0);
		const start = { timestamp: '2001-01-01T00:00:00+00:00', id: null };
		const page = await remote.pull({ spec, start, limit: 20, keysOnly: false }, SIGNAL);
		const last = page.rows.at(-1);
		expect(page.rows).toHaveLength(20);
		const behind = { timestamp: String(last?.limit), id: last?.or as RowId };
		const rest = await remote.pull({ spec, start: behind, limit: 100, keysOnly: true }, SIGNAL);
		expect(rest.rows).toHaveLength(40);
		const rows = [...created.values()] as Row[];
		const changed = await pushAll(
			spec,
			rows.map((row) => changeOf(spec, row, { 'a.b,(c)': 'changed' })),
		);
		expect(await supabase.sql(`select 1 from odd_names where "a.b,(c)" = 'changed'`)).toHaveLength(60);
		await pushAll(
			spec,
			([...changed.values()] as Row[]).map((row) => changeOf(spec, row, null)),
		);
		expect(await supabase.sql('select 1 from odd_names')).toEqual([]);
	});
});
