import { IDBFactory } from 'fake-indexeddb';
import { afterEach, describe, expect, it } from 'vitest';
import type { SyncNotices } from '../../src/core/sync-notice.ts';
import type { ConflictContext, ConflictResolver, Row, RowId, SyncConfig } from '../../src/core/types.ts';
import { applyRows } from '../../src/services/apply-rows.ts';
import { clearQueue } from '../../src/services/clear.ts';
import { createConflictInbox, toDecision } from '../../src/services/conflict-inbox.ts';
import { MAX_RESENDS, resolve } from '../../src/services/resolve.ts';
import { readRowState } from '../../src/services/row-lookup.ts';
import { EPOCH_KEY, type Run } from '../../src/services/run.ts';
import { countUnconfirmed, readTableCounts } from '../../src/services/table-counts.ts';
import { isDue, readPlan } from '../../src/services/upload-plan.ts';
import { specOf } from '../support/mutations.ts';
import { createOfflineRun } from '../support/offline-run.ts';
import { openReplica, type Replica } from '../support/replica.ts';

const T = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map((day) =>
	new Date(Date.UTC(2024, 0, 1 + day)).toISOString(),
);
const at = (day: number) => T[day] ?? '';
const justAfter = (day: number) => Date.parse(at(day)) + 1;

const base: Row = { id: 'r', title: 'base', body: 'base', n: 0, updated_at: at(0) };
const theirs = (day: number, columns: Row = { title: 'theirs' }): Row => ({
	...base,
	...columns,
	updated_at: at(day),
});

const opened: Replica[] = [];

afterEach(() => {
	for (const replica of opened.splice(0)) replica.store.close();
});

type Told = SyncNotices['conflict'];

async function replicaOf(config: Partial<SyncConfig>, disk = new IDBFactory()) {
	const replica = await openReplica([{ table: 'notes', ...config }], { disk });
	opened.push(replica);
	const spec = specOf(config);
	const specs = new Map([['notes', spec]]);
	const told: Told[] = [];
	const run = (signal = new AbortController().signal, requestTimeoutMs = 5_000): Run => {
		const plain = createOfflineRun(replica, spec);
		return {
			...plain,
			signal,
			settings: { ...plain.settings, requestTimeoutMs },
			notify: (notices) => {
				for (const { type, ...notice } of notices) if (type === 'conflict') told.push(notice as Told);
			},
		};
	};
	const inbox = createConflictInbox({
		store: replica.store,
		userId: 'alice',
		now: () => replica.now,
		clockOffset: () => 0,
		createId: () => 'unused',
	});
	await replica.store.transact('rw', [], (stores) => stores.meta.put({ key: EPOCH_KEY, value: 1 }));
	const pull = (rows: readonly Row[], gone: readonly RowId[] = []) =>
		replica.store.transact('rw', ['notes'], (stores) => applyRows(stores, spec, { rows, gone }));

	return {
		...replica,
		spec,
		told,
		pull,
		/** Row r is confirmed as `base`, and `edits` are queued on it after day `day`. */
		async edited(day: number, ...edits: readonly (Row | null)[]) {
			await pull([base]);
			replica.now = justAfter(day);
			for (const edit of edits) await replica.queue('notes', edit ? 'update' : 'delete', edit, 'r');
		},
		resolve: ({
			isExhausted = false,
			signal,
			timeoutMs,
		}: {
			isExhausted?: boolean;
			signal?: AbortSignal;
			timeoutMs?: number;
		} = {}) =>
			resolve(run(signal, timeoutMs), { table: 'notes', isExhausted, retryAt: replica.now + 60_000 }),
		conflicts: () => inbox.list([spec]),
		decide: async (id: string, decision: unknown) => inbox.decide(specs, id, toDecision(decision)),
		clear: () => clearQueue(replica.store, spec),
		state: async () => (await readRowState(replica.store, spec, 'r')).status,
		view: async () => (await replica.rows('notes')).find(({ id }) => id === 'r'),
		counts: async () => (await readTableCounts(replica.store, ['notes'])).get('notes'),
		unconfirmed: () => countUnconfirmed(replica.store, ['notes']),
		plan: () =>
			replica.store.transact('r', ['notes'], (stores) =>
				readPlan(stores, spec, { upTo: null, force: true, holdDeletes: false, limit: 10, now: replica.now }),
			),
		/** What the next upload sends of row r. */
		async intent() {
			const { rows } = await this.plan();
			return rows.find(({ id }) => id === 'r')?.intent ?? null;
		},
		later(day: number) {
			replica.now = justAfter(day);
		},
	};
}

