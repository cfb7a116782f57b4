import { Profiler, StrictMode } from 'react';
import { afterEach, describe, expect, it } from 'vitest';
import { type Row, SyncManager, type SyncState } from '../../src/index.ts';
import {
	SyncProvider,
	useConflicts,
	useLiveRows,
	useNetworkStatus,
	usePendingCount,
	useRejected,
	useRow,
	useRowState,
	useSyncManager,
	useSyncProgress,
	useSyncStatus,
} from '../../src/react/index.ts';
import { createOfflineManager } from '../support/offline-manager.ts';
import { createPhone, note, PHONE_TABLES, signUp } from '../support/phone.ts';
import { type Mounted, mount, quiet } from '../support/react-dom.ts';
import { startSupabase } from '../support/supabase/index.ts';

interface Note {
	readonly id: string;
	readonly title: string;
}

const mounted: Mounted[] = [];
const managers: SyncManager[] = [];

afterEach(async () => {
	for (const one of mounted.splice(0)) await one.unmount();
	for (const one of managers.splice(0)) await one.close();
});

async function start(): Promise<SyncManager> {
	const sync = createOfflineManager();
	managers.push(sync);
	sync.registerTable({ table: 'notes' });
	sync.registerTable({ table: 'tags' });
	await sync.ready();
	return sync;
}

/** Renders one hook, and keeps each value that it ever rendered. */
async function follow<T>(sync: SyncManager, useIt: () => T) {
	const seen: T[] = [];
	const Probe = () => {
		seen.push(useIt());
		return null;
	};
	const view = await mount(
		<SyncProvider manager={sync}>
			<Probe />
		</SyncProvider>,
	);
	mounted.push(view);
	return { seen, view, last: () => seen.at(-1) };
}

const notes = (sync: SyncManager) => sync.table<Note>('notes');

describe('useLiveRows', () => {
	it('tells all rows, then what changes of them; rows that did not change stay the same objects', async () => {
		const sync = await start();
		const one = await notes(sync).create({ title: 'one' });
		const { view, last, seen } = await follow(sync, () => useLiveRows<Note>('notes'));
		expect(seen[0]).toBeUndefined();
		await view.until(() => expect(last()).toMatchObject([{ title: 'one' }]));
		const [before] = last() ?? [];
		await notes(sync).create({ title: 'two' });
		await view.until(() => expect(last()).toHaveLength(2));
		expect(last()?.find(({ id }) => id === one.id)).toBe(before);
	});

	it('renders nothing for other tables, for other rows, and for a write that changes nothing', async () => {
		const sync = await start();
		const { id } = await notes(sync).create({ title: 'one' });
		await notes(sync).create({ title: 'two' });
		const { seen, view, last } = await follow(sync, () =>
			useLiveRows<Note>('notes', (rows) => rows.where(':id').equals(id)),
		);
		await view.until(() => expect(last()).toHaveLength(1));
		const renders = seen.length;
		expect(renders).toBe(2);
		await sync.table('tags').create({ title: 'tag' });
		await notes(sync).create({ title: 'three' });
		await notes(sync).update(id, { title: 'one' });
		await quiet();
		expect(seen.length).toBe(renders);
		await notes(sync).update(id, { title: 'changed' });
		await view.until(() => expect(last()).toMatchObject([{ title: 'changed' }]));
		expect(seen.length).toBe(renders + 1);
	});

	it('a page of 1,000 rows renders once', async () => {
		const sync = await start();
		const { seen, view, last } = await follow(sync, () => useLiveRows<Note>('notes'));
		await view.until(() => expect(last()).toEqual([]));
		const renders = seen.length;
		const page = Array.from({ length: 1_000 }, (_, at) => ({ id: `n${at}`, title: `${at}` }));
		await notes(sync).rows.bulkPut(page);
		await view.until(() => expect(last()).toHaveLength(1_000));
		await quiet();
		expect(seen.length).toBe(renders + 1);
	});

	it('another query is another result; the same one, given inline, is not asked anew', async () => {
		const sync = await start();
		await notes(sync).create({ title: 'one' });
		await notes(sync).create({ title: 'two' });
		let queries = 0;
		const seen: (readonly string[] | undefined)[] = [];
		const Probe = ({ title }: { title: string }) => {
			const rows = useLiveRows<Note>(
				'notes',
				(all) => {
					queries++;
					return all.filter((row) => row.title === title);
				},
				[title],
			);
			seen.push(rows?.map((row) => row.title));
			return null;
		};
		const show = (title: string) => (
			<SyncProvider manager={sync}>
				<Probe title={title} />
			</SyncProvider>
		);
		const view = await mount(show('one'));
		mounted.push(view);
		await view.until(() => expect(seen.at(-1)).toEqual(['one']));
		const asked = queries;
		await view.render(show('one'));
		await quiet();
		expect(queries).toBe(asked);
		await view.render(show('two'));
		await view.until(() => expect(seen.at(-1)).toEqual(['two']));
		expect(seen.slice(-2)).toEqual([undefined, ['two']]);
	});

	it('throws what the query throws, to the error boundary: an unregistered table says so', async () => {
		const sync = await start();
		const errors: unknown[] = [];
		const Probe = () => {
			try {
				useLiveRows('nots');
			} catch (error) {
				errors.push(error);
			}
			return null;
		};
		const view = await mount(
			<SyncProvider manager={sync}>
				<Probe />
			</SyncProvider>,
		);
		mounted.push(view);
		await view.until(() => expect(errors.at(-1)).toMatchObject({ code: 'unregistered-table' }));
	});

	it('[R4] goes on when a table is registered later, and when the database is wiped', async () => {
		const sync = await start();
		await notes(sync).create({ title: 'one' });
		const { view, last } = await follow(sync, () => useLiveRows<Note>('notes'));
		await view.until(() => expect(last()).toHaveLength(1));
		sync.registerTable({ table: 'late' });
		await notes(sync).create({ title: 'two' });
		await view.until(() => expect(last()).toHaveLength(2));
		await sync.wipe({ discardUnsynced: true });
		await view.until(() => expect(last()).toEqual([]));
		await notes(sync).create({ title: 'three' });
		await view.until(() => expect(last()).toMatchObject([{ title: 'three' }]));
	});
});

