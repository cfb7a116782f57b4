import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import type { SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import type { ChangeLog, LogRequest } from '../../src/services/remote.ts';
import { toMigration } from '../../src/sql/migration.ts';
import { ODD_IDS, SIGNAL, uuid } from '../contract/contract-kit.ts';
import { createDevice, type Device } from '../support/device.ts';
import { connectRest } from '../support/rest-remote.ts';
import { type FaultRequest, type Supabase, startSupabase } from '../support/supabase/index.ts';

const TABLES: readonly SyncConfig[] = [
	{ table: 'papers' },
	{ table: 'tags' },
	{ table: 'prices', select: 'id::text, amount::text, note:remark, updated_at' },
	{ table: 'team_notes' },
	{ table: 'loose' },
];
const PULL = '/rest/v1/rpc/pixsync_pull';

let supabase: Supabase;
const devices: Device[] = [];
/** What was asked of the server, in order. */
let asked: FaultRequest[] = [];

beforeAll(async () => {
	const stamp = 'updated_at timestamptz not null default now()';
	supabase = await startSupabase({
		sql: `
			create table papers (id uuid primary key, owner uuid default auth.uid(), title text, n int, ${stamp});
			alter table papers enable row level security;
			create policy own on papers using (owner is not distinct from (select auth.uid()));
			create table tags (id text primary key, title text, ${stamp});
			create table prices (id bigint primary key, amount numeric, remark text, ${stamp});
			create table members (team int, user_id uuid);
			create table team_notes (id uuid primary key, team int, title text, ${stamp});
			alter table team_notes enable row level security;
			create policy team on team_notes using (team in (select team from members where user_id = auth.uid()));
			create table loose (id uuid primary key, updated_at timestamptz);
			create table unnamed (id uuid primary key, ${stamp});
			create table nested (id uuid primary key, title text, meta jsonb, ${stamp});
			${toMigration(TABLES.filter(({ table }) => table !== 'loose').map(toTableSpec), 'public')}
			${toMigration([toTableSpec({ table: 'loose' })], 'public', { stamps: false })}`,
	});
});
const listen = () => {
	supabase.faults.clear();
	supabase.faults.add({
		match: (request) => {
			if (request.path.startsWith('/rest/') && request.search !== '?limit=0') asked.push(request);
			return false;
		},
		times: Number.POSITIVE_INFINITY,
		effect: { kind: 'hang' },
	});
	asked = [];
};
afterEach(async () => {
	await Promise.all(devices.splice(0).map((one) => one.close()));
	supabase.faults.clear();
	await supabase.sql('truncate papers, tags, prices, members, team_notes, loose, nested');
});
afterAll(() => supabase?.stop());

const pullsAsked = () =>
	asked
		.filter(({ path }) => path === PULL)
		.map(
			({ body }) =>
				(body as { request: { pulls: { table: string; cursor?: string; from?: string }[] } }).request.pulls,
		);
const gets = () => asked.filter(({ method }) => method === 'GET').map(({ path, search }) => path + search);
const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}+00:00`;

describe('the change log, by PostgREST', () => {
	let log: ChangeLog;
	beforeAll(() => {
		const remote = connectRest(supabase, { transport: 'rpc' });
		if (!remote.log) throw new Error('RPC has no log');
		log = remote.log;
	});
	const specOf = (config: SyncConfig) => toTableSpec(config);
	const [papers, tags, prices, , loose] = TABLES.map(specOf) as [
		LogRequest['spec'],
		LogRequest['spec'],
		LogRequest['spec'],
		LogRequest['spec'],
		LogRequest['spec'],
	];
	const pull = (spec: LogRequest['spec'], more: Partial<LogRequest> = {}, signal = SIGNAL) =>
		log.pull({ spec, cursor: null, from: null, limit: 1000, ...more }, signal);
	/** Pages from a cursor to the head. */
	async function pages(spec: LogRequest['spec'], limit: number, cursor: string | null = null) {
		const all = [];
		for (;;) {
			const page = await pull(spec, { cursor, limit });
			all.push(page);
			if (page.isHead) return all;
			if (all.length > 50) throw new Error('no end');
			cursor = page.cursor;
		}
	}

	it('pulls that begin together are one request, pages and tables have one address', async () => {
		listen();
		await supabase.sql(`insert into tags (id) select n::text from generate_series(1, 10) n`);
		const [a, b, c] = await Promise.all([pull(papers), pull(tags, { limit: 30 }), pull(prices)]);
		expect([a.rows.length, b.rows.length, c.rows.length, b.isHead]).toEqual([0, 10, 0, true]);
		expect(pullsAsked().map((pulls) => pulls.map(({ table }) => table))).toEqual([
			['papers', 'tags', 'prices'],
		]);
		await pages(tags, 3);
		expect(new Set(asked.map(({ path, search }) => path + search))).toEqual(new Set([PULL]));
	});

	it('[F18] ids and casts come as select asks, those of what is gone, too', async () => {
		await supabase.sql(`insert into prices values (9007199254740993, 1.50, 'x'), (2, 2, 'y')`);
		const [page] = await pages(prices, 10);
		expect(page?.rows).toEqual([
			{ id: '2', amount: '2', note: 'y', updated_at: expect.any(String) },
			{ id: '9007199254740993', amount: '1.50', note: 'x', updated_at: expect.any(String) },
		]);
		await supabase.sql('delete from prices');
		const later = await pages(prices, 1, page?.cursor);
		expect(later.map(({ gone, isHead }) => [gone, isHead])).toEqual([
			[['2'], false],
			[['9007199254740993'], true],
		]);
	});

	it('[F12] ids of any text come each once, also as what has left the filter, and as what is gone', async () => {
		await supabase.sql(`insert into tags (id, title) select unnest($1::text[]), 'in'`, [ODD_IDS]);
		const spec = specOf({ table: 'tags', filter: { title: { op: 'in', value: ['in', 'it"s', "o'ne"] } } });
		const first = await pages(spec, 5);
		expect(new Set(first.flatMap(({ rows }) => rows.map(({ id }) => id)))).toEqual(new Set(ODD_IDS));
		await supabase.sql(`update tags set title = 'out'`);
		const left = await pages(spec, 5, first.at(-1)?.cursor);
		expect(left.flatMap((page) => page.rows)).toEqual([]);
		expect(new Set(left.flatMap((page) => page.left))).toEqual(new Set(ODD_IDS));
		await supabase.sql('delete from tags');
		const gone = await pages(spec, 5, left.at(-1)?.cursor);
		expect(new Set(gone.flatMap((page) => page.gone))).toEqual(new Set(ODD_IDS));
	});

	it('one that is called off leaves the others theirs; when all are, the request ends', async () => {
		supabase.faults.add({ match: ({ path }) => path === PULL, effect: { kind: 'latency', ms: 300 } });
		const [mine, others] = [new AbortController(), new AbortController()];
		const both = [pull(papers, {}, mine.signal), pull(tags, {}, others.signal)];
		setTimeout(() => mine.abort(), 100);
		const [first, second] = await Promise.allSettled(both);
		expect(first).toMatchObject({ status: 'rejected', reason: { code: 'superseded' } });
		expect(second).toMatchObject({ status: 'fulfilled', value: { isHead: true } });
		supabase.faults.add({ match: ({ path }) => path === PULL, effect: { kind: 'hang' } });
		const hung = pull(papers, {}, others.signal);
		setTimeout(() => others.abort(), 50);
		await expect(hung).rejects.toMatchObject({ code: 'superseded' });
		await expect(pull(papers, {}, others.signal)).rejects.toMatchObject({ code: 'superseded' });
	});

	it('[F15] what a table lacks is fatal, named, and its own affair', async () => {
		await supabase.sql('insert into loose values ($1, null)', [uuid(1)]);
		const specs = [
			...[specOf({ table: 'nowhere' }), specOf({ table: 'papers', timestampField: 'changed_at' }), loose],
			...[specOf({ table: 'unnamed' }), specOf({ table: 'papers', idField: 'title' }), tags],
		];
		const answers = await Promise.allSettled(specs.map((spec) => pull(spec)));
		expect(answers.map((answer) => (answer.status === 'rejected' ? answer.reason : 'fine'))).toMatchObject([
			{ code: 'unknown-table', fault: 'fatal', table: 'nowhere' },
			{ code: 'timestamp-missing', fault: 'fatal', table: 'papers' },
			{ code: 'timestamp-null', fault: 'fatal', id: uuid(1) },
			{
				code: 'rpc-missing',
				fault: 'fatal',
				table: 'unnamed',
				hint: expect.stringContaining('npx pixsync sql'),
			},
			{ code: 'rpc-missing', fault: 'fatal', table: 'papers' },
			'fine',
		]);
	});

	it('what the request meets, each table meets under its own name', async () => {
		supabase.faults.add({ match: ({ path }) => path === PULL, effect: { kind: 'drop-before' } });
		const lost = await Promise.allSettled([pull(papers), pull(tags)]);
		expect(lost).toMatchObject([
			{ reason: { code: 'network', fault: 'no-answer', table: 'papers' } },
			{ reason: { code: 'network', fault: 'no-answer', table: 'tags' } },
		]);
	});

	it('a statement that takes too long is tried table by table, then with fewer rows', async () => {
		listen();
		const body = { code: '57014', message: 'canceling statement due to statement timeout' };
		supabase.faults.add({
			match: ({ path, body }) => {
				const { request } = body as { request: { limit: number; pulls: unknown[] } };
				return path === PULL && (request.pulls.length > 1 || request.limit > 300);
			},
			times: 10,
			effect: { kind: 'status', status: 500, body },
		});
		await supabase.sql(`insert into tags (id) select n::text from generate_series(1, 400) n`);
		const [first, second] = await Promise.all([pull(papers), pull(tags)]);
		expect([first.isHead, second.isHead, second.rows.length]).toEqual([true, false, 250]);
		supabase.faults.clear();
		supabase.faults.add({
			match: ({ path }) => path === PULL,
			times: 99,
			effect: { kind: 'status', status: 500, body },
		});
		await expect(pull(tags)).rejects.toMatchObject({ code: '57014', fault: 'retryable' });
	});

	it('[F56] an answer that is none of the function’s is not used', async () => {
		const bodies = [[], [{}], [{ rows: [{}], gone: [], left: [] }], [{ error: 'x' }], [{}, {}]];
		for (const body of bodies) {
			supabase.faults.add({
				match: ({ path }) => path === PULL,
				effect: { kind: 'reply', status: 200, body },
			});
			await expect(pull(papers), JSON.stringify(body)).rejects.toMatchObject({ code: 'bad-reply' });
		}
	});
});

describe('downloads by RPC, by the façade', () => {
	async function device(name: string, tables: readonly SyncConfig[], options: SyncManagerOptions = {}) {
		const created = await createDevice(supabase, name, {
			tables,
			options: { transport: 'rpc', backoff: { baseMs: 60_000, capMs: 60_000 }, ...options },
		});
		devices.push(created);
		return created;
	}
	async function signUp(one: Device): Promise<string> {
		const email = `${crypto.randomUUID()}@example.com`;
		const { data } = await one.client.auth.signUp({ email, password: 'correct horse' });
		await expect.poll(() => one.sync.getState().user).toBe(data.user?.id);
		await one.sync.ready();
		return String(data.user?.id);
	}
	const idsHeld = async (one: Device, table: string) =>
		(await one.sync.table(table).toArray()).map(({ id }) => id).sort();
	const some = (n: number, from = 0) => Array.from({ length: n }, (_, at) => uuid(from + at));
	const insert = (table: string, ids: readonly string[], more = '') =>
		supabase.sql(`insert into ${table} (id) select unnest($1::uuid[]) ${more}`, [ids]);
	const sync = async (one: Device) => {
		const result = await one.sync.sync();
		expect(result.errors).toEqual([]);
		return result;
	};

	it('[F19] a sync of several tables is one request; hard deletes come without comparing ids, after a restart too', async () => {
		const alice = await device('alice', TABLES.slice(0, 3));
		listen();
		await insert('papers', some(3));
		await supabase.sql(`insert into tags (id) values ('a'), ('b'), ('c')`);
		expect(await sync(alice)).toMatchObject({ downloaded: 6 });
		expect(pullsAsked().map((pulls) => pulls.length)).toEqual([3]);
		await supabase.sql(`delete from papers where id = $1`, [uuid(1)]);
		await supabase.sql(`delete from tags where id <> 'b'; update tags set title = 'x'`);
		await alice.restart();
		listen();
		expect(await sync(alice)).toMatchObject({ downloaded: 4 });
		expect([await idsHeld(alice, 'papers'), await idsHeld(alice, 'tags')]).toEqual([
			[uuid(0), uuid(2)],
			['b'],
		]);
		expect([pullsAsked().length, gets()]).toEqual([1, []]);
		expect(await sync(alice)).toMatchObject({ downloaded: 0 });
		expect(alice.sync.getState().tables.papers?.lastSyncedAt).not.toBeNull();
	});

	it('[R20] a delete under a local edit is a conflict, and a row made again is none', async () => {
		for (const [conflictResolution, conflicts, rejected] of [
			['manual', 1, 0],
			['latest-wins', 0, 1],
		] as const) {
			const alice = await device('alice', [{ table: 'papers', conflictResolution }]);
			await insert('papers', [uuid(1), uuid(2)]);
			await sync(alice);
			await alice.sync.queueAction('papers', 'update', { title: 'edited' }, uuid(1));
			await supabase.sql('delete from papers');
			await insert('papers', [uuid(2)]);
			const { errors } = await alice.sync.sync();
			expect(errors.length).toBe(rejected);
			expect((await alice.sync.getConflicts()).length).toBe(conflicts);
			expect((await alice.sync.getRejected()).length).toBe(rejected);
			expect((await alice.sync.table('papers').get(uuid(2)))?.id).toBe(uuid(2));
			await supabase.sql('delete from papers');
		}
	});

	it('[R5] [R20] a pull that meets an edit made meanwhile keeps the edit, and what it met is known without a request', async () => {
		const alice = await device('alice', [{ table: 'papers', conflictResolution: 'manual' }], {
			liveUpload: false,
		});
		await insert('papers', [uuid(1)]);
		await sync(alice);
		await supabase.sql('delete from papers');
		// The edit comes while the page is on its way.
		supabase.faults.add({ match: ({ path }) => path === PULL, effect: { kind: 'latency', ms: 300 } });
		const running = alice.sync.sync();
		await new Promise((resolve) => setTimeout(resolve, 150));
		await alice.sync.queueAction('papers', 'update', { title: 'edited' }, uuid(1));
		await running;
		expect(await alice.sync.table('papers').get(uuid(1))).toMatchObject({ title: 'edited' });
		await alice.sync.sync();
		expect(await alice.sync.getConflicts()).toMatchObject([{ rowId: uuid(1), remote: null }]);
	});

	it('[F21] a row that leaves the filter goes; one that is edited here stays until its edit is sent', async () => {
		const alice = await device(
			'alice',
			[{ table: 'papers', filter: { n: 1 }, conflictResolution: 'merge' }],
			{
				liveUpload: false,
			},
		);
		await insert('papers', some(3));
		await supabase.sql('update papers set n = 1');
		await sync(alice);
		expect(await idsHeld(alice, 'papers')).toEqual(some(3));
		await supabase.sql('update papers set n = 2 where id <> $1', [uuid(2)]);
		supabase.faults.add({ match: ({ path }) => path === PULL, effect: { kind: 'latency', ms: 300 } });
		const running = alice.sync.sync();
		await new Promise((resolve) => setTimeout(resolve, 150));
		await alice.sync.queueAction('papers', 'update', { title: 'edited' }, uuid(1));
		await running;
		expect(await idsHeld(alice, 'papers')).toEqual([uuid(1), uuid(2)]);
		await sync(alice);
		expect(await supabase.sql('select title, n from papers where id = $1', [uuid(1)])).toEqual([
			{ title: 'edited', n: 2 },
		]);
		await sync(alice);
		expect(await idsHeld(alice, 'papers')).toEqual([uuid(2)]);
	});

	it('a server that has gone back in time: all starts over, ids are compared, and older rows are taken', async () => {
		const alice = await device('alice', [{ table: 'papers' }], { pageSize: 10, reconcileIntervalMs: 0 });
		await insert('papers', some(40));
		await sync(alice);
		await supabase.sql('truncate papers');
		const plain = await supabase.connect();
		await plain.query('set session_replication_role = replica');
		await plain.query(`insert into papers (id, title, updated_at) select unnest($1::uuid[]), 'old', $2`, [
			...[some(30), at(1)],
		]);
		// It is cut off half-way, and the app is closed.
		let requests = 0;
		const match = ({ path }: FaultRequest) => path === PULL && ++requests > 1;
		supabase.faults.add({ match, times: 99, effect: { kind: 'drop-before' } });
		expect((await alice.sync.sync()).downloaded).toBe(10);
		await alice.restart();
		listen();
		expect(await sync(alice)).toMatchObject({ downloaded: 30 });
		const rows = await alice.sync.table('papers').toArray();
		expect([rows.length, new Set(rows.map(({ title }) => title))]).toEqual([30, new Set(['old'])]);
		listen();
		expect(await sync(alice)).toMatchObject({ downloaded: 0 });
		expect(gets()).toEqual([]);
		await plain.end();
	});

	it('[F17] a reset asks before it removes most of what is held, as every comparison does', async () => {
		const alice = await device('alice', [{ table: 'papers' }], { reconcileIntervalMs: 0 });
		await insert('papers', some(60));
		await sync(alice);
		await supabase.sql('truncate papers');
		await insert('papers', some(10));
		const asking = [expect.stringContaining('(reconcile-shrink)')];
		expect((await alice.sync.sync()).errors).toEqual(asking);
		await alice.restart();
		expect((await alice.sync.sync()).errors).toEqual(asking);
		expect((await idsHeld(alice, 'papers')).length).toBe(60);
		await alice.sync.reconcile('papers', { allowShrink: true });
		expect(await idsHeld(alice, 'papers')).toEqual(some(10));
		expect((await alice.sync.sync()).errors).toEqual([]);
	});

	it('[S15] REST, then RPC, then REST again: nothing is lost and not all is downloaded anew', async () => {
		const options: SyncManagerOptions = { transport: 'rest', overlapMs: 1_000, reconcileIntervalMs: 900_000 };
		const alice = await createDevice(supabase, 'alice', { tables: [{ table: 'papers' }], options });
		devices.push(alice);
		const rowsAnswered = () =>
			supabase.requests
				.filter(({ search }) => search.includes('select=*'))
				.reduce((sum, one) => sum + Number(one.answeredRows), 0);
		const change = async (n: number) => {
			await supabase.sql(`update papers set n = $1 where id = any($2)`, [n, [uuid(n), uuid(n + 1)]]);
			await supabase.sql('delete from papers where id = $1', [uuid(100 + n)]);
			await insert('papers', [uuid(200 + n)]);
		};
		const same = async () => {
			const server = await supabase.sql<{ id: string; n: number | null }>(
				'select id, n from papers order by id',
			);
			const held = await alice.sync.table('papers').toArray();
			expect(
				held.map(({ id, n }) => ({ id, n })).sort((a, b) => (String(a.id) < String(b.id) ? -1 : 1)),
			).toEqual(server);
		};
		await insert('papers', some(120));
		await sync(alice);
		await new Promise((resolve) => setTimeout(resolve, 1_500));
		let n = 1;
		for (const transport of ['rpc', 'rest', 'rpc', 'rest'] as const) {
			options.transport = transport;
			await change(n++);
			await alice.restart();
			listen();
			supabase.clearRequests();
			expect(await sync(alice)).toMatchObject({ downloaded: 4 });
			await same();
			if (transport === 'rpc') {
				const [first] = pullsAsked().flat();
				expect(first && ('cursor' in first || 'from' in first)).toBe(true);
			} else {
				expect(pullsAsked()).toEqual([]);
				expect(rowsAnswered()).toBeLessThan(30);
			}
			await sync(alice);
			await new Promise((resolve) => setTimeout(resolve, 2_200));
		}
	});

	it('[R11] a first pull that was cut off goes on where it was', async () => {
		const alice = await device('alice', [{ table: 'papers' }], { pageSize: 10 });
		await insert('papers', some(60));
		let requests = 0;
		supabase.faults.add({
			match: ({ path }) => path === PULL && ++requests > 3,
			times: 99,
			effect: { kind: 'drop-before' },
		});
		expect((await alice.sync.sync()).success).toBe(false);
		expect((await idsHeld(alice, 'papers')).length).toBe(30);
		supabase.faults.clear();
		await supabase.sql('delete from papers where id = $1', [uuid(3)]);
		await alice.restart();
		listen();
		await sync(alice);
		expect(pullsAsked().length).toBe(3);
		expect((await idsHeld(alice, 'papers')).length).toBe(60);
		await sync(alice);
		expect((await idsHeld(alice, 'papers')).length).toBe(59);
	});

	it('[F21] another select is read anew, by either transport, and no place is taken for another’s', async () => {
		const options: SyncManagerOptions = { transport: 'rpc', pageSize: 4 };
		const alice = await device('alice', [{ table: 'papers' }], options);
		await insert('papers', some(10));
		await supabase.sql(`update papers set title = 'a title'`);
		await sync(alice);
		for (const [transport, select, columns] of [
			['rest', 'id,updated_at', ['id', 'updated_at']],
			['rpc', '*', ['id', 'n', 'owner', 'title', 'updated_at']],
			['rpc', 'id,updated_at,n', ['id', 'n', 'updated_at']],
			['rest', 'id,updated_at', ['id', 'updated_at']],
			['rpc', 'id,updated_at,name:title', ['id', 'name', 'updated_at']],
		] as const) {
			await alice.close();
			const sibling = await createDeviceOn(alice, [{ table: 'papers', select }], { ...options, transport });
			await sync(sibling);
			const rows = await sibling.sync.table('papers').toArray();
			expect(rows.map((row) => Object.keys(row).sort())).toEqual(Array.from({ length: 10 }, () => columns));
			await sibling.close();
		}
	});

	/** The app in another version, on the same disk. */
	async function createDeviceOn(one: Device, tables: readonly SyncConfig[], options: SyncManagerOptions) {
		const created = await createDevice(supabase, one.name, {
			tables,
			options: { backoff: { baseMs: 60_000, capMs: 60_000 }, ...options, indexedDB: one.disk },
		});
		devices.push(created);
		return created;
	}

	it('[S18] [F19] of a team’s rows the team hears, and ids are still compared: members come and go', async () => {
		const tables = [{ table: 'team_notes' }];
		const [alice, bob] = [await device('alice', tables), await device('bob', tables)];
		const [a, b] = [await signUp(alice), await signUp(bob)];
		await supabase.sql(`insert into members values (1, '${a}'), (2, '${b}')`);
		await supabase.sql(`insert into team_notes (id, team) values ($1, 1), ($2, 1), ($3, 2)`, some(3));
		await Promise.all([sync(alice), sync(bob)]);
		expect([await idsHeld(alice, 'team_notes'), await idsHeld(bob, 'team_notes')]).toEqual([
			some(2),
			[uuid(2)],
		]);
		await supabase.sql('delete from team_notes where id <> $1', [uuid(1)]);
		listen();
		expect([(await sync(alice)).downloaded, (await sync(bob)).downloaded]).toEqual([1, 1]);
		expect(gets()).toEqual([]);
		// Nobody has touched the row: no log tells of it.
		await supabase.sql(
			`update members set team = 1 where user_id = '${b}'; delete from members where user_id = '${a}'`,
		);
		await Promise.all([alice.restart(), bob.restart()]);
		await Promise.all([sync(alice), sync(bob)]);
		expect([await idsHeld(alice, 'team_notes'), await idsHeld(bob, 'team_notes')]).toEqual([[], [uuid(1)]]);
	});

	it('a select that asks for more than columns goes by REST', async () => {
		const alice = await device('alice', [{ table: 'nested', select: 'id, title, meta->colour, updated_at' }]);
		await supabase.sql(`insert into nested values ($1, 't', '{"colour": "red"}')`, [uuid(1)]);
		listen();
		expect(await sync(alice)).toMatchObject({ downloaded: 1 });
		expect(pullsAsked()).toEqual([]);
	});

	it('without the function: an error that says what to run', async () => {
		const alice = await device('alice', [{ table: 'papers' }]);
		await supabase.sql('alter function pixsync_pull(jsonb) rename to pixsync_pull_away');
		await supabase.reloadSchema();
		try {
			expect((await alice.sync.sync()).errors).toEqual([
				'papers: The project has no function pixsync_pull (rpc-missing)',
			]);
		} finally {
			await supabase.sql('alter function pixsync_pull_away(jsonb) rename to pixsync_pull');
			await supabase.reloadSchema();
		}
	});
});