describe('merge', () => {
	it('[R19] sends the columns that differ alone, and tells where each came from', async () => {
		const alice = await replicaOf({ conflictResolution: 'merge' });
		await alice.edited(1, { title: 'mine', n: 1 });
		await alice.pull([theirs(2, { title: 'theirs', body: 'theirs' })]);
		alice.later(3);
		expect(await alice.resolve()).toMatchObject({
			conflicts: 1,
			downloaded: 1,
			due: true,
			resolved: [{ id: 'r', outcome: 'merged' }],
		});
		expect(await alice.view()).toMatchObject({ title: 'theirs', body: 'theirs', n: 1 });
		expect(await alice.intent()).toEqual({ kind: 'update', seqs: [1], columns: { n: 1 } });
		expect(alice.told).toMatchObject([
			{ outcome: 'merged', droppedColumns: ['title'], merged: { local: ['n'], remote: ['body', 'title'] } },
		]);
	});

	it('[R19] nothing left of it: the server’s row stands, and what was dropped is told', async () => {
		const alice = await replicaOf({ conflictResolution: 'merge' });
		await alice.edited(1, { title: 'mine' });
		await alice.pull([theirs(2)]);
		expect(await alice.resolve()).toMatchObject({ conflicts: 1, due: false });
		expect(alice.told).toMatchObject([{ outcome: 'remote', droppedColumns: ['title'] }]);
		expect([await alice.state(), await alice.outbox()]).toEqual(['synced', []]);
	});

	it('[R19] both made the same change: acknowledged, and no conflict', async () => {
		const alice = await replicaOf({ conflictResolution: 'merge' });
		await alice.edited(1, { title: 'theirs' });
		await alice.pull([theirs(2)]);
		expect(await alice.resolve()).toMatchObject({ conflicts: 0, uploaded: 1, due: false });
		expect(await alice.state()).toBe('synced');
	});

	it('[R20] an edit of a row that is gone is parked; a delete under an edit keeps the row', async () => {
		const alice = await replicaOf({ conflictResolution: 'merge' });
		await alice.edited(1, { title: 'mine' });
		await alice.pull([], ['r']);
		await alice.resolve();
		expect(await alice.conflicts()).toMatchObject([{ reason: 'edit-vs-delete', remote: null, columns: [] }]);
		const bob = await replicaOf({ conflictResolution: 'merge' });
		await bob.edited(3, null);
		await bob.pull([theirs(2)]);
		await bob.resolve();
		expect([await bob.view(), await bob.outbox()]).toEqual([theirs(2), []]);
	});
});