describe('useRow and useRowState', () => {
	it('one row by id or localId: undefined, then null or the row, and how it stands', async () => {
		const sync = await start();
		const row = await follow(sync, () => useRow<Note>('notes', 'mine'));
		const state = await follow(sync, () => useRowState('notes', 'mine'));
		await row.view.until(() => expect(row.last()).toBeNull());
		expect(row.seen[0]).toBeUndefined();
		await state.view.until(() => expect(state.last()).toMatchObject({ status: 'absent' }));
		await sync.queueAction('notes', 'create', { title: 'one' }, 'mine');
		await row.view.until(() => expect(row.last()).toMatchObject({ title: 'one' }));
		await state.view.until(() =>
			expect(state.last()).toEqual({ status: 'pending', pending: 1, error: null }),
		);
		const renders = [row.seen.length, state.seen.length];
		expect(renders).toEqual([3, 3]);
		await notes(sync).create({ title: 'another' });
		await quiet();
		expect([row.seen.length, state.seen.length]).toEqual(renders);
	});
});

describe('useSyncStatus, useSyncProgress, usePendingCount', () => {
	it('tell how sync stands, and render once a change', async () => {
		const sync = await start();
		const status = await follow(sync, () => useSyncStatus());
		const own = await follow(sync, () => useSyncStatus('tags'));
		const pending = await follow(sync, () => usePendingCount('notes'));
		const progress = await follow(sync, () => useSyncProgress());
		expect(status.last()).toMatchObject({ status: 'offline', pending: 0, error: null, lastSyncedAt: null });
		const renders = status.seen.length;
		await notes(sync).create({ title: 'one' });
		await status.view.until(() => expect(status.last()?.pending).toBe(1));
		await pending.view.until(() => expect(pending.last()).toBe(1));
		expect(status.seen.length).toBe(renders + 1);
		expect(own.seen).toHaveLength(1);
		expect(progress.seen).toEqual([{ isDownloading: false, rowsRead: 0 }]);
		// Nothing that the badge says has changed.
		const { id } = await notes(sync).create({ title: 'two' });
		await status.view.until(() => expect(status.last()?.pending).toBe(2));
		const now = status.seen.length;
		await notes(sync).rows.get(id);
		await quiet();
		expect(status.seen.length).toBe(now);
		expect(new Set(status.seen.map(({ sync: call }) => call)).size).toBe(1);
		expect(await status.last()?.sync()).toMatchObject({ success: false });
	});
});

describe('useConflicts and useRejected', () => {
	it('tell what waits for a person, and stay still else; their functions stay the same', async () => {
		const sync = await start();
		const { id } = await notes(sync).create({ title: 'one' });
		const rejected = await follow(sync, () => useRejected());
		const conflicts = await follow(sync, () => useConflicts('notes'));
		await rejected.view.until(() => expect(rejected.last()?.isLoading).toBe(false));
		const { db } = notes(sync).rows;
		const letter = { letter: 'l1', error: { code: '23514', message: 'no', at: 1 }, status: 'rejected' };
		await db.table('outbox').where(':id').above(0).modify(letter);
		await rejected.view.until(() =>
			expect(rejected.last()?.rejected).toMatchObject([{ id: 'l1', rowId: id }]),
		);
		expect(conflicts.last()).toMatchObject({ conflicts: [], isLoading: false });
		const renders = [rejected.seen.length, conflicts.seen.length];
		await sync.table('tags').create({ title: 'tag' });
		await quiet();
		expect([rejected.seen.length, conflicts.seen.length]).toEqual(renders);
		await rejected.last()?.discard('l1');
		await rejected.view.until(() => expect(rejected.last()?.rejected).toEqual([]));
		expect(new Set(rejected.seen.map(({ discard }) => discard)).size).toBe(1);
	});
});

