import { IDBObjectStore } from 'fake-indexeddb';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type DeviceWorld, openDeviceWorld, TABLE } from '../support/model/device-world.ts';

let world: DeviceWorld;

afterEach(() => {
	vi.restoreAllMocks();
	world.close();
});

const checkpoint = () =>
	world.workspace.store.transact('r', [], (stores) => stores.checkpoints.get([TABLE, 'rest']));

/** The disk refuses the first write to a store that comes. */
function refuseWriteTo(store: string) {
	const put = IDBObjectStore.prototype.put;
	let hasRefused = false;
	return vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (
		this: IDBObjectStore,
		...args
	) {
		if (hasRefused || this.name !== store) return put.apply(this, args);
		hasRefused = true;
		throw new DOMException('no', 'AbortError');
	} as typeof put);
}

const download = (pull: number) =>
	world.services.download(
		{ table: TABLE, pull, isPoked: false, holdDeletes: false },
		new AbortController().signal,
	);

describe('a page and its checkpoint are one', () => {
	it.each(['checkpoints', TABLE])(
		'[F16] [S16] a page cut off at %s leaves neither rows nor place',
		async (store) => {
			world = await openDeviceWorld();
			const rows = await world.rows();
			const place = await checkpoint();
			world.server.put(TABLE, { id: crypto.randomUUID(), title: 'theirs' });
			world.tick();
			world.admitPull('pass', false);
			const disk = refuseWriteTo(store);
			await expect(download(1)).rejects.toMatchObject({ name: 'PixSyncError' });
			expect(disk).toHaveBeenCalled();
			expect(await world.rows()).toEqual(rows);
			expect(await checkpoint()).toEqual(place);

			// The next pull finds what that one did not store.
			await world.catchUp();
			expect(await world.rows()).toEqual(world.server.rows(TABLE));
			expect(await checkpoint()).not.toEqual(place);
		},
	);

	it('[F16] [S10] a pull does not overwrite a row with a pending edit, and keeps what it saw', async () => {
		world = await openDeviceWorld();
		const [row] = await world.rows();
		const id = String(row?.id);
		await world.queue('update', { title: 'mine' }, id);
		world.tick();
		world.server.patch(TABLE, id, { title: 'theirs' });
		world.tick();
		await world.catchUp();
		const held = (await world.rows()).find((one) => one.id === id);
		expect(held?.title).toBe('mine');
		const [base] = await world.workspace.store.transact('r', [], (stores) => stores.bases.toArray());
		expect(base).toMatchObject({ id, base: { kind: 'held', row }, remote: { title: 'theirs' }, seen: 1 });
	});
});
