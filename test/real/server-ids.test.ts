import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Row, SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

const STAMP = 'updated_at timestamptz not null default now()';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table orders (
				id bigint generated always as identity primary key,
				title text not null check (title <> 'bad'), note text, ${STAMP}
			);
			create table lines (
				id uuid primary key, order_id bigint not null references orders, n int, ${STAMP}
			);
			create table folders (
				id serial primary key, up int references folders, name text, ${STAMP}
			);
			create table taps (id bigserial primary key, kind text, ${STAMP});
			${['orders', 'lines', 'folders'].map(touchTrigger).join('\n')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate lines, orders, folders, taps');
	supabase.faults.clear();
});

afterAll(() => supabase?.stop());

const TABLES: readonly SyncConfig[] = [
	{ table: 'orders', ids: 'server' },
	{ table: 'lines', references: { order_id: 'orders' } },
	{ table: 'folders', ids: 'server', references: { up: 'folders' } },
	{ table: 'taps', ids: 'server' },
];

async function device(name: string, options: SyncManagerOptions = {}): Promise<Device> {
	const created = await createDevice(supabase, name, {
		tables: [...TABLES],
		options: {
			// What this file counts and loses are the requests of REST.
			...{ transport: 'rest', reconcileIntervalMs: 0, backoff: { baseMs: 60_000, capMs: 60_000 } },
			...options,
		},
	});
	devices.push(created);
	return created;
}

const ordersAtServer = () => supabase.sql<Row>('select id::int, title, note from orders order by id');

