import { afterEach, describe, expect, it } from 'vitest';
import { type AnyActorRef, type InspectionEvent, waitFor } from 'xstate';
import type { SyncEvent } from '../../src/machines/index.ts';
import { startTinySync, type TinySync, type TinySyncOptions } from '../support/tiny-sync.ts';

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

const isOnline = (online: boolean): SyncEvent => ({ type: 'network.changed', isOnline: online });
const isValid = (valid: boolean): SyncEvent => ({ type: 'session.changed', isValid: valid });
const isLeader = (leader: boolean): SyncEvent => ({ type: 'leadership.changed', isLeader: leader });

afterEach(() => {
	for (const { actor } of running.splice(0)) actor.stop();
});

describe('an app that runs the machine itself', () => {
	it('[R12] registers tables, tells facts, asks, and hears the answer with its token', async () => {
		const { app, remote, completed, ...tiny } = start({ tables: ['notes', 'tags'] });
		remote.write('notes', { id: 'theirs', title: 'written elsewhere' }, null);
		remote.write('notes', { id: 'both', title: 'their version' }, null);
		for (const id of ['both', 'b', 'c']) app.edit('notes', id, `ours: ${id}`);
		app.edit('tags', 't', 'ours: t');

		tiny.hydrate();
		expect(app.calls).toEqual([]);
		tiny.send({ type: 'sync.request', token: 7, tables: ['notes'] });
		await tiny.settled();
		expect(completed).toEqual([
			{ token: 7, result: { success: true, uploaded: 3, downloaded: 1, conflicts: 1, errors: [] } },
		]);
		// Three mutations are two batches, and the one that lost is sent again.
		expect(app.steps('notes')).toEqual(['upload', 'resolve', 'upload', 'download', 'download', 'download']);
		expect(app.steps('tags')).toEqual([]);
		expect(app.titles('notes').sort()).toEqual(['ours: b', 'ours: both', 'ours: c', 'written elsewhere']);
		expect(remote.get('notes', 'both')).toMatchObject({ title: 'ours: both' });

		expect(await tiny.sync(8)).toMatchObject({ success: true, uploaded: 1, downloaded: 0 });
		expect(app.pending()).toBe(0);
		expect(remote.get('tags', 't')).toMatchObject({ title: 'ours: t' });
		expect(completed.map(({ token }) => token)).toEqual([7, 8]);
	});

	it('[F53] only the open storage must be told; the other facts are taken for true until told', async () => {
		const { app, ...tiny } = start();
		expect(await tiny.sync(1)).toMatchObject({
			success: false,
			errors: ['notes: The local database is not open (closed)'],
		});
		expect(app.calls).toEqual([]);
		tiny.hydrate();
		expect(await tiny.sync(2)).toMatchObject({ success: true });
	});

	it.each([
		['offline', isOnline(false), isOnline(true)],
		['unauthorised', isValid(false), isValid(true)],
		['not-leader', isLeader(false), isLeader(true)],
	])('[S11] a fact told before the storage is open counts: %s', async (code, missing, present) => {
		const { app, ...tiny } = start();
		tiny.send(missing);
		tiny.hydrate();
		expect(tiny.actor.getSnapshot().value).toMatchObject({ gate: 'closed' });
		const { success, errors } = await tiny.sync(1);
		expect({ success, errors }).toEqual({
			success: false,
			errors: [expect.stringMatching(`^notes: .*\\(${code}\\)$`)],
		});
		expect(app.calls).toEqual([]);
		tiny.send(present);
		expect(await tiny.sync(2)).toMatchObject({ success: true });
		expect(app.steps('notes')).toEqual(['upload', 'download']);
	});

	it('reaches a table by the snapshot, and hears what it emits', async () => {
		const { app, remote, ...tiny } = startOpen();
		const heard: unknown[] = [];
		tiny.actor.getSnapshot().context.tables.notes?.ref.on('*', (event) => heard.push(event));
		remote.write('notes', { id: 'a', title: 'theirs' }, null);
		app.edit('notes', 'a', 'ours');
		await tiny.sync(1);
		expect(heard).toEqual([
			{ type: 'conflicts.resolved', table: 'notes', resolved: [{ id: 'a', outcome: 'local' }] },
			{ type: 'page.applied', table: 'notes', rowsRead: 1, downloaded: 0 },
		]);
		expect(tiny.ref().getSnapshot().context).toMatchObject({
			error: null,
			lastSyncedAt: expect.any(Number),
		});
	});

	it('[R9] stop() aborts what the services do, and nothing is asked of them any more', async () => {
		const { app, remote, actor, ...tiny } = startOpen({ tables: ['notes', 'tags'] });
		app.edit('notes', 'a', 'ours');
		tiny.hold();
		actor.send({ type: 'sync.request', token: 1 });
		await tiny.reach('downloading', 'tags');
		const flying = [
			app.calls.find(({ name, table }) => name === 'upload' && table === 'notes')?.signal,
			app.calls.find(({ name, table }) => name === 'download' && table === 'tags')?.signal,
		];
		expect(flying.map((signal) => signal?.aborted)).toEqual([false, false]);
		const { requests } = remote;
		const settled = waitFor(actor, (snapshot) => snapshot.hasTag('settled'));
		actor.stop();
		expect(flying.map((signal) => signal?.aborted)).toEqual([true, true]);
		tiny.letGo();
		await expect(settled).rejects.toThrow('terminated');
		expect(remote.requests).toBe(requests);
		expect(app.pending()).toBe(1);
		expect(remote.get('notes', 'a')).toBeUndefined();
		expect(tiny.completed).toEqual([]);
	});

	it('[R9] stop() aborts a refresh of the session, too', async () => {
		const { app, actor, refresh } = start();
		await refresh();
		const call = app.calls.find(({ name }) => name === 'refreshSession');
		expect(call?.signal?.aborted).toBe(false);
		actor.stop();
		expect(call?.signal?.aborted).toBe(true);
	});

	it('[S33] an inspector hears every actor and every report, and no row of the user', async () => {
		const heard: InspectionEvent[] = [];
		const { app, ...tiny } = startOpen({ inspect: (event) => heard.push(event) });
		app.edit('notes', 'a', 'canary-title');
		await tiny.sync(1);
		const actors = heard.filter(({ type }) => type === '@xstate.actor').map(({ actorRef }) => idOf(actorRef));
		expect(actors).toEqual([expect.any(String), 'table:notes', 'upload', 'download']);
		const sent = heard.flatMap((one) =>
			one.type === '@xstate.event' ? [{ to: idOf(one.actorRef), event: one.event }] : [],
		);
		expect(sent.filter(({ to }) => to === actors[0]).map(({ event }) => event.type)).toEqual(
			expect.arrayContaining(['table.register', 'storage.hydrated', 'table.uploaded', 'table.settled']),
		);
		expect(sent.map(({ event }) => event.type)).toEqual(
			expect.arrayContaining(['xstate.done.actor.upload', 'xstate.done.actor.download']),
		);
		expect(JSON.stringify(sent)).not.toContain('canary');
	});
});

const idOf = (ref: object) => (ref as AnyActorRef).id;
