import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key default gen_random_uuid(), title text, updated_at timestamptz not null default now());
			create table stamped (id uuid primary key, title text, updated_at timestamptz not null default clock_timestamp());
			${touchTrigger('stamped')}
			create table soft (id int primary key, deleted_at timestamptz, updated_at timestamptz not null default clock_timestamp());
			${touchTrigger('soft')}
			create table loose (id uuid primary key, updated_at timestamptz);
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.setMaxRows(1000);
	await supabase.sql('truncate notes, stamped, loose, soft');
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

async function device(table: SyncConfig, options: SyncManagerOptions = {}): Promise<Device> {
	const created = await createDevice(supabase, 'alice', {
		tables: [table],
		options: { reconcileIntervalMs: 0, ...options },
	});
	devices.push(created);
	return created;
}

async function compare(device: Device): Promise<void> {
	const rows = await supabase.sql('select * from notes order by id');
	const held = await device.sync.table('notes').rows.orderBy('id').toArray();
	expect(held).toEqual(rows);
}

describe('pages', () => {
	it('[F20] [L1] a row of an earlier page that is soft-deleted in the middle of the first download is gone in the end', async () => {
		await supabase.sql('insert into soft (id) select n from generate_series(1, 7) n');
		const alice = await device({ table: 'soft', deletedField: 'deleted_at' }, { pageSize: 2 });
		let pages = 0;
		const asked = new Promise<void>((resolve) => {
			const match = ({ method }: { method: string }) => {
				if (method !== 'GET' || ++pages < 3) return false;
				resolve();
				return true;
			};
			supabase.faults.add({ match, effect: { kind: 'latency', ms: 400 } });
		});
		const synced = alice.sync.sync();
		await asked;
		await expect.poll(() => alice.sync.table('soft').get(1)).toBeDefined();
		await supabase.sql('update soft set deleted_at = now() where id = 1');
		expect(await synced).toMatchObject({ success: true, errors: [], downloaded: 7 });
		expect((await alice.sync.table<{ id: number }>('soft').toArray()).map(({ id }) => id)).toEqual([
			2, 3, 4, 5, 6, 7,
		]);
	});

	it('a read is never answered by a cache, and a write does not ask so: Chromium would ask leave for each', async () => {
		const caches = new Map<string, unknown>();
		const { fetch } = globalThis;
		vi.stubGlobal('fetch', (input: RequestInfo, init: RequestInit = {}) => {
			if (String(input).includes('/rest/')) caches.set(init.method ?? 'GET', init.cache);
			return fetch(input, init);
		});
		try {
			const alice = await device({ table: 'notes' });
			const { id } = await alice.sync.queueAction('notes', 'create', { title: 'x' });
			await alice.sync.sync();
			await alice.sync.queueAction('notes', 'update', { title: 'y' }, id);
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
		} finally {
			vi.unstubAllGlobals();
		}
		expect(Object.fromEntries(caches)).toEqual({ GET: 'no-store', POST: undefined, PATCH: undefined });
	});

	for (const cap of [1000, 7]) {
		it(`[F9] [F14] [S15] 2,500 rows of one timestamp behind a cap of ${cap} rows are all pulled`, {
			timeout: 60_000,
		}, async () => {
			await supabase.sql(`insert into notes (title) select 'n' || n from generate_series(1, 2500) n`);
			const [distinct] = await supabase.sql<{ n: number }>(
				'select count(distinct updated_at)::int n from notes',
			);
			expect(distinct?.n).toBe(1);
			await supabase.setMaxRows(cap);
			const alice = await device({ table: 'notes' });
			const result = await alice.sync.sync();
			expect(result).toEqual({ success: true, uploaded: 0, downloaded: 2500, conflicts: 0, errors: [] });
			await compare(alice);
		});
	}

	it('[R15] rows that are held in the same version are not downloaded again: past a page, keys alone are compared', async () => {
		await supabase.sql(`insert into notes (title) select 'n' || n from generate_series(1, 250) n`);
		const alice = await device({ table: 'notes' }, { pageSize: 50 });
		expect((await alice.sync.sync()).downloaded).toBe(250);
		supabase.clearRequests();
		await supabase.sql(`update notes set title = 'changed' where title = 'n200'`);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 0 });
		const whole = supabase.requests.filter(
			({ search }) => search.includes('select=*') && search.includes('order='),
		);
		expect(whole.reduce((sum, { answeredRows }) => sum + (answeredRows ?? 0), 0)).toBeLessThanOrEqual(50);
	});

	it('[R15] a changed row inside the overlap is found by its version', async () => {
		await supabase.sql(
			`insert into stamped (id, title) select gen_random_uuid(), 'n' || n from generate_series(1, 250) n`,
		);
		const alice = await device({ table: 'stamped' }, { pageSize: 50 });
		expect((await alice.sync.sync()).downloaded).toBe(250);
		await supabase.sql(`update stamped set title = 'changed' where title in ('n3', 'n200')`);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 2 });
		expect(
			await alice.sync
				.table('stamped')
				.rows.filter(({ title }) => title === 'changed')
				.count(),
		).toBe(2);
	});

	it('nothing new costs one request once the first sync is behind the overlap', async () => {
		await supabase.sql(
			`insert into notes (title, updated_at) select 'n' || n, now() - interval '1 hour' from generate_series(1, 30) n`,
		);
		const alice = await device({ table: 'notes' });
		await alice.sync.sync();
		supabase.clearRequests();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 0 });
		expect(supabase.requests.filter(({ path }) => path === '/rest/v1/notes')).toHaveLength(1);
	});
});

