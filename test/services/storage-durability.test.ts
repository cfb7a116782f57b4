import Dexie from 'dexie';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTableServices } from '../../src/services/table-services.ts';
import { openWorkspace, takeLeadership } from '../../src/services/workspace.ts';
import { type ConnectOptions, createMemoryServer, type MemoryServer } from '../support/memory-server.ts';
import { specOf } from '../support/mutations.ts';
import { openReplica } from '../support/replica.ts';
import { type StorageFaults, startStorageFaults } from '../support/storage-faults.ts';

const spec = specOf({ table: 'notes' });
const { signal } = new AbortController();
const open: { close(): void }[] = [];
let faults: StorageFaults;
let server: MemoryServer;
let now = Date.UTC(2026, 0, 1);

beforeEach(() => {
	faults = startStorageFaults();
	server = createMemoryServer({ now: () => now, tables: [{ spec }] });
});

afterEach(() => {
	faults.stop();
	for (const one of open.splice(0)) one.close();
});

const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`;

async function device({ pageSize = 100, ...hooks }: ConnectOptions & { pageSize?: number } = {}) {
	let ids = 500_000;
	const workspace = await openWorkspace({
		databaseName: 'db',
		environment: { indexedDB: new IDBFactory(), IDBKeyRange },
		userId: 'alice',
		specs: [spec],
		remote: server.connect({ name: 'alice', ...hooks }),
		now: () => now,
		clockOffset: () => 0,
		createId: () => idOf(++ids),
	});
	open.push(workspace.store);
	workspace.epoch = await takeLeadership(workspace);
	const services = createTableServices({
		workspace: () => workspace,
		specs: new Map([['notes', spec]]),
		now: () => now,
		random: () => 0.5,
		createId: () => crypto.randomUUID(),
		clockOffset: () => 0,
		isClockSure: () => true,
		settings: {
			pageSize,
			batchSize: 100,
			overlapMs: 0,
			reconcileIntervalMs: 0,
			backoff: { baseMs: 1_000, capMs: 60_000 },
		},
	});
	return {
		workspace,
		async pull() {
			let pages = 0;
			for (let more = true; more; pages++) {
				({ more } = await services.download(
					{ table: 'notes', pull: 1, isPoked: false, holdDeletes: false },
					signal,
				));
			}
			return pages;
		},
		push: () =>
			services.upload({ table: 'notes', upTo: null, force: true, holdDeletes: false, retryAt: now }, signal),
	};
}

describe('durability', () => {
	it('[F48] what writes the outbox asks for strict durability', async () => {
		const alice = await openReplica();
		open.push(alice.store);
		const before = faults.writing.length;
		await alice.queue('notes', 'create', { title: 'one' });
		const transactions = faults.writing.slice(before);
		expect(transactions).toHaveLength(1);
		expect(transactions[0]).toMatchObject({
			durability: 'strict',
			stores: expect.arrayContaining(['notes', 'outbox', 'bases', 'aliases']),
		});
	});

	it('[F48][F16] an upload’s outcome and a page are written in one transaction each, with the checkpoint', async () => {
		const alice = await device();
		const { workspace, push, pull } = alice;
		for (let n = 1; n <= 3; n++) server.put('notes', { id: idOf(n), title: `note ${n}` });
		now += 1_000;
		const { store } = workspace;
		await store.transact('rw', ['notes'], async (stores) => {
			await stores.outbox.add({
				mutationId: 'm',
				table: 'notes',
				rowId: idOf(9),
				action: 'create',
				data: { title: 'mine' },
				userId: 'alice',
				queuedAt: now,
				clockOffset: 0,
				status: 'pending',
			});
			await stores.rows('notes').put({ id: idOf(9), title: 'mine' });
		});
		const before = faults.writing.length;
		await push();
		await pull();
		const writing = faults.writing.slice(before);
		for (const { stores } of writing)
			expect(stores).toEqual(expect.arrayContaining(['outbox', 'checkpoints']));
		// What is about to be sent is on the disk before it is; what the server tells again need not be at once.
		const durabilities = writing.map(({ durability }) => durability);
		expect(durabilities, 'the attempt, its outcome, two pages').toEqual([
			'strict',
			'relaxed',
			'relaxed',
			'relaxed',
		]);
		expect(await store.transact('r', [], ({ outbox }) => outbox.count())).toBe(0);
	});
});

describe('transactions and the network', () => {
	it('[F49] no request is made inside a transaction, and none is held open by one', async () => {
		const seen: { method: string; isInside: boolean; openLater: number }[] = [];
		const alice = await device({
			pageSize: 2,
			async before({ method }) {
				const isInside = Dexie.currentTransaction !== null && Dexie.currentTransaction !== undefined;
				// Long enough for what was open beside it (a page being written) to end.
				await new Promise((resolve) => setTimeout(resolve, 30));
				seen.push({ method, isInside, openLater: faults.open });
			},
		});
		for (let n = 1; n <= 5; n++) server.put('notes', { id: idOf(n), title: `note ${n}` });
		now += 1_000;
		await alice.pull();
		const act = (action: 'create' | 'update' | 'delete', n: number, data: object | null) =>
			alice.workspace.mutate([{ spec, action, data: data as never, dataId: idOf(n), localId: null }]);
		await act('create', 11, { title: 'new' });
		await act('update', 1, { title: 'changed' });
		await act('update', 12, { title: 'not held' });
		await act('delete', 2, null);
		now += 1_000;
		await alice.push();
		await alice.push();
		now += 1_000;
		await alice.pull();
		const methods = new Set(seen.map(({ method }) => method));
		expect([...methods]).toEqual(expect.arrayContaining(['pull', 'push', 'fetch']));
		expect(seen.filter(({ isInside, openLater }) => isInside || openLater > 0)).toEqual([]);
		expect(server.rows('notes').map(({ title }) => title)).toContain('changed');
	});
});

describe('a page', () => {
	it('[F54] is one transaction and one notification, however many rows it has', async () => {
		const alice = await device({ pageSize: 1_000 });
		for (let n = 1; n <= 1_500; n++) server.put('notes', { id: idOf(n), title: `note ${n}` });
		now += 1_000;
		const { dexie } = alice.workspace.store;
		const transact = vi.spyOn(alice.workspace.store, 'transact');
		const notices: string[][] = [];
		const listen = (parts: Record<string, unknown>) => {
			const tables = Object.keys(parts).filter((part) => part.includes('/notes/'));
			if (tables.length > 0) notices.push(tables);
		};
		Dexie.on('storagemutated', listen);
		try {
			expect(await alice.pull()).toBe(2);
		} finally {
			Dexie.on.storagemutated.unsubscribe(listen);
		}
		const writing = transact.mock.calls.filter(([mode]) => mode !== 'r');
		expect(writing.map(([mode]) => mode)).toEqual(['rw-relaxed', 'rw-relaxed']);
		expect(notices).toHaveLength(2);
		expect(faults.writes.get('notes')).toBe(1_500);
		expect(faults.writes.get('checkpoints')).toBe(2);
		expect(await dexie.table('notes').count()).toBe(1_500);
	});
});
