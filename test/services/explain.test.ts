import Dexie from 'dexie';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { PixSyncError } from '../../src/core/errors.ts';
import type { PushMutation, PushOutcome } from '../../src/core/mutation.ts';
import type { RowExplanation } from '../../src/core/row-explanation.ts';
import type { ConflictStrategy, Row, RowId, SyncConfig } from '../../src/core/types.ts';
import type { EngineFacts } from '../../src/core/what-next.ts';
import { applyPush } from '../../src/services/apply-push.ts';
import { applyRows } from '../../src/services/apply-rows.ts';
import { clearQueue } from '../../src/services/clear.ts';
import { explainRow } from '../../src/services/explain.ts';
import { resolve } from '../../src/services/resolve.ts';
import { type RowState, readRowState } from '../../src/services/row-lookup.ts';
import { EPOCH_KEY } from '../../src/services/run.ts';
import { OWN_STORES } from '../../src/services/schema.ts';
import type { AttemptRecord } from '../../src/services/stores.ts';
import { specOf } from '../support/mutations.ts';
import { createOfflineRun } from '../support/offline-run.ts';
import { openReplica, type Replica } from '../support/replica.ts';

const T0 = '2024-01-01T00:00:00+00:00';
const T1 = '2024-01-02T00:00:00+00:00';
const T2 = '2024-01-03T00:00:00+00:00';
const justAfter = (version: string) => Date.parse(version) + 1;

const OPEN: EngineFacts = {
	connection: 'open',
	isAuto: false,
	tableState: { state: 'idle', nextRetryAt: null, error: null },
	now: 1_000,
};

const opened: Replica[] = [];

afterEach(() => {
	for (const replica of opened.splice(0)) replica.store.close();
});

/** A replica of notes, with what asks it and what the engine does to it. */
async function replicaOf(config: Partial<SyncConfig> = {}, disk = new IDBFactory()) {
	const configs = [{ table: 'notes', ...config }, { table: 'lists' }];
	const replica = await openReplica(configs, { disk });
	opened.push(replica);
	const spec = specOf(config);
	const run = (signal = new AbortController().signal) => createOfflineRun(replica, spec, { signal });
	await replica.store.transact('rw', [], (stores) => stores.meta.put({ key: EPOCH_KEY, value: 1 }));

	return {
		...replica,
		spec,
		/** What is told of a row; its status is always that of `state(id)`. */
		async explain(id: RowId = 'r', facts: Partial<EngineFacts> = {}): Promise<RowExplanation> {
			const told = await explainRow(replica.store, spec, id, { ...OPEN, now: replica.now, ...facts });
			const { status } = await readRowState(replica.store, spec, id);
			expect(told.status).toBe(status);
			return told;
		},
		at(ms: number) {
			replica.now = ms;
		},
		/** The server's row arrives by a pull. */
		pull: (...rows: readonly Row[]) =>
			replica.store.transact('rw', ['notes'], (stores) => applyRows(stores, spec, { rows })),
		pullGone: (id: RowId) =>
			replica.store.transact('rw', ['notes'], (stores) => applyRows(stores, spec, { rows: [], gone: [id] })),
		resolve: (input: { isExhausted?: boolean; retryAt?: number } = {}, signal?: AbortSignal) =>
			resolve(run(signal), { table: 'notes', isExhausted: false, retryAt: 0, ...input }),
		/** Stores an attempt of all that is pending of row r, as an upload does before it sends. */
		async send(): Promise<AttemptRecord> {
			const pending = (await replica.outbox()).filter(({ status }) => status === 'pending');
			const mutation: PushMutation = {
				kind: pending[0]?.action ?? 'update',
				id: 'r',
				seqs: pending.map(({ seq }) => seq),
				body: {},
				base: null,
				stamp: T2,
			};
			const record = { table: 'notes', mutations: [mutation], count: 0, nextAttemptAt: 0 };
			const id = await replica.store.transact('rw', [], (stores) => stores.attempts.add(record));
			return { ...record, id };
		},
		answer: (attempt: AttemptRecord, outcome: PushOutcome, retryInMs = 0) =>
			applyPush(run(), attempt, [outcome], retryInMs),
	};
}

