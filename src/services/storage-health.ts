import type { PixSyncError } from '../core/errors.ts';

/** Whether the local database can be used, as far as is known. */
export interface StorageHealth {
	/** What keeps it from being used; null: nothing. */
	readonly trouble: PixSyncError | null;
	report(trouble: PixSyncError | null): void;
	/** The end of `work`, or `blocked` and `reload-needed` as soon as that is known: nobody waits for other tabs. */
	guard<T>(work: Promise<T>): Promise<T>;
}

/** @param onChange told of each new trouble, and of null as it is over. */
export function createStorageHealth(
	onChange: (trouble: PixSyncError | null) => void = () => {},
): StorageHealth {
	const waiting = new Set<(trouble: PixSyncError) => void>();
	let trouble: PixSyncError | null = null;
	const isInTheWay = () => trouble?.code === 'blocked' || trouble?.code === 'reload-needed';
	return {
		get trouble() {
			return trouble;
		},
		report(next) {
			if (next?.code === trouble?.code) return;
			trouble = next;
			if (next && isInTheWay()) for (const giveUp of [...waiting]) giveUp(next);
			onChange(next);
		},
		async guard(work) {
			let giveUp: (trouble: PixSyncError) => void = () => {};
			const refused = new Promise<never>((_, reject) => {
				giveUp = reject;
			});
			if (trouble && isInTheWay()) giveUp(trouble);
			waiting.add(giveUp);
			try {
				return await Promise.race([work, refused]);
			} finally {
				waiting.delete(giveUp);
			}
		},
	};
}
