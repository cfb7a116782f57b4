import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (id uuid primary key, title text not null, body text, updated_at timestamptz not null default now());
			${touchTrigger('notes')}
		`,
	});
});

afterEach(async () => {
	await Promise.all(devices.splice(0).map((device) => device.close()));
	await supabase.sql('truncate notes');
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

async function device(name: string): Promise<Device> {
	const created = await createDevice(supabase, name, { tables: [{ table: 'notes' }] });
	devices.push(created);
	return created;
}

describe('the seed API', () => {
	it('creates, updates and deletes, and tells the right numbers', async () => {
		const alice = await device('alice');
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'one' }, 'local-1');
		expect(await alice.sync.getPendingCount()).toBe(1);
		expect(await alice.sync.sync()).toEqual({
			success: true,
			uploaded: 1,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
		expect(await alice.sync.getPendingCount()).toBe(0);
		expect(await supabase.sql('select id, title from notes')).toEqual([{ id, title: 'one' }]);
		const bob = await device('bob');
		expect(await bob.sync.sync()).toEqual({
			success: true,
			uploaded: 0,
			downloaded: 1,
			conflicts: 0,
			errors: [],
		});
		expect(await bob.sync.table('notes').get(id)).toMatchObject({ id, title: 'one' });
		await bob.sync.queueAction('notes', 'update', { title: 'two' }, id);
		expect(await bob.sync.sync(['notes'])).toEqual({
			success: true,
			uploaded: 1,
			downloaded: 0,
			conflicts: 0,
			errors: [],
		});
		expect(await alice.sync.sync()).toMatchObject({ success: true, downloaded: 1 });
		expect(await alice.sync.table('notes').get('local-1')).toMatchObject({ title: 'two' });
		await alice.sync.queueAction('notes', 'delete', null, 'local-1');
		expect(await alice.sync.sync()).toMatchObject({ success: true, uploaded: 1 });
		expect(await supabase.sql('select * from notes')).toEqual([]);
		await bob.sync.reconcile('notes');
		expect(await bob.sync.table('notes').toArray()).toEqual([]);
	});
});
