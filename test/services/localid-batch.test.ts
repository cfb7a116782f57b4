import { afterEach, describe, expect, it } from 'vitest';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

/** A row that is still to be sent, with the localId `draft-1`. */
async function unsent() {
	const alice = await openLetterWorld();
	const { id } = await alice.queue('notes', 'create', { title: 'one', n: 1 }, 'draft-1');
	const bases = () => alice.workspace.store.transact('r', [], (stores) => stores.bases.toArray());
	return { alice, id, bases };
}

describe('[S1] a row that is still to be sent, named by its localId and by its id in one tick', () => {
	it('a create of that id is refused, and the update goes to the server in the row', async () => {
		const { alice, id, bases } = await unsent();
		const again = alice.queue('notes', 'create', { id, title: 'again', n: 1 });
		const update = alice.queue('notes', 'update', { title: 'two' }, 'draft-1');
		await expect(again).rejects.toMatchObject({ code: 'row-exists' });
		await update;
		expect(await bases()).toEqual([]);
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(id)).toMatchObject({ title: 'two', n: 1 });
		expect(await alice.outbox()).toEqual([]);
	});

	it('the row goes with the queue', async () => {
		const { alice, id } = await unsent();
		await Promise.allSettled([
			alice.queue('notes', 'create', { id, title: 'again', n: 1 }),
			alice.queue('notes', 'update', { title: 'two' }, 'draft-1'),
		]);
		await alice.services.clearQueue('notes', Number.POSITIVE_INFINITY);
		expect(await alice.row(id)).toBeUndefined();
	});

	it('deleted and made again, it is sent as it was made last', async () => {
		const { alice, id, bases } = await unsent();
		await Promise.all([
			alice.queue('notes', 'delete', null, 'draft-1'),
			alice.queue('notes', 'create', { id, title: 'again', n: 1 }),
		]);
		expect(await bases()).toEqual([]);
		expect(await alice.upload()).toEqual([]);
		expect(alice.served(id)).toMatchObject({ title: 'again' });
		expect(await alice.outbox()).toEqual([]);
	});
});
