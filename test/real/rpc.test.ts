import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PushMutation } from '../../src/core/mutation.ts';
import type { Remote } from '../../src/services/remote.ts';
import { contractSpec, inShort, SIGNAL, uuid } from '../contract/contract-kit.ts';
import { createWrites, type RemoteBackend } from '../contract/remote-backend.ts';
import { startRestBackend } from '../contract/rest-backend.ts';

const notes = contractSpec('notes');
const tickets = contractSpec('tickets');

let backend: RemoteBackend;
beforeAll(async () => {
	backend = await startRestBackend('rpc');
});
afterEach(() => backend.reset());
afterAll(() => backend?.stop());

/** As the outbox sends it: with a name of its own. */
const named = (mutation: PushMutation): PushMutation => ({ ...mutation, pushId: crypto.randomUUID() });

async function sendAndLose(remote: Remote, spec: typeof notes, mutation: PushMutation): Promise<void> {
	backend.loseNext('reply', mutation.kind === 'update' ? 'patch' : mutation.kind);
	await expect(remote.push(spec, [mutation], SIGNAL)).rejects.toMatchObject({ fault: 'no-answer' });
}

describe('[S2] [F28] a change is applied once, however often it is sent', () => {
	it('a create that somebody has deleted since is not made again', async () => {
		const remote = backend.connect();
		const create = named(createWrites().create(notes, uuid(1), { title: 'once' }));
		await sendAndLose(remote, notes, create);
		await backend.remove('notes', uuid(1));
		expect(await remote.push(notes, [create], SIGNAL)).toEqual([{ kind: 'acknowledged', row: null }]);
		expect(await backend.rows('notes')).toEqual([]);
	});

	it('an update that somebody has written over since is acknowledged with their row, and is no conflict', async () => {
		const remote = backend.connect();
		const seen = await backend.put('notes', { id: uuid(1), title: 'one' });
		const update = named(createWrites().update(notes, seen, { title: 'two' }));
		await sendAndLose(remote, notes, update);
		const theirs = await backend.patch('notes', uuid(1), { title: 'theirs' });
		expect(await remote.push(notes, [update], SIGNAL)).toEqual([{ kind: 'acknowledged', row: theirs }]);
		expect(await backend.rows('notes')).toEqual([theirs]);
	});

	it('[R3] a create whose id the server makes is one row, and its id comes with the repetition', async () => {
		const remote = backend.connect();
		const create = named(createWrites().create(tickets, uuid(1), { title: 'once' }));
		await sendAndLose(remote, tickets, create);
		const rows = await backend.rows('tickets');
		expect(rows).toHaveLength(1);
		expect(await remote.push(tickets, [create], SIGNAL)).toEqual([{ kind: 'acknowledged', row: rows[0] }]);
		expect(await backend.rows('tickets')).toEqual(rows);
	});

	it('two sendings of one change at the same time are one change', async () => {
		const remote = backend.connect();
		const creates = Array.from({ length: 20 }, (_, at) =>
			named(createWrites().create(tickets, uuid(at), { title: `t${at}` })),
		);
		const outcomes = await Promise.all([1, 2, 3].map(() => remote.push(tickets, creates, SIGNAL)));
		expect(new Set(outcomes.flat().map(inShort))).toEqual(new Set(['acknowledged']));
		expect(await backend.rows('tickets')).toHaveLength(20);
	});

	it('what was refused is not in the ledger: corrected by the server, it is taken', async () => {
		const remote = backend.connect();
		const other = await backend.put('notes', { id: uuid(1), slug: 'taken' });
		const create = named(createWrites().create(notes, uuid(2), { slug: 'taken' }));
		expect((await remote.push(notes, [create], SIGNAL)).map(inShort)).toEqual(['rejected 23505']);
		await backend.remove('notes', String(other.id));
		expect((await remote.push(notes, [create], SIGNAL)).map(inShort)).toEqual(['acknowledged']);
	});
});