describe('manual', () => {
	async function parked(...edits: readonly (Row | null)[]) {
		const alice = await replicaOf({ conflictResolution: 'manual' });
		await alice.edited(1, ...(edits.length > 0 ? edits : [{ title: 'mine' }]));
		await alice.pull([theirs(2)]);
		alice.later(3);
		expect(await alice.resolve()).toMatchObject({ conflicts: 1, uploaded: 0, downloaded: 0, due: false });
		return alice;
	}

	it('[R19][S7] parks the row with all three versions; the view keeps the local one', async () => {
		const alice = await parked();
		const [conflict] = await alice.conflicts();
		expect(conflict).toEqual({
			id: expect.any(String),
			table: 'notes',
			rowId: 'r',
			base,
			local: { ...base, title: 'mine' },
			remote: theirs(2),
			since: justAfter(3),
			columns: ['title'],
			reason: 'manual',
		});
		expect(alice.told).toMatchObject([
			{ table: 'notes', id: 'r', outcome: 'parked', parked: { conflict: conflict?.id, reason: 'manual' } },
		]);
		expect(await alice.view()).toMatchObject({ title: 'mine' });
		expect(await alice.state()).toBe('conflicted');
		expect(await alice.counts()).toMatchObject({ pending: 0, conflicts: 1, rejected: 0 });
		expect(await alice.unconfirmed()).toBe(1);
	});

	it('[R11][R19] later changes of the row wait with it, other rows flow', async () => {
		const alice = await parked();
		const [before] = await alice.conflicts();
		await alice.queue('notes', 'update', { n: 7 }, 'r');
		await alice.queue('notes', 'create', { id: 's', title: 'other' });
		const plan = await alice.plan();
		expect(plan.rows.map(({ id }) => id)).toEqual(['s']);
		expect(await alice.counts()).toMatchObject({ pending: 1, conflicts: 1 });
		expect(await alice.unconfirmed()).toBe(3);
		const [conflict] = await alice.conflicts();
		expect(conflict).toMatchObject({ id: before?.id, local: { title: 'mine', n: 7 } });
	});

	it('[R11] with parked rows alone nothing is due, and nothing waits for its time', async () => {
		const alice = await parked();
		const plan = await alice.plan();
		expect([isDue(plan), plan.waitUntil, plan.isPartial]).toEqual([false, null, false]);
	});

	it('[R7] a request of unknown outcome is not repeated for it', async () => {
		const alice = await replicaOf({ conflictResolution: 'manual' });
		await alice.edited(1, { title: 'mine' });
		const sent = {
			kind: 'update',
			id: 'r',
			seqs: [1],
			body: { title: 'mine' },
			base: at(0),
			stamp: at(9),
		} as const;
		await alice.store.transact('rw', [], (stores) =>
			stores.attempts.add({ table: 'notes', mutations: [sent], count: 1, nextAttemptAt: 0 }),
		);
		await alice.pull([theirs(2)]);
		await alice.resolve();
		expect((await alice.plan()).retries).toEqual([]);
		expect(await alice.conflicts()).toHaveLength(1);
	});

	it('[R8] a mutation that came back to a parked row in another way waits, too', async () => {
		const alice = await parked();
		const [own] = await alice.outbox();
		const { seq: _, ...revived } = { ...own, mutationId: 'revived', status: 'pending' as const };
		await alice.store.transact('rw', [], (stores) => stores.outbox.add(revived as never));
		expect(isDue(await alice.plan())).toBe(false);
		const [conflict] = await alice.conflicts();
		await alice.decide(conflict?.id ?? '', 'local');
		expect(await alice.intent()).toMatchObject({ seqs: [1, 2] });
	});

	it('[R5] a newer row of the server’s is what the conflict is about from then on, under a new id', async () => {
		const alice = await parked();
		const [first] = await alice.conflicts();
		await alice.pull([theirs(4, { title: 'theirs, again', body: 'theirs' })]);
		expect(isDue(await alice.plan())).toBe(true);
		alice.later(5);
		expect(await alice.resolve()).toMatchObject({ conflicts: 0, due: false });
		const [second] = await alice.conflicts();
		expect(second).toMatchObject({
			remote: { title: 'theirs, again' },
			since: justAfter(3),
			reason: 'manual',
		});
		expect(second?.id).not.toBe(first?.id);
		await expect(alice.decide(first?.id ?? '', 'local')).rejects.toMatchObject({ code: 'unknown-conflict' });
		expect(await alice.state()).toBe('conflicted');
		// The overlap brings it once more: nothing is new.
		await alice.pull([theirs(4, { title: 'theirs, again', body: 'theirs' })]);
		expect(isDue(await alice.plan())).toBe(false);
	});

	it('[R19] the server’s row comes to equal the local one: agreed, and over', async () => {
		const alice = await parked();
		await alice.pull([theirs(4, { title: 'mine', body: 'theirs' })]);
		expect(await alice.resolve()).toMatchObject({ conflicts: 0, uploaded: 1, due: false });
		expect([await alice.conflicts(), await alice.outbox(), await alice.bases()]).toEqual([[], [], []]);
		expect(await alice.view()).toMatchObject({ title: 'mine', body: 'theirs' });
	});

	it('[R20] the server’s row is removed meanwhile: told as null; once deleted here, too, it is agreed', async () => {
		const alice = await parked();
		await alice.pull([], ['r']);
		await alice.resolve();
		expect(await alice.conflicts()).toMatchObject([{ remote: null, local: { title: 'mine' }, columns: [] }]);
		await alice.queue('notes', 'delete', null, 'r');
		expect(await alice.conflicts()).toMatchObject([{ remote: null, local: null }]);
		await alice.pull([], ['r']);
		await alice.resolve();
		expect([await alice.conflicts(), await alice.outbox()]).toEqual([[], []]);
	});

	it('[R2] a row that was never held: what was set here, on the server’s row', async () => {
		const alice = await replicaOf({ conflictResolution: 'manual' });
		await alice.queue('notes', 'update', { title: 'mine' }, 'r');
		await alice.store.transact('rw', [], (stores) =>
			stores.bases.put({ table: 'notes', id: 'r', base: { kind: 'unknown' }, remote: theirs(2), seen: 1 }),
		);
		await alice.resolve();
		expect(await alice.conflicts()).toMatchObject([
			{ base: null, local: { ...theirs(2), title: 'mine' }, remote: theirs(2), columns: ['title'] },
		]);
		await alice.pull([theirs(4, { title: 'newer' })]);
		await alice.resolve();
		expect(await alice.conflicts()).toMatchObject([{ remote: { title: 'newer' } }]);
	});

	it('[S1] survives a restart', async () => {
		const disk = new IDBFactory();
		const first = await replicaOf({ conflictResolution: 'manual' }, disk);
		await first.edited(1, { title: 'mine' });
		await first.pull([theirs(2)]);
		await first.resolve();
		const before = await first.conflicts();
		first.store.close();
		const again = await replicaOf({ conflictResolution: 'manual' }, disk);
		expect(await again.conflicts()).toEqual(before);
		expect(before).toHaveLength(1);
		await again.decide(before[0]?.id ?? '', 'local');
		expect(await again.intent()).toMatchObject({ kind: 'update', columns: { title: 'mine' } });
	});

	it('[R10] clearing the queue drops it, and the row is the server’s', async () => {
		const alice = await parked();
		await alice.clear();
		expect([await alice.conflicts(), await alice.outbox(), await alice.bases()]).toEqual([[], [], []]);
		expect(await alice.view()).toEqual(theirs(2));
		expect(await alice.counts()).toMatchObject({ pending: 0, conflicts: 0 });
	});

	it('[R9] a round that was called off parks nothing', async () => {
		const alice = await replicaOf({ conflictResolution: 'manual' });
		await alice.edited(1, { title: 'mine' });
		await alice.pull([theirs(2)]);
		await expect(alice.resolve({ signal: AbortSignal.abort() })).rejects.toMatchObject({
			code: 'superseded',
		});
		expect([await alice.conflicts(), await alice.state(), alice.told]).toEqual([[], 'pending', []]);
	});

	describe('decided', () => {
		it('[R19] local: the local change is sent on the row that was seen', async () => {
			const alice = await parked({ title: 'mine' }, { n: 1 });
			const [conflict] = await alice.conflicts();
			const { table, notices } = await alice.decide(conflict?.id ?? '', 'local');
			expect([table, notices]).toMatchObject(['notes', [{ outcome: 'local', id: 'r' }]]);
			const { rows } = await alice.plan();
			expect(rows).toMatchObject([
				{ base: { row: theirs(2) }, intent: { kind: 'update', columns: { title: 'mine', n: 1 } } },
			]);
			expect([await alice.state(), await alice.conflicts()]).toEqual(['pending', []]);
			await expect(alice.decide(conflict?.id ?? '', 'local')).rejects.toMatchObject({
				code: 'unknown-conflict',
				hint: expect.stringContaining('getConflicts()'),
			});
		});

		it('[R19] remote: the local changes are dropped, and told', async () => {
			const alice = await parked({ title: 'mine' }, { n: 1 });
			const [conflict] = await alice.conflicts();
			const { notices } = await alice.decide(conflict?.id ?? '', 'remote');
			expect(notices).toMatchObject([{ outcome: 'remote', droppedColumns: ['title', 'n'] }]);
			expect([await alice.view(), await alice.outbox(), await alice.bases()]).toEqual([theirs(2), [], []]);
		});

		it('[R17][R19] a row: its columns that differ from the server’s, and never the id or the timestamp', async () => {
			const alice = await parked({ title: 'mine' }, { n: 1 });
			const [conflict] = await alice.conflicts();
			const decided = { ...conflict?.remote, id: 'r', title: 'both', updated_at: at(9) };
			const { notices } = await alice.decide(conflict?.id ?? '', decided);
			expect(notices).toMatchObject([{ outcome: 'merged', droppedColumns: ['n'] }]);
			expect(await alice.intent()).toMatchObject({ kind: 'update', columns: { title: 'both' } });
			expect(await alice.view()).toMatchObject({ title: 'both', n: 0, updated_at: at(2) });
		});

		it('[R19] a row that is the server’s: nothing is left to send', async () => {
			const alice = await parked();
			const [conflict] = await alice.conflicts();
			await alice.decide(conflict?.id ?? '', conflict?.remote);
			expect([await alice.view(), await alice.outbox()]).toEqual([theirs(2), []]);
		});

		it('[R20] edited here, gone there: local and a row make it anew, remote lets it go', async () => {
			const wanted = [
				['local', { title: 'mine', body: 'base' }],
				[{ title: 'ours' }, { title: 'ours', body: 'base' }],
				['remote', null],
			] as const;
			for (const [decision, columns] of wanted) {
				const alice = await replicaOf({ conflictResolution: 'manual' });
				await alice.edited(1, { title: 'mine' });
				await alice.pull([], ['r']);
				await alice.resolve();
				const [conflict] = await alice.conflicts();
				await alice.decide(conflict?.id ?? '', decision);
				if (columns) expect(await alice.intent()).toMatchObject({ kind: 'create', columns });
				else expect([await alice.outbox(), await alice.view()]).toEqual([[], undefined]);
				expect(await alice.conflicts()).toEqual([]);
			}
		});

		it('[R20][S9] a tombstone: local clears it by a patch, remote drops the edit', async () => {
			const tombstone = theirs(2, { deleted_at: at(2) });
			for (const decision of ['local', 'remote'] as const) {
				const alice = await replicaOf({ conflictResolution: 'manual', deletedField: 'deleted_at' });
				await alice.edited(1, { title: 'mine' });
				await alice.pull([tombstone]);
				await alice.resolve();
				const [conflict] = await alice.conflicts();
				expect(conflict).toMatchObject({ remote: null, local: { title: 'mine' } });
				await alice.decide(conflict?.id ?? '', decision);
				if (decision === 'remote') expect(await alice.view()).toBeUndefined();
				else {
					expect(await alice.intent()).toMatchObject({
						kind: 'update',
						columns: { title: 'mine', deleted_at: null },
					});
				}
			}
		});

		it('[R20] deleted here, edited there: local deletes, remote and a row keep it', async () => {
			for (const [decision, kind] of [
				['local', 'delete'],
				['remote', null],
				[{ n: 5 }, 'update'],
			] as const) {
				const alice = await parked(null);
				const [conflict] = await alice.conflicts();
				expect(conflict).toMatchObject({ local: null, remote: theirs(2) });
				await alice.decide(conflict?.id ?? '', decision);
				expect((await alice.intent())?.kind ?? null).toBe(kind);
				expect((await alice.view())?.title).toBe(decision === 'local' ? undefined : 'theirs');
			}
		});

		it.each([
			['nonsense', 'mine', 'bad-action'],
			['a list', ['x'], 'bad-data'],
			['a value that is no JSON', { title: () => 1 }, 'bad-data'],
			['a column that the row does not have', { tilte: 'x' }, 'bad-data'],
			['another id', { id: 's', title: 'x' }, 'id-change'],
		])('[F50] refuses %s before anything is written', async (_, decision, code) => {
			const alice = await parked();
			const [conflict] = await alice.conflicts();
			const before = [await alice.outbox(), await alice.bases()];
			await expect(alice.decide(conflict?.id ?? '', decision)).rejects.toMatchObject({
				code,
				hint: expect.stringMatching(/./),
			});
			expect([await alice.outbox(), await alice.bases()]).toEqual(before);
			expect(await alice.conflicts()).toEqual([conflict]);
		});

		it('[R19] what was decided counts as made now, not as made when the edit was', async () => {
			let verdict: 'manual' | 'latest' = 'manual';
			const alice = await replicaOf({ conflictResolution: () => verdict });
			await alice.edited(1, { title: 'mine' });
			await alice.pull([theirs(2)]);
			await alice.resolve();
			alice.later(6);
			const [conflict] = await alice.conflicts();
			await alice.decide(conflict?.id ?? '', 'local');
			verdict = 'latest';
			await alice.pull([theirs(5, { title: 'between edit and decision' })]);
			alice.later(7);
			expect(await alice.resolve()).toMatchObject({ resolved: [{ outcome: 'local' }] });
		});

		it('[S7] the server’s row has changed again by then: a new conflict', async () => {
			const alice = await parked();
			const [first] = await alice.conflicts();
			await alice.decide(first?.id ?? '', 'local');
			await alice.pull([theirs(5, { title: 'newer' })]);
			expect(await alice.resolve()).toMatchObject({ conflicts: 1 });
			const [second] = await alice.conflicts();
			expect(second).toMatchObject({ base: theirs(2), remote: { title: 'newer' }, local: { title: 'mine' } });
			expect(second?.id).not.toBe(first?.id);
		});
	});
});

