import { assertType, describe, expectTypeOf, it } from 'vitest';
import { type ActorRefFrom, createActor, type SnapshotFrom, waitFor } from 'xstate';
import type { PixSyncError, SyncResult } from '../../src/index.ts';
import {
	createSyncMachine,
	type SyncEvent,
	type SyncServices,
	type SyncTag,
	syncMachine,
	type TableContext,
	type TableEntry,
	type TableEvent,
	type TableTag,
	tableMachine,
	type UploadOutput,
} from '../../src/machines/index.ts';

declare const services: SyncServices;
const machine = createSyncMachine(services);
const actor = createActor(machine, { input: {} });
declare const table: ActorRefFrom<typeof tableMachine>;

describe('an actor of createSyncMachine, as types', () => {
	it('takes the events of SyncEvent alone', () => {
		expectTypeOf(actor.send).parameter(0).toEqualTypeOf<SyncEvent>();
		actor.send({ type: 'storage.hydrated', dirty: [] });
		actor.send({ type: 'sync.request', token: 1, tables: ['notes'] });
		// @ts-expect-error no such event
		actor.send({ type: 'sync.requested', token: 1 });
		// @ts-expect-error a token is a number or null
		actor.send({ type: 'sync.request', token: 'one' });
		// @ts-expect-error a fact needs its value
		actor.send({ type: 'network.changed' });
		// @ts-expect-error events are objects
		actor.send('storage.closed');
		// @ts-expect-error a step's end is the step's own to send
		actor.send({ type: 'xstate.done.actor.upload', output: {} });
		// @ts-expect-error the same
		actor.send({ type: 'xstate.done.actor.refreshSession', actorId: 'refreshSession', output: undefined });
		// @ts-expect-error the same
		actor.send({ type: 'xstate.error.actor.download', error: new Error() });
		// @ts-expect-error the same
		actor.send({ type: 'xstate.done.state.sync' });
		// @ts-expect-error wishes of a table's own kind go to the table
		actor.send({ type: 'connection.restored' });
	});

	it('emits sync.completed with tokens and results', () => {
		actor.on('sync.completed', ({ waiters }) => {
			expectTypeOf(waiters).toEqualTypeOf<
				readonly { readonly token: number | null; readonly result: SyncResult }[]
			>();
		});
		// @ts-expect-error no such emission
		actor.on('sync.finished', () => undefined);
	});

	it('needs an input, whose parts are optional', () => {
		createActor(machine, { input: { liveUpload: false, backoff: { baseMs: 1, capMs: 2 } } });
		// @ts-expect-error an input, if only {}
		createActor(machine);
		// @ts-expect-error a backoff has two parts
		createActor(machine, { input: { backoff: { baseMs: 1 } } });
	});

	it('has snapshots with three regions, four tags and the tables', () => {
		const snapshot = actor.getSnapshot();
		expectTypeOf(snapshot).toEqualTypeOf<SnapshotFrom<typeof machine>>();
		expectTypeOf(snapshot.value.schedule).toEqualTypeOf<'manual' | { auto: 'quiet' | 'gathering' }>();
		expectTypeOf(snapshot.value.run).toEqualTypeOf<'idle' | 'syncing'>();
		expectTypeOf(snapshot.value.gate).toEqualTypeOf<
			'hydrating' | 'closed' | { open: 'steady' | 'refreshing' }
		>();
		snapshot.matches({ gate: { open: 'steady' } });
		// @ts-expect-error no such state
		snapshot.matches({ gate: 'opened' });
		expectTypeOf(snapshot.hasTag).parameter(0).toEqualTypeOf<SyncTag>();
		expectTypeOf<SyncTag>().toEqualTypeOf<'offline' | 'syncing' | 'settled' | 'error'>();
		// @ts-expect-error no such tag
		snapshot.hasTag('idle');
		// A table that may not be registered.
		expectTypeOf(snapshot.context.tables.notes).toEqualTypeOf<TableEntry | undefined>();
		expectTypeOf<TableEntry['ref']>().toEqualTypeOf<typeof table>();
		assertType<Promise<SnapshotFrom<typeof machine>>>(waitFor(actor, (one) => one.hasTag('settled')));
		// @ts-expect-error no such tag
		waitFor(actor, (one) => one.hasTag('done'));
	});
});

