// @vitest-environment happy-dom
import { useSelector } from '@xstate/react';
import { act, createElement, StrictMode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ActorRefFrom } from 'xstate';
import type { tableMachine } from '../../src/machines/index.ts';
import { startTinySync, type TinySync } from '../support/tiny-sync.ts';

type SyncActor = TinySync['actor'];
type TableRef = ActorRefFrom<typeof tableMachine>;

/** How often each component rendered. */
const renders = { root: 0, table: 0 };

function SyncState({ actor }: { readonly actor: SyncActor }) {
	renders.root++;
	return useSelector(actor, (snapshot) =>
		snapshot.hasTag('offline') ? 'paused' : snapshot.hasTag('syncing') ? 'syncing' : 'up to date',
	);
}

function TableState({ table }: { readonly table: TableRef | undefined }) {
	renders.table++;
	return useSelector(table, (snapshot) => snapshot?.value ?? 'unregistered');
}

function App({ actor }: { readonly actor: SyncActor }) {
	// The ref of a table is the same for good, so that this renders once more at registration and never again.
	const notes = useSelector(actor, (snapshot) => snapshot.context.tables.notes?.ref);
	return createElement(
		'p',
		null,
		createElement(SyncState, { actor }),
		' | ',
		createElement(TableState, { table: notes }),
	);
}

let tiny: TinySync;
let root: Root;
let page: HTMLElement;
const complaints: unknown[] = [];

beforeEach(() => {
	vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
	vi.spyOn(console, 'error').mockImplementation((...said) => complaints.push(said));
	renders.root = 0;
	renders.table = 0;
	tiny = startTinySync();
	page = document.createElement('div');
	root = createRoot(page);
});

afterEach(() => {
	act(() => root.unmount());
	tiny.actor.stop();
	vi.restoreAllMocks();
	vi.unstubAllGlobals();
	expect(complaints.splice(0)).toEqual([]);
});

const show = () => act(() => root.render(createElement(App, { actor: tiny.actor })));

/** Counts who listens to an actor from now on. */
function countListeners(actor: Pick<SyncActor | TableRef, 'subscribe'>) {
	const listeners = { now: 0, ever: 0 };
	const subscribe = actor.subscribe.bind(actor) as (observer: object) => { unsubscribe(): void };
	vi.spyOn(actor, 'subscribe').mockImplementation(((observer: object) => {
		const subscription = subscribe(observer);
		listeners.now++;
		listeners.ever++;
		return {
			unsubscribe() {
				listeners.now--;
				subscription.unsubscribe();
			},
		};
	}) as never);
	return listeners;
}

describe('in React, by useSelector of @xstate/react', () => {
	it('[R12] shows the root and a table as they are', async () => {
		await show();
		expect(page.textContent).toBe('paused | offline');
		await act(() => tiny.hydrate());
		expect(page.textContent).toBe('up to date | idle');

		tiny.hold();
		tiny.app.edit('notes', 'a', 'ours');
		await act(() => tiny.send({ type: 'sync.request', token: 1 }));
		expect(page.textContent).toBe('syncing | uploading');
		await act(async () => {
			tiny.pass();
			await tiny.reach('downloading');
		});
		expect(page.textContent).toBe('syncing | downloading');
		await act(async () => {
			tiny.letGo();
			await tiny.settled();
		});
		expect(page.textContent).toBe('up to date | idle');
		await act(() => tiny.send({ type: 'network.changed', isOnline: false }));
		expect(page.textContent).toBe('paused | offline');
	});

	it('[L3] renders only when what it selects has changed', async () => {
		await act(() => tiny.hydrate());
		await show();
		expect(renders).toEqual({ root: 1, table: 1 });
		const root = countListeners(tiny.actor);
		let news = 0;
		tiny.actor.subscribe(() => news++);
		// Each changes the root's context, and none its tags.
		await act(() => tiny.send({ type: 'mutation.queued', tables: ['notes'] }));
		await act(() => tiny.send({ type: 'table.register', spec: { table: 'tags', dependsOn: [] } }));
		await act(() => tiny.send({ type: 'schedule.disable' }));
		// An end that is refused is no news.
		await act(() => tiny.send({ type: 'xstate.done.actor.upload', output: null } as never));
		expect(news).toBe(4);
		expect(root.ever).toBe(1);
		expect(renders).toEqual({ root: 1, table: 1 });

		// A pull outside of any sync is the table's own affair.
		tiny.hold();
		await act(() => tiny.send({ type: 'poke.received', tables: ['notes'] }));
		expect(renders).toEqual({ root: 1, table: 2 });
		await act(async () => {
			tiny.letGo();
			await tiny.reach('idle');
		});
		expect(renders).toEqual({ root: 1, table: 3 });
		expect(page.textContent).toBe('up to date | idle');
	});

	it('shows a table that is registered later', async () => {
		tiny.actor.stop();
		tiny = startTinySync({ tables: [] });
		await show();
		expect(page.textContent).toBe('paused | unregistered');
		await act(() => tiny.send({ type: 'table.register', spec: { table: 'notes', dependsOn: [] } }));
		expect(page.textContent).toBe('paused | offline');
		await act(() => tiny.hydrate());
		expect(page.textContent).toBe('up to date | idle');
	});

	it('[S31] in StrictMode, it shows the same, listens once and stops to listen when it goes', async () => {
		const listeners = [countListeners(tiny.actor), countListeners(tiny.ref())];
		await act(() => root.render(createElement(StrictMode, null, createElement(App, { actor: tiny.actor }))));
		// Two hooks on the root, one on the table; StrictMode mounts twice, and leaves once.
		expect(listeners.map(({ now }) => now)).toEqual([2, 1]);
		expect(listeners.map(({ ever }) => ever)).toEqual([4, 2]);
		await act(() => tiny.hydrate());
		await act(() => tiny.sync(1));
		expect(page.textContent).toBe('up to date | idle');

		await act(() => root.render(null));
		expect(listeners.map(({ now }) => now)).toEqual([0, 0]);
		const before = { ...renders };
		tiny.send({ type: 'network.changed', isOnline: false });
		expect(renders).toEqual(before);
		expect(page.textContent).toBe('');
		// The machine goes on without its audience.
		expect(tiny.ref().getSnapshot().value).toBe('offline');
	});
});