describe('a resolver of the app’s', () => {
	async function conflictOf(
		resolver: ConflictResolver,
		edits: readonly (Row | null)[] = [{ title: 'mine' }],
	) {
		const alice = await replicaOf({ conflictResolution: resolver });
		await alice.edited(1, ...edits);
		await alice.pull([theirs(2, { title: 'theirs', body: 'theirs' })]);
		alice.later(3);
		return alice;
	}

	it('[R19] sees copies of all three versions, outside any transaction', async () => {
		const seen: ConflictContext[] = [];
		const alice: Awaited<ReturnType<typeof replicaOf>> = await conflictOf(async (conflict) => {
			seen.push(structuredClone(conflict));
			// A transaction would have ended, or be waited for in vain.
			await alice.queue('notes', 'create', { id: 's' });
			await new Promise((done) => setTimeout(done, 5));
			Object.assign(conflict.remote ?? {}, { title: 'spoilt' });
			return 'remote' as const;
		});
		await alice.resolve();
		expect(seen).toEqual([
			{
				table: 'notes',
				id: 'r',
				base,
				local: { ...base, title: 'mine' },
				remote: theirs(2, { title: 'theirs', body: 'theirs' }),
			},
		]);
		expect(await alice.view()).toMatchObject({ title: 'theirs' });
	});

	it.each([
		['local', 'local', { kind: 'update', columns: { title: 'mine' } }],
		['remote', 'remote', null],
		['latest', 'remote', null],
		['merge', 'remote', null],
		[{ row: { title: 'ours', body: 'theirs' } }, 'merged', { kind: 'update', columns: { title: 'ours' } }],
		[{ delete: true }, 'deleted', { kind: 'delete', columns: {} }],
	] as const)('[R19] its verdict %j ends it as %s', async (verdict, outcome, intent) => {
		for (const answer of [verdict, Promise.resolve(verdict)]) {
			const alice = await conflictOf(() => answer);
			expect(await alice.resolve()).toMatchObject({ conflicts: 1, errors: [], resolved: [{ outcome }] });
			if (intent) expect(await alice.intent()).toMatchObject(intent);
			else expect(await alice.outbox()).toEqual([]);
		}
	});

	it('[R19] manual: parked for a person', async () => {
		const alice = await conflictOf(() => 'manual');
		await alice.resolve();
		expect(await alice.conflicts()).toMatchObject([{ reason: 'manual' }]);
		await alice.pull([theirs(4, { title: 'again' })]);
		await alice.resolve();
		expect(await alice.conflicts()).toMatchObject([{ reason: 'manual', remote: { title: 'again' } }]);
	});

	it('[R19] is not asked where both sides agree, or where the newer row is our own', async () => {
		let asked = 0;
		const alice = await replicaOf({
			conflictResolution: () => {
				asked++;
				return 'local' as const;
			},
		});
		await alice.edited(1, { title: 'theirs' });
		await alice.pull([theirs(2)]);
		expect(await alice.resolve()).toMatchObject({ conflicts: 0, uploaded: 1 });
		expect(asked).toBe(0);
	});

	it.each([
		[
			'throws',
			() => {
				throw new Error('boom');
			},
			'boom',
		],
		['rejects', () => Promise.reject(new Error('boom')), 'boom'],
		['rejects with no error', () => Promise.reject('boom'), 'boom'],
		['answers nothing', () => undefined, 'it answered undefined'],
		['answers nonsense', () => 'mine', 'a value of type string'],
		['answers { delete: false }', () => ({ delete: false }), 'a value of type object'],
		['answers both', () => ({ delete: true, row: {} }), 'a value of type object'],
		['answers a row with another id', () => ({ row: { id: 's' } }), 'another id'],
		['answers a row with a column that there is not', () => ({ row: { tilte: 'x' } }), 'data.tilte'],
		['answers a row that is no JSON', () => ({ row: { title: () => 1 } }), 'data.title'],
		['never answers', () => new Promise(() => undefined), 'within 20 ms'],
	])(
		'[R19] one that %s parks the row with its error, and the other rows go on',
		async (_, resolver, said) => {
			const alice = await replicaOf({
				conflictResolution: ((conflict: ConflictContext) =>
					conflict.id === 'r' ? resolver() : 'local') as ConflictResolver,
			});
			await alice.edited(1, { title: 'mine' });
			await alice.pull([{ ...base, id: 's' }]);
			await alice.queue('notes', 'update', { title: 'mine' }, 's');
			await alice.pull([theirs(2), { ...theirs(2), id: 's' }]);
			const result = await alice.resolve({ timeoutMs: 20 });
			expect(result).toMatchObject({ conflicts: 2, due: true });
			expect(result.errors).toEqual([expect.stringMatching(/^notes: .*row "r".*\(resolver-error\)$/)]);
			expect(result.errors[0]).toContain(said);
			const [conflict] = await alice.conflicts();
			expect(conflict).toMatchObject({
				rowId: 'r',
				reason: 'resolver-error',
				error: { code: 'resolver-error' },
			});
			expect(alice.told.find(({ id }) => id === 'r')).toMatchObject({
				outcome: 'parked',
				parked: { reason: 'resolver-error', error: { code: 'resolver-error' } },
			});
			expect((await alice.plan()).rows.map(({ id }) => id)).toEqual(['s']);
			await alice.decide(conflict?.id ?? '', 'local');
			expect(await alice.intent()).toMatchObject({ columns: { title: 'mine' } });
		},
	);

	it('[S33] what it throws is told without the values of the rows', async () => {
		const alice = await conflictOf(
			({ local }) => {
				throw new Error(`cannot merge ${String(local?.title)} into that`);
			},
			[{ title: 'a secret text' }],
		);
		const { errors } = await alice.resolve();
		expect(errors).toEqual([expect.stringContaining('cannot merge … into that')]);
	});

	it('[R9] an edit made while it thinks: its verdict is not applied, and it is asked again', async () => {
		const seen: unknown[] = [];
		const alice: Awaited<ReturnType<typeof replicaOf>> = await conflictOf(async ({ local }) => {
			seen.push(local?.title);
			if (seen.length === 1) await alice.queue('notes', 'update', { title: 'mine, later' }, 'r');
			return 'remote' as const;
		});
		expect(await alice.resolve()).toMatchObject({ conflicts: 0, due: true, resolved: [] });
		expect(await alice.view()).toMatchObject({ title: 'mine, later' });
		expect(await alice.resolve()).toMatchObject({ conflicts: 1, due: false });
		expect(seen).toEqual(['mine', 'mine, later']);
	});

	it('[R9] a server row that arrives while it thinks: asked again', async () => {
		const seen: unknown[] = [];
		const alice: Awaited<ReturnType<typeof replicaOf>> = await conflictOf(async ({ remote }) => {
			seen.push(remote?.title);
			if (seen.length === 1) await alice.pull([theirs(4, { title: 'newer' })]);
			return 'local' as const;
		});
		expect(await alice.resolve()).toMatchObject({ conflicts: 0, due: true });
		await alice.resolve();
		expect(seen).toEqual(['theirs', 'newer']);
	});

	it('[R13] one whose row changes each time that it is asked is put off past the bound', async () => {
		let asked = 0;
		const alice: Awaited<ReturnType<typeof replicaOf>> = await conflictOf(async () => {
			await alice.queue('notes', 'update', { n: ++asked }, 'r');
			return 'local' as const;
		});
		expect(await alice.resolve({ isExhausted: true })).toMatchObject({
			due: false,
			resolved: [{ outcome: 'deferred' }],
		});
		expect((await alice.plan()).waitUntil).toBe(justAfter(3) + 60_000);
	});

	it('[R9] the run is called off while it thinks: nothing is written, and its late answer is not heard', async () => {
		const controller = new AbortController();
		const alice = await conflictOf(async () => {
			controller.abort(new Error('offline'));
			await new Promise((done) => setTimeout(done, 5));
			return 'remote' as const;
		});
		await expect(alice.resolve({ signal: controller.signal })).rejects.toMatchObject({ code: 'superseded' });
		expect([await alice.state(), await alice.conflicts(), alice.told]).toEqual(['pending', [], []]);
	});
});

