import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import type { Row, SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import { toMigration } from '../../src/sql/migration.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

describe('transport: rpc, by the façade', () => {
	const TABLES: readonly SyncConfig[] = [
		{ table: 'papers' },
		{ table: 'prices', select: 'id, amount::text, note:remark, updated_at' },
		{ table: 'nested', select: 'id, title, meta->colour, updated_at' },
	];
	let supabase: Supabase;
	const devices: Device[] = [];

	beforeAll(async () => {
		const stamp = 'updated_at timestamptz not null default now()';
		supabase = await startSupabase({
			sql: `
				create table papers (id uuid primary key, owner uuid default auth.uid(), title text, n int, ${stamp});
				alter table papers enable row level security;
				create policy own on papers using (owner is not distinct from auth.uid()) with check (owner is not distinct from auth.uid());
				create table prices (id uuid primary key, amount numeric, remark text, ${stamp});
				create table nested (id uuid primary key, title text, meta jsonb, ${stamp});
				create table numbered (id serial primary key, title text, ${stamp});
				create table unnamed (id uuid primary key, title text, ${stamp});`,
		});
		await supabase.sql(migration());
		await supabase.reloadSchema();
	});
	afterEach(async () => {
		await Promise.all(devices.splice(0).map((one) => one.close()));
		supabase.faults.clear();
		await supabase.sql('truncate papers, prices, nested, numbered, pixsync.ledger');
		supabase.clearRequests();
	});
	afterAll(() => supabase?.stop());

	const migration = () => toMigration([...TABLES, { table: 'numbered' }].map(toTableSpec), 'public');
	const written = () =>
		supabase.requests
			.map(({ method, path }) => `${method} ${path}`)
			.filter((request) => !request.startsWith('GET') && !request.endsWith('pixsync_pull'));

	async function device(tables = TABLES, options: SyncManagerOptions = {}): Promise<Device> {
		const created = await createDevice(supabase, 'alice', {
			tables,
			options: {
				...{ transport: 'rpc', reconcileIntervalMs: 0, backoff: { baseMs: 60_000, capMs: 60_000 } },
				...options,
			},
		});
		devices.push(created);
		return created;
	}

	it('1,000 creates, then 1,000 updates of as many rows with conflict checking, are two requests each', async () => {
		const alice = await device();
		const ids = Array.from({ length: 1_000 }, () => crypto.randomUUID());
		await alice.sync.queueActions(
			ids.map((id, n) => ({ table: 'papers', action: 'create', data: { id, title: `t${n}`, n } })),
		);
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1_000 });
		const two = ['POST /rest/v1/rpc/pixsync_push', 'POST /rest/v1/rpc/pixsync_push'];
		expect(written()).toEqual(two);
		supabase.clearRequests();
		// One of them is somebody else's by now.
		await supabase.sql(`update papers set title = 'theirs' where id = $1`, [ids[7]]);
		await alice.sync.queueActions(
			ids.map((localId, n) => ({ table: 'papers', action: 'update', data: { n: n + 5_000 }, localId })),
		);
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1_000, conflicts: 1 });
		// And the one that was met and decided.
		expect(written()).toEqual([...two, 'POST /rest/v1/rpc/pixsync_push']);
		expect(await supabase.sql('select count(*)::int n from papers where n >= 5000')).toEqual([{ n: 1_000 }]);
		expect(await supabase.sql('select title from papers where n = 5007')).toEqual([{ title: 'theirs' }]);
	});

	it('[F18] rows come back as select asks for them', async () => {
		const alice = await device();
		const [made] = await alice.sync.queueActions([
			{ table: 'prices', action: 'create', data: { amount: '12345678901234567890.10' } },
		]);
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1 });
		expect(await alice.sync.table('prices').get(String(made?.id))).toMatchObject({
			...{ amount: '12345678901234567890.10', note: null, updated_at: expect.any(String) },
		});
		expect(written()).toEqual(['POST /rest/v1/rpc/pixsync_push']);
	});

	it('a select that asks for more than columns goes by REST', async () => {
		const alice = await device();
		await alice.sync.queueAction('nested', 'create', { title: 'x' });
		expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1 });
		expect(written()).toEqual(['POST /rest/v1/nested']);
	});

	it('[S33] [F2] a policy’s no is a dead letter, and a ledger is its owner’s alone', async () => {
		const alice = await device();
		await alice.client.auth.signUp({
			email: `${crypto.randomUUID()}@example.com`,
			password: 'correct horse',
		});
		await alice.sync.ready();
		await alice.sync.queueActions([
			{ table: 'papers', action: 'create', data: { title: 'mine' } },
			{ table: 'papers', action: 'create', data: { title: 'forged', owner: crypto.randomUUID() } },
		]);
		const result = await alice.sync.sync();
		expect(result).toMatchObject({ uploaded: 1, errors: [expect.stringContaining('(42501)')] });
		expect(await alice.sync.getRejected()).toHaveLength(1);
		expect(await supabase.sql('select title from papers')).toEqual([{ title: 'mine' }]);
		const owner = await supabase.sql<{ user_id: string }>('select user_id from pixsync.ledger');
		expect(owner).toEqual([{ user_id: (await alice.client.auth.getUser()).data.user?.id }]);
		const client = await supabase.connect();
		const sees = async (sub: string | undefined) => {
			await client.query('begin; set local role authenticated');
			await client.query(`select set_config('request.jwt.claims', $1, true)`, [JSON.stringify({ sub })]);
			const { rowCount } = await client.query('select from pixsync.ledger');
			await client.query('rollback');
			return rowCount;
		};
		expect(await sees(owner[0]?.user_id)).toBe(1);
		expect(await sees(crypto.randomUUID())).toBe(0);
	});

	it('without the migration: an error that says what to run, and nothing is lost', async () => {
		await supabase.sql('alter function pixsync_push(jsonb) rename to pixsync_push_away');
		await supabase.reloadSchema();
		try {
			const alice = await device();
			await alice.sync.queueAction('papers', 'create', { title: 'kept' });
			const result = await alice.sync.sync();
			expect(result.errors).toEqual([expect.stringContaining('(rpc-missing)')]);
			expect(await alice.sync.getPendingCount()).toBe(1);
		} finally {
			await supabase.sql('alter function pixsync_push_away(jsonb) rename to pixsync_push');
			await supabase.reloadSchema();
		}
	});

	it('a table that the migration did not name: an error that says so, and nothing is lost', async () => {
		const alice = await device([{ table: 'unnamed' }]);
		await alice.sync.queueAction('unnamed', 'create', { title: 'kept' });
		expect((await alice.sync.sync()).errors).toEqual([expect.stringContaining('(42P01)')]);
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(await supabase.sql('select * from unnamed')).toEqual([]);
	});

	it('the migration runs twice, as an owner who is no superuser, and stamps each change', async () => {
		await supabase.sql(`
			create role owner login; grant create on database postgres to owner; grant usage on schema auth to owner;
			create schema app authorization owner; grant usage on schema app to anon, authenticated;
			set role owner;
			create table app.things (id uuid primary key, title text, updated_at timestamptz not null default now());
			grant all on app.things to anon, authenticated;
			reset role;
			alter schema pixsync owner to owner; alter schema pixsync_deleted_public owner to owner;
			do $$ declare f regprocedure; t regclass; begin
				for f in select oid from pg_proc where pronamespace = 'pixsync'::regnamespace loop
					execute format('alter function %s owner to owner', f);
				end loop;
				for t in select oid from pg_class where relkind = 'r'
						and relnamespace in ('pixsync'::regnamespace, 'pixsync_deleted_public'::regnamespace) loop
					execute format('alter table %s owner to owner', t);
				end loop;
			end $$`);
		const script = toMigration([toTableSpec({ table: 'things' })], 'app');
		for (let times = 0; times < 2; times++) await supabase.sql(`set role owner; ${script} reset role`);
		const id = crypto.randomUUID();
		const push = (kind: string, body: Row, base: unknown) =>
			supabase.sql<{ reply: { is: string; row: Row }[] }>(`select app.pixsync_push($1::jsonb) as reply`, [
				JSON.stringify({
					...{ schema: 'app', table: 'things', key: 'id', stamp: 'updated_at', columns: [{ column: '*' }] },
					mutations: [{ kind, id, base, push: crypto.randomUUID(), body }],
				}),
			]);
		const [made] = await push('create', { id, title: 'a', updated_at: '2001-01-01T00:00:00Z' }, null);
		const first = made?.reply[0];
		expect(first).toMatchObject({ is: 'applied', row: { title: 'a' } });
		expect(String(first?.row.updated_at) > '2020').toBe(true);
		const [changed] = await push('update', { title: 'b' }, first?.row.updated_at);
		expect(changed?.reply[0]).toMatchObject({ is: 'applied', row: { title: 'b' } });
		const [late] = await push('update', { title: 'c' }, first?.row.updated_at);
		expect(late?.reply[0]).toMatchObject({ is: 'missed', row: { title: 'b' } });
	});

	it.each([
		[[['rest', 'drop-after']]],
		// What RPC has named, and REST has sent since.
		[
			[
				['rpc', 'drop-before'],
				['rest', 'drop-after'],
			],
		],
	] as const)(
		'[S2] [R3] what REST has sent unheard is looked for before RPC sends it again, whose ledger does not know it: after %j',
		async (sendings) => {
			const tables: SyncConfig[] = [{ table: 'numbered', ids: 'server' }];
			const options: SyncManagerOptions = {
				...{ transport: sendings[0][0], reconcileIntervalMs: 0, backoff: { baseMs: 60_000, capMs: 60_000 } },
			};
			const alice = await createDevice(supabase, 'alice', { tables, options });
			devices.push(alice);
			await alice.sync.queueAction('numbered', 'create', { title: 'once' });
			const match = ({ method }: { method: string }) => method === 'POST';
			for (const [transport, kind] of sendings) {
				options.transport = transport;
				await alice.restart();
				supabase.faults.add({ match, effect: { kind } });
				expect((await alice.sync.sync()).success).toBe(false);
			}
			options.transport = 'rpc';
			await alice.restart();
			expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 1 });
			expect(await supabase.sql('select title from numbered')).toEqual([{ title: 'once' }]);
		},
	);

	describe('[S7] [R20] what somebody did to a row after a change that arrived unheard, and before the next', () => {
		/** One change whose reply is lost, somebody's own, and another change here. @returns the device, online again. */
		async function meanwhile(
			conflictResolution: SyncConfig['conflictResolution'],
			theirs: string,
			edit: (alice: Device, id: string) => Promise<unknown>,
		): Promise<{ readonly alice: Device; readonly id: string }> {
			const alice = await device([
				{ table: 'papers', ...(conflictResolution ? { conflictResolution } : {}) },
			]);
			const id = crypto.randomUUID();
			await alice.sync.queueAction('papers', 'create', { id, title: 'mine', n: 1 });
			supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'drop-after' } });
			expect((await alice.sync.sync()).success).toBe(false);
			await supabase.sql(theirs);
			await edit(alice, id);
			return { alice, id };
		}
		const changeTitle = (alice: Device, id: string) =>
			alice.sync.queueAction('papers', 'update', { title: 'mine again' }, id);

		it('deleted: it is made anew as it was, with the edit on it, where the local side wins', async () => {
			const { alice, id } = await meanwhile('local-wins', 'delete from papers', changeTitle);
			expect(await alice.sync.sync()).toMatchObject({ errors: [], conflicts: 1 });
			expect(await supabase.sql('select id, title, n from papers')).toEqual([
				{ id, title: 'mine again', n: 1 },
			]);
		});

		it('deleted: the edit is kept aside where the deletion stands', async () => {
			const { alice, id } = await meanwhile('latest-wins', 'delete from papers', changeTitle);
			expect((await alice.sync.sync()).errors).toEqual([expect.stringContaining('(remote-deleted)')]);
			expect(await alice.sync.getRejected()).toMatchObject([
				{ id: expect.anything(), data: { title: 'mine again' } },
			]);
			expect(await alice.sync.table('papers').get(id)).toBeUndefined();
		});

		it('deleted, here and there: both are done', async () => {
			const { alice } = await meanwhile(undefined, 'delete from papers', (one, id) =>
				one.sync.queueAction('papers', 'delete', null, id),
			);
			expect(await alice.sync.sync()).toMatchObject({ errors: [], uploaded: 2, conflicts: 0 });
			expect(await alice.sync.getPendingCount()).toBe(0);
		});

		it('written over: it is a conflict, and no edit goes over it unseen', async () => {
			const theirs = `update papers set title = 'theirs'`;
			const { alice } = await meanwhile('remote-wins', theirs, changeTitle);
			expect(await alice.sync.sync()).toMatchObject({ errors: [], conflicts: 1 });
			expect(await supabase.sql('select title, n from papers')).toEqual([{ title: 'theirs', n: 1 }]);
		});
	});

	it('[S2] [F28] [R3] what was sent unheard while signed out is not made again by whoever adopts it, whose ledger is another', async () => {
		const alice = await device([{ table: 'numbered', ids: 'server' }]);
		await alice.sync.queueAction('numbered', 'create', { title: 'once' });
		supabase.faults.add({ match: ({ path }) => path.includes('/rpc/'), effect: { kind: 'drop-after' } });
		expect((await alice.sync.sync()).success).toBe(false);
		await alice.client.auth.signUp({
			email: `${crypto.randomUUID()}@example.com`,
			password: 'correct horse',
		});
		await alice.sync.ready();
		expect(await alice.sync.adoptAnonymous()).toMatchObject({ adopted: 1 });
		expect(await alice.sync.sync()).toMatchObject({ errors: [] });
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await supabase.sql('select title from numbered')).toEqual([{ title: 'once' }]);
	});

	it('[S33] nothing but columns can be asked for: what is no type is refused', async () => {
		const id = crypto.randomUUID();
		await supabase.sql('insert into papers (id, owner) values ($1, null)', [id]);
		const ask = async (columns: unknown) => {
			const request = {
				...{ schema: 'public', table: 'papers', key: 'id', stamp: 'updated_at', columns },
				mutations: [{ kind: 'update', id, base: null, body: { title: 'x' } }],
			};
			const [row] = await supabase.sql<{ reply: unknown }>('select public.pixsync_push($1::jsonb) as reply', [
				JSON.stringify(request),
			]);
			return row?.reply;
		};
		expect(await ask([{ column: 'id', as: 'key', type: 'text' }])).toEqual([
			{ is: 'missed', row: { key: id } },
		]);
		const forged = 'id::text), (select current_user';
		await expect(ask([{ column: 'id', type: forged }])).rejects.toThrow(/syntax error|type name/);
		expect(await ask([{ column: forged }])).toMatchObject([{ is: 'refused', code: '42703' }]);
		expect(await ask([{ column: 'id', as: "k', current_user, 'l" }])).toEqual([
			{ is: 'missed', row: { "k', current_user, 'l": id } },
		]);
		await expect(
			supabase.sql(`select public.pixsync_push('{"schema":"auth","table":"users","columns":[]}')`),
		).rejects.toThrow('not one of PixSync');
	});
});
