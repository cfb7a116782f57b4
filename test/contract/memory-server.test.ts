import { beforeEach, describe, expect, it } from 'vitest';
import { compareTimestamps } from '../../src/core/timestamp.ts';
import { connectionLost } from '../support/memory-errors.ts';
import type { RemoteHooks } from '../support/memory-remote.ts';
import { createMemoryServer, type MemoryServer } from '../support/memory-server.ts';
import { inShort, SIGNAL, uuid } from './contract-kit.ts';
import { CONTRACT_TABLES } from './contract-tables.ts';
import { createWrites, type Writes } from './remote-backend.ts';

const { spec } = CONTRACT_TABLES.notes.memory;

let nowMs: number;
let server: MemoryServer;
let writes: Writes;

beforeEach(() => {
	nowMs = Date.parse('2026-01-02T03:04:05Z');
	server = createMemoryServer({ now: () => nowMs, tables: [CONTRACT_TABLES.notes.memory] });
	writes = createWrites();
});

describe('what the in-memory server tells a test', () => {
	it('[R7] each write that was really carried out is in the log once, with its writer', async () => {
		const alice = server.connect({ name: 'alice' });
		const create = writes.create(spec, uuid(1), { title: 'mine' });
		await alice.push(spec, [create], SIGNAL);
		await alice.push(spec, [create], SIGNAL);
		const row = server.patch('notes', uuid(1), { title: 'theirs' });
		await alice.push(spec, [writes.update(spec, row, { title: 'poison' })], SIGNAL);
		await alice.push(spec, [writes.remove(spec, row)], SIGNAL);
		expect(server.applied.map(({ order, by, kind, id }) => [order, by, kind, id])).toEqual([
			[1, 'alice', 'create', uuid(1)],
			[2, null, 'update', uuid(1)],
			[3, 'alice', 'delete', uuid(1)],
		]);
		expect(server.applied.map(({ row }) => row?.title)).toEqual(['mine', 'theirs', undefined]);
		expect(server.requests.map(({ by, method, ids }) => [by, method, ids])).toEqual(
			Array.from({ length: 4 }, () => ['alice', 'push', [uuid(1)]]),
		);
		server.clearLogs();
		expect([server.applied, server.requests]).toEqual([[], []]);
	});

	it('[R17] no two statements read the same time on a clock that stands; one set back is followed', () => {
		const first = server.put('notes', { id: uuid(1) });
		server.remove('notes', uuid(1));
		const again = server.put('notes', { id: uuid(1) });
		expect(compareTimestamps(String(again.updated_at), String(first.updated_at))).toBe(1);
		nowMs -= 60_000;
		expect(server.put('notes', { id: uuid(2) }).updated_at).toBe('2026-01-02T03:03:05+00:00');
		const changed = server.patch('notes', uuid(1), { n: 1 });
		expect(compareTimestamps(String(changed.updated_at), String(again.updated_at))).toBe(1);
	});

	it('[F8] [R15] a row put with an earlier timestamp appears behind the pull’s place', async () => {
		const alice = server.connect();
		const { updated_at } = server.put('notes', { id: uuid(1) });
		server.put('notes', { id: uuid(2) }, { stampedAt: '2026-01-02T03:04:04.5+00:00' });
		const start = { timestamp: String(updated_at), id: uuid(1) };
		expect((await alice.pull({ spec, start, limit: 9, keysOnly: true }, SIGNAL)).rows).toEqual([]);
		const overlap = { timestamp: '2026-01-02T03:04:00+00:00', id: null };
		const { rows } = await alice.pull({ spec, start: overlap, limit: 9, keysOnly: true }, SIGNAL);
		expect(rows.map(({ id }) => id)).toEqual([uuid(2), uuid(1)]);
	});

	it('nobody holds the server’s own rows', async () => {
		server.put('notes', { id: uuid(1), meta: { list: [1] } });
		const { rows } = await server.connect().pull({ spec, start: null, limit: 1, keysOnly: false }, SIGNAL);
		for (const row of [...rows, ...server.rows('notes'), ...server.applied.map((write) => write.row)]) {
			(row as { meta: { list: number[] } }).meta.list.push(2);
		}
		expect(server.rows('notes')[0]?.meta).toEqual({ list: [1] });
	});
});

