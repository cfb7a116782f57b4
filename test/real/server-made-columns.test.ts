import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import type { SyncConfig, SyncManagerOptions } from '../../src/index.ts';
import { toMigration } from '../../src/sql/migration.ts';
import { uuid } from '../contract/contract-kit.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type FaultRequest, type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

let supabase: Supabase;
const devices: Device[] = [];

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `create table papers (id uuid primary key, title text, n int, slug text, revision int not null default 0,
				fts tsvector generated always as (to_tsvector('simple', coalesce(title, ''))) stored,
				updated_at timestamptz not null default now());
			create function count_revision() returns trigger language plpgsql as $$ begin
				new.revision = old.revision + 1;
				if new.title <> old.title and new.slug is not distinct from old.slug then new.slug = lower(new.title); end if;
				return new; end $$;
			create trigger count_revision before update on papers for each row execute function count_revision();
			${touchTrigger('papers')}
			${toMigration([toTableSpec({ table: 'papers' })], 'public')}`,
	});
});
afterEach(async () => {
	supabase.faults.clear();
	await Promise.all(devices.splice(0).map((one) => one.close()));
	await supabase.sql('truncate papers');
});
afterAll(() => supabase?.stop());

async function device(config: Partial<SyncConfig>, options: SyncManagerOptions): Promise<Device> {
	const one = await createDevice(supabase, 'alice', {
		tables: [{ table: 'papers', ...config }],
		options: { liveUpload: false, backoff: { baseMs: 60_000, capMs: 60_000 }, ...options },
	});
	devices.push(one);
	return one;
}

const isPush = ({ method, path }: FaultRequest) => method === 'PATCH' || path.endsWith('pixsync_push');

describe.each(['rest', 'rpc'] as const)('by %s, columns that the server sets by itself', (transport) => {
	/** An edit arrives unheard, and the row is deleted here while it is under way, or its slug is set. */
	async function changeUnheard(
		config: Partial<SyncConfig>,
		isEchoed: boolean,
		after = async () => {},
		slug: string | null = null,
	) {
		const alice = await device(config, { transport });
		await supabase.sql("insert into papers (id, title, n) values ($1, 'one', 0)", [uuid(1)]);
		await alice.sync.sync();
		if (isEchoed) {
			await alice.sync.queueAction('papers', 'update', { title: 'first' }, uuid(1));
			await alice.sync.sync();
		}
		await alice.sync.queueAction('papers', 'update', { title: 'mine' }, uuid(1));
		supabase.faults.add({ match: isPush, effect: { kind: 'latency', ms: 200 }, times: 1 });
		supabase.faults.add({ match: isPush, effect: { kind: 'drop-after' } });
		const running = alice.sync.sync();
		await sleep(60);
		if (slug === null) await alice.sync.queueAction('papers', 'delete', null, uuid(1));
		else await alice.sync.queueAction('papers', 'update', { slug }, uuid(1));
		await running;
		supabase.faults.clear();
		expect(await supabase.sql('select title from papers')).toEqual([{ title: 'mine' }]);
		await after();
		for (let n = 0; n < 2; n++) expect((await alice.sync.sync()).errors).toEqual([]);
		return alice;
	}

	it.each(['latest-wins', 'remote-wins', 'manual'] as const)(
		'[R7] [S1] are no conflict with a delete after an unheard edit, once an edit has shown them (%s)',
		async (conflictResolution) => {
			const alice = await changeUnheard({ conflictResolution }, true);
			expect(await alice.sync.getConflicts()).toEqual([]);
			expect(await supabase.sql('select title from papers')).toEqual([]);
			expect(await alice.sync.table('papers').toArray()).toEqual([]);
		},
	);

	it('[R7] [S7] until then somebody may have set them, and nothing is lost', async () => {
		const alice = await changeUnheard({ conflictResolution: 'manual' }, false);
		expect(await supabase.sql('select title from papers')).toEqual([{ title: 'mine' }]);
		expect(await alice.sync.getConflicts()).toHaveLength(1);
	});

	it('[R7] what somebody has written beside them is one', async () => {
		const alice = await changeUnheard({ conflictResolution: 'manual' }, true, async () => {
			await supabase.sql('update papers set n = 7');
		});
		expect(await supabase.sql('select title, n from papers')).toEqual([{ title: 'mine', n: 7 }]);
		expect(await alice.sync.getConflicts()).toHaveLength(1);
	});

	it('[R7] [S7] an edit of one of them is in conflict with what somebody else has set it to', async () => {
		const theirs = async () => void (await supabase.sql("update papers set slug = 'theirs'"));
		const alice = await changeUnheard({ conflictResolution: 'manual' }, true, theirs, 'ours');
		expect(await supabase.sql('select slug from papers')).toEqual([{ slug: 'theirs' }]);
		expect(await alice.sync.getConflicts()).toMatchObject([{ columns: ['slug'] }]);
	});
});