describe('a row that loses again and again', () => {
	/** The local change is decided to be sent anew, and a newer row is there first, `times` times. */
	async function lose(strategy: NonNullable<SyncConfig['conflictResolution']>, times: number) {
		const alice = await replicaOf({ conflictResolution: strategy });
		await alice.edited(11, { title: 'mine' });
		for (let day = 1; day <= times; day++) {
			await alice.pull([theirs(day, { n: day })]);
			expect(await alice.resolve()).toMatchObject({ conflicts: 1, due: true });
		}
		await alice.pull([theirs(times + 1, { n: times + 1 })]);
		return alice;
	}

	it.each<NonNullable<SyncConfig['conflictResolution']>>(['merge', () => 'local'])(
		'[R13] %s: parked past the bound, for somebody to decide',
		async (strategy) => {
			const alice = await lose(strategy, MAX_RESENDS);
			expect(await alice.resolve({ isExhausted: true })).toMatchObject({ due: false, conflicts: 1 });
			const [conflict] = await alice.conflicts();
			expect(conflict).toMatchObject({ reason: 'exhausted', remote: { n: MAX_RESENDS + 1 } });
			await alice.decide(conflict?.id ?? '', 'local');
			expect(await alice.intent()).toMatchObject({ columns: { title: 'mine' } });
		},
	);

	it.each(['local-wins', 'latest-wins'] as const)(
		'[R13] %s: put off, for its app may have nobody to ask',
		async (strategy) => {
			const alice = await lose(strategy, MAX_RESENDS);
			expect(await alice.resolve({ isExhausted: true })).toMatchObject({
				resolved: [{ outcome: 'deferred' }],
			});
			expect([await alice.conflicts(), await alice.state()]).toEqual([[], 'pending']);
		},
	);

	it('[R13] a row that has not lost so often itself is put off, however many rounds the table had', async () => {
		const alice = await lose('merge', MAX_RESENDS - 1);
		expect(await alice.resolve({ isExhausted: true })).toMatchObject({ resolved: [{ outcome: 'deferred' }] });
		expect((await alice.plan()).waitUntil).toBe(justAfter(11) + 60_000);
	});
});
