import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import type { RejectedWrite } from '../../src/core/rejected-write.ts';
import { closeLetterWorlds, type LetterWorld, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

const R = '11111111-0000-7000-8000-000000000001';
const S = '22222222-0000-7000-8000-000000000002';
const L = '33333333-0000-7000-8000-000000000003';

/** Alice holds note R: title 'one', body 'x', size 1. */
async function withNote(options: Parameters<typeof openLetterWorld>[0] = {}): Promise<LetterWorld> {
	const alice = await openLetterWorld(options);
	alice.server.put('notes', { id: R, title: 'one', body: 'x', size: 1 });
	await alice.download();
	alice.now += 1_000;
	return alice;
}

/** An update of R that the server refuses; it is a dead letter afterwards. */
async function refuse(alice: LetterWorld, columns: object = {}): Promise<RejectedWrite> {
	await alice.queue('notes', 'update', { title: 'bad', ...columns }, R);
	expect(await alice.upload()).toHaveLength(1);
	const letter = (await alice.letters()).at(-1);
	if (!letter) throw new Error('nothing was refused');
	alice.now += 1_000;
	return letter;
}

describe('getRejected', () => {
	it('[R8] [F35] tells what was refused: what it comes to, all that it covered, and why', async () => {
		const alice = await withNote();
		const first = await alice.queue('notes', 'update', { title: 'good', body: 'y' }, R);
		alice.now += 5;
		const second = await alice.queue('notes', 'update', { title: 'bad' }, R);
		alice.now += 5;
		const errors = await alice.upload();
		const letters = await alice.letters();
		expect(letters).toEqual([
			{
				id: first.mutationId,
				table: 'notes',
				rowId: R,
				action: 'update',
				data: { title: 'bad', body: 'y' },
				mutations: [
					{
						mutationId: first.mutationId,
						action: 'update',
						data: { title: 'good', body: 'y' },
						queuedAt: alice.now - 10,
					},
					{
						mutationId: second.mutationId,
						action: 'update',
						data: { title: 'bad' },
						queuedAt: alice.now - 5,
					},
				],
				error: {
					code: '23514',
					message: expect.stringContaining('check constraint'),
					hint: expect.stringContaining('kept aside'),
					at: alice.now,
				},
			},
		]);
		expect(errors).toEqual([`notes: ${letters[0]?.error.message} (23514)`]);
		expect(alice.notices).toEqual([
			{ type: 'rejected', table: 'notes', id: R, letter: first.mutationId, error: letters[0]?.error },
		]);
		expectTypeOf(letters[0]?.data).toEqualTypeOf<Readonly<Record<string, unknown>> | null | undefined>();
	});

	it('[R8] is in queue order across tables, and can be asked of one table', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'create', { id: R, title: 'bad' });
		await alice.queue('lists', 'create', { id: L, title: 'bad' });
		await alice.queue('notes', 'create', { id: S, title: 'bad' });
		await alice.upload('lists');
		await alice.upload('notes');
		expect((await alice.letters()).map(({ rowId }) => rowId)).toEqual([R, L, S]);
		expect((await alice.letters('notes')).map(({ rowId }) => rowId)).toEqual([R, S]);
		expect(await alice.counts('notes')).toMatchObject({ pending: 0, rejected: 2 });
	});

	it('[R8] a refused create holds what was done to the row later; a refused delete has no data', async () => {
		const alice = await openLetterWorld();
		alice.loseReply();
		await alice.queue('notes', 'create', { id: R, title: 'bad', body: 'x' });
		await expect(alice.upload()).rejects.toMatchObject({ code: 'network' });
		await alice.queue('notes', 'update', { body: 'y' }, R);
		await alice.upload();
		expect(await alice.letters()).toMatchObject([
			{ action: 'create', data: { title: 'bad', body: 'y' }, mutations: [{}, { data: { body: 'y' } }] },
		]);
		alice.server.put('notes', { id: S, title: 'parent' });
		alice.server.put('notes', { id: L, title: 'child', up: S });
		await alice.download();
		await alice.queue('notes', 'delete', null, S);
		expect(await alice.upload()).toEqual([expect.stringMatching(/\(23503\)$/)]);
		expect((await alice.letters()).at(-1)).toMatchObject({ rowId: S, action: 'delete', data: null });
		expect(await alice.row(S)).toMatchObject({ title: 'parent' });
	});

	it('[S21] [F35] survives a restart, payload and error', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		const restarted = await alice.restart();
		expect(await restarted.letters()).toEqual([letter]);
		await restarted.retry(letter.id, { title: 'good' });
		expect(await restarted.upload()).toEqual([]);
		expect(restarted.served(R)).toMatchObject({ title: 'good' });
	});
});

