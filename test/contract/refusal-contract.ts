import { describe, expect, it } from 'vitest';
import { type ContractKit, contractSpec, idsOf, inShort, push, SIGNAL, uuid } from './contract-kit.ts';

export function describeRefusals(kit: () => ContractKit): void {
	const notes = contractSpec('notes');

	describe('refusals', () => {
		it('[F27] [S20] the one poison row of a bulk is rejected alone, in its place among the outcomes', async () => {
			const ids = Array.from({ length: 7 }, (_, n) => uuid(n));
			const creates = ids.map((id, n) =>
				kit().writes.create(notes, id, { title: n === 4 ? 'poison' : `t${n}` }),
			);
			const outcomes = await push(kit(), notes, ...creates);
			expect(outcomes.map(inShort)).toEqual(ids.map((_, n) => (n === 4 ? 'rejected 23514' : 'acknowledged')));
			expect(idsOf(await kit().backend.rows('notes'))).toEqual(ids.filter((_, n) => n !== 4));
		});

		it('[R16] outcomes come in the order of the mutations, whatever order they were carried out in', async () => {
			const { backend, writes } = kit();
			const seen = [];
			for (const n of [1, 2, 3, 4]) seen.push(await backend.put('notes', { id: uuid(n), slug: `s${n}` }));
			const [one = {}, two = {}, three = {}, four = {}] = seen;
			await backend.patch('notes', uuid(4), { n: 4 });
			const outcomes = await push(
				kit(),
				notes,
				// Free only once the row that has it is gone.
				writes.create(notes, uuid(9), { slug: 's3' }),
				writes.update(notes, one, { title: 'poison' }),
				writes.update(notes, four, { title: 'late' }),
				writes.remove(notes, three),
				writes.create(notes, uuid(8), { title: 'poison' }),
				writes.update(notes, two, { title: 'fine' }),
				writes.create(notes, uuid(7), { title: 'fine', n: 7 }),
			);
			expect(outcomes.map(inShort)).toEqual([
				...['acknowledged', 'rejected 23514', 'conflict', 'acknowledged', 'rejected 23514'],
				...['acknowledged', 'acknowledged'],
			]);
			expect(outcomes.map((outcome) => ('row' in outcome ? (outcome.row?.id ?? null) : undefined))).toEqual([
				...[uuid(9), undefined, undefined, null, undefined, uuid(2), uuid(7)],
			]);
		});

		it('[F27] a unique value that another row has is rejected, by create and by update', async () => {
			await kit().backend.put('notes', { id: uuid(1), slug: 'taken' });
			const seen = await kit().backend.put('notes', { id: uuid(2), slug: 'own' });
			const outcomes = await push(
				kit(),
				notes,
				kit().writes.create(notes, uuid(3), { slug: 'taken' }),
				kit().writes.create(notes, uuid(4), { slug: 'free' }),
				kit().writes.update(notes, seen, { slug: 'taken' }),
			);
			expect(outcomes.map(inShort)).toEqual(['rejected 23505', 'acknowledged', 'rejected 23505']);
		});

		it('[F27] [R16] a row that its own constraints refuse is rejected, also where its id is taken', async () => {
			await kit().backend.put('notes', { id: uuid(1), title: 'theirs' });
			const [note] = await push(kit(), notes, kit().writes.create(notes, uuid(1), { title: 'poison' }));
			expect(note && inShort(note)).toBe('rejected 23514');
			const secrets = contractSpec('secrets');
			await kit().backend.put('secrets', { id: uuid(1), title: 'open' });
			const create = kit().writes.create(secrets, uuid(1), { title: 'forbidden' });
			expect((await push(kit(), secrets, create)).map(inShort)).toEqual(['rejected 42501']);
		});

		it('[F27] [R16] a taken id is judged before a taken unique value', async () => {
			const remote = await kit().backend.put('notes', { id: uuid(1), slug: 'own' });
			await kit().backend.put('notes', { id: uuid(2), slug: 'taken' });
			const create = kit().writes.create(notes, uuid(1), { slug: 'taken' });
			expect(await push(kit(), notes, create)).toEqual([{ kind: 'conflict', remote }]);
		});

		it('[R14] [F32] a missing parent, or a child that is still there, is retryable and holds nobody else up', async () => {
			const [parents, children] = [contractSpec('parents'), contractSpec('children')];
			const { backend, writes } = kit();
			const kept = await backend.put('parents', { id: uuid(1) });
			const free = await backend.put('parents', { id: uuid(2) });
			const created = await push(
				kit(),
				children,
				writes.create(children, uuid(11), { parent_id: uuid(1) }),
				writes.create(children, uuid(12), { parent_id: uuid(3) }),
			);
			expect(created.map(inShort)).toEqual(['acknowledged', 'retryable 23503']);
			const removed = await push(kit(), parents, writes.remove(parents, kept), writes.remove(parents, free));
			expect(removed.map(inShort)).toEqual(['retryable 23503', 'acknowledged']);
			expect(idsOf(await backend.rows('parents'))).toEqual([uuid(1)]);
		});

		it('[R14] rows that refer to each other arrive in queue order', async () => {
			const spec = contractSpec('branches');
			const outcomes = await push(
				kit(),
				spec,
				kit().writes.create(spec, uuid(3)),
				kit().writes.create(spec, uuid(2), { up: uuid(3) }),
				kit().writes.create(spec, uuid(1), { up: uuid(2) }),
			);
			expect(outcomes.map(inShort)).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
		});

		it('[F36] a column that the server does not know keeps its own rows waiting, and no others', async () => {
			const seen = await kit().backend.put('notes', { id: uuid(1) });
			const outcomes = await push(
				kit(),
				notes,
				kit().writes.create(notes, uuid(2), { colour: 'red' }),
				kit().writes.create(notes, uuid(3), { title: 'fine' }),
				kit().writes.update(notes, seen, { colour: 'red' }),
			);
			// PostgREST's code, or PostgreSQL's own.
			const waits = expect.stringMatching(/^retryable (PGRST204|42703)$/);
			expect(outcomes.map(inShort)).toEqual([waits, 'acknowledged', waits]);
			expect(idsOf(await kit().backend.rows('notes'))).toEqual([uuid(1), uuid(3)]);
		});

		it('[F24] what a policy lets pass by without a word is rejected, not acknowledged and no conflict', async () => {
			const spec = contractSpec('secrets');
			const { backend, writes } = kit();
			const locked = await backend.put('secrets', { id: uuid(1), title: 'locked' });
			const open = await backend.put('secrets', { id: uuid(2), title: 'open' });
			const before = await backend.rows('secrets');
			const updated = await push(kit(), spec, writes.update(spec, locked, { title: 'mine' }));
			expect(updated.map(inShort)).toEqual(['rejected denied']);
			expect(await backend.rows('secrets')).toEqual(before);
			const removed = await push(kit(), spec, writes.remove(spec, locked), writes.remove(spec, open));
			expect(removed.map(inShort)).toEqual(['rejected denied', 'acknowledged']);
		});

		it('[F24] [R16] a create that a policy forbids, or that meets a row out of sight, is rejected', async () => {
			const spec = contractSpec('secrets');
			await kit().backend.put('secrets', { id: uuid(1), title: 'hidden' });
			const before = await kit().backend.rows('secrets');
			const outcomes = await push(
				kit(),
				spec,
				kit().writes.create(spec, uuid(1), { title: 'mine' }),
				kit().writes.create(spec, uuid(2), { title: 'forbidden' }),
				kit().writes.create(spec, uuid(3), { title: 'fine' }),
			);
			expect(outcomes.map(inShort)).toEqual(['rejected not-visible', 'rejected 42501', 'acknowledged']);
			const after = await kit().backend.rows('secrets');
			expect(after).toEqual([...before, expect.objectContaining({ id: uuid(3) })]);
		});

		it('[F36] a table that the server does not have is fatal for each method', async () => {
			const spec = { ...notes, table: 'nowhere' };
			const { remote, writes } = kit();
			for (const call of [
				() => remote.push(spec, [writes.create(spec, uuid(1))], SIGNAL),
				() => remote.fetch(spec, [uuid(1)], SIGNAL, 'visible'),
				() => remote.listKeys(spec, null, 10, SIGNAL),
			]) {
				await expect(call()).rejects.toMatchObject({
					...{ name: 'PixSyncError', fault: 'fatal', table: 'nowhere' },
				});
			}
		});
	});
}