const refused = (code: string) =>
	new PixSyncError(code, 'duplicate key value', { fault: 'rejected', hint: 'Choose another.' });

describe('explain: each status', () => {
	it('a row that nobody knows is absent, and no error', async () => {
		const { explain } = await replicaOf();
		expect(await explain('nobody')).toEqual({
			table: 'notes',
			id: 'nobody',
			status: 'absent',
			row: null,
			base: null,
			remote: null,
			conflict: null,
			mutations: [],
			waitsFor: [],
			attempts: 0,
			nextAttemptAt: null,
			lastConflict: null,
			lastOutcome: null,
			tableState: OPEN.tableState,
			next: 'Nothing to do: it is neither held nor queued here.',
		});
		expectTypeOf<RowExplanation['status']>().toEqualTypeOf<RowState['status']>();
	});

	it('synced: the row is its own base', async () => {
		const { explain, pull } = await replicaOf();
		const row = { id: 'r', title: 'base', updated_at: T0 };
		await pull(row);
		expect(await explain()).toMatchObject({
			status: 'synced',
			row,
			base: row,
			mutations: [],
			lastOutcome: { kind: 'confirmed', at: null },
			next: 'Nothing to do: it is what the server confirmed.',
		});
	});

	it('[R5] pending: view and base apart, mutations in queue order, each with its data', async () => {
		const { explain, pull, queue } = await replicaOf();
		const base = { id: 'r', title: 'base', body: 'base', updated_at: T0 };
		await pull(base);
		await queue('notes', 'update', { title: 'one' }, 'r');
		const two = await queue('notes', 'update', { body: 'two' }, 'r');
		const told = await explain();
		expect(told).toMatchObject({
			status: 'pending',
			row: { ...base, title: 'one', body: 'two' },
			base,
			remote: null,
			attempts: 0,
			lastOutcome: { kind: 'confirmed', at: null },
			next: 'Uploads with the next call of sync(): automatic sync is off.',
		});
		expect(told.mutations.map(({ data }) => data)).toEqual([{ title: 'one' }, { body: 'two' }]);
		expect(told.mutations[1]).toEqual({
			mutationId: two.mutationId,
			action: 'update',
			data: { body: 'two' },
			queuedAt: 1_000,
			status: 'pending',
			isSent: false,
			error: null,
		});
	});

	it('[R5] a row whose delete is pending is pending, with its base and without a view', async () => {
		const { explain, pull, queue } = await replicaOf();
		await pull({ id: 'r', title: 'base', updated_at: T0 });
		await queue('notes', 'delete', null, 'r');
		expect(await explain()).toMatchObject({ status: 'pending', row: null, base: { title: 'base' } });
	});

	it('[R3] a localId is asked for and the id is told; text that names a number key finds it', async () => {
		const { explain, queue, pull } = await replicaOf();
		const { id } = await queue('notes', 'create', { title: 'new' }, 'draft');
		expect(await explain('draft')).toMatchObject({ id, status: 'pending', base: null, lastOutcome: null });
		const numbers = await replicaOf();
		await numbers.pull({ id: 7, updated_at: T0 });
		expect(await numbers.explain('7')).toMatchObject({ id: 7, status: 'synced' });
		await pull({ id: 'r', updated_at: T0 });
		expect((await explain('r')).mutations).toEqual([]);
	});

	it('[R2] a row that was changed without being held: no base, fetched first', async () => {
		const { explain, queue } = await replicaOf();
		await queue('notes', 'update', { title: 'x' }, 'r');
		const told = await explain();
		expect(told).toMatchObject({ status: 'pending', row: null, base: null, lastOutcome: null });
		expect(told.next).toContain("It is not held here: the server's row is fetched first.");
	});

	it('[R7] a request that left is told, with its tries and its next attempt; later changes are not sent', async () => {
		const { explain, queue, send, answer, at } = await replicaOf();
		await queue('notes', 'create', { id: 'r', title: 'new' });
		const attempt = await send();
		await queue('notes', 'update', { title: 'newer' }, 'r');
		expect(await explain()).toMatchObject({
			attempts: 0,
			nextAttemptAt: null,
			mutations: [{ isSent: true }, { isSent: false }],
		});
		at(5_000);
		const error = new PixSyncError('57014', 'overloaded', { fault: 'retryable', hint: '' });
		await answer(attempt, { kind: 'retryable', error }, 2_000);
		const facts = { tableState: { ...OPEN.tableState, state: 'backoff', nextRetryAt: 6_000 } } as const;
		expect(await explain('r', facts)).toMatchObject({
			attempts: 1,
			nextAttemptAt: 7_000,
			next:
				'Tried again at 1970-01-01T00:00:07.000Z, or with the next sync. ' +
				'A request of it left and no final answer is known: it is repeated before anything else.',
		});
		at(7_000);
		expect((await explain()).nextAttemptAt).toBeNull();
	});

	it('[R5] the newer server row that was seen is told beside the base; gone is not the same as none', async () => {
		const { explain, pull, pullGone, queue } = await replicaOf();
		await pull({ id: 'r', title: 'base', updated_at: T0 });
		await queue('notes', 'update', { title: 'mine' }, 'r');
		const remote = { id: 'r', title: 'theirs', updated_at: T1 };
		await pull(remote);
		const seen = await explain();
		expect(seen).toMatchObject({ base: { title: 'base' }, remote, row: { title: 'mine' } });
		expect(seen.next).toContain("The server's row has changed meanwhile: 'latest-wins' decides.");
		await pullGone('r');
		const gone = await explain();
		expect(gone.remote).toBe('gone');
		expect(gone.next).toContain("The server's row is gone meanwhile");
	});

	it('[R8] rejected: error and time are those of the dead letter, its data is kept', async () => {
		const { explain, pull, queue, send, answer, at } = await replicaOf();
		await pull({ id: 'r', title: 'base', updated_at: T0 });
		await queue('notes', 'update', { title: 'taken' }, 'r');
		const attempt = await send();
		at(5_000);
		await answer(attempt, { kind: 'rejected', error: refused('23505') });
		const told = await explain();
		expect(told).toMatchObject({
			status: 'rejected',
			row: { title: 'base' },
			base: { title: 'base' },
			mutations: [{ status: 'rejected', isSent: false, data: { title: 'taken' } }],
			lastConflict: null,
			lastOutcome: { kind: 'rejected', at: 5_000, code: '23505' },
			next: 'Kept aside, and not sent again by itself: duplicate key value (23505).',
		});
		expect(told.mutations[0]?.error).toEqual({
			code: '23505',
			message: 'duplicate key value',
			hint: 'Choose another.',
			at: 5_000,
		});
		await queue('notes', 'update', { title: 'free' }, 'r');
		const later = await explain();
		expect(later).toMatchObject({ status: 'pending', lastOutcome: { kind: 'rejected' } });
		expect(later.next).toContain('An earlier change is kept aside: duplicate key value (23505).');
	});

	it('conflicted: a parked row waits for a decision', async () => {
		const { explain, pull, queue, resolve } = await replicaOf({ conflictResolution: 'manual' });
		const [base, theirs] = [T0, T1].map((updated_at) => ({ id: 'r', title: updated_at, updated_at }));
		await pull(base ?? {});
		await queue('notes', 'update', { title: 'mine' }, 'r');
		await pull(theirs ?? {});
		await resolve();
		await queue('notes', 'update', { body: 'mine, too' }, 'r');
		const told = await explain();
		expect(told).toMatchObject({
			status: 'conflicted',
			row: { title: 'mine', body: 'mine, too' },
			base,
			remote: theirs,
			conflict: { rowId: 'r', reason: 'manual', columns: ['title'], base, remote: theirs },
			mutations: [{ status: 'conflicted' }, { status: 'conflicted' }],
			lastConflict: { outcome: 'parked', strategy: 'manual', droppedMutations: [] },
		});
		expect(told.next).toBe(
			"Parked, as the table's rule wants it: it waits until somebody decides by resolveConflict(), and its later changes with it.",
		);
	});

	it('[R14] [R8] a row waits for its parent while that one is not at the server', async () => {
		const { explain, queue, seed, store } = await replicaOf({ dependsOn: ['lists'] });
		await seed('lists', { id: 'synced' });
		await queue('lists', 'create', { id: 'l1', title: 'new' });
		await queue('lists', 'update', { title: 'changed' }, 'synced');
		await queue('notes', 'create', { id: 'r', list_id: 'l1', other_id: 'synced', title: 'l2' });
		const told = await explain();
		expect(told.waitsFor).toEqual([{ table: 'lists', id: 'l1', status: 'pending' }]);
		await store.transact('rw', [], (stores) =>
			stores.outbox.where(':id').equals(1).modify({ status: 'rejected' }),
		);
		expect((await explain()).next).toContain('It refers to row "l1" of "lists", which is rejected itself.');
	});

	it('[R10] a dropped change whose request had left is fetched before anything else', async () => {
		const { explain, pull, queue, send, store, spec } = await replicaOf();
		await pull({ id: 'r', title: 'base', updated_at: T0 });
		await queue('notes', 'update', { title: 'mine' }, 'r');
		await send();
		await clearQueue(store, spec);
		const told = await explain();
		expect(told).toMatchObject({ status: 'synced', mutations: [], attempts: 0, row: { title: 'base' } });
		expect(told.next).toContain('may have reached the server');
	});
});

