import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Row, SyncConfig } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

const DAY_MS = 86_400_000;

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (
				id text primary key, n int, deleted_at timestamptz, updated_at timestamptz not null default now()
			);
			${touchTrigger('notes')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate notes');
	supabase.faults.clear();
});

afterAll(() => supabase?.stop());

async function device(
	config: Partial<SyncConfig> = {},
	options: { reconcileIntervalMs?: number; pageSize?: number } = {},
): Promise<Device> {
	const created = await createDevice(supabase, 'alice', {
		tables: [{ table: 'notes', ...config }],
		options: { reconcileIntervalMs: 0, pageSize: 20, backoff: { baseMs: 60_000, capMs: 60_000 }, ...options },
	});
	devices.push(created);
	return created;
}

/** Ids whose order is another in PostgreSQL's collation than in IndexedDB's: upper and lower case, and accents. */
const idOf = (n: number) => `${['a', 'B', 'ä', 'z', 'É'][n % 5]}${String(n).padStart(4, '0')}`;

async function insert(from: number, to: number): Promise<void> {
	const rows = Array.from({ length: to - from }, (_, at) => ({ id: idOf(from + at), n: from + at }));
	await supabase.sql(
		'insert into notes (id, n) select id, n from jsonb_populate_recordset(null::notes, $1::jsonb)',
		[JSON.stringify(rows)],
	);
}

/** Requests for a page of keys, as what they ask to come after; null: from the first. */
function keyPages(): (string | null)[] {
	return supabase.requests
		.filter(({ method, search }) => method === 'GET' && isKeyPage(search))
		.map(({ search }) => new URLSearchParams(search).get('id'));
}

const isKeyPage = (search: string) => {
	const params = new URLSearchParams(search);
	return params.get('order') === 'id.asc';
};

/** The connection breaks at the `page`th page of keys from now, and at all that follow. */
function cutAt(page: number) {
	let seen = 0;
	return supabase.faults.add({
		match: ({ search }) => isKeyPage(search) && ++seen >= page,
		times: Number.POSITIVE_INFINITY,
		effect: { kind: 'drop-before' },
	});
}

const sweepRecords = ({ sync }: Device) =>
	sync
		.table('notes')
		.rows.db.table('meta')
		.filter(({ key }) => String(key).startsWith('sweep'))
		.toArray();

/** As if the last complete sync had been that long ago. */
async function age({ sync }: Device, ms: number): Promise<void> {
	const checkpoints = sync.table('notes').rows.db.table('checkpoints');
	await checkpoints.toCollection().modify((checkpoint: { syncedAt: number }) => {
		checkpoint.syncedAt -= ms;
	});
}

const idsOf = (rows: readonly Row[]) => rows.map(({ id }) => id).sort();

async function assertEqual({ sync }: Device): Promise<void> {
	const rows = await supabase.sql<Row>('select id from notes where deleted_at is null');
	expect(idsOf(await sync.table<Row>('notes').toArray())).toEqual(idsOf(rows));
}

