import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SyncNotices } from '../../src/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
let alice: Device;
const heard: [keyof SyncNotices, unknown][] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (
				id uuid primary key, title text check (title <> 'refused'),
				updated_at timestamptz not null default now()
			);
			${touchTrigger('notes')}
		`,
	});
	alice = await createDevice(supabase, 'alice', {
		tables: [{ table: 'notes', conflictResolution: 'remote-wins' }],
		options: { reconcileIntervalMs: 0 },
	});
	for (const name of ['conflict', 'rejected', 'synced', 'error'] as const) {
		alice.sync.on(name, (notice) => heard.push([name, notice]));
	}
});

afterAll(async () => {
	await alice?.close();
	await supabase?.stop();
});

const namesHeard = () => heard.map(([name]) => name);

describe('what the app is told by on(…)', () => {
	it('[F35] a round that ends well, a conflict, a refusal and an error, each once', async () => {
		const { id } = await alice.sync.queueAction('notes', 'create', { title: 'base' });
		await alice.sync.sync();
		expect(heard.splice(0)).toEqual([
			['synced', { table: 'notes', uploaded: 1, downloaded: 0, conflicts: 0 }],
		]);

		await supabase.sql("update notes set title = 'theirs'");
		await alice.sync.queueAction('notes', 'update', { title: 'mine' }, id);
		await alice.sync.sync();
		expect(heard[0]).toMatchObject(['conflict', { table: 'notes', id, outcome: 'remote' }]);
		expect(namesHeard()).toEqual(['conflict', 'synced']);
		heard.length = 0;

		const refused = await alice.sync.queueAction('notes', 'create', { title: 'refused' });
		await alice.sync.sync();
		expect(heard).toEqual([
			[
				'rejected',
				{
					table: 'notes',
					id: refused.id,
					letter: refused.mutationId,
					error: expect.objectContaining({ code: '23514', at: expect.any(Number) }),
				},
			],
		]);
		heard.length = 0;

		await supabase.sql('alter table notes rename to elsewhere');
		await supabase.sql("notify pgrst, 'reload schema'");
		await expect
			.poll(async () => {
				await alice.sync.sync();
				return heard.at(-1);
			})
			.toMatchObject(['error', { table: 'notes', error: { fault: 'fatal' } }]);
	});
});
