import { afterEach, describe, expect, it } from 'vitest';
import { exportUnsynced } from '../../src/services/export-unsynced.ts';
import { openReplica, type Replica } from '../support/replica.ts';

const open: Replica[] = [];

afterEach(() => {
	for (const { store } of open.splice(0)) store.close();
});

const note = (id: string, more = {}) => ({
	id,
	title: 'one',
	updated_at: '2024-01-01T00:00:00+00:00',
	...more,
});

async function replica() {
	const alice = await openReplica();
	open.push(alice);
	return alice;
}

const exported = (alice: Replica) => exportUnsynced(alice.store, 'alice', Date.UTC(2026, 0, 1));

describe('exportUnsynced', () => {
	it('[S1] nothing waits: nothing is exported', async () => {
		expect(await exported(await replica())).toEqual({
			user: 'alice',
			exportedAt: '2026-01-01T00:00:00.000Z',
			mutations: [],
			rejected: [],
			conflicts: [],
		});
	});

	it('[S1][S21] holds every mutation, with what was confirmed, and is plain JSON', async () => {
		const alice = await replica();
		await alice.seed('notes', note('a'), note('b'), note('c'));
		const created = await alice.queue('tags', 'create', { name: 'red' });
		const sent = await alice.queue('notes', 'update', { title: 'two' }, 'a');
		const refused = await alice.queue('notes', 'delete', null, 'b');
		const parked = await alice.queue('notes', 'update', { title: 'mine' }, 'c');
		await alice.store.transact('rw', [], async (stores) => {
			const [, seqA, seqB, seqC] = (await stores.outbox.toArray()).map(({ seq }) => seq);
			const push = { kind: 'update', id: 'a', seqs: [seqA ?? 0], body: {}, base: null, stamp: '' } as const;
			await stores.attempts.add({ table: 'notes', mutations: [push], count: 1, nextAttemptAt: 0 });
			const error = { code: '23503', message: 'still referenced', at: 7 };
			await stores.outbox.update(seqB ?? 0, { status: 'rejected', letter: refused.mutationId, error });
			await stores.outbox.update(seqC ?? 0, { status: 'conflicted' });
			await stores.bases.update(['notes', 'c'], { remote: note('c', { title: 'theirs' }) });
		});
		const report = await exported(alice);
		const base = { userId: 'alice', queuedAt: '1970-01-01T00:00:01.000Z', isSent: false };
		expect(report.mutations).toEqual([
			{
				...base,
				mutationId: created.mutationId,
				table: 'tags',
				id: created.id,
				action: 'create',
				data: { name: 'red' },
				base: null,
			},
			{
				...base,
				mutationId: sent.mutationId,
				table: 'notes',
				id: 'a',
				action: 'update',
				data: { title: 'two' },
				isSent: true,
				base: note('a'),
			},
		]);
		expect(report.rejected).toEqual([
			{
				...base,
				mutationId: refused.mutationId,
				table: 'notes',
				id: 'b',
				action: 'delete',
				data: null,
				base: note('b'),
				letter: refused.mutationId,
				error: { code: '23503', message: 'still referenced', at: 7 },
			},
		]);
		expect(report.conflicts).toEqual([
			{
				...base,
				mutationId: parked.mutationId,
				table: 'notes',
				id: 'c',
				action: 'update',
				data: { title: 'mine' },
				base: note('c'),
				remote: note('c', { title: 'theirs' }),
			},
		]);
		expect(JSON.parse(JSON.stringify(report))).toEqual(report);
	});

	it('[S1][R4] tables that are not registered any more are in it', async () => {
		const alice = await replica();
		await alice.queue('tags', 'create', { name: 'red' });
		alice.store.close();
		const later = await openReplica([{ table: 'notes' }], { disk: alice.disk });
		open.push(later);
		expect((await exported(later)).mutations).toMatchObject([{ table: 'tags', data: { name: 'red' } }]);
	});
});
