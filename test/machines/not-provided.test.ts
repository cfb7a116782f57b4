import { describe, expect, it } from 'vitest';
import { createActor, fromPromise, fromTransition, waitFor } from 'xstate';
import {
	type DownloadInput,
	type DownloadOutput,
	type ResolveInput,
	type ResolveOutput,
	syncMachine,
	type TableParent,
	type TableReport,
	tableMachine,
	type UploadInput,
	type UploadOutput,
} from '../../src/machines/index.ts';
import { createTinyApp } from '../support/tiny-app.ts';
import { createTinyRemote } from '../support/tiny-remote.ts';

describe('machines without their services', () => {
	it('[S22] the root ends with not-provided: whoever waits is told, and no sync is said to have succeeded', async () => {
		const errors: unknown[] = [];
		const answers: unknown[] = [];
		const actor = createActor(syncMachine, { input: {} });
		actor.subscribe({ error: (error) => errors.push(error) });
		actor.on('sync.completed', ({ waiters }) => answers.push(...waiters));
		actor.start();
		actor.send({ type: 'table.register', spec: { table: 'notes', dependsOn: [] } });
		actor.send({ type: 'storage.hydrated', dirty: [] });
		actor.send({ type: 'sync.request', token: 1 });
		await expect(
			waitFor(actor, (snapshot) => snapshot.hasTag('settled'), { timeout: 2_000 }),
		).rejects.toMatchObject({ code: 'not-provided' });
		expect(actor.getSnapshot()).toMatchObject({ status: 'error', error: { code: 'not-provided' } });
		expect(errors).toMatchObject([{ code: 'not-provided', hint: expect.stringContaining('provide') }]);
		expect(answers).toEqual([]);
	});

	it('[S22] a table alone ends with not-provided', async () => {
		const errors: unknown[] = [];
		const reports: TableReport[] = [];
		const actor = createActor(tableMachine, { input: { table: 'notes', parent: listener(reports) } });
		actor.subscribe({ error: (error) => errors.push(error) });
		actor.start();
		actor.send({ type: 'connection.restored' });
		actor.send({ type: 'sync.request', request: 1, holdDeletes: false });
		expect(actor.getSnapshot().value).toBe('uploading');
		await expect(
			waitFor(actor, ({ value }) => value !== 'uploading', { timeout: 2_000 }),
		).rejects.toMatchObject({ code: 'not-provided' });
		expect(errors).toMatchObject([{ code: 'not-provided' }]);
		expect(reports).toEqual([]);
	});

	it.each(['upload', 'download', 'resolve'] as const)('[S22] one left out is named: %s', async (missing) => {
		const remote = createTinyRemote();
		const { services, edit } = createTinyApp(remote);
		remote.write('notes', { id: 'a', title: 'theirs' }, null);
		edit('notes', 'a', 'ours');
		const upload = fromPromise<UploadOutput, UploadInput>((one) => services.upload(one.input, one.signal));
		const download = fromPromise<DownloadOutput, DownloadInput>((one) =>
			services.download(one.input, one.signal),
		);
		const resolve = fromPromise<ResolveOutput, ResolveInput>((one) =>
			services.resolve(one.input, one.signal),
		);
		const reports: TableReport[] = [];
		const table = createActor(
			tableMachine.provide({
				actors: {
					...(missing === 'upload' ? {} : { upload }),
					...(missing === 'download' ? {} : { download }),
					...(missing === 'resolve' ? {} : { resolve }),
				},
				actions: { endPull: () => undefined },
			}),
			{ input: { table: 'notes', parent: listener(reports) } },
		).start();
		table.send({ type: 'connection.restored' });
		table.send({ type: 'sync.request', request: 1, holdDeletes: false });
		const { context } = await waitFor(table, ({ value }) => value === 'idle', { timeout: 2_000 });
		expect(context.error).toMatchObject({
			code: 'not-provided',
			fault: 'fatal',
			message: expect.stringContaining(`'${missing}'`),
		});
		expect(reports.at(-1)).toMatchObject({ type: 'table.settled', error: { code: 'not-provided' } });
		table.stop();
	});
});

/** A root that only listens. */
function listener(reports: TableReport[]): TableParent {
	return createActor(
		fromTransition((state: null, event: TableReport) => {
			reports.push(event);
			return state;
		}, null),
	).start();
}
