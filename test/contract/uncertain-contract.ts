import { describe, expect, it } from 'vitest';
import type { PushMutation } from '../../src/core/mutation.ts';
import type { Remote } from '../../src/services/remote.ts';
import { type ContractKit, contractSpec, idsOf, inShort, push, SIGNAL, uuid } from './contract-kit.ts';
import type { ContractTableName } from './contract-tables.ts';

const TABLES: readonly ContractTableName[] = ['notes', 'bare'];

type Call = (remote: Remote, signal: AbortSignal, mutation: PushMutation) => Promise<unknown>;

const notes = contractSpec('notes');

/** What is known to have arrived before. */
const repeated = (row: unknown) => ({ kind: 'acknowledged', row, isRepeated: true });

const METHODS: readonly (readonly [string, Call])[] = [
	['pull', (remote, signal) => remote.pull({ spec: notes, start: null, limit: 10, keysOnly: false }, signal)],
	['push', (remote, signal, mutation) => remote.push(notes, [mutation], signal)],
	['fetch', (remote, signal) => remote.fetch(notes, [uuid(1)], signal, 'visible')],
	['listKeys', (remote, signal) => remote.listKeys(notes, null, 10, signal)],
];

export function describeUncertainty(kit: () => ContractKit): void {
	for (const table of TABLES) {
		describe(`a reply lost after the change (stamped by ${table === 'notes' ? 'a trigger' : 'the writer'})`, () => {
			const hard = contractSpec(table);
			const soft = contractSpec(table, { deletedField: 'deleted_at' });

			/** Sends a mutation whose reply is lost. */
			async function sendAndLose(spec: typeof hard, mutation: PushMutation): Promise<void> {
				const kind = mutation.kind === 'create' ? 'create' : mutation.body === null ? 'delete' : 'patch';
				kit().backend.loseNext('reply', kind);
				await expect(push(kit(), spec, mutation)).rejects.toMatchObject({ fault: 'no-answer' });
			}

			it('[F28] [S2] [R7] a repeated create is acknowledged and leaves the row as it was', async () => {
				const create = kit().writes.create(hard, uuid(1), { title: 'once' });
				await sendAndLose(hard, create);
				const before = await kit().backend.rows(table);
				expect(before).toHaveLength(1);
				expect(await push(kit(), hard, create)).toEqual([repeated(before[0])]);
				expect(await kit().backend.rows(table)).toEqual(before);
			});

			it('[F28] [S2] [R7] a repeated update is acknowledged and not applied twice', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1), title: 'one' });
				const update = kit().writes.update(hard, seen, { title: 'two' });
				await sendAndLose(hard, update);
				const before = await kit().backend.rows(table);
				expect(before).toMatchObject([{ title: 'two' }]);
				expect(await push(kit(), hard, update)).toEqual([repeated(before[0])]);
				expect(await kit().backend.rows(table)).toEqual(before);
			});

			it('[R7] repeated over somebody’s later change of another column it is acknowledged, and that change stays', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1), title: 'one' });
				const update = kit().writes.update(hard, seen, { title: 'two' });
				await sendAndLose(hard, update);
				const row = await kit().backend.patch(table, uuid(1), {
					n: 5,
					updated_at: '2039-01-02T03:04:05.5+00:00',
				});
				expect(await push(kit(), hard, update)).toEqual([repeated(row)]);
				expect(await kit().backend.rows(table)).toEqual([row]);
			});

			it('[R7] repeated over somebody’s later change of the same column it is a conflict', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1), title: 'one' });
				const update = kit().writes.update(hard, seen, { title: 'two' });
				await sendAndLose(hard, update);
				const remote = await kit().backend.patch(table, uuid(1), {
					...{ title: 'theirs', updated_at: '2039-01-02T03:04:05.5+00:00' },
				});
				expect(await push(kit(), hard, update)).toEqual([{ kind: 'conflict', remote }]);
				expect(await kit().backend.rows(table)).toEqual([remote]);
			});

			it('[F28] [S2] [R7] a repeated delete is acknowledged, hard or soft, and not applied twice', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1) });
				const remove = kit().writes.remove(soft, seen);
				await sendAndLose(soft, remove);
				const before = await kit().backend.rows(table);
				expect(before).toMatchObject([{ deleted_at: expect.any(String) }]);
				expect(await push(kit(), soft, remove)).toEqual([{ kind: 'acknowledged', row: before[0] }]);
				expect(await kit().backend.rows(table)).toEqual(before);

				const removeHard = kit().writes.remove(hard, before[0] ?? {});
				await sendAndLose(hard, removeHard);
				expect(await kit().backend.rows(table)).toEqual([]);
				expect(await push(kit(), hard, removeHard)).toEqual([{ kind: 'acknowledged', row: null }]);
			});

			it('[F28] a request that was lost changed nothing, and is carried out when it is repeated', async () => {
				const create = kit().writes.create(hard, uuid(1));
				kit().backend.loseNext('request', 'create');
				await expect(push(kit(), hard, create)).rejects.toMatchObject({ fault: 'no-answer' });
				expect(await kit().backend.rows(table)).toEqual([]);
				expect((await push(kit(), hard, create)).map(inShort)).toEqual(['acknowledged']);
			});
		});
	}

	it('[R7] an earlier stamp tells that a writer’s own change has arrived, though its columns read otherwise', async () => {
		const spec = contractSpec('bare');
		const create = kit().writes.create(spec, uuid(1), { title: 'sent' });
		await push(kit(), spec, create);
		const again = {
			...kit().writes.create(spec, uuid(1), { title: 'rewritten' }),
			earlierStamps: [create.stamp],
		};
		const [row] = await kit().backend.rows('bare');
		expect(await push(kit(), spec, again)).toEqual([repeated(row)]);
	});

	it('[R7] a refusal whose reply was lost is not known, and is told when the change is sent again', async () => {
		const create = kit().writes.create(notes, uuid(1), { title: 'poison' });
		kit().backend.loseNext('reply', 'create');
		await expect(push(kit(), notes, create)).rejects.toMatchObject({ fault: 'no-answer' });
		expect((await push(kit(), notes, create)).map(inShort)).toEqual(['rejected 23514']);
	});

	for (const what of ['request', 'reply'] as const) {
		it(`[R7] [R16] what was answered before a ${what} was lost keeps its outcome; the rest is retryable`, async () => {
			const { backend, writes } = kit();
			const gone = await backend.put('notes', { id: uuid(1) });
			const seen = await backend.put('notes', { id: uuid(2) });
			backend.loseNext(what, 'create');
			const batch = [
				writes.create(notes, uuid(3)),
				writes.update(notes, seen, { title: 'kept' }),
				writes.remove(notes, gone),
			];
			const idsLeft = async () => idsOf(await backend.rows('notes'));
			// One request for all of it has no outcome for any of it.
			if (backend.isOneRequest) {
				await expect(push(kit(), notes, ...batch)).rejects.toMatchObject({ fault: 'no-answer' });
				expect(await idsLeft()).toEqual(what === 'request' ? [uuid(1), uuid(2)] : [uuid(2), uuid(3)]);
				return;
			}
			const outcomes = await push(kit(), notes, ...batch);
			expect(outcomes.map(({ kind }) => kind)).toEqual(['retryable', 'acknowledged', 'acknowledged']);
			expect(outcomes[0]).toMatchObject({ error: { fault: 'no-answer' } });
			expect(await idsLeft()).toEqual(what === 'request' ? [uuid(2)] : [uuid(2), uuid(3)]);
		});
	}

	for (const [name, call] of METHODS) {
		describe(name, () => {
			it('[R11] a signal aborted before: superseded, and nothing is done', async () => {
				const aborted = AbortSignal.abort();
				const mutation = kit().writes.create(notes, uuid(1));
				await expect(call(kit().remote, aborted, mutation)).rejects.toMatchObject({
					...{ name: 'PixSyncError', code: 'superseded', fault: 'no-answer' },
				});
				expect(await kit().backend.rows('notes')).toEqual([]);
			});

			it('[R11] a signal aborted while the server does not answer ends the call at once', async () => {
				const controller = new AbortController();
				const hanging = kit().backend.hangNext();
				const ended = expect(
					call(kit().remote, controller.signal, kit().writes.create(notes, uuid(1))),
				).rejects.toMatchObject({ name: 'PixSyncError', code: 'superseded', fault: 'no-answer' });
				await hanging;
				controller.abort();
				await ended;
				expect(await kit().backend.rows('notes')).toEqual([]);
			});

			it('[R22] [F1] a refused session is the fault `unauthorised`, and nothing is done', async () => {
				kit().backend.refuseSessions(true);
				const create = kit().writes.create(notes, uuid(1));
				await expect(call(kit().remote, SIGNAL, create)).rejects.toMatchObject({
					...{ name: 'PixSyncError', fault: 'unauthorised' },
				});
				expect(await kit().backend.rows('notes')).toEqual([]);
				kit().backend.refuseSessions(false);
				await expect(call(kit().remote, SIGNAL, create)).resolves.toBeDefined();
			});
		});
	}
}