describe('[R18] a comparison of ids that is cut off', () => {
	/** A device that compares by itself, cut off in the middle of it: two pages of twenty were compared. */
	async function cutOff(rows: number): Promise<Device> {
		await insert(0, rows);
		const alice = await device({}, { reconcileIntervalMs: 900_000 });
		await alice.sync.sync();
		await alice.restart();
		await supabase.sql('delete from notes where n % 10 = 3');
		const cut = cutAt(3);
		expect(await alice.sync.sync()).toMatchObject({ success: false });
		cut.remove();
		expect(await alice.sync.table('notes').toArray()).toHaveLength(rows);
		supabase.clearRequests();
		return alice;
	}

	async function headOf(alice: Device) {
		const [head] = (await sweepRecords(alice)).filter(({ key }) => key === 'sweep:notes');
		return head;
	}

	it('goes on behind the last page compared with the next sync, also after a restart', async () => {
		const alice = await cutOff(130);
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 13 });
		// 117 rows are six pages of twenty and an empty one; two had been read.
		expect(keyPages()).toHaveLength(5);
		expect(keyPages()).not.toContain(null);
		await assertEqual(alice);
		expect(await sweepRecords(alice)).toEqual([]);
	});

	it('[F17] rows that came meanwhile, behind its place, stay; changes that a pull missed come', async () => {
		const alice = await cutOff(60);
		// Behind its place, and before it with a timestamp that no pull reaches.
		await supabase.sql(`insert into notes (id, n) values ('A0', 1000)`);
		await supabase.sql(
			`alter table notes disable trigger all; insert into notes (id, n, updated_at) values ('zzz', 1001, '2020-01-01');
				alter table notes enable trigger all`,
		);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 8 });
		expect(await alice.sync.table('notes').get('A0')).toMatchObject({ n: 1000 });
		expect(await alice.sync.table('notes').get('zzz')).toMatchObject({ n: 1001 });
		await assertEqual(alice);
	});

	it.each([
		[
			'that is over an hour old',
			(head: { startedAt: number }) => ({ startedAt: head.startedAt - 3_600_001 }),
		],
		['of rows that were selected otherwise', () => ({ selection: 'another' })],
	])('one %s begins anew', async (_, change) => {
		const alice = await cutOff(60);
		const head = await headOf(alice);
		expect(head?.value).toMatchObject({ pages: 2, isComplete: false });
		await alice.sync
			.table('notes')
			.rows.db.table('meta')
			.put({ ...head, value: { ...head.value, ...change(head.value) } });
		await alice.sync.sync();
		expect(keyPages()).toContain(null);
		await assertEqual(alice);
	});

	it('one that the app asks for tells the present state: it begins anew', async () => {
		const alice = await cutOff(60);
		await supabase.sql('delete from notes where n % 10 = 4');
		expect(await alice.sync.reconcile('notes')).toEqual({ changed: 12 });
		expect(keyPages()).toContain(null);
		await assertEqual(alice);
	});

	it('[F17] the guard judges the whole comparison, and a refusal leaves nothing behind', async () => {
		await insert(0, 1_300);
		const alice = await device({}, { pageSize: 500 });
		await alice.sync.sync();
		await supabase.sql('delete from notes where n >= 60');
		await expect(alice.sync.reconcile('notes')).rejects.toMatchObject({ code: 'reconcile-shrink' });
		expect(await alice.sync.table('notes').toArray()).toHaveLength(1_300);
		expect(await sweepRecords(alice)).toEqual([]);
		expect(await alice.sync.reconcile('notes', { allowShrink: true })).toEqual({ changed: 1_240 });
		await assertEqual(alice);
	});
});

describe('[F19] after a long absence', () => {
	const soft = { deletedField: 'deleted_at' };
	const byItself = { reconcileIntervalMs: 900_000 };

	/** 60 rows, of which 25 are soft-deleted and their tombstones purged while the device is away. */
	async function away(days: number, options = byItself): Promise<Device> {
		await insert(0, 60);
		const alice = await device(soft, options);
		await alice.sync.sync();
		await supabase.sql(`update notes set deleted_at = now() where n < 25; delete from notes where n < 25`);
		await age(alice, days * DAY_MS);
		supabase.clearRequests();
		return alice;
	}

	it('tombstones may be gone: the next sync compares ids by itself, once', async () => {
		const alice = await away(8);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 25 });
		await assertEqual(alice);
		supabase.clearRequests();
		await alice.sync.sync();
		expect(keyPages()).toEqual([]);
	});

	it('not after six days, and not where it is never to be done by itself', async () => {
		const alice = await away(6);
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 0 });
		expect(keyPages()).toEqual([]);
		await supabase.sql('truncate notes');
		const bob = await away(8, { reconcileIntervalMs: 0 });
		expect(await bob.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 0 });
		expect(keyPages()).toEqual([]);
	});

	it('one that is cut off stays due, though the pull before it has reached the head', async () => {
		const alice = await away(8);
		const cut = cutAt(2);
		expect(await alice.sync.sync()).toMatchObject({ success: false });
		cut.remove();
		await alice.restart();
		supabase.clearRequests();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 25 });
		expect(keyPages()).not.toContain(null);
		await assertEqual(alice);
	});

	it('also one that never began: the app ends between the last page and the comparison', async () => {
		const alice = await away(8);
		const cut = cutAt(1);
		expect(await alice.sync.sync()).toMatchObject({ success: false });
		cut.remove();
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 25 });
		await assertEqual(alice);
	});
});
