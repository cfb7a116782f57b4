import { describe, expect, it } from 'vitest';
import { isSameOnServer } from '../../src/core/row-diff.ts';
import type { TableSpec } from '../../src/core/table-spec.ts';
import { compareTimestamps } from '../../src/core/timestamp.ts';
import { type ContractKit, contractSpec, inShort, push, uuid } from './contract-kit.ts';
import type { ContractTableName } from './contract-tables.ts';

/** Each with a trigger's stamps and with the writer's. */
const TABLES: readonly ContractTableName[] = ['notes', 'bare'];

/** Where `updated_at` and a version are texts. */
const later = (a: unknown, b: unknown) => compareTimestamps(String(a), String(b)) === 1;

export function describePush(kit: () => ContractKit): void {
	describe('push to a table whose ids the server makes', () => {
		const tickets = contractSpec('tickets');

		it('[R3] each create gets its own row’s id, and is sent without one', async () => {
			const titles = ['b', 'a', 'a', 'c', 'ü'];
			const creates = titles.map((title, at) => kit().writes.create(tickets, uuid(at), { title, n: at }));
			const outcomes = await push(kit(), tickets, ...creates);
			const rows = await kit().backend.rows('tickets');
			expect(rows.map(({ title }) => title).sort()).toEqual([...titles].sort());
			const echoes = outcomes.map((outcome) => (outcome.kind === 'acknowledged' ? outcome.row : null));
			expect(echoes.map((row) => [row?.title, row?.n])).toEqual(titles.map((title, at) => [title, at]));
			expect(new Set(echoes.map((row) => row?.id)).size).toBe(titles.length);
			for (const echo of echoes) expect(rows.map(({ id }) => String(id))).toContain(String(echo?.id));
		});

		it('[R16] [F27] one refused among several leaves the others with ids; columns left out get their default', async () => {
			const creates = ['one', 'poison', 'two'].map((title, at) =>
				kit().writes.create(tickets, uuid(at), { title }),
			);
			const outcomes = await push(kit(), tickets, ...creates);
			expect(outcomes.map(({ kind }) => kind)).toEqual(['acknowledged', 'rejected', 'acknowledged']);
			expect(await kit().backend.rows('tickets')).toMatchObject([
				{ title: 'one', n: 7 },
				{ title: 'two', n: 7 },
			]);
		});

		it('[R16] what follows a create goes by the server’s id', async () => {
			const { writes, backend } = kit();
			const [created] = await push(kit(), tickets, writes.create(tickets, uuid(1), { title: 'one' }));
			const row = created?.kind === 'acknowledged' ? created.row : null;
			if (!row) throw new Error('not acknowledged');
			const [updated] = await push(kit(), tickets, writes.update(tickets, row, { title: 'two' }));
			expect(updated).toMatchObject({ kind: 'acknowledged', row: { id: row.id, title: 'two' } });
			if (updated?.kind !== 'acknowledged' || !updated.row) throw new Error('not acknowledged');
			await push(kit(), tickets, writes.remove(tickets, updated.row));
			expect(await backend.rows('tickets')).toEqual([]);
		});
	});

	for (const table of TABLES) {
		describe(`push to a table stamped by ${table === 'notes' ? 'a trigger' : 'the writer'}`, () => {
			const hard = contractSpec(table);
			const soft = contractSpec(table, { deletedField: 'deleted_at' });

			async function held(spec: TableSpec = hard) {
				const [row] = await kit().backend.rows(spec.table as ContractTableName);
				if (!row) throw new Error('There is no row');
				return row;
			}

			it('[R6] [R16] create, update and delete are acknowledged with the row as the server has it', async () => {
				const { writes, backend } = kit();
				const created = await push(kit(), hard, writes.create(hard, uuid(1), { title: 'one', n: 1 }));
				const first = await held();
				expect(created).toEqual([{ kind: 'acknowledged', row: first }]);
				expect(first).toMatchObject({ id: uuid(1), title: 'one', n: 1 });

				const updated = await push(kit(), hard, writes.update(hard, first, { title: 'two' }));
				const second = await held();
				expect(updated).toEqual([{ kind: 'acknowledged', row: second }]);
				expect(second).toMatchObject({ id: uuid(1), title: 'two', n: 1 });
				expect(later(second.updated_at, first.updated_at)).toBe(true);

				expect(await push(kit(), hard, writes.remove(hard, second))).toEqual([
					{ kind: 'acknowledged', row: null },
				]);
				expect(await backend.rows(table)).toEqual([]);
			});

			it('[R17] the version is the stamp sent, or the trigger’s own in its place', async () => {
				const create = kit().writes.create(hard, uuid(1));
				await push(kit(), hard, create);
				expect(isSameOnServer(create.stamp, (await held()).updated_at)).toBe(table === 'bare');
			});

			it('[R16] [F22] a lost compare-and-swap is a conflict with the row that won, and changes nothing', async () => {
				const { writes, backend } = kit();
				const seen = await backend.put(table, { id: uuid(1), title: 'base' });
				const bob = kit().backend.connect();
				const signal = new AbortController().signal;
				expect(
					(await bob.push(hard, [writes.update(hard, seen, { title: 'bob' })], signal)).map(inShort),
				).toEqual(['acknowledged']);
				const remote = await held();
				expect(await push(kit(), hard, writes.update(hard, seen, { title: 'alice' }))).toEqual([
					{ kind: 'conflict', remote },
				]);
				expect(await push(kit(), hard, writes.remove(hard, seen))).toEqual([{ kind: 'conflict', remote }]);
				expect(await push(kit(), soft, writes.remove(soft, seen))).toEqual([{ kind: 'conflict', remote }]);
				expect(await held()).toEqual(remote);
				expect(remote.title).toBe('bob');
			});

			it('[R20] an update of a deleted row is a conflict with nothing', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1) });
				await kit().backend.remove(table, uuid(1));
				expect(await push(kit(), hard, kit().writes.update(hard, seen, { title: 'late' }))).toEqual([
					{ kind: 'conflict', remote: null },
				]);
				expect(await kit().backend.rows(table)).toEqual([]);
			});

			it('[R16] a delete of an absent row is acknowledged', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1) });
				await kit().backend.remove(table, uuid(1));
				for (const spec of [hard, soft]) {
					expect(await push(kit(), spec, kit().writes.remove(spec, seen))).toEqual([
						{ kind: 'acknowledged', row: null },
					]);
				}
			});

			it('[R16] a create over a row: the same is ours, another is a conflict with it', async () => {
				const remote = await kit().backend.put(table, { id: uuid(1), title: 'theirs', n: 1 });
				const { writes } = kit();
				expect(await push(kit(), hard, writes.create(hard, uuid(1), { title: 'mine' }))).toEqual([
					{ kind: 'conflict', remote },
				]);
				expect(await push(kit(), hard, writes.create(hard, uuid(1), { title: 'theirs' }))).toEqual([
					{ kind: 'acknowledged', row: remote, isRepeated: true },
				]);
				expect(await kit().backend.rows(table)).toEqual([remote]);
			});

			it('[R16] [R20] a soft delete keeps the row as a tombstone; a second one finds it done', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1), title: 'kept' });
				const remove = kit().writes.remove(soft, seen);
				const outcomes = await push(kit(), soft, remove);
				const tombstone = await held();
				expect(outcomes).toEqual([{ kind: 'acknowledged', row: tombstone }]);
				expect(isSameOnServer(remove.stamp, tombstone.deleted_at)).toBe(true);
				expect(tombstone.title).toBe('kept');
				expect(later(tombstone.updated_at, seen.updated_at)).toBe(true);
				// Another device's, made on the row as it was before.
				expect(await push(kit(), soft, kit().writes.remove(soft, seen))).toEqual([
					{ kind: 'acknowledged', row: tombstone },
				]);
				expect(await held()).toEqual(tombstone);
			});

			it('[R20] an edit of a row that was soft-deleted is a conflict with the tombstone; on it, it is a patch', async () => {
				const seen = await kit().backend.put(table, { id: uuid(1) });
				const tombstone = await kit().backend.patch(table, uuid(1), {
					...{ deleted_at: '2026-01-02T03:04:05.5+00:00', updated_at: '2039-01-02T03:04:05.5+00:00' },
				});
				expect(await push(kit(), soft, kit().writes.update(soft, seen, { title: 'late' }))).toEqual([
					{ kind: 'conflict', remote: tombstone },
				]);
				const back = kit().writes.update(soft, tombstone, { title: 'back', deleted_at: null });
				expect(await push(kit(), soft, back)).toMatchObject([
					{ kind: 'acknowledged', row: { title: 'back', deleted_at: null } },
				]);
			});

			it('[R16] a row of another version than its base is not deleted with the others of the bulk', async () => {
				const { backend, writes } = kit();
				const seen = [];
				for (const n of [1, 2, 3]) seen.push(await backend.put(table, { id: uuid(n) }));
				const changed = await backend.patch(table, uuid(2), {
					...{ title: 'changed', updated_at: '2039-01-02T03:04:05.5+00:00' },
				});
				const outcomes = await push(kit(), hard, ...seen.map((row) => writes.remove(hard, row)));
				expect(outcomes).toEqual([
					{ kind: 'acknowledged', row: null },
					{ kind: 'conflict', remote: changed },
					{ kind: 'acknowledged', row: null },
				]);
				expect(await backend.rows(table)).toEqual([changed]);
			});
		});
	}

	describe('push', () => {
		it('[R17] a trigger moves the version on, also where the row’s last one lies ahead', async () => {
			const spec = contractSpec('notes');
			const ahead = '2035-01-02T03:04:05.000009+00:00';
			const seen = await kit().backend.put('notes', { id: uuid(1) }, ahead);
			expect(seen.updated_at).toBe(ahead);
			const [outcome] = await push(kit(), spec, kit().writes.update(spec, seen, { n: 1 }));
			expect(outcome).toMatchObject({
				...{ kind: 'acknowledged', row: { updated_at: '2035-01-02T03:04:05.00001+00:00' } },
			});
		});

		it('[F25] a column that a create leaves out takes its default, whatever the others of the push send', async () => {
			const spec = contractSpec('notes');
			const { writes } = kit();
			const outcomes = await push(
				kit(),
				spec,
				writes.create(spec, uuid(1), { gone: true, title: 'a' }),
				writes.create(spec, uuid(2), { n: 2 }),
			);
			expect(outcomes).toMatchObject([
				{ kind: 'acknowledged', row: { id: uuid(1), gone: true, title: 'a', n: null } },
				{ kind: 'acknowledged', row: { id: uuid(2), gone: false, title: null, n: 2 } },
			]);
		});

		it('[F21] a write does not ask whether the filter lets the row in', async () => {
			const spec = contractSpec('notes', { filter: { title: 'in' } });
			const [created] = await push(kit(), spec, kit().writes.create(spec, uuid(1), { title: 'out' }));
			expect(created).toMatchObject({ kind: 'acknowledged', row: { title: 'out' } });
			const [row] = await kit().backend.rows('notes');
			const [updated] = await push(kit(), spec, kit().writes.update(spec, row ?? {}, { title: 'further' }));
			expect(updated).toMatchObject({ kind: 'acknowledged', row: { title: 'further' } });
		});

		it('[R6] echoes and conflicts hold the columns that select names', async () => {
			const spec = contractSpec('notes', { select: 'id,updated_at,title' });
			const [created] = await push(kit(), spec, kit().writes.create(spec, uuid(1), { title: 't' }));
			const [stored] = await kit().backend.rows('notes');
			const row = { id: uuid(1), title: 't', updated_at: stored?.updated_at };
			expect(created).toEqual({ kind: 'acknowledged', row });
			const [lost] = await push(kit(), spec, kit().writes.create(spec, uuid(1), { title: 'other' }));
			expect(lost).toEqual({ kind: 'conflict', remote: row });
		});

		it('[R16] names of its own and a boolean tombstone', async () => {
			const spec = contractSpec('places');
			const [created] = await push(kit(), spec, kit().writes.create(spec, 'a,b', { name: 'A' }));
			expect(created).toMatchObject({ kind: 'acknowledged', row: { code: 'a,b', is_gone: false } });
			const [row] = await kit().backend.rows('places');
			const [removed] = await push(kit(), spec, kit().writes.remove(spec, row ?? {}));
			expect(removed).toMatchObject({ kind: 'acknowledged', row: { code: 'a,b', name: 'A', is_gone: true } });
		});

		it('[F12] rows with keys of any text are created, changed and deleted by them', async () => {
			const spec = contractSpec('tags');
			const ids = ['a,b', 'q"uo\\te', 'pa(r)en', 'per%20cent', 'x&y=z', 'null', '漢 字'];
			const { writes, backend } = kit();
			const all = (n: number) => Array.from({ length: n }, () => 'acknowledged');
			const created = await push(kit(), spec, ...ids.map((id) => writes.create(spec, id)));
			expect(created.map(inShort)).toEqual(all(ids.length));
			const rows = await backend.rows('tags');
			const updated = await push(
				kit(),
				spec,
				...rows.map((row) => writes.update(spec, row, { title: `<${row.id}>` })),
			);
			expect(updated.map(inShort)).toEqual(all(ids.length));
			const after = await backend.rows('tags');
			expect(after.map(({ id, title }) => title === `<${id}>`)).toEqual(ids.map(() => true));
			const removed = await push(kit(), spec, ...after.map((row) => writes.remove(spec, row)));
			expect(removed.map(inShort)).toEqual(all(ids.length));
			expect(await backend.rows('tags')).toEqual([]);
		});

		it('[R16] nothing to push is nothing pushed', async () => {
			expect(await push(kit(), contractSpec('notes'))).toEqual([]);
		});
	});
}