describe('explain: the last conflict', () => {
	/** Row r, edited here before the server's row of T1 was seen: title at `T0 + 1 ms`, body after T1. */
	async function inConflict(conflictResolution: ConflictStrategy, disk?: IDBFactory) {
		const replica = await replicaOf({ conflictResolution }, disk);
		await replica.pull({ id: 'r', title: 'base', body: 'base', updated_at: T0 });
		replica.at(justAfter(T0));
		const early = await replica.queue('notes', 'update', { title: 'mine' }, 'r');
		replica.at(justAfter(T1));
		const late = await replica.queue('notes', 'update', { body: 'mine' }, 'r');
		replica.at(justAfter(T2));
		return { ...replica, early: early.mutationId, late: late.mutationId };
	}
	const theirs = { id: 'r', title: 'theirs', body: 'base', updated_at: T1 };

	it('[R19] remote: everything was dropped, told by id and column, and still after a restart', async () => {
		const disk = new IDBFactory();
		const first = await inConflict('remote-wins', disk);
		await first.pull(theirs);
		expect((await first.explain()).lastConflict).toBeNull();
		await first.resolve();
		const lastConflict = {
			outcome: 'remote',
			strategy: 'remote-wins',
			at: justAfter(T2),
			droppedMutations: [first.early, first.late],
			droppedColumns: ['title', 'body'],
		};
		const lastOutcome = { kind: 'conflict', at: justAfter(T2), outcome: 'remote' };
		expect(await first.explain()).toMatchObject({ status: 'synced', row: theirs, lastConflict, lastOutcome });
		first.store.close();
		const { explain } = await replicaOf({ conflictResolution: 'remote-wins' }, disk);
		const told = await explain();
		expect(told.lastConflict).toEqual(lastConflict);
		expect(told.lastOutcome).toEqual(lastOutcome);
	});

	it('[R19] local: what was dropped and what is sent anew; once that is confirmed, the outcome is that', async () => {
		const { explain, pull, resolve, send, answer, early, late } = await inConflict('latest-wins');
		await pull(theirs);
		await resolve();
		const lastConflict = { outcome: 'local', droppedMutations: [early], droppedColumns: ['title'] };
		const told = await explain();
		expect(told).toMatchObject({ status: 'pending', lastConflict, lastOutcome: { kind: 'conflict' } });
		expect(told.mutations.map(({ mutationId }) => mutationId)).toEqual([late]);
		await answer(await send(), { kind: 'acknowledged', row: { ...theirs, body: 'mine', updated_at: T2 } });
		expect(await explain()).toMatchObject({
			status: 'synced',
			lastConflict: { ...lastConflict, at: justAfter(T2) },
			lastOutcome: { kind: 'confirmed', at: null },
		});
	});

	it('[R20] recreated: nothing was dropped', async () => {
		const { explain, pullGone, resolve } = await inConflict('local-wins');
		await pullGone('r');
		await resolve();
		expect(await explain()).toMatchObject({
			status: 'pending',
			lastConflict: { outcome: 'recreated', droppedMutations: [], droppedColumns: [] },
			lastOutcome: { kind: 'conflict', outcome: 'recreated' },
		});
	});

	it('[R20] dead-letter: the letter says why, the conflict says by which strategy', async () => {
		const { explain, pullGone, resolve } = await inConflict('remote-wins');
		await pullGone('r');
		await resolve();
		const told = await explain();
		expect(told).toMatchObject({
			status: 'rejected',
			lastConflict: { outcome: 'dead-letter', strategy: 'remote-wins', droppedMutations: [] },
			lastOutcome: { kind: 'rejected', at: justAfter(T2), code: 'remote-deleted' },
		});
		expect(told.mutations.map(({ data }) => data)).toEqual([{ title: 'mine' }, { body: 'mine' }]);
	});

	it('[R13] deferred: nothing was decided, and until when it is put off', async () => {
		const { explain, pull, resolve } = await inConflict('local-wins');
		await pull(theirs);
		await resolve({ isExhausted: true, retryAt: justAfter(T2) + 30_000 });
		expect(await explain()).toMatchObject({
			status: 'pending',
			remote: theirs,
			nextAttemptAt: justAfter(T2) + 30_000,
			lastConflict: { outcome: 'deferred', droppedMutations: [] },
		});
	});

	it('[R19] one record a row: the newest conflict’s', async () => {
		const { explain, pull, resolve, queue, store, at } = await inConflict('remote-wins');
		await pull(theirs);
		await resolve();
		const again = await queue('notes', 'update', { title: 'again' }, 'r');
		await pull({ ...theirs, updated_at: T2 });
		at(justAfter(T2) + 1);
		await resolve();
		expect((await explain()).lastConflict).toMatchObject({
			at: justAfter(T2) + 1,
			droppedMutations: [again.mutationId],
			droppedColumns: ['title'],
		});
		expect(await store.transact('r', [], (stores) => stores.outcomes.count())).toBe(1);
	});

	it('[R20] both sides deleted the row, or an echo of our own came: no conflict is recorded', async () => {
		const { explain, queue, pullGone, resolve, store } = await inConflict('remote-wins');
		await queue('notes', 'delete', null, 'r');
		await pullGone('r');
		await resolve();
		expect(await explain()).toMatchObject({ status: 'absent', lastConflict: null, lastOutcome: null });
		expect(await store.transact('r', [], (stores) => stores.outcomes.count())).toBe(0);
	});

	it('[R9] a resolution that was called off records nothing', async () => {
		const { explain, pull, resolve } = await inConflict('remote-wins');
		await pull(theirs);
		await expect(resolve({}, AbortSignal.abort())).rejects.toMatchObject({ code: 'superseded' });
		expect(await explain()).toMatchObject({ status: 'pending', lastConflict: null });
	});
});

it('[R4] a database that was made before outcomes were kept gets their store, and keeps what it holds', async () => {
	const disk = new IDBFactory();
	const before = new Dexie('replica', { indexedDB: disk, IDBKeyRange });
	const { outcomes: _, ...older } = OWN_STORES;
	before.version(1).stores({ ...older, notes: 'id' });
	await before.table('notes').put({ id: 'r', title: 'kept', updated_at: T0 });
	await before.table('aliases').put({ table: 'notes', localId: 'draft', id: 'r' });
	expect(before.tables.map(({ name }) => name)).not.toContain('outcomes');
	before.close();
	const { explain, pull, queue, resolve } = await replicaOf({ conflictResolution: 'remote-wins' }, disk);
	expect(await explain('draft')).toMatchObject({ id: 'r', status: 'synced', row: { title: 'kept' } });
	await queue('notes', 'update', { title: 'mine' }, 'draft');
	await pull({ id: 'r', title: 'theirs', updated_at: T1 });
	await resolve();
	expect(await explain()).toMatchObject({ row: { title: 'theirs' }, lastConflict: { outcome: 'remote' } });
});
