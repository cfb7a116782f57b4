import { IDBFactory } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { oweSweep } from '../../src/services/sweep-record.ts';
import { takeLeadership } from '../../src/services/workspace.ts';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

const { signal } = new AbortController();

async function world(disk = new IDBFactory(), beforePull: () => Promise<void> = async () => {}) {
	const alice = await openLetterWorld({ disk, beforePull });
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
		download: () => alice.services.download({ table: 'notes', pull: ++pulls, holdDeletes: false }, signal),
	};
}

describe('where a pull begins', () => {
	it('is read together with the outbox where nothing waits in it', async () => {
		const { alice, upload, download } = await world();
		const transact = vi.spyOn(alice.workspace.store, 'transact');
		await upload();
		expect(await download()).toMatchObject({ downloaded: 3 });
		expect(transact.mock.calls.map(([mode]) => mode)).toEqual(['r', 'rw-relaxed']);
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
		const { alice, upload, download } = await world(disk);
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
	async function quiet(beforePull?: () => Promise<void>) {
		const device = await world(undefined, beforePull);
		await device.upload();
		await device.download();
		device.alice.now += 600_000;
		await device.upload();
		await device.download();
		const transact = vi.spyOn(device.alice.workspace.store, 'transact');
		return { ...device, modes: () => transact.mock.calls.splice(0).map(([mode]) => mode) };
	}

	it('looks into the database once', async () => {
		const { upload, download, modes } = await quiet();
		await upload();
		const head = { rowsRead: 0, more: false, due: false, waitUntil: null };
		expect(await download()).toMatchObject(head);
		expect(modes()).toEqual(['r']);
	});

	it('[S1] sees what the app writes while the server is asked', async () => {
		let write: (() => Promise<unknown>) | null = null;
		const { alice, upload, download } = await quiet(async () => {
			await write?.();
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

	it('[F19] compares ids where that is owed', async () => {
		const { alice, upload, download } = await quiet();
		alice.server.remove('notes', 'a');
		const { store } = alice.workspace;
		await store.transact('rw', [], (stores) => oweSweep(stores, { table: 'notes' } as never));
		await upload();
		expect(await download()).toMatchObject({ downloaded: 1 });
		expect(await alice.row('a')).toBeUndefined();
	});
});