describe('retryRejected', () => {
	it('[R8] [F35] puts a change back on the row as it is confirmed now, and shows it', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'mine' });
		expect(await alice.row(R)).toMatchObject({ title: 'one', body: 'x' });
		alice.server.patch('notes', R, { size: 2 });
		await alice.download();
		expect(await alice.retry(letter.id)).toEqual({ letters: [letter.id], mutations: 1, tables: ['notes'] });
		expect(await alice.row(R)).toMatchObject({ title: 'bad', body: 'mine', size: 2 });
		expect(await alice.counts()).toMatchObject({ pending: 1, rejected: 0 });
		expect(await alice.explain(R)).toMatchObject({
			status: 'pending',
			base: { title: 'one', size: 2 },
			mutations: [{ status: 'pending', error: null, isSent: false }],
			lastOutcome: { kind: 'confirmed' },
		});
		expect(await alice.letters()).toEqual([]);
	});

	it('[R8] refused again, it is a dead letter again with the new error, told once', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		await alice.retry(letter.id, { title: null });
		alice.now += 1_000;
		expect(await alice.upload()).toEqual([expect.stringMatching(/^notes: null value .*\(23502\)$/)]);
		expect(await alice.upload()).toEqual([]);
		const [again] = await alice.letters();
		expect(again).toMatchObject({ id: letter.id, data: { title: null }, error: { code: '23502' } });
		expect(again?.error.at).toBe(alice.now);
		expect(alice.notices.map((notice) => notice.type === 'rejected' && notice.error.code)).toEqual([
			'23514',
			'23502',
		]);
		expect(await alice.row(R)).toMatchObject({ title: 'one' });
		expect(await alice.counts()).toMatchObject({ pending: 0, rejected: 1 });
	});

	it('[R8] without an id revives all, in queue order, in one transaction', async () => {
		const alice = await withNote();
		const first = await refuse(alice, { body: 'first' });
		const second = await refuse(alice, { size: 7 });
		await alice.queue('lists', 'create', { id: L, title: 'bad' });
		await alice.upload('lists');
		expect(await alice.retry()).toMatchObject({
			letters: [first.id, second.id, expect.any(String)],
			mutations: 3,
			tables: ['notes', 'lists'],
		});
		expect(await alice.row(R)).toMatchObject({ title: 'bad', body: 'first', size: 7 });
		expect(await alice.row(L, 'lists')).toMatchObject({ title: 'bad' });
		expect(await alice.retry()).toEqual({ letters: [], mutations: 0, tables: [] });
	});

	it('[R8] brings a create back with what was done to the row later, in order', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'create', { id: R, title: 'bad', body: 'x' });
		await alice.queue('notes', 'update', { body: 'y' }, R);
		await alice.upload();
		const [letter] = await alice.letters();
		// The row is not there for the app any more: this waits to be fetched first (R2).
		await alice.queue('notes', 'update', { size: 3 }, R);
		expect(await alice.retry(letter?.id, { title: 'good' })).toMatchObject({ mutations: 2 });
		expect(await alice.row(R)).toEqual({ id: R, title: 'good', body: 'y', size: 3 });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'good', body: 'y', size: 3 });
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R8] goes before later changes of the row that wait: where both set a column, the later value stays', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'refused' });
		await alice.queue('notes', 'update', { title: 'later' }, R);
		await alice.retry(letter.id);
		expect(await alice.row(R)).toMatchObject({ title: 'later', body: 'refused' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'later', body: 'refused' });
		expect(await alice.counts()).toMatchObject({ pending: 0, rejected: 0 });
	});

	it('[R7] [R8] leaves alone what a request of unknown outcome sets, for that one arrives first', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'refused' });
		await alice.queue('notes', 'update', { title: 'later' }, R);
		alice.loseReply();
		await expect(alice.upload()).rejects.toMatchObject({ code: 'network' });
		await alice.retry(letter.id);
		expect(await alice.row(R)).toMatchObject({ title: 'later', body: 'refused' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'later', body: 'refused' });
		expect(await alice.row(R)).toEqual(alice.served(R));
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R8] goes on top of a row that was made anew under the same id', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'refused' });
		await alice.queue('notes', 'delete', null, R);
		await alice.queue('notes', 'create', { id: R, title: 'anew' });
		await alice.retry(letter.id);
		expect(await alice.row(R)).toEqual({ id: R, title: 'anew', body: 'refused' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'anew', body: 'refused' });
		expect(alice.served(R)).not.toHaveProperty('size');
	});

	it('[R8] a delete goes behind what waits', async () => {
		const alice = await openLetterWorld();
		alice.server.put('notes', { id: R, title: 'parent' });
		alice.server.put('notes', { id: S, title: 'child', up: R });
		await alice.download();
		await alice.queue('notes', 'delete', null, R);
		expect(await alice.upload()).toHaveLength(1);
		const [letter] = await alice.letters();
		await alice.queue('notes', 'update', { title: 'later' }, R);
		alice.server.remove('notes', S);
		await alice.retry(letter?.id);
		expect(await alice.row(R)).toBeUndefined();
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toBeUndefined();
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R8] of a row that is deleted here by a change that waits: refused alone, passed by among all', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		await alice.queue('notes', 'delete', null, R);
		const before = await alice.outbox();
		await expect(alice.retry(letter.id)).rejects.toMatchObject({ code: 'not-found', table: 'notes', id: R });
		expect(await alice.retry()).toEqual({ letters: [], mutations: 0, tables: [] });
		expect(await alice.outbox()).toEqual(before);
		expect(await alice.letters()).toEqual([letter]);
	});

	it('[R8] counts as made now: a change that came to the server since does not make it an old one', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'mine' });
		alice.now += 60_000;
		alice.server.patch('notes', R, { size: 2 });
		alice.now += 60_000;
		await alice.retry(letter.id, { title: 'good' });
		// A conflict: the server's row is later than the refused change, and earlier than its retry.
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'good', body: 'mine', size: 2 });
		expect(alice.notices.filter(({ type }) => type === 'conflict')).toMatchObject([{ outcome: 'local' }]);
	});

	it('[R2] [R8] of a row that was deleted at the server since: the letter comes back, and says so', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		alice.server.remove('notes', R);
		await alice.retry(letter.id, { title: 'good' });
		expect(await alice.upload()).toEqual([expect.stringMatching(/\(remote-deleted\)$/)]);
		await alice.retry(letter.id);
		expect(await alice.upload()).toEqual([expect.stringMatching(/\(not-found\)$/)]);
		expect(await alice.letters()).toMatchObject([
			{ id: letter.id, data: { title: 'good' }, error: { code: 'not-found' } },
		]);
	});

	it('[R20] of a row that was soft-deleted since: the later retry brings it back', async () => {
		const alice = await withNote({ notes: { deletedField: 'deleted_at' } });
		await alice.queue('notes', 'update', { title: 'mine' }, R);
		alice.now += 1_000;
		alice.server.patch('notes', R, { deleted_at: '2026-01-01T00:00:00+00:00' });
		alice.now += 1_000;
		expect(await alice.upload()).toEqual([expect.stringMatching(/\(remote-deleted\)$/)]);
		expect(await alice.retry()).toMatchObject({ mutations: 1 });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'mine', deleted_at: null });
		expect(await alice.row(R)).toEqual(alice.served(R));
	});

	it('[R8] an id that nobody knows, or that was retried already, is an error with a hint', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		await alice.retry(letter.id);
		for (const id of [letter.id, 'nobody', null as never]) {
			await expect(alice.retry(id)).rejects.toMatchObject({
				code: 'not-found',
				fault: 'input',
				hint: expect.stringContaining('getRejected()'),
			});
		}
	});

	it.each(['outbox', 'notes', 'bases'] as const)(
		'[S4] [S27] an error while %s is written leaves all as it was',
		async (store) => {
			const alice = await withNote();
			const letter = await refuse(alice);
			const [row, outbox] = [await alice.row(R), await alice.outbox()];
			const table = alice.workspace.store.dexie.table(store);
			const fail = () => {
				throw new DOMException('full', 'QuotaExceededError');
			};
			table.hook('creating', fail);
			table.hook('updating', fail);
			await expect(alice.retry(letter.id)).rejects.toMatchObject({ code: 'storage' });
			table.hook('creating').unsubscribe(fail);
			table.hook('updating').unsubscribe(fail);
			expect(await alice.row(R)).toEqual(row);
			expect(await alice.outbox()).toEqual(outbox);
			expect(await alice.letters()).toEqual([letter]);
		},
	);
});

