import { IDBFactory } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { takeLeadership } from '../../src/services/workspace.ts';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

const { signal } = new AbortController();

async function world(disk = new IDBFactory()) {
	const alice = await openLetterWorld({ disk });
	for (const id of ['a', 'b', 'c']) alice.server.put('notes', { id, title: id });
	alice.now += 60_000;
	let pulls = 0;
	return {
		alice,
		upload: () =>
			alice.services.upload(
				{ table: 'notes', upTo: null, force: false, holdDeletes: false, retryAt: alice.now },
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
