import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from 'xstate';
import type { SyncEvent, SyncTag } from '../../src/machines/index.ts';
import { startTinySync, type TinySync, type TinySyncOptions, tagsOf } from '../support/tiny-sync.ts';

const isOnline = (online: boolean): SyncEvent => ({ type: 'network.changed', isOnline: online });

const running: TinySync[] = [];

function start(options: TinySyncOptions = {}): TinySync {
	const tiny = startTinySync(options);
	running.push(tiny);
	return tiny;
}

function startOpen(options: TinySyncOptions = {}): TinySync {
	const tiny = start(options);
	tiny.hydrate();
	return tiny;
}

afterEach(() => {
	for (const { actor } of running.splice(0)) actor.stop();
});

describe('the tags that apps observe by', () => {
	const ofTable: [string, readonly SyncTag[], (tiny: TinySync) => Promise<unknown>][] = [
		['offline', ['offline', 'settled'], async () => undefined],
		['idle', ['settled'], async (tiny) => tiny.hydrate()],
		['uploading', ['syncing'], (tiny) => tiny.walk('uploading')],
		['resolving', ['syncing'], (tiny) => tiny.walk('uploading', 'resolving')],
		['downloading', ['syncing'], (tiny) => tiny.walk('uploading', 'resolving', 'uploading', 'downloading')],
		['backoff', ['settled', 'error'], (tiny) => tiny.fail('down')],
	];

	it.each(ofTable)('[S29] a table that is %s', async (state, tags, arrange) => {
		const tiny = start();
		await arrange(tiny);
		expect(tiny.ref().getSnapshot().value).toBe(state);
		expect(tagsOf(tiny.ref())).toEqual(tags);
	});

	it('[R12] an error that no waiting mends leaves the table settled: it is in the context, not in a tag', async () => {
		const tiny = start();
		await tiny.fail('no-table');
		expect(tiny.ref().getSnapshot().value).toBe('idle');
		expect(tagsOf(tiny.ref())).toEqual(['settled']);
		expect(tiny.ref().getSnapshot().context.error).toMatchObject({ code: 'unknown-table', fault: 'fatal' });
		expect(tiny.completed).toMatchObject([
			{ result: { errors: ['notes: There is no such table (unknown-table)'] } },
		]);
	});

	it('[R12] the root: offline while its gate is closed, syncing while somebody waits for a sync, else settled', async () => {
		const { actor, app, remote, ...tiny } = start();
		const seen = new Map<string, readonly SyncTag[]>();
		const see = () => seen.set(JSON.stringify(actor.getSnapshot().value), tagsOf(actor));
		see();
		actor.subscribe(see);

		actor.send(isOnline(false));
		tiny.hydrate();
		actor.send(isOnline(true));
		await tiny.sync(1);
		tiny.hold();
		actor.send({ type: 'sync.request', token: 2 });
		await tiny.reach('downloading');
		actor.send(isOnline(false));
		actor.send(isOnline(true));
		actor.send({ type: 'sync.request', token: 3 });
		actor.send({ type: 'storage.closed' });
		tiny.hydrate();
		tiny.letGo();
		remote.link = 'signed-out';
		await tiny.sync(4);
		// Outside of a sync that anybody waits for, the session can be found stale as well.
		remote.link = 'signed-out';
		actor.send({ type: 'poke.received' });
		await tiny.reach('offline');
		await tiny.reach('idle');
		actor.send({ type: 'schedule.enable', intervalMs: 600_000 });
		await tiny.settled();
		app.edit('notes', 'a', 'ours');
		actor.send({ type: 'mutation.queued', tables: ['notes'] });
		actor.send(isOnline(false));

		const steady = { open: 'steady' };
		const refreshing = { open: 'refreshing' };
		const auto = (state: string) => ({ auto: state });
		const expected: [object, readonly SyncTag[]][] = [
			[{ gate: 'hydrating', schedule: 'manual', run: 'idle' }, ['offline', 'settled']],
			[{ gate: 'closed', schedule: 'manual', run: 'idle' }, ['offline', 'settled']],
			[{ gate: steady, schedule: 'manual', run: 'idle' }, ['settled']],
			[{ gate: steady, schedule: 'manual', run: 'syncing' }, ['syncing']],
			// In passing: those who wait are answered before send() returns.
			[{ gate: 'closed', schedule: 'manual', run: 'syncing' }, ['offline', 'syncing']],
			[{ gate: 'hydrating', schedule: 'manual', run: 'syncing' }, ['offline', 'syncing']],
			[{ gate: refreshing, schedule: 'manual', run: 'syncing' }, ['syncing']],
			[{ gate: refreshing, schedule: 'manual', run: 'idle' }, ['settled']],
			[{ gate: steady, schedule: auto('quiet'), run: 'syncing' }, ['syncing']],
			[{ gate: steady, schedule: auto('quiet'), run: 'idle' }, ['settled']],
			[{ gate: steady, schedule: auto('gathering'), run: 'idle' }, ['settled']],
			[{ gate: 'closed', schedule: auto('gathering'), run: 'idle' }, ['offline', 'settled']],
		];
		expect(Object.fromEntries(seen)).toEqual(
			Object.fromEntries(expected.map(([value, tags]) => [JSON.stringify(value), tags])),
		);
	});

	it('[R12] the root speaks of syncs that were asked for: a poke or a retry is seen at the table alone', async () => {
		const { actor, ...tiny } = startOpen();
		tiny.hold();
		actor.send({ type: 'poke.received' });
		await tiny.reach('downloading');
		expect([tagsOf(actor), tagsOf(tiny.ref())]).toEqual([['settled'], ['syncing']]);
		tiny.letGo();
		await waitFor(tiny.ref(), (snapshot) => snapshot.hasTag('settled'));
		expect(tiny.ref().getSnapshot().value).toBe('idle');
	});

	it('[R12] a table that waits for a fresh session counts as settled; the sync it belongs to does not', async () => {
		const { actor, remote, ...tiny } = startOpen();
		await tiny.refresh();
		expect([tagsOf(actor), tagsOf(tiny.ref())]).toEqual([['syncing'], ['offline', 'settled']]);
		tiny.letGo();
		await tiny.settled();
		expect(tiny.completed).toMatchObject([{ token: 1, result: { success: true } }]);
	});

	it('[R13] a table that waits for its retry goes on by itself', async () => {
		const { remote, ...tiny } = startOpen({ input: { backoff: { baseMs: 20, capMs: 20 } } });
		remote.link = 'down';
		expect(await tiny.sync(1)).toMatchObject({
			success: false,
			errors: ['notes: Nobody answered (network)'],
		});
		await waitFor(tiny.ref(), (snapshot) => snapshot.hasTag('error'));
		remote.link = 'good';
		await tiny.reach('idle');
		expect(tagsOf(tiny.ref())).toEqual(['settled']);
		expect(tiny.ref().getSnapshot().context.error).toBeNull();
	});
});