describe('retryRejected with data', () => {
	it('[F35] puts its columns in place of the refused ones, and sends the rest as it was', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'mine' });
		const data: Record<string, unknown> = { title: 'good', size: 5, id: R, updated_at: 'ours' };
		const retried = alice.retry(letter.id, data);
		data.title = 'changed by the app meanwhile';
		expect(await retried).toMatchObject({ letters: [letter.id], mutations: 1 });
		expect(await alice.row(R)).toMatchObject({ title: 'good', body: 'mine', size: 5 });
		expect(await alice.row(R)).toMatchObject({ updated_at: alice.served(R)?.updated_at });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'good', body: 'mine', size: 5 });
	});

	it('[F35] does not send a column that is given as undefined', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'mine' });
		await alice.retry(letter.id, { title: undefined });
		expect(await alice.row(R)).toMatchObject({ title: 'one', body: 'mine' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'one', body: 'mine' });
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R8] wins over later changes that wait, for it was decided last', async () => {
		const alice = await withNote();
		const letter = await refuse(alice, { body: 'refused' });
		await alice.queue('notes', 'update', { title: 'later', body: 'later' }, R);
		await alice.retry(letter.id, { title: 'edited' });
		expect(await alice.row(R)).toMatchObject({ title: 'edited', body: 'later' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'edited', body: 'later' });
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R7] wins over a request of unknown outcome, too', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		await alice.queue('notes', 'update', { title: 'later' }, R);
		alice.loseReply();
		await expect(alice.upload()).rejects.toMatchObject({ code: 'network' });
		await alice.retry(letter.id, { title: 'edited' });
		expect(await alice.row(R)).toMatchObject({ title: 'edited' });
		await alice.upload();
		expect(alice.served(R)).toMatchObject({ title: 'edited' });
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R12] an upload that takes a part of the letter alone finds no refused value in it', async () => {
		const alice = await openLetterWorld();
		const refused = await alice.queue('notes', 'create', { id: R, title: 'bad', body: 'x' });
		await alice.queue('notes', 'create', { id: S, title: 'between' });
		await alice.queue('notes', 'update', { title: 'bad, too' }, R);
		await alice.upload();
		await alice.retry(refused.mutationId, { title: 'good', size: 4 });
		const [first, second] = await alice.outbox();
		await alice.uploadUpTo('notes', first?.seq ?? 0);
		expect(alice.served(R)).toMatchObject({ title: 'good', body: 'x', size: 4 });
		await alice.uploadUpTo('notes', second?.seq ?? 0);
		expect(alice.served(R)).toMatchObject({ title: 'good' });
		expect(await alice.letters()).toEqual([]);
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R2] edits a change of a row that is not held', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'update', { title: 'one' }, R);
		await alice.upload();
		const [letter] = await alice.letters();
		expect(letter?.error.code).toBe('not-found');
		alice.server.put('notes', { id: R, title: 'here now', body: 'x' });
		alice.now += 1_000;
		await alice.queue('notes', 'update', { title: 'later' }, R);
		await alice.retry(letter?.id, { title: 'edited' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'edited', body: 'x' });
	});

	it('[F35] refuses what queueAction refuses, and what leaves nothing to send, before anything is written', async () => {
		const alice = await withNote();
		const letter = await refuse(alice);
		const before = await alice.outbox();
		await expect(alice.retry(letter.id, { title: undefined })).rejects.toMatchObject({
			code: 'missing-data',
			hint: expect.stringContaining('discardRejected'),
		});
		await expect(alice.retry(letter.id, { body: 1n })).rejects.toMatchObject({ code: 'bad-data' });
		await expect(alice.retry(letter.id, null)).rejects.toMatchObject({ code: 'bad-data' });
		await expect(alice.retry(letter.id, { id: S })).rejects.toMatchObject({ code: 'id-change', id: R });
		await expect(alice.retry(undefined, { title: 'all' })).rejects.toMatchObject({ code: 'missing-id' });
		expect(await alice.outbox()).toEqual(before);
	});

	it('[F35] a refused delete cannot be edited', async () => {
		const alice = await openLetterWorld();
		alice.server.put('notes', { id: R, title: 'parent' });
		alice.server.put('notes', { id: S, title: 'child', up: R });
		await alice.download();
		await alice.queue('notes', 'delete', null, R);
		await alice.upload();
		const [letter] = await alice.letters();
		await expect(alice.retry(letter?.id, { title: 'x' })).rejects.toMatchObject({
			code: 'bad-action',
			id: R,
		});
		expect(await alice.retry(letter?.id, {})).toMatchObject({ mutations: 1 });
	});
});

