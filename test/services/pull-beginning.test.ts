import { IDBFactory } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import { noteLeft } from '../../src/services/left-rows.ts';
import { recheckKey } from '../../src/services/recheck.ts';
import type { Stores } from '../../src/services/stores.ts';
import { markSweepDue, oweSweep } from '../../src/services/sweep-record.ts';
import { takeLeadership } from '../../src/services/workspace.ts';
import {
	closeLetterWorlds,
	type LetterWorld,
	type LetterWorldOptions,
	openLetterWorld,
} from '../support/letter-world.ts';
import { startStorageFaults } from '../support/storage-faults.ts';

afterEach(closeLetterWorlds);

const { signal } = new AbortController();

async function world(options: LetterWorldOptions = {}) {
	const alice = await openLetterWorld(options);
	for (const id of ['a', 'b', 'c']) alice.server.put('notes', { id, title: id });
	alice.now += 60_000;
	let pulls = 0;
	return {
		alice,
		upload: ({ holdDeletes } = { holdDeletes: false }) =>
			alice.services.upload(
				{ table: 'notes', upTo: null, force: false, holdDeletes, retryAt: alice.now },
				signal,
			),
		download: () =>
			alice.services.download({ table: 'notes', pull: ++pulls, isPoked: false, holdDeletes: false }, signal),
	};
}

/** What the device has asked of its database since the last call. */
function modesOf({ workspace: { store } }: LetterWorld): () => readonly string[] {
	const modes: string[] = [];
	const { transact, read } = store;
	vi.spyOn(store, 'transact').mockImplementation((mode, ...given) => {
		modes.push(mode);
		return transact(mode, ...given);
	});
	vi.spyOn(store, 'read').mockImplementation((...given) => {
		modes.push('past Dexie');
		return read(...given);
	});
	return () => modes.splice(0);
}

describe('where a pull begins', () => {
	it('is read together with the outbox where nothing waits in it', async () => {
		const { alice, upload, download } = await world();
		const modes = modesOf(alice);
		await upload();
		expect(await download()).toMatchObject({ downloaded: 3 });
		expect(modes()).toEqual(['past Dexie', 'rw-relaxed']);
	});

	it('is read anew by any run but the very next', async () => {
		const { upload, download } = await world();
		await upload();
		expect(await download()).toMatchObject({ rowsRead: 3 });
		expect((await download()).rowsRead).toBeLessThan(3);
		await upload();
		await upload();
		expect((await download()).rowsRead).toBeLessThan(3);
	});

	it('is read anew after an upload that had something to send', async () => {
		const { alice, upload, download } = await world();
		await upload();
		await alice.queue('notes', 'create', { title: 'mine' });
		await upload();
		alice.now += 60_000;
		const transact = vi.spyOn(alice.workspace.store, 'transact');
		expect(await download()).toMatchObject({ rowsRead: 4 });
		expect(transact.mock.calls.map(([mode]) => mode)).toEqual(['r', 'rw-relaxed']);
	});

	it('is read anew where another tab has led meanwhile', async () => {
		const disk = new IDBFactory();
		const { alice, upload, download } = await world({ disk });
		await upload();
		alice.workspace.epoch = null;
		const other = await openLetterWorld({ disk, server: alice.server, now: alice.now });
		await other.download();
		alice.workspace.epoch = await takeLeadership(alice.workspace);
		expect(await download()).toMatchObject({ downloaded: 0 });
	});
});

describe('[S15] a pull that brings nothing', () => {
	it('writes nothing for a minute, and is told of what comes next', async () => {
		const { alice, download } = await world();
		await download();
		// Beyond the overlap, so that nothing is read again.
		alice.now += 600_000;
		await download();
		const stored = () =>
			alice.workspace.store.transact('r', [], (stores) => stores.checkpoints.get(['notes', 'rest']));
		const before = await stored();
		const transact = vi.spyOn(alice.workspace.store, 'transact');
		const modes = () => transact.mock.calls.splice(0).map(([mode]) => mode);
		alice.now += 59_000;
		expect(await download()).toMatchObject({ rowsRead: 0, more: false });
		expect(modes()).toEqual(['r', 'r']);
		expect(await stored()).toEqual(before);
		modes();
		alice.now += 2_000;
		await download();
		expect(modes()).toEqual(['r', 'rw-relaxed']);
		expect((await stored())?.syncedAt).toBe(alice.now);
		alice.server.put('notes', { id: 'd', title: 'd' });
		expect(await download()).toMatchObject({ downloaded: 1 });
	});
});

