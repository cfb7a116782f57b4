import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDevice, type Device, type DeviceOptions } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table counters (
				id uuid primary key, hits bigint not null, price numeric,
				updated_at timestamptz not null default now()
			);
			${touchTrigger('counters')}
			create table entries (id uuid primary key, title text, updated_at timestamptz not null default now());
			${touchTrigger('entries')}
			alter table entries enable row level security;
			create policy read on entries for select using (true);
			create policy add on entries for insert with check (true);
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate counters, entries');
});

afterAll(() => supabase?.stop());

async function start(name: string, tables: DeviceOptions['tables']): Promise<Device> {
	const device = await createDevice(supabase, name, { tables, options: { reconcileIntervalMs: 0 } });
	devices.push(device);
	return device;
}

const ID = '018f0000-0000-7000-8000-000000000001';

describe('numbers that JSON cannot hold', () => {
	it('[F18] int8 and numeric selected as text come down, go up and conflict by every digit', async () => {
		const select = 'id,updated_at,hits::text,price::text';
		const tables = [{ table: 'counters', select, conflictResolution: 'local-wins' as const }];
		const alice = await start('alice', tables);
		await supabase.sql("insert into counters values ($1, 9007199254740993, '0.10000000000000000001')", [ID]);
		await alice.sync.sync();
		expect(await alice.sync.table('counters').get(ID)).toMatchObject({
			hits: '9007199254740993',
			price: '0.10000000000000000001',
		});
		await alice.sync.table('counters').update(ID, { hits: '9007199254740995' });
		await supabase.sql("update counters set price = '0.20000000000000000001'");
		expect(await alice.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1, conflicts: 1 });
		const [row] = await supabase.sql('select hits::text, price::text from counters');
		expect(row).toEqual({ hits: '9007199254740995', price: '0.20000000000000000001' });
		expect(await alice.sync.table('counters').get(ID)).toMatchObject(row as object);
	});
});

describe('policies', () => {
	it('[F29] a create needs no UPDATE policy: it is an insert, never an upsert, also when its reply was lost', async () => {
		const alice = await start('alice', [{ table: 'entries' }]);
		supabase.faults.add({
			match: ({ method, path }) => method === 'POST' && path === '/rest/v1/entries',
			times: 1,
			effect: { kind: 'drop-after' },
		});
		await alice.sync.queueAction('entries', 'create', { id: ID, title: 'one' });
		await alice.sync.sync();
		expect((await alice.sync.sync()).errors).toEqual([]);
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await supabase.sql('select title from entries')).toEqual([{ title: 'one' }]);
		supabase.faults.clear();
	});
});
