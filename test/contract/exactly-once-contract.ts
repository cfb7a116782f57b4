import { describe, expect, it } from 'vitest';
import type { PushMutation } from '../../src/core/mutation.ts';
import type { TableSpec } from '../../src/core/table-spec.ts';
import { type ContractKit, contractSpec, inShort, SIGNAL, uuid } from './contract-kit.ts';

const notes = contractSpec('notes');
const tickets = contractSpec('tickets');

/** As the outbox sends it: with a name of its own. */
const named = (mutation: PushMutation): PushMutation => ({ ...mutation, pushId: crypto.randomUUID() });

async function sendAndLose(
	{ backend, remote }: ContractKit,
	spec: TableSpec,
	mutation: PushMutation,
): Promise<void> {
	backend.loseNext('reply', mutation.kind === 'update' ? 'patch' : mutation.kind);
	await expect(remote.push(spec, [mutation], SIGNAL)).rejects.toMatchObject({ fault: 'no-answer' });
}

/** What a server with a ledger promises beyond the rest. */
export function describeExactlyOnce(kit: () => ContractKit): void {
	describe('[S2] [F28] a change is applied once, however often it is sent', () => {
		it('a create that somebody has deleted since is not made again', async () => {
			const { backend, remote, writes } = kit();
			const create = named(writes.create(notes, uuid(1), { title: 'once' }));
			await sendAndLose(kit(), notes, create);
			await backend.remove('notes', uuid(1));
			expect(await remote.push(notes, [create], SIGNAL)).toEqual([
				{ kind: 'acknowledged', row: null, isRepeated: true },
			]);
			expect(await backend.rows('notes')).toEqual([]);
		});

		it('an update that somebody has written over since is acknowledged with their row, and is no conflict', async () => {
			const { backend, remote, writes } = kit();
			const seen = await backend.put('notes', { id: uuid(1), title: 'one' });
			const update = named(writes.update(notes, seen, { title: 'two' }));
			await sendAndLose(kit(), notes, update);
			const theirs = await backend.patch('notes', uuid(1), { title: 'theirs' });
			expect(await remote.push(notes, [update], SIGNAL)).toEqual([
				{ kind: 'acknowledged', row: theirs, isRepeated: true },
			]);
			expect(await backend.rows('notes')).toEqual([theirs]);
		});

		it('[R3] a create whose id the server makes is one row, and its id comes with the repetition', async () => {
			const { backend, remote, writes } = kit();
			const create = named(writes.create(tickets, uuid(1), { title: 'once' }));
			await sendAndLose(kit(), tickets, create);
			const rows = await backend.rows('tickets');
			expect(rows).toHaveLength(1);
			expect(await remote.push(tickets, [create], SIGNAL)).toEqual([
				{ kind: 'acknowledged', row: rows[0], isRepeated: true },
			]);
			expect(await backend.rows('tickets')).toEqual(rows);
		});

		it('[F33] two sendings of one change at the same time are one change', async () => {
			const { backend, remote, writes } = kit();
			const creates = Array.from({ length: 20 }, (_, at) =>
				named(writes.create(tickets, uuid(at), { title: `t${at}` })),
			);
			const outcomes = await Promise.all([1, 2, 3].map(() => remote.push(tickets, creates, SIGNAL)));
			expect(new Set(outcomes.flat().map(inShort))).toEqual(new Set(['acknowledged']));
			expect(await backend.rows('tickets')).toHaveLength(20);
		});

		it('what was refused is not in the ledger: corrected by the server, it is taken', async () => {
			const { backend, remote, writes } = kit();
			const other = await backend.put('notes', { id: uuid(1), slug: 'taken' });
			const create = named(writes.create(notes, uuid(2), { slug: 'taken' }));
			expect((await remote.push(notes, [create], SIGNAL)).map(inShort)).toEqual(['rejected 23505']);
			await backend.remove('notes', String(other.id));
			expect((await remote.push(notes, [create], SIGNAL)).map(inShort)).toEqual(['acknowledged']);
		});
	});
}