describe('[S15] a sync that finds nothing on either side', () => {
	/** All is downloaded, and lies beyond the overlap. */
	async function quiet(options: LetterWorldOptions = {}) {
		const device = await world(options);
		await device.upload();
		await device.download();
		device.alice.now += 600_000;
		await device.upload();
		await device.download();
		return { ...device, modes: modesOf(device.alice) };
	}

	it('looks into the database once', async () => {
		const { upload, download, modes } = await quiet();
		await upload();
		const head = { rowsRead: 0, more: false, due: false, waitUntil: null };
		expect(await download()).toMatchObject(head);
		expect(modes()).toEqual(['past Dexie']);
	});

	it('looks closer where something waits, be it of another table', async () => {
		const { alice, upload, download, modes } = await quiet();
		await alice.queue('lists', 'create', { title: 'another table’s' });
		await upload();
		expect(await download()).toMatchObject({ due: false, waitUntil: null });
		expect(modes()).toEqual(['past Dexie', 'r']);
	});

	it('[S1] [S30] sends at once what another tab has written, and told nobody of', async () => {
		const disk = new IDBFactory();
		const { alice, upload, download } = await quiet({ disk });
		const other = await openLetterWorld({ disk, server: alice.server, now: alice.now });
		alice.workspace.epoch = await takeLeadership(alice.workspace);
		await upload();
		await download();
		await other.queue('notes', 'create', { title: 'theirs' });
		expect(await upload()).toMatchObject({ uploaded: 1 });
		expect(alice.server.rows('notes').map(({ title }) => title)).toContain('theirs');
	});

	it('[S6] [R14] sends it in order, though another table was quiet just before', async () => {
		const disk = new IDBFactory();
		const { alice } = await quiet({ disk });
		const other = await openLetterWorld({ disk, server: alice.server, now: alice.now });
		alice.workspace.epoch = await takeLeadership(alice.workspace);
		for (const table of ['lists', 'notes']) await alice.upload(table);
		for (const table of ['notes', 'lists']) await alice.download(table);
		await other.queue('lists', 'create', { id: 'l', title: 'their list' });
		await other.queue('notes', 'create', { title: 'their note', list_id: 'l' });
		expect(await alice.upload('lists')).toEqual([]);
		expect(await alice.upload('notes')).toEqual([]);
		expect(alice.server.rows('notes').map(({ title }) => title)).toContain('their note');
	});

	it('[S1] sees what the app writes while the server is asked', async () => {
		let write: (() => Promise<unknown>) | null = null;
		const { alice, upload, download } = await quiet({
			async beforePull() {
				await write?.();
			},
		});
		write = () => alice.queue('notes', 'create', { title: 'mine' });
		await upload();
		expect(await download()).toMatchObject({ rowsRead: 0, due: true });
	});

	it('[S1] sees what the upload has held back', async () => {
		const { alice, upload, download } = await quiet();
		await alice.queue('notes', 'delete', undefined, 'a');
		await upload({ holdDeletes: true });
		expect(await download()).toMatchObject({ due: true });
	});

	const later = (now: number) => now + 30_000;
	const sent = { kind: 'update', id: 'a', seqs: [], body: {}, base: null, stamp: '' } as const;

	it.each<[string, (stores: Stores, now: number) => Promise<unknown>]>([
		[
			'a request of unknown outcome',
			({ attempts }, now) =>
				attempts.add({ table: 'notes', mutations: [sent], count: 1, nextAttemptAt: later(now) }),
		],
		[
			'a conflict that was put off',
			({ bases }, now) =>
				bases.put({
					...{ table: 'notes', id: 'a', base: { kind: 'unknown' }, remote: null, seen: 1 },
					deferredUntil: later(now),
				}),
		],
	])('[L2] sees when %s is due', async (_, put) => {
		const { alice, upload, download } = await quiet();
		await alice.workspace.store.transact('rw', [], (stores) => put(stores, alice.now));
		await upload();
		expect(await download()).toMatchObject({ due: false, waitUntil: later(alice.now) });
	});

	it('[S1] sees what the app writes while the outbox is looked at', async () => {
		const { alice, upload, download } = await quiet();
		const { store } = alice.workspace;
		const { read } = store;
		let writing: Promise<unknown> | null = null;
		vi.spyOn(store, 'read').mockImplementationOnce((...given) => {
			const looking = read(...given);
			writing = alice.queue('notes', 'create', { title: 'mine' });
			return looking;
		});
		expect(await upload()).toMatchObject({ uploaded: 0 });
		await writing;
		expect(await download()).toMatchObject({ due: true });
	});

	it('[S1] [F45] sees a write whose first run was lost with the connection', async () => {
		const faults = startStorageFaults();
		let writing: Promise<unknown> = Promise.resolve();
		const { alice, upload, download } = await quiet({
			async beforePull() {
				await writing;
			},
		});
		faults.add({ store: 'outbox', how: 'fails-at-commit', error: 'UnknownError' });
		writing = alice.queue('notes', 'create', { title: 'mine' });
		// Its transaction has begun: the look comes behind it.
		for (let ticks = 0; ticks < 2; ticks++) await null;
		expect(await upload()).toMatchObject({ uploaded: 0 });
		expect(await download()).toMatchObject({ due: true });
		expect(faults.hits).toBe(1);
		faults.stop();
	});

	const spec = toTableSpec({ table: 'notes', dependsOn: ['lists', 'notes'] });

	it.each<[string, (stores: Stores, now: number) => Promise<unknown>]>([
		['a comparison is owed', (stores) => oweSweep(stores, spec)],
		['one was cut off', (stores, now) => markSweepDue(stores, spec, now)],
		['a row may have gone', (stores) => noteLeft(stores, spec, ['a'])],
	])('[F19] asks the server where %s', async (_, put) => {
		const { alice, upload, download } = await quiet({ reconcileIntervalMs: 3_600_000 });
		alice.server.remove('notes', 'a');
		await alice.workspace.store.transact('rw', ['notes'], (stores) => put(stores, alice.now));
		await upload();
		expect(await download()).toMatchObject({ downloaded: 1 });
		expect(await alice.row('a')).toBeUndefined();
	});

	it('[R10] asks for rows that are to be checked again', async () => {
		const { alice, upload } = await quiet();
		alice.server.remove('notes', 'a');
		await alice.workspace.store.transact('rw', [], ({ meta }) =>
			meta.put({ key: recheckKey('notes'), value: ['a'] }),
		);
		await upload();
		expect(await alice.row('a')).toBeUndefined();
	});

	it('[F19] compares ids at the interval', async () => {
		const { alice, upload, download } = await quiet({ reconcileIntervalMs: 30_000 });
		alice.server.remove('notes', 'a');
		await upload();
		expect(await download()).toMatchObject({ downloaded: 0 });
		alice.now += 31_000;
		await upload();
		expect(await download()).toMatchObject({ downloaded: 1 });
	});
});
