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