describe('a row that gets its id from the server', () => {
	it('[R3] goes by a provisional id, then by the server’s: row, localId, later changes and children follow', async () => {
		const alice = await device('alice');
		const { sync } = alice;
		const order = await sync.queueAction('orders', 'create', { title: 'first' }, 'draft-1');
		const line = await sync.queueAction('lines', 'create', { order_id: 'draft-1', n: 1 });
		const other = await sync.queueAction('lines', 'create', { order_id: order.id, n: 2 });
		await sync.queueAction('orders', 'update', { note: 'soon' }, 'draft-1');
		expect(await sync.table('lines').get(line.id)).toMatchObject({ order_id: order.id });

		// Children still to be sent show it at once.
		expect(await sync.sync(['orders'])).toMatchObject({ success: true, errors: [], uploaded: 2 });
		const [first] = await ordersAtServer();
		expect(await sync.table('lines').toArray()).toMatchObject([
			{ order_id: first?.id },
			{ order_id: first?.id },
		]);
		expect(await sync.sync()).toMatchObject({
			success: true,
			errors: [],
			uploaded: 2,
			downloaded: 0,
			conflicts: 0,
		});
		const [row] = await ordersAtServer();
		expect(row).toMatchObject({ title: 'first', note: 'soon' });
		const id = row?.id as number;
		expect(typeof id).toBe('number');
		for (const name of ['draft-1', order.id, id, String(id)]) {
			expect(await sync.table('orders').get(name)).toMatchObject({ id, title: 'first' });
		}
		expect(await sync.table('orders').toArray()).toHaveLength(1);
		expect(await sync.table('lines').get(line.id)).toMatchObject({ order_id: id });
		expect(await supabase.sql('select order_id::int, n from lines order by n')).toEqual([
			{ order_id: id, n: 1 },
			{ order_id: id, n: 2 },
		]);

		// By any of its names, later, too.
		await sync.table('orders').update(order.id, { note: 'later' });
		await sync.queueAction('lines', 'create', { order_id: order.id, n: 3 });
		await sync.table('lines').update(other.id, { order_id: 'draft-1' });
		expect(await sync.getPendingCount()).toBe(2);
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(await ordersAtServer()).toMatchObject([{ id, note: 'later' }]);
		expect(await sync.getPendingCount()).toBe(0);

		const bob = await device('bob');
		await bob.sync.sync();
		expect(await bob.sync.table('orders').toArray()).toEqual(await sync.table('orders').toArray());
		expect(await bob.sync.table('lines').toArray()).toEqual(await sync.table('lines').toArray());
	});

	it('[R3] 700 rows and a child of each: every child at its own parent', async () => {
		const { sync } = await device('alice');
		const made = await sync.queueActions(
			Array.from({ length: 700 }, (_, at) => ({
				table: 'orders',
				action: 'create' as const,
				data: { title: `order ${at}` },
			})),
		);
		await sync.queueActions(
			made.map(({ id }, at) => ({
				table: 'lines',
				action: 'create' as const,
				data: { order_id: id, n: at },
			})),
		);
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1_400 });
		const wrong = await supabase.sql(
			`select l.n, o.title from lines l join orders o on o.id = l.order_id where o.title <> 'order ' || l.n`,
		);
		expect(wrong).toEqual([]);
		expect(await supabase.sql('select count(*)::int from lines')).toEqual([{ count: 700 }]);
		expect(await sync.table('orders').toArray()).toHaveLength(700);
	});

	it('[R3] [R14] a table that refers to itself: grandparent, parent and child made offline', async () => {
		const { sync } = await device('alice');
		await sync.queueAction('folders', 'create', { name: 'child', up: null }, 'c');
		await sync.queueAction('folders', 'create', { name: 'root' }, 'r');
		await sync.queueAction('folders', 'create', { name: 'middle', up: 'r' }, 'm');
		await sync.queueAction('folders', 'update', { up: 'm' }, 'c');
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 4 });
		expect(
			await supabase.sql(
				'select f.name, p.name as up from folders f left join folders p on p.id = f.up order by 1',
			),
		).toEqual([
			{ name: 'child', up: 'middle' },
			{ name: 'middle', up: 'root' },
			{ name: 'root', up: null },
		]);
		expect(await sync.getPendingCount()).toBe(0);
	});

	it('[R7] [R3] what is done to a row while its create is under way goes by its new id', async () => {
		const { sync } = await device('alice');
		const kept = await sync.queueAction('orders', 'create', { title: 'kept' });
		const dropped = await sync.queueAction('orders', 'create', { title: 'dropped' });
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'latency', ms: 300 } });
		const sent = supabase.requests.length;
		const running = sync.sync();
		await expect.poll(() => supabase.requests.slice(sent).some(({ method }) => method === 'POST')).toBe(true);
		await sync.table('orders').update(kept.id, { note: 'meanwhile' });
		await sync.table('orders').remove(dropped.id);
		await running;
		await sync.sync();
		expect(await ordersAtServer()).toMatchObject([{ title: 'kept', note: 'meanwhile' }]);
		expect(await sync.table('orders').toArray()).toMatchObject([{ title: 'kept', note: 'meanwhile' }]);
		expect(await sync.getPendingCount()).toBe(0);
		expect(await sync.table('orders').get(dropped.id)).toBeUndefined();
	});

	it('[S20] [R8] a refused row keeps its children waiting, and nobody else; edited, it brings them along', async () => {
		const { sync } = await device('alice');
		const bad = await sync.queueAction('orders', 'create', { title: 'bad' });
		const good = await sync.queueAction('orders', 'create', { title: 'good' });
		await sync.queueAction('lines', 'create', { order_id: bad.id, n: 1 });
		await sync.queueAction('lines', 'create', { order_id: good.id, n: 2 });
		const result = await sync.sync();
		expect(result.errors).toEqual([expect.stringMatching(/^orders: .*\(23514\)$/)]);
		expect(result.uploaded).toBe(2);
		expect(await supabase.sql('select n from lines')).toEqual([{ n: 2 }]);
		expect(await sync.getPendingCount('lines')).toBe(1);
		const [letter] = await sync.getRejected();
		await sync.retryRejected(letter?.id, { title: 'mended' });
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(
			await supabase.sql('select o.title from lines l join orders o on o.id = l.order_id where n = 1'),
		).toEqual([{ title: 'mended' }]);
	});

	it('[R20] a local win over a hard delete makes the row anew, under a new id that the old one finds', async () => {
		const { sync } = await device('alice');
		const [{ id } = { id: 0 }] = await supabase.sql<{ id: number }>(
			`insert into orders (title) values ('old') returning id::int`,
		);
		const winner = await createDevice(supabase, 'winner', {
			tables: [{ table: 'orders', ids: 'server', conflictResolution: 'local-wins' }],
			options: { transport: 'rest', reconcileIntervalMs: 0 },
		});
		devices.push(winner);
		await winner.sync.sync();
		await supabase.sql('delete from orders');
		await winner.sync.table('orders').update(id, { title: 'mine' });
		expect(await winner.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 1 });
		const [row] = await ordersAtServer();
		expect(row).toMatchObject({ title: 'mine' });
		expect(row?.id).not.toBe(id);
		expect(await winner.sync.table('orders').get(id)).toMatchObject({ id: row?.id, title: 'mine' });
		expect(await winner.sync.table('orders').toArray()).toHaveLength(1);
		await sync.sync();
		expect(await sync.table('orders').toArray()).toMatchObject([{ title: 'mine' }]);
	});
});