describe('discardRejected', () => {
	it('[R8] [S21] drops one letter for good, and nothing else', async () => {
		const alice = await withNote();
		const first = await refuse(alice, { body: 'first' });
		const second = await refuse(alice);
		await alice.queue('notes', 'update', { size: 9 }, R);
		expect(await alice.discard(first.id)).toEqual({ tables: [] });
		expect(await alice.letters()).toEqual([second]);
		expect(await alice.row(R)).toMatchObject({ title: 'one', body: 'x', size: 9 });
		expect(await alice.counts()).toMatchObject({ pending: 1, rejected: 1 });
		await expect(alice.discard(first.id)).rejects.toMatchObject({ code: 'not-found' });
		await expect(alice.discard(undefined as never)).rejects.toMatchObject({ code: 'not-found' });
		expect(await alice.letters()).toEqual([second]);
		await alice.discard(second.id);
		expect(await alice.explain(R)).toMatchObject({ status: 'pending', mutations: [{ status: 'pending' }] });
	});

	it('[R3] [R8] the localId of a refused create stays taken until then, and is free after it', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'create', { title: 'bad' }, 'draft');
		await alice.upload();
		const [letter] = await alice.letters();
		await expect(alice.queue('notes', 'create', { title: 'good' }, 'draft')).rejects.toMatchObject({
			code: 'alias-in-use',
		});
		await alice.discard(letter?.id ?? '');
		expect(await alice.explain('draft')).toMatchObject({ status: 'absent', id: 'draft' });
		const anew = await alice.queue('notes', 'create', { title: 'good' }, 'draft');
		expect(anew.id).not.toBe(letter?.rowId);
		expect(await alice.explain('draft')).toMatchObject({ id: anew.id, status: 'pending' });
	});

	it('[R3] [R8] a localId that names a row which exists by now is kept', async () => {
		const alice = await openLetterWorld();
		const { id } = await alice.queue('notes', 'create', { title: 'bad' }, 'draft');
		await alice.upload();
		await alice.queue('notes', 'create', { id, title: 'good' });
		const [letter] = await alice.letters();
		await alice.discard(letter?.id ?? '');
		expect(await alice.explain('draft')).toMatchObject({ id, status: 'pending' });
		await alice.upload();
		expect(await alice.explain('draft')).toMatchObject({ id, status: 'synced' });
	});
});

