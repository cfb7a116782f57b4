import { afterEach, describe, expect, it } from 'vitest';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

const ID = '00000000-0000-4000-8000-000000000001';

/** A change has arrived unheard, somebody has set `n` to 7 since, and a pull has shown that before it is sent again. */
async function shown(edit: Record<string, unknown> | null) {
	const alice = await openLetterWorld({ notes: { conflictResolution: 'remote-wins' } });
	alice.server.put('notes', { id: ID, title: 'one', n: 0 });
	await alice.download();
	await alice.queue('notes', 'update', { title: 'mine' }, ID);
	alice.loseReply();
	await alice.upload().catch(() => undefined);
	alice.now += 1_000;
	alice.server.put('notes', { ...alice.served(ID), n: 7 });
	await alice.queue('notes', edit ? 'update' : 'delete', edit, ID);
	await alice.download();
	alice.now += 60_000;
	await alice.upload();
	return { alice, row: alice.served(ID) };
}

describe('[R7] a change that arrived unheard, and a pull that shows what somebody has written over it', () => {
	it('an edit of the same column here is in conflict with theirs', async () => {
		expect((await shown({ n: 5 })).row).toMatchObject({ title: 'mine', n: 7 });
	});

	it('so is a delete', async () => {
		expect((await shown(null)).row).toMatchObject({ title: 'mine', n: 7 });
	});

	it('an edit of another column is none', async () => {
		const { alice, row } = await shown({ title: 'mine again' });
		expect(row).toMatchObject({ title: 'mine again', n: 7 });
		expect(await alice.outbox()).toEqual([]);
	});
});