describe('a table, as types', () => {
	it('is in one of exactly six states', () => {
		const { value } = table.getSnapshot();
		expectTypeOf(value).toEqualTypeOf<
			'offline' | 'idle' | 'uploading' | 'downloading' | 'resolving' | 'backoff'
		>();
	});

	it('has four tags and a context with its error', () => {
		const snapshot = table.getSnapshot();
		expectTypeOf(snapshot.hasTag).parameter(0).toEqualTypeOf<TableTag>();
		expectTypeOf<TableTag>().toEqualTypeOf<SyncTag>();
		// @ts-expect-error a state is no tag
		snapshot.hasTag('backoff');
		expectTypeOf(snapshot.context).toEqualTypeOf<TableContext>();
		expectTypeOf(snapshot.context.error).toEqualTypeOf<PixSyncError | null>();
	});

	it('takes the events of TableEvent alone, and emits what an app may watch', () => {
		expectTypeOf(table.send).parameter(0).toEqualTypeOf<TableEvent>();
		table.send({ type: 'poke.received' });
		// @ts-expect-error a step's end is the step's own to send
		table.send({ type: 'xstate.done.actor.upload', output: {} });
		// @ts-expect-error a lost connection has a reason
		table.send({ type: 'connection.lost' });
		table.on('page.applied', ({ rowsRead }) => expectTypeOf(rowsRead).toEqualTypeOf<number>());
		table.on('conflicts.resolved', ({ resolved }) =>
			expectTypeOf(resolved[0]?.outcome).toEqualTypeOf<
				| 'local'
				| 'remote'
				| 'merged'
				| 'deleted'
				| 'recreated'
				| 'dead-letter'
				| 'deferred'
				| 'parked'
				| undefined
			>(),
		);
		// @ts-expect-error a table alone needs to know its name and whom it reports to
		createActor(tableMachine, { input: { table: 'notes' } });
	});
});

describe('the services, as types', () => {
	it('none can be left out', () => {
		expectTypeOf<keyof SyncServices>().toEqualTypeOf<
			'upload' | 'download' | 'resolve' | 'endPull' | 'refreshSession'
		>();
		const { upload, download, resolve, endPull, refreshSession } = services;
		assertType<SyncServices>({ upload, download, resolve, endPull, refreshSession });
		// @ts-expect-error without upload
		assertType<SyncServices>({ download, resolve, endPull, refreshSession });
		// @ts-expect-error without download
		assertType<SyncServices>({ upload, resolve, endPull, refreshSession });
		// @ts-expect-error without resolve
		assertType<SyncServices>({ upload, download, endPull, refreshSession });
		// @ts-expect-error without endPull
		assertType<SyncServices>({ upload, download, resolve, refreshSession });
		// @ts-expect-error without refreshSession
		assertType<SyncServices>({ upload, download, resolve, endPull });
	});

	it('a step answers in full', () => {
		const answer = { uploaded: 0, downloaded: 0, conflicts: 0, errors: [], more: false, held: 0, upTo: 0 };
		assertType<UploadOutput>({ ...answer, waitingConflicts: 0 });
		// @ts-expect-error whether conflicts wait decides what comes next
		assertType<UploadOutput>(answer);
	});

	it('the machine can be adapted after it was made', () => {
		machine.provide({ delays: { liveDelay: 10 } });
		// @ts-expect-error no such delay
		machine.provide({ delays: { pause: 10 } });
		createActor(syncMachine, { input: {} }).send({ type: 'storage.closed' });
	});
});
