import { IDBIndex, IDBObjectStore } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RowId, SyncAction } from '../../src/core/types.ts';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';
import { openReplica, type Replica } from '../support/replica.ts';

const open: Replica[] = [];
let reads = 0;

beforeEach(() => {
	reads = 0;
	const counted = [
		...(['get', 'getAll', 'getAllKeys', 'openCursor', 'openKeyCursor'] as const).map(
			(name) => [IDBObjectStore.prototype, name] as const,
		),
		[IDBIndex.prototype, 'getKey'] as const,
	];
	for (const [prototype, name] of counted) {
		const owner = prototype as unknown as Record<string, (...given: unknown[]) => unknown>;
		const original = owner[name] as (...given: unknown[]) => unknown;
		vi.spyOn(owner, name).mockImplementation(function (this: unknown, ...given) {
			reads++;
			return original.apply(this, given);
		});
	}
});

afterEach(() => {
	vi.restoreAllMocks();
	closeLetterWorlds();
	for (const { store } of open.splice(0)) store.close();
});

async function replica(): Promise<Replica> {
	const tables = [{ table: 'notes', references: { list: 'lists' } }, { table: 'lists' }];
	const opened = await openReplica(tables);
	open.push(opened);
	reads = 0;
	return opened;
}

const UUID = '6f2a1c3e-0000-7000-8000-00000000000a';
const create = (data: object): [string, SyncAction, unknown] => ['notes', 'create', data];

describe('a create that nothing need be read for', () => {
	it.each<[string, object]>([
		['without an id', { title: 'one' }],
		['with a UUID', { id: UUID, title: 'one' }],
		['with another text', { id: 'Inbox', title: 'one' }],
		['with a number', { id: 7, title: 'one' }],
		['with a reference to nothing', { title: 'one', list: null }],
	])('%s reads nothing', async (_, data) => {
		const alice = await replica();
		const { id } = await alice.queue(...create(data));
		expect(reads).toBe(0);
		expect(await alice.rows('notes')).toEqual([{ id, ...data }]);
		expect(await alice.outbox()).toMatchObject([{ action: 'create', rowId: id, status: 'pending' }]);
	});

	it.each<[string, object, RowId?]>([
		['with a localId', { title: 'one' }, 'draft'],
		['with a reference, whose name may be an alias', { list: 'draft' }],
		['with a UUID in capitals, which may be that of a row', { id: UUID.toUpperCase() }],
		['with digits, which may mean a number', { id: '7' }],
	])('%s is read for', async (_, data, localId) => {
		const alice = await replica();
		await alice.queue('notes', 'create', data, localId);
		expect(reads).toBeGreaterThan(0);
	});

	it('of more than a hundred at once it is read what there is', async () => {
		const alice = await replica();
		const rows = (count: number) =>
			Array.from({ length: count }, () => create({ id: crypto.randomUUID(), title: 'one' }));
		await alice.queueAll(rows(100));
		expect(reads).toBe(0);
		await alice.queueAll(rows(101));
		expect(reads).toBeGreaterThan(0);
		expect(await alice.rows('notes')).toHaveLength(201);
	});

	it('[R1] [S27] one of a row that exists fails alone among those of the same transaction', async () => {
		const alice = await replica();
		await alice.seed('notes', { id: 'a', title: 'held' });
		const results = await Promise.allSettled([
			alice.queue(...create({ id: 'b' })),
			alice.queue(...create({ id: 'a', title: 'again' })),
			alice.queueAll([create({ id: 'c' }), create({ id: 'a' })]),
			alice.queue(...create({ id: 'd' })),
		]);
		const codes = results.map((result) => (result.status === 'rejected' ? result.reason.code : 'done'));
		expect(codes).toEqual(['done', 'row-exists', 'row-exists', 'done']);
		expect((await alice.rows('notes')).map(({ id }) => id)).toEqual(['a', 'b', 'd']);
		expect((await alice.outbox()).map(({ rowId }) => rowId)).toEqual(['b', 'd']);
		expect((await alice.rows('notes'))[0]).toMatchObject({ title: 'held' });
	});

	it('[S5] of a row deleted here goes on from what the server holds', async () => {
		const alice = await replica();
		await alice.seed('notes', { id: 'a', title: 'held', updated_at: 'v1' });
		await alice.queue('notes', 'delete', null, 'a');
		const before = await alice.bases();
		await alice.queue(...create({ id: 'a', title: 'anew' }));
		expect(await alice.bases()).toEqual(before);
		expect((await alice.outbox()).map(({ action }) => action)).toEqual(['delete', 'create']);
	});

	it('[S10] of a row deleted here whose conflict waits is held back with it, and goes as that is decided', async () => {
		const alice = await openLetterWorld({ notes: { conflictResolution: 'manual' } });
		alice.server.put('notes', { id: 'a', title: 'one' });
		alice.now += 60_000;
		await alice.download();
		await alice.queue('notes', 'delete', null, 'a');
		alice.now += 60_000;
		alice.server.put('notes', { id: 'a', title: 'theirs' });
		await alice.upload();
		expect(await alice.counts()).toMatchObject({ conflicts: 1 });
		await alice.queue('notes', 'create', { id: 'a', title: 'anew' });
		expect(await alice.counts()).toMatchObject({ pending: 0, conflicts: 1 });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served('a')).toMatchObject({ title: 'theirs' });
		expect(await alice.row('a')).toMatchObject({ title: 'anew' });
		const { specs, list } = { specs: alice.specs, list: alice.workspace.conflicts.list };
		const [conflict] = await list([...specs.values()]);
		expect(conflict?.local).toMatchObject({ title: 'anew' });
		await alice.workspace.conflicts.decide(specs, conflict?.id ?? '', 'local');
		expect(await alice.upload()).toEqual([]);
		expect(alice.served('a')).toMatchObject({ title: 'anew' });
		expect(await alice.outbox()).toEqual([]);
	});
});
