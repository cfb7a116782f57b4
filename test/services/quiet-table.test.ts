import { afterEach, expect, it, vi } from 'vitest';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

const { signal } = new AbortController();

/** What each download so far has expected of its first page: true where that is no row. */
async function world() {
	const alice = await openLetterWorld();
	const pull = vi.spyOn(alice.workspace.remote, 'pull');
	let pulls = 0;
	return {
		alice,
		/** @returns what was expected, and how many rows came. */
		async download(isPoked = false) {
			pull.mockClear();
			const input = { table: 'notes', pull: ++pulls, isPoked, holdDeletes: false };
			let page = await alice.services.download(input, signal);
			while (page.more) page = await alice.services.download(input, signal);
			const [first, ...later] = pull.mock.calls.map(([{ expectsNone }]) => expectsNone);
			expect(later).toEqual(later.map(() => false));
			return [first, page.rowsRead];
		},
	};
}

it('a table is expected to bring nothing once it has brought nothing, until it brings something', async () => {
	const { alice, download } = await world();
	alice.server.put('notes', { id: 'a', title: 'a' });
	alice.now += 60_000;
	expect(await download()).toEqual([false, 1]);
	expect(await download()).toEqual([false, 0]);
	expect(await download()).toEqual([true, 0]);
	alice.server.put('notes', { id: 'b', title: 'b' });
	alice.now += 60_000;
	expect(await download()).toEqual([true, 1]);
	expect(await download()).toEqual([false, 0]);
	expect(await download()).toEqual([true, 0]);
});

it('what was uploaded, or told of, is expected', async () => {
	const { alice, download } = await world();
	alice.server.put('notes', { id: 'a', title: 'a' });
	alice.now += 60_000;
	for (const _ of [1, 2]) await download();
	await alice.queue('notes', 'create', { title: 'mine' });
	await alice.upload();
	alice.now += 60_000;
	expect(await download()).toEqual([false, 1]);
	await download();
	expect(await download()).toEqual([true, 0]);
	expect(await download(true)).toEqual([false, 0]);
});
