import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { createSyncInspector } from '../../src/inspect/index.ts';
import { createDevice, type Device } from '../support/device.ts';
import { type Supabase, startSupabase, touchTrigger } from '../support/supabase/index.ts';

const CANARY = 'canary-7f3a9c';

let supabase: Supabase;

beforeAll(async () => {
	supabase = await startSupabase({
		sql: `
			create table notes (
				id uuid primary key, title text unique, size int, owner uuid,
				updated_at timestamptz not null default now(),
				constraint not_refused check (title not like '%refused')
			);
			create function lock_notes() returns trigger language plpgsql as $$
			begin
				if new.title like '%locked' then
					raise exception 'The note % is locked', new.title using hint = 'Unlock ' || new.title, detail = new.title;
				end if;
				return new;
			end $$;
			create trigger locked before insert or update on notes for each row execute function lock_notes();
			${touchTrigger('notes')}
		`,
	});
});

afterAll(() => supabase?.stop());

/** All text that can be reached from a value without calling anything: own properties, errors' causes and stacks. */
function textsIn(root: unknown): Set<string> {
	const texts = new Set<string>();
	const seen = new Set<unknown>();
	const queue: unknown[] = [root];
	for (let value = queue.pop(); queue.length > 0 || value !== undefined; value = queue.pop()) {
		if (typeof value === 'string') texts.add(value);
		if (typeof value !== 'object' || value === null || seen.has(value)) continue;
		seen.add(value);
		if (value instanceof Map || value instanceof Set) queue.push(...value);
		for (const key of Reflect.ownKeys(value)) {
			const held = Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
			if (held !== undefined) queue.push(held);
		}
	}
	return texts;
}

/** Rows that are taken, that a check, a unique key, a type and a trigger refuse, and one in a conflict. */
async function liveThrough({ sync, client, network }: Device): Promise<readonly string[]> {
	await client.auth.signUp({ email: 'alice@example.com', password: 'correct horse' });
	await sync.ready();
	const { id } = await sync.queueAction('notes', 'create', { title: CANARY });
	await sync.sync();
	const refused: Record<string, unknown>[] = [
		{ title: `${CANARY} refused` },
		{ title: CANARY },
		{ title: `${CANARY} locked` },
		{ title: `${CANARY} 2`, owner: `${CANARY}-is-no-uuid` },
		{ title: `${CANARY} 3`, size: 99_999_999_999 },
	];
	for (const row of refused) await sync.queueAction('notes', 'create', row);
	const { errors } = await sync.sync();
	network.isOn = false;
	await sync.queueAction('notes', 'update', { title: `${CANARY} of mine` }, id);
	await supabase.sql('update notes set title = $1 where id = $2', [`${CANARY} of theirs`, id]);
	network.isOn = true;
	const second = await sync.sync();
	expect(second.conflicts).toBe(1);
	const rejected = errors.filter((line) => !line.includes('(http-'));
	expect(rejected).toHaveLength(refused.length);
	return errors;
}

describe('no secret leaves by a side door', () => {
	it('[S33] a canary token and a canary row are in no inspection event, error line, log or console', async () => {
		const printed: unknown[] = [];
		const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
			vi.spyOn(console, method).mockImplementation((...args) => void printed.push(args)),
		);
		const events: InspectionEvent[] = [];
		/** All that hangs on an event as it is told: snapshots, inputs, outputs, errors, and the actors themselves. */
		const told = new Set<string>();
		const inspector = createSyncInspector();
		const alice = await createDevice(supabase, 'alice', {
			tables: [{ table: 'notes' }],
			options: {
				reconcileIntervalMs: 0,
				inspect(event) {
					events.push(event);
					inspector.inspect(event);
					for (const text of textsIn(event)) told.add(text);
				},
			},
		});
		const errors = await liveThrough(alice);
		const { data } = await alice.client.auth.getSession();
		const token = data.session?.access_token ?? '';
		const refresh = data.session?.refresh_token ?? '';
		const explained = await alice.sync.table('notes').toArray();
		await alice.close();
		for (const spy of spies) spy.mockRestore();

		// The canaries were there to be found.
		expect(token.length).toBeGreaterThan(20);
		expect(JSON.stringify(explained)).toContain(CANARY);
		expect(events.length).toBeGreaterThan(100);
		expect(inspector.entries().length).toBeGreaterThan(10);
		expect(told).toContain('conflicts.resolved');
		expect([...told].some((text) => text.includes('duplicate key value'))).toBe(true);

		const everything = [...told, ...errors, JSON.stringify(inspector.entries()), ...textsIn(printed)];
		for (const secret of [CANARY, token, refresh, token.split('.')[2] ?? token]) {
			expect(everything.filter((text) => text.includes(secret))).toEqual([]);
		}
	});
});