describe('[F28] a create whose reply was lost', () => {
	const dropReply = (times = 1) =>
		supabase.faults.add({
			match: ({ method }) => method === 'POST',
			times,
			effect: { kind: 'drop-after' },
		});

	it('[S2] is found again by what was sent, and not made twice: stamped by a trigger', async () => {
		const alice = await device('alice');
		const { sync } = alice;
		const order = await sync.queueAction('orders', 'create', { title: 'once' });
		await sync.queueAction('lines', 'create', { order_id: order.id, n: 1 });
		dropReply();
		expect((await sync.sync()).success).toBe(false);
		expect(await ordersAtServer()).toHaveLength(1);
		// Somebody else's rows of that time are not ours.
		await supabase.sql(`insert into orders (title) values ('other')`);
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(await ordersAtServer()).toMatchObject([{ title: 'once' }, { title: 'other' }]);
		expect(await supabase.sql('select n from lines')).toEqual([{ n: 1 }]);
		expect((await sync.table('orders').toArray()).map(({ title }) => title).sort()).toEqual([
			'once',
			'other',
		]);
	});

	it('[S2] two of the same columns stay two: the one acknowledged before is not taken for the other', async () => {
		const { sync } = await device('alice');
		await sync.queueAction('taps', 'create', { kind: 'like' });
		await sync.sync();
		await sync.queueAction('taps', 'create', { kind: 'like' });
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'drop-before' } });
		expect((await sync.sync()).success).toBe(false);
		await sync.sync();
		expect(await supabase.sql('select kind from taps')).toHaveLength(2);
		expect(await sync.table('taps').toArray()).toHaveLength(2);

		await sync.queueActions([1, 2].map(() => ({ table: 'taps', action: 'create', data: { kind: 'like' } })));
		dropReply();
		expect((await sync.sync()).success).toBe(false);
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 2 });
		expect(await supabase.sql('select kind from taps')).toHaveLength(4);
		expect(await sync.table('taps').toArray()).toHaveLength(4);
		expect(await sync.getPendingCount()).toBe(0);
	});

	it('[S2] also across a restart, with a change made meanwhile', async () => {
		const alice = await device('alice');
		const order = await alice.sync.queueAction('orders', 'create', { title: 'once' }, 'mine');
		dropReply();
		expect((await alice.sync.sync()).success).toBe(false);
		await alice.sync.table('orders').update(order.id, { note: 'meanwhile' });
		await alice.restart();
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [] });
		await alice.sync.sync();
		expect(await ordersAtServer()).toMatchObject([{ title: 'once', note: 'meanwhile' }]);
		expect(await alice.sync.table('orders').toArray()).toHaveLength(1);
		expect(await alice.sync.table('orders').get('mine')).toMatchObject({ note: 'meanwhile' });
	});

	it.each([
		{ isEdited: false, title: 'once' },
		{ isEdited: true, title: 'twice' },
	])(
		'[S2] when a pull has brought the row before: one row, with what was done to either (edited: $isEdited)',
		async ({ isEdited, title }) => {
			const { sync } = await device('alice');
			const order = await sync.queueAction('orders', 'create', { title: 'once' });
			supabase.faults.add({
				match: ({ method }) => method === 'POST',
				effect: { kind: 'reply', status: 500, body: { code: '40001', message: 'serialization failure' } },
			});
			expect(await sync.sync()).toMatchObject({ success: false, downloaded: 1 });
			const rows = await sync.table<Row>('orders').toArray();
			const pulled = rows.find(({ id }) => typeof id === 'number');
			expect(rows).toHaveLength(2);
			await sync.table('orders').update(pulled?.id as number, { note: 'to the pulled one' });
			if (isEdited) await sync.table('orders').update(order.id, { title });
			expect(await sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
			expect(await sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
			const now = [{ id: pulled?.id, title, note: 'to the pulled one' }];
			expect(await ordersAtServer()).toEqual(now);
			expect(await sync.table('orders').toArray()).toMatchObject(now);
			expect(await sync.getPendingCount()).toBe(0);
		},
	);

	it('[R10] a queue cleared in that moment brings the row back by the next pull', async () => {
		const { sync } = await device('alice');
		await sync.queueAction('orders', 'create', { title: 'once' });
		dropReply();
		await sync.sync();
		await sync.clearSyncQueue();
		expect(await sync.table('orders').toArray()).toEqual([]);
		expect(await sync.sync()).toMatchObject({ success: true, errors: [], downloaded: 1 });
		expect(await sync.table('orders').toArray()).toMatchObject([{ title: 'once' }]);
	});
});

describe('bad input', () => {
	it('an id in the data of a create is refused before anything is written', async () => {
		const { sync } = await device('alice');
		await expect(sync.queueAction('orders', 'create', { id: 5, title: 'x' })).rejects.toMatchObject({
			code: 'bad-id',
			hint: expect.stringContaining('localId'),
		});
		expect(await sync.getPendingCount()).toBe(0);
	});
});
