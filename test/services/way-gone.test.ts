import { expect, it } from 'vitest';
import { PixSyncError } from '../../src/core/errors.ts';
import type { PushMutation, PushOutcome } from '../../src/core/mutation.ts';
import { toTableSpec } from '../../src/core/table-spec.ts';
import type { Row } from '../../src/core/types.ts';
import type { Remote } from '../../src/services/remote.ts';
import { createAutoRemote } from '../../src/services/rpc/auto-remote.ts';
import { createFunctionChoice } from '../../src/services/rpc/function-choice.ts';
import { EPOCH_KEY } from '../../src/services/run.ts';
import { upload } from '../../src/services/upload.ts';
import { createOfflineRun } from '../support/offline-run.ts';
import { openReplica } from '../support/replica.ts';

it('[S2] [R3] ids of the server: a retry whose way goes between two turns is looked for before REST sends it', async () => {
	const config = { table: 'notes', ids: 'server' as const };
	const spec = toTableSpec(config);
	const replica = await openReplica([config]);
	replica.now = Date.UTC(2026, 0, 1);
	await replica.store.transact('rw', [], (stores) => stores.meta.put({ key: EPOCH_KEY, value: 1 }));
	const table: Row[] = [];
	const ledger = new Map<string, Row>();
	let isTimingOut = true;
	let onPush: () => void = () => undefined;
	const insert = ({ body }: PushMutation): Row => {
		const row = { ...body, id: table.length + 1 };
		table.push(row);
		return row;
	};
	const base: Remote = {
		isExactlyOnce: () => false,
		log: null,
		pull: async () => ({ rows: table, sentAt: null, isHead: true }),
		push: async (_, mutations) => mutations.map((one) => ({ kind: 'acknowledged', row: insert(one) })),
		fetch: async () => new Map(),
		listKeys: async () => [],
	};
	const rpc: Remote = {
		...base,
		isExactlyOnce: () => true,
		push: async (_, mutations) => {
			const outcomes = mutations.map((one): PushOutcome => {
				const known = ledger.get(String(one.pushId));
				if (known) return { kind: 'acknowledged', row: known, isRepeated: true };
				const row = insert(one);
				ledger.set(String(one.pushId), row);
				return { kind: 'acknowledged', row };
			});
			onPush();
			// Committed, and the gateway gave up on the answer: 504.
			if (isTimingOut) throw new PixSyncError('http-504', 'timeout', { fault: 'retryable', hint: '' });
			return outcomes;
		},
	};
	const choice = createFunctionChoice({
		question: async () => undefined,
		memory: { read: async () => null, write: async () => undefined },
		now: () => replica.now,
	});
	const remote = createAutoRemote({ rest: base, rpc, choice, log: null });
	const run = createOfflineRun(replica, spec, {
		remote,
		settings: {
			pageSize: 10,
			batchSize: 1,
			overlapMs: 0,
			reconcileIntervalMs: 0,
			backoff: { baseMs: 1, capMs: 1 },
		},
	});
	const input = { table: 'notes', upTo: null, force: true, holdDeletes: false, retryAt: 0 };
	await replica.queue('notes', 'create', { title: 'a' }, 'local-a');
	await replica.queue('notes', 'create', { title: 'b' }, 'local-b');
	await upload(run, input);
	expect(table.map(({ title }) => title)).toEqual(['a', 'b']);
	isTimingOut = false;
	// While the first is sent again, another table hears PGRST202 (one of several PostgRESTs has another cache; the
	// migration was taken away).
	onPush = () => {
		onPush = () => undefined;
		choice.learn('other', new PixSyncError('PGRST202', 'no function', { fault: 'fatal', hint: '' }));
	};
	replica.now += 60_000;
	expect((await upload(run, input)).more).toBe(true);
	await upload(run, input);
	expect(await replica.outbox()).toEqual([]);
	expect(table.map(({ title }) => title)).toEqual(['a', 'b']);
});
