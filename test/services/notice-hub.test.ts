import { describe, expect, it, vi } from 'vitest';
import { createNoticeHub } from '../../src/notice-hub.ts';

const synced = { table: 'notes', uploaded: 1, downloaded: 0, conflicts: 0 };

describe('notice hub', () => {
	it('[S31] tells those who listen to the name, each as often as it asked, until its undo', () => {
		const hub = createNoticeHub();
		const listener = vi.fn();
		const other = vi.fn();
		const off = hub.on('synced', listener);
		const offAgain = hub.on('synced', listener);
		hub.on('rejected', other);
		hub.tell('synced', synced);
		expect(listener.mock.calls).toEqual([[synced], [synced]]);
		off();
		off();
		hub.tell('synced', synced);
		expect(listener).toHaveBeenCalledTimes(3);
		offAgain();
		hub.tell('synced', synced);
		expect(listener).toHaveBeenCalledTimes(3);
		expect(other).not.toHaveBeenCalled();
	});

	it('a listener that throws is reported, and keeps nobody else from hearing', () => {
		const report = vi.fn();
		vi.stubGlobal('reportError', report);
		const hub = createNoticeHub();
		const error = new Error('mine');
		const listener = vi.fn();
		hub.on('synced', () => {
			throw error;
		});
		hub.on('synced', listener);
		hub.tell('synced', synced);
		vi.unstubAllGlobals();
		expect(report).toHaveBeenCalledWith(error);
		expect(listener).toHaveBeenCalledTimes(1);
	});

	it('one that leaves while it is told hears no more, and closes for all', () => {
		const hub = createNoticeHub();
		const listener = vi.fn();
		const off = hub.on('synced', () => off());
		hub.on('synced', listener);
		hub.tell('synced', synced);
		hub.close();
		hub.tell('synced', synced);
		expect(listener).toHaveBeenCalledTimes(1);
	});
});