describe('commit order', () => {
	it('[F8] [S15] a row whose transaction stayed open across a pull is pulled afterwards', async () => {
		const alice = await device({ table: 'notes' });
		const late = await supabase.connect();
		try {
			await late.query('begin');
			await late.query(`insert into notes (title) values ('late')`);
			await supabase.sql(`insert into notes (title) values ('early')`);
			expect((await alice.sync.sync()).downloaded).toBe(1);
			await late.query('commit');
			// Its timestamp lies behind the checkpoint: only the overlap finds it.
			const [order] = await supabase.sql<{ behind: boolean }>(
				`select (select updated_at from notes where title = 'late') < (select updated_at from notes where title = 'early') as behind`,
			);
			expect(order?.behind).toBe(true);
			expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 1 });
			await compare(alice);
		} finally {
			await late.end();
		}
	});

	it('[R18] a row that committed later than the overlap reaches is found by reconcile', async () => {
		const alice = await device({ table: 'notes' });
		const late = await supabase.connect();
		try {
			await late.query('begin');
			// As if the transaction had been open for a minute.
			await late.query(`insert into notes (title, updated_at) values ('late', now() - interval '1 minute')`);
			await supabase.sql(`insert into notes (title) values ('early')`);
			await alice.sync.sync();
			await late.query('commit');
			expect((await alice.sync.sync()).downloaded).toBe(0);
			expect(await alice.sync.reconcile('notes')).toEqual({ changed: 1 });
			await compare(alice);
		} finally {
			await late.end();
		}
	});
});

describe('what a table needs', () => {
	it('[F15] a row without a timestamp is an error that says what to do, and stops its table only', async () => {
		await supabase.sql(`insert into loose (id) values (gen_random_uuid())`);
		await supabase.sql(`insert into notes (title) values ('fine')`);
		const alice = await createDevice(supabase, 'alice', { tables: [{ table: 'loose' }, { table: 'notes' }] });
		devices.push(alice);
		const result = await alice.sync.sync();
		expect(result).toMatchObject({ success: false, downloaded: 1 });
		expect(result.errors).toEqual([expect.stringMatching(/^loose: .*\(timestamp-null\)$/)]);
		expect(alice.sync.getState().tables.loose?.error?.hint).toContain('NOT NULL');
	});
});

describe('deletes that leave no trace', () => {
	it('[F19] [R18] reconcile removes what the server no longer has; dirty rows stay', async () => {
		await supabase.sql(`insert into notes (title) select 'n' || n from generate_series(1, 12) n`);
		const alice = await device({ table: 'notes' });
		await alice.sync.sync();
		const [first, second] = await alice.sync.table<{ id: string; title: string }>('notes').toArray();
		await supabase.sql('delete from notes where id in ($1, $2)', [first?.id, second?.id]);
		await alice.sync.queueAction('notes', 'update', { title: 'mine' }, first?.id);
		expect(await alice.sync.reconcile('notes')).toEqual({ changed: 1 });
		expect(await alice.sync.table('notes').toArray()).toHaveLength(11);
		expect(await alice.sync.getPendingCount()).toBe(1);
	});

	it('[F21] reconcile removes a row that left the filter', async () => {
		await supabase.sql(`insert into notes (title) values ('in'), ('in'), ('out')`);
		const alice = await device({ table: 'notes', filter: { title: 'in' } });
		expect((await alice.sync.sync()).downloaded).toBe(2);
		const [row] = await alice.sync.table<{ id: string }>('notes').toArray();
		await supabase.sql(`update notes set title = 'gone' where id = $1`, [row?.id]);
		expect(await alice.sync.reconcile('notes')).toEqual({ changed: 1 });
		expect(await alice.sync.table('notes').toArray()).toHaveLength(1);
	});

	it('[F17] a shrink of more than half asks first, and removes nothing until told to', async () => {
		await supabase.sql(`insert into notes (title) select 'n' || n from generate_series(1, 60) n`);
		const alice = await device({ table: 'notes' });
		await alice.sync.sync();
		await supabase.sql('truncate notes');
		await expect(alice.sync.reconcile('notes')).rejects.toMatchObject({ code: 'reconcile-shrink' });
		expect(await alice.sync.table('notes').toArray()).toHaveLength(60);
		expect(await alice.sync.reconcile('notes', { allowShrink: true })).toEqual({ changed: 60 });
	});

	it('[R18] without deletedField the ids are compared at the first sync after a start', async () => {
		await supabase.sql(`insert into notes (title) values ('a'), ('b')`);
		const alice = await device({ table: 'notes' }, { reconcileIntervalMs: 900_000 });
		await alice.sync.sync();
		await supabase.sql(`delete from notes where title = 'a'`);
		expect(await alice.sync.sync()).toMatchObject({ downloaded: 0 });
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 1 });
		await compare(alice);
	});
});