describe('the function of the RPC transport', () => {
	const call = (mutations: readonly unknown[], userId: string | null = null) =>
		server.rpc({
			...{ name: 'pixsync_push', userId, by: 'alice' },
			body: {
				request: { table: 'notes', key: 'id', stamp: 'updated_at', columns: [{ column: 'id' }], mutations },
			},
		});
	const create = { kind: 'create', id: uuid(1), base: null, push: uuid(9), body: { id: uuid(1) } };

	it('[F36] a project without the migration has none, and one with it has it for the tables named', () => {
		expect(call([])).toMatchObject({ status: 404, body: { code: 'PGRST202' } });
		server.migrate(['others']);
		expect(call([create])).toMatchObject({ status: 404, body: { code: '42P01' } });
		server.migrate(['notes']);
		expect(call([])).toEqual({ status: 200, body: [] });
		server.migrate(null);
		expect(call([create])).toMatchObject({ status: 404, body: { code: 'PGRST202' } });
		expect(server.applied).toEqual([]);
	});

	it('[S2] a ledger is its owner’s, outlives the function, and forgets after thirty days', () => {
		server.migrate(['notes']);
		const said = (userId?: string) => (call([create], userId).body as readonly { is?: string }[])[0]?.is;
		expect(said('ann')).toBe('applied');
		server.migrate(null);
		server.migrate(['notes']);
		expect([said('ann'), said('ben'), said()]).toEqual(['done', 'missed', 'missed']);
		nowMs += 31 * 86_400_000;
		expect(said('ann')).toBe('missed');
		expect(server.applied).toHaveLength(1);
	});

	it('[F27] a kind that is none, and a column that is none, are refused alone', () => {
		server.migrate(['notes']);
		const dance = { ...create, kind: 'dance', push: null };
		const odd = { ...create, push: null, body: { id: uuid(1), colour: 'red' } };
		expect(call([dance, odd, create]).body).toMatchObject([
			{ is: 'refused', code: '22023' },
			{ is: 'refused', code: '42703' },
			{ is: 'applied', row: { id: uuid(1) } },
		]);
	});
});

describe('hooks', () => {
	const mixed = () => {
		const [gone, seen] = [server.put('notes', { id: uuid(1) }), server.put('notes', { id: uuid(2) })];
		server.clearLogs();
		return [
			writes.create(spec, uuid(3)),
			writes.update(spec, seen, { title: 'two' }),
			writes.remove(spec, gone),
		];
	};

	it('[R16] they are called around the call and around each of its statements, in the order of the requests', async () => {
		const heard: string[] = [];
		const hear = (word: string) => () => void heard.push(word);
		const remote = server.connect({
			before: hear('before'),
			after: hear('after'),
			beforeStatement: (_, { kind }) => void heard.push(`before ${kind}`),
			afterStatement: (_, { kind }) => void heard.push(`after ${kind}`),
		});
		await remote.push(spec, mixed(), SIGNAL);
		expect(heard).toEqual([
			...['before', 'before delete', 'after delete', 'before patch', 'after patch'],
			...['before create', 'after create', 'after'],
		]);
	});

	it('[R16] what somebody writes between two statements meets the next one', async () => {
		const mutations = mixed();
		const remote = server.connect({
			beforeStatement(_, { kind }) {
				if (kind === 'patch') server.patch('notes', uuid(2), { title: 'theirs' });
			},
		});
		const outcomes = await remote.push(spec, mutations, SIGNAL);
		expect(outcomes.map(inShort)).toEqual(['acknowledged', 'conflict', 'acknowledged']);
	});

	const losses: readonly (readonly [keyof RemoteHooks, string, number])[] = [
		['before', 'nothing is done', 0],
		['after', 'all is done and nothing is told', 3],
	];
	for (const [hook, what, applied] of losses) {
		it(`[R7] a call lost ${hook} it was carried out: ${what}`, async () => {
			const mutations = mixed();
			const remote = server.connect({
				[hook]: () => {
					throw connectionLost('notes');
				},
			});
			await expect(remote.push(spec, mutations, SIGNAL)).rejects.toMatchObject({ fault: 'no-answer' });
			expect(server.applied).toHaveLength(applied);
		});
	}

	it('[R7] [R11] aborted while the reply is under way: the change is done, and the call superseded', async () => {
		const controller = new AbortController();
		const remote = server.connect({ after: () => controller.abort() });
		await expect(remote.push(spec, mixed(), controller.signal)).rejects.toMatchObject({ code: 'superseded' });
		expect(server.applied).toHaveLength(3);
	});
});
