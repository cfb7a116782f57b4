import { reportUncaught } from './core/report-uncaught.ts';
import type { SyncNoticeName, SyncNotices } from './core/sync-notice.ts';

/** Who listens to what. A listener that throws disturbs neither the others nor the engine. */
export interface NoticeHub {
	on<N extends SyncNoticeName>(name: N, listener: (notice: SyncNotices[N]) => void): () => void;
	tell<N extends SyncNoticeName>(name: N, notice: SyncNotices[N]): void;
	close(): void;
}

export function createNoticeHub(): NoticeHub {
	const listeners = new Map<SyncNoticeName, Set<{ readonly hear: (notice: never) => void }>>();
	return {
		on(name, listener) {
			// One entry a call: the same function may listen twice, and each undo takes off its own.
			const entry = { hear: listener };
			const all = listeners.get(name) ?? new Set();
			listeners.set(name, all.add(entry));
			return () => void all.delete(entry);
		},
		tell(name, notice) {
			for (const { hear } of [...(listeners.get(name) ?? [])]) {
				try {
					hear(notice as never);
				} catch (error) {
					reportUncaught(error);
				}
			}
		},
		close: () => listeners.clear(),
	};
}
