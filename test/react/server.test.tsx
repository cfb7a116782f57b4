import { afterEach, describe, expect, it, vi } from 'vitest';
import {
	SyncProvider,
	useConflicts,
	useLiveRows,
	useNetworkStatus,
	usePendingCount,
	useRejected,
	useRow,
	useRowState,
	useSyncProgress,
	useSyncStatus,
} from '../../src/react/index.ts';

interface Note {
	readonly id: string;
	readonly title: string;
}

/** The indicator that the README begins with, as it stands. */
function SyncIndicator() {
	const { status, pending } = useSyncStatus();
	return (
		<span>
			{status === 'offline' ? 'Offline' : status}
			{pending > 0 && ` · ${pending} pending`}
		</span>
	);
}

function Everything() {
	const notes = useLiveRows<Note>('notes');
	const row = useRow<Note>('notes', 'mine');
	const state = useRowState('notes', 'mine');
	const { isOnline } = useNetworkStatus();
	const { conflicts } = useConflicts();
	const { rejected } = useRejected();
	const { isDownloading } = useSyncProgress();
	const pending = usePendingCount();
	return (
		<p>
			{JSON.stringify([notes?.length ?? 'loading', row?.title ?? 'none', state?.status ?? 'unknown'])}
			{JSON.stringify([isOnline, conflicts.length, rejected.length, isDownloading, pending])}
		</p>
	);
}

afterEach(() => vi.restoreAllMocks());

describe('on a server, where there is no manager and no window', () => {
	it('all hooks tell that nothing is known yet, and the browser takes the page over without a mismatch', async () => {
		expect('window' in globalThis).toBe(false);
		const { renderToString } = await import('react-dom/server');
		const page = (manager: import('../../src/index.ts').SyncManager | null) => (
			<SyncProvider manager={manager}>
				<SyncIndicator />
				<Everything />
			</SyncProvider>
		);
		const html = renderToString(page(null));
		expect(html).toContain('starting');
		expect(html.replaceAll('&quot;', '"').replaceAll('<!-- -->', '')).toContain(
			'["loading","none","unknown"][true,0,0,false,0]',
		);

		const errors = vi.spyOn(console, 'error');
		const { mount } = await import('../support/react-dom.ts');
		const { createOfflineManager } = await import('../support/offline-manager.ts');
		const sync = createOfflineManager();
		sync.registerTable({ table: 'notes' });
		await sync.ready();
		await sync.queueAction('notes', 'create', { title: 'one' }, 'mine');
		const view = await mount(page(sync), html);
		await view.until(() => expect(view.text()).toContain('[1,"one","pending"][false,0,0,false,1]'));
		await view.until(() => expect(view.text()).toContain('Offline · 1 pending'));
		expect(errors.mock.calls).toEqual([]);
		await view.unmount();
		await sync.close();
	});
});