describe('a fresh create under the id of a refused one', () => {
	it('[R3] [R8] is taken, for it may be the correction; the letter stays', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'create', { id: R, title: 'bad', body: 'x' });
		await alice.upload();
		await alice.queue('notes', 'create', { id: R, title: 'good' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'good' });
		expect(await alice.letters()).toMatchObject([{ rowId: R, action: 'create' }]);
	});

	it('[R8] [R16] a retry of the letter is then a patch of the columns that differ', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'create', { id: R, title: 'bad', body: 'x' });
		await alice.upload();
		await alice.queue('notes', 'create', { id: R, title: 'good' });
		await alice.upload();
		await alice.retry(undefined);
		expect(await alice.upload()).toHaveLength(1);
		const [letter] = await alice.letters();
		await alice.retry(letter?.id, { title: undefined });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'good', body: 'x' });
	});

	it('[R8] while it waits, the letter goes beneath it', async () => {
		const alice = await openLetterWorld();
		await alice.queue('notes', 'create', { id: R, title: 'bad', body: 'x' });
		await alice.upload();
		await alice.queue('notes', 'create', { id: R, title: 'good' });
		await alice.retry();
		expect(await alice.row(R)).toEqual({ id: R, title: 'good', body: 'x' });
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(R)).toMatchObject({ title: 'good', body: 'x' });
	});
});

