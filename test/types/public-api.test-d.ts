import { createClient } from '@supabase/supabase-js';
import type { Table } from 'dexie';
import { assertType, describe, expectTypeOf, it } from 'vitest';
import {
	type NetworkStatus,
	type PixSyncError,
	type QueuedAction,
	type RowId,
	type SyncConfig,
	SyncManager,
	type SyncResult,
} from '../../src/index.ts';
import { createSyncMachine, type SyncServices, type TableEvent } from '../../src/machines/index.ts';

interface Note {
	id: string;
	title: string;
	body: string | null;
}

const client = createClient('https://example.supabase.co', 'key');
declare const sync: SyncManager;

describe('the seed API, as types', () => {
	it('takes any SupabaseClient, also one with generated types', () => {
		interface Database {
			public: {
				Tables: Record<string, never>;
				Views: Record<string, never>;
				Functions: Record<string, never>;
			};
		}
		assertType<ConstructorParameters<typeof SyncManager>[0]>(client);
		assertType<ConstructorParameters<typeof SyncManager>[0]>(
			createClient<Database>('https://x.supabase.co', 'k'),
		);
		// @ts-expect-error a string is not a client
		new SyncManager('https://example.supabase.co');
	});

	it('has the shapes that apps depend on', () => {
		expectTypeOf(sync.queueAction).returns.resolves.toEqualTypeOf<QueuedAction>();
		expectTypeOf<QueuedAction>().toEqualTypeOf<{ readonly mutationId: string; readonly id: RowId }>();
		expectTypeOf(sync.sync).parameters.toEqualTypeOf<[tables?: string[]]>();
		expectTypeOf(sync.sync).returns.resolves.toEqualTypeOf<SyncResult>();
		expectTypeOf<keyof SyncResult>().toEqualTypeOf<
			'success' | 'uploaded' | 'downloaded' | 'conflicts' | 'errors'
		>();
		expectTypeOf(sync.enableAutoSync).parameters.toEqualTypeOf<[intervalMs: number]>();
		expectTypeOf(sync.disableAutoSync).returns.toEqualTypeOf<void>();
		expectTypeOf(sync.getPendingCount).returns.resolves.toEqualTypeOf<number>();
		expectTypeOf(sync.clearSyncQueue).returns.resolves.toEqualTypeOf<void>();
		expectTypeOf<NetworkStatus['quality']>().toEqualTypeOf<'offline' | 'poor' | 'good' | 'excellent'>();
		expectTypeOf<PixSyncError['hint']>().toEqualTypeOf<string>();
	});

	it('refuses a misspelt option and an unknown action', () => {
		assertType<SyncConfig>({ table: 'notes', filter: { n: { op: 'gt', value: 1 }, user_id: 'x' } });
		// @ts-expect-error the option is called idField
		assertType<SyncConfig>({ table: 'notes', idfield: 'id' });
		// @ts-expect-error there is no upsert
		sync.queueAction('notes', 'upsert', {});
		// @ts-expect-error a filter's operators are PostgREST's
		assertType<SyncConfig>({ table: 'notes', filter: { n: { op: 'like', value: 'x' } } });
	});

	it('a table handle knows its row', () => {
		const notes = sync.table<Note>('notes');
		expectTypeOf(notes.get).returns.resolves.toEqualTypeOf<Note | undefined>();
		expectTypeOf(notes.rows).toEqualTypeOf<Table<Note, RowId>>();
		expectTypeOf(notes.update).parameter(1).toEqualTypeOf<Partial<Note>>();
		// @ts-expect-error notes have no such column
		notes.update('id', { colour: 'red' });
	});
});

describe('the machines, as types', () => {
	it('events are typed, and so are the services', () => {
		expectTypeOf(createSyncMachine).parameter(0).toEqualTypeOf<SyncServices>();
		assertType<TableEvent>({ type: 'sync.request', request: 1, holdDeletes: false });
		// @ts-expect-error no such event
		assertType<TableEvent>({ type: 'sync.requested' });
		sync.actor.send({ type: 'schedule.enable', intervalMs: 1 });
		// @ts-expect-error an interval is a number
		sync.actor.send({ type: 'schedule.enable', intervalMs: '1' });
	});
});
