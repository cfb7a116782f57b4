import { afterEach, describe, expect, it } from 'vitest';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

/** Three notes made here and sent. */
async function uploaded() {
	const alice = await openLetterWorld();
	await alice.download();
	alice.now += 1_000;
	const ids: string[] = [];
	for (const title of ['one', 'two', 'three'])
		ids.push(String((await alice.queue('notes', 'create', { title })).id));
	await alice.upload();
	return { alice, ids };
}

describe('what comes back of one’s own changes', () => {
	it('[S14] is known without a look at the replica', async () => {
		const { alice } = await uploaded();
		let read = 0;
		alice.workspace.store.dexie.table('notes').hook('reading', (row) => {
			read++;
			return row;
		});
		await alice.download();
		expect(read).toBe(0);
	});

	it('[S15] is no reason to miss what somebody else has made of it since', async () => {
		const { alice, ids } = await uploaded();
		alice.now += 1_000;
		alice.server.put('notes', { id: ids[1] ?? '', title: 'theirs' });
		await alice.download();
		expect(await alice.row(ids[1] ?? '')).toMatchObject({ title: 'theirs' });
	});

	it('[S15] comes down whole into a replica that was lost meanwhile', async () => {
		const { alice, ids } = await uploaded();
		const { dexie } = alice.workspace.store;
		await Promise.all([dexie.table('notes').clear(), dexie.table('checkpoints').clear()]);
		await alice.download();
		for (const id of ids) expect(await alice.row(id)).toBeDefined();
	});
});