describe('children of a refused parent', () => {
	async function withFamily(): Promise<{ alice: LetterWorld; parent: RejectedWrite }> {
		const alice = await openLetterWorld();
		await alice.queue('lists', 'create', { id: L, title: 'bad' });
		await alice.queue('notes', 'create', { id: R, title: 'child', list_id: L });
		await alice.queue('notes', 'create', { id: S, title: 'grandchild', up: R });
		await alice.upload('lists');
		await alice.upload('notes');
		const [parent] = await alice.letters();
		if (!parent) throw new Error('the parent was not refused');
		expect(await alice.counts('notes')).toMatchObject({ pending: 2, rejected: 0 });
		return { alice, parent };
	}

	it('[R8] [F32] [S20] wait for it, are told of its retry, and follow', async () => {
		const { alice, parent } = await withFamily();
		expect((await alice.retry(parent.id, { title: 'good' })).tables).toEqual(['lists', 'notes']);
		expect(await alice.upload('lists')).toEqual([]);
		expect(await alice.upload('notes')).toEqual([]);
		expect(alice.served(S)).toMatchObject({ title: 'grandchild', up: R });
		expect(await alice.outbox()).toEqual([]);
	});

	it('[R8] [F32] are refused themselves at their next upload after it was discarded, and say so', async () => {
		const { alice, parent } = await withFamily();
		expect(await alice.discard(parent.id)).toEqual({ tables: ['notes'] });
		const errors = [...(await alice.upload('notes')), ...(await alice.upload('notes'))];
		expect(errors).toContainEqual(expect.stringMatching(/^notes: .*"lists" \(23503\)$/));
		expect((await alice.letters()).map(({ rowId, error }) => [rowId, error.code])).toContainEqual([
			R,
			'23503',
		]);
	});

	it('[R8] nobody is told where only an update was refused', async () => {
		const { alice, parent } = await withFamily();
		await alice.retry(parent.id, { title: 'good' });
		await alice.upload('lists');
		await alice.queue('lists', 'update', { title: 'bad' }, L);
		await alice.upload('lists');
		const [letter] = await alice.letters('lists');
		expect((await alice.retry(letter?.id)).tables).toEqual(['lists']);
	});
});
