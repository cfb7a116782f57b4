import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import type { SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import { toMigration } from '../../src/sql/migration.ts';
import { uuid } from '../contract/contract-kit.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type FaultRequest, type Supabase, startSupabase } from '../support/supabase/index.ts';

const TRANSPORTS = ['rest', 'rpc'] as const;
const AT_ONCE = { baseMs: 1, capMs: 1 };

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `create table papers (id uuid primary key, title text, n int, updated_at timestamptz not null default now());
			${toMigration([toTableSpec({ table: 'papers' })], 'public')}`,
	});
});
afterEach(async () => {
	supabase.faults.clear();
	await Promise.all(devices.splice(0).map((one) => one.close()));
	await supabase.sql('truncate papers');
});
afterAll(() => supabase?.stop());

async function device(options: SyncManagerOptions, config: Partial<SyncConfig> = {}): Promise<Device> {
	const one = await createDevice(supabase, 'alice', { tables: [{ table: 'papers', ...config }], options });
	devices.push(one);
	return one;
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const held = async ({ sync }: Device) => (await sync.table('papers').toArray()).map(({ id }) => id).sort();
const isPull = ({ method, path, search }: FaultRequest) =>
	path.endsWith('pixsync_pull') ||
	(method === 'GET' && path.endsWith('/papers') && search.includes('limit=1000'));
const isPush = ({ method, path }: FaultRequest) => method === 'PATCH' || path.endsWith('pixsync_push');

/** Some more syncs, and one in a session that begins. */
async function goOn(one: Device): Promise<void> {
	for (let n = 0; n < 3; n++) {
		await wait(20);
		expect((await one.sync.sync()).errors).toEqual([]);
	}
	await one.restart();
	expect((await one.sync.sync()).errors).toEqual([]);
}

describe('where one transport meets the other', () => {
	it('[S15] REST goes on where RPC has brought all, and nothing was new for longer than the overlap', async () => {
		const options: SyncManagerOptions = { transport: 'rpc', overlapMs: 500, reconcileIntervalMs: 0 };
		const alice = await device(options);
		await supabase.sql('insert into papers (id) values ($1)', [uuid(1)]);
		await wait(1_500);
		expect((await alice.sync.sync()).errors).toEqual([]);
		options.transport = 'rest';
		await alice.restart();
		const errors = [...(await alice.sync.sync()).errors];
		await wait(1_500);
		errors.push(...(await alice.sync.sync()).errors);
		await supabase.sql('insert into papers (id) values ($1)', [uuid(2)]);
		errors.push(...(await alice.sync.sync()).errors);
		expect(errors).toEqual([]);
		expect(await held(alice)).toEqual([uuid(1), uuid(2)]);
	});
});

describe.each(TRANSPORTS)('by %s', (transport) => {
	it('[F19] a row that was uploaded before the first pull, and deleted elsewhere before it, goes', async () => {
		const alice = await device({ transport, reconcileIntervalMs: 1, backoff: AT_ONCE });
		supabase.faults.add({ match: isPull, effect: { kind: 'drop-before' } });
		await alice.sync.queueAction('papers', 'create', { title: 'mine' }, uuid(9));
		await alice.sync.sync();
		expect(await supabase.sql('select id from papers')).toEqual([{ id: uuid(9) }]);
		await alice.sync.close();
		supabase.faults.clear();
		await supabase.sql('delete from papers');
		await alice.restart();
		await goOn(alice);
		expect(await held(alice)).toEqual([]);
	});

	it('[F21] a row that left the filter under an edit that is never sent goes', async () => {
		const alice = await device(
			{ transport, liveUpload: false, reconcileIntervalMs: 1 },
			{ filter: { n: 1 }, conflictResolution: 'remote-wins' },
		);
		await supabase.sql('insert into papers (id, n) values ($1, 1)', [uuid(1)]);
		await alice.sync.sync();
		await supabase.sql('update papers set n = 2');
		supabase.faults.add({ match: ({ path }) => path.includes('p'), effect: { kind: 'latency', ms: 300 } });
		const running = alice.sync.sync();
		await wait(150);
		await alice.sync.queueAction('papers', 'update', { title: 'edited' }, uuid(1));
		await running;
		supabase.faults.clear();
		await goOn(alice);
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await held(alice)).toEqual([]);
	});

	it('[F21] one that is selected again by then stays', async () => {
		const alice = await device(
			{ transport, liveUpload: false, reconcileIntervalMs: 1 },
			{ filter: { n: 1 }, conflictResolution: 'remote-wins' },
		);
		await supabase.sql('insert into papers (id, n) values ($1, 1)', [uuid(1)]);
		await alice.sync.sync();
		await supabase.sql('update papers set n = 2');
		supabase.faults.add({ match: isPull, effect: { kind: 'latency', ms: 300 } });
		const running = alice.sync.sync();
		await wait(150);
		await alice.sync.queueAction('papers', 'update', { title: 'edited' }, uuid(1));
		await running;
		supabase.faults.clear();
		await supabase.sql("update papers set n = 1, title = 'theirs'");
		await goOn(alice);
		expect(await alice.sync.table('papers').toArray()).toMatchObject([{ id: uuid(1), n: 1 }]);
	});

	it('[R7] [S1] what somebody has written over an unheard change is in conflict with an edit of the same column here', async () => {
		const alice = await device(
			{ transport, liveUpload: false, backoff: { baseMs: 60_000, capMs: 60_000 } },
			{ conflictResolution: 'manual' },
		);
		await supabase.sql("insert into papers (id, title, n) values ($1, 'one', 0)", [uuid(1)]);
		await alice.sync.sync();
		supabase.faults.add({ match: isPush, effect: { kind: 'drop-after' } });
		await alice.sync.queueAction('papers', 'update', { title: 'mine' }, uuid(1));
		await alice.sync.sync();
		expect(await supabase.sql('select title, n from papers')).toEqual([{ title: 'mine', n: 0 }]);
		await supabase.sql('update papers set n = 7');
		await alice.sync.queueAction('papers', 'update', { n: 5 }, uuid(1));
		await alice.sync.sync();
		expect(await supabase.sql('select title, n from papers')).toEqual([{ title: 'mine', n: 7 }]);
		expect(await alice.sync.getConflicts()).toMatchObject([{ columns: ['n'] }]);
	});

	it('[R7] in another column they stay side by side, and so does a change that nobody wrote over', async () => {
		const alice = await device(
			{ transport, liveUpload: false, backoff: { baseMs: 60_000, capMs: 60_000 } },
			{ conflictResolution: 'manual' },
		);
		await supabase.sql("insert into papers (id, title, n) values ($1, 'one', 0), ($2, 'one', 0)", [
			uuid(1),
			uuid(2),
		]);
		await alice.sync.sync();
		supabase.faults.add({ match: isPush, effect: { kind: 'drop-after' } });
		for (const id of [uuid(1), uuid(2)])
			await alice.sync.queueAction('papers', 'update', { title: 'mine' }, id);
		await alice.sync.sync();
		supabase.faults.clear();
		// As if all had arrived.
		await supabase.sql("update papers set title = 'mine' where title <> 'mine'");
		await supabase.sql('update papers set n = 7 where id = $1', [uuid(1)]);
		await alice.sync.queueAction('papers', 'update', { title: 'mine again' }, uuid(1));
		await alice.sync.queueAction('papers', 'update', { n: 5 }, uuid(2));
		for (let n = 0; n < 2; n++) await alice.sync.sync();
		expect(await supabase.sql('select title, n from papers order by id')).toEqual([
			{ title: 'mine again', n: 7 },
			{ title: 'mine', n: 5 },
		]);
		expect(await alice.sync.getConflicts()).toEqual([]);
	});
});