describe('the provider', () => {
	it('a hook outside of it says what is missing; useNetworkStatus needs none', async () => {
		const errors: unknown[] = [];
		let network: unknown;
		const Probe = () => {
			network = useNetworkStatus();
			try {
				useSyncManager();
			} catch (error) {
				errors.push(error);
			}
			return null;
		};
		mounted.push(await mount(<Probe />));
		expect(errors[0]).toMatchObject({ code: 'no-provider', hint: expect.stringContaining('SyncProvider') });
		expect(network).toMatchObject({ isOnline: true });
	});

	it('useNetworkStatus follows the manager’s own monitor', async () => {
		const sync = await start();
		const { last } = await follow(sync, () => useNetworkStatus());
		expect(last()).toMatchObject({ isOnline: false, quality: 'offline' });
	});

	it('StrictMode’s second mount, and an unmount, leave nothing behind', async () => {
		const sync = await start();
		await notes(sync).create({ title: 'one' });
		let listening = 0;
		const { subscribe } = sync;
		Object.assign(sync, {
			subscribe(listener: () => void) {
				listening++;
				const undo = subscribe(listener);
				return () => {
					listening--;
					undo();
				};
			},
		});
		const before = listening;
		const titles: unknown[] = [];
		const Probe = () => {
			const rows = useLiveRows<Note>('notes');
			const { pending } = useSyncStatus();
			titles.push([rows?.length, pending]);
			return null;
		};
		let commits = 0;
		const view = await mount(
			<StrictMode>
				<Profiler id="all" onRender={() => void commits++}>
					<SyncProvider manager={sync}>
						<Probe />
					</SyncProvider>
				</Profiler>
			</StrictMode>,
		);
		await view.until(() => expect(titles.at(-1)).toEqual([1, 1]));
		expect(listening).toBe(before + 2);
		const committed = commits;
		await quiet();
		expect(commits).toBe(committed);
		await view.unmount();
		expect(listening).toBe(before);
		const renders = titles.length;
		await notes(sync).create({ title: 'two' });
		await quiet();
		expect(titles.length).toBe(renders);
		expect(sync.getState().connection).toBe('offline');
	});
});

describe('[S18] another opening of the database', () => {
	it('nothing of the former one is rendered once the manager knows', async () => {
		const sync = await start();
		await notes(sync).create({ title: 'secret' });
		const seen: { replica: SyncState['replica']; titles: unknown }[] = [];
		const { view } = await follow(sync, () => {
			const rows = useLiveRows<Row>('notes');
			seen.push({ replica: sync.getState().replica, titles: rows?.map(({ title }) => title) });
		});
		await view.until(() => expect(seen.at(-1)?.titles).toEqual(['secret']));
		const first = sync.getState().replica;
		await sync.wipe({ discardUnsynced: true });
		await view.until(() => expect(seen.at(-1)?.titles).toEqual([]));
		for (const { replica, titles } of seen) {
			if (replica !== first) expect(titles ?? []).not.toContain('secret');
		}
		expect(sync.getState().replica).not.toBe(first);
	});
});

it('[S18] [F3] a change of user: no render shows a row of the former one', async () => {
	const supabase = await startSupabase({ sql: PHONE_TABLES });
	const phone = await createPhone(supabase);
	try {
		await signUp(phone, 'alice');
		await note(phone, 'alice’s');
		const seen: { user: string | null; titles: unknown }[] = [];
		const { view } = await follow(phone.sync, () => {
			const titles = useLiveRows<Note>('notes')?.map(({ title }) => title);
			const { pending } = useSyncStatus();
			seen.push({ user: phone.sync.getState().user, titles: titles && [...titles, pending] });
		});
		await view.until(() => expect(seen.at(-1)?.titles).toEqual(['alice’s', 1]));
		const bob = await signUp(phone, 'bob');
		await view.until(() => expect(seen.at(-1)).toEqual({ user: bob.id, titles: [0] }));
		await note(phone, 'bob’s');
		await view.until(() => expect(seen.at(-1)?.titles).toEqual(['bob’s', 1]));
		for (const { user, titles } of seen) {
			if (user === bob.id) expect(JSON.stringify(titles ?? null)).not.toContain('alice');
		}
		await view.unmount();
	} finally {
		await phone.close();
		await supabase.stop();
	}
});

it('a closed manager throws no error at whoever still shows it', async () => {
	const sync = await start();
	const { view, last } = await follow(sync, () => useLiveRows('notes'));
	await view.until(() => expect(last()).toEqual([]));
	await sync.close();
	await quiet();
	expect(sync).toBeInstanceOf(SyncManager);
	expect(last() ?? []).toEqual([]);
});
