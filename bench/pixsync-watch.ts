import { liveQuery } from 'dexie';
import type { SyncManager } from '../src/index.ts';
import type { Contestant } from './contestant.ts';

/** Ids that no row of the server's has. */
const WATCHED = 'ffffffff-ffff-4fff-bfff-';
/** Between two writes: a person is not faster, and the page has other things to do. */
const PAUSE_MS = 20;
/** As a list on the screen. */
const SHOWN = 20;

/**
 * A small list, newest first, by the primary key: no index that PixSync would have to keep beside. Its time holds all
 * that lies between a write and what is seen: the transaction, waiting for those of the download, and the query.
 */
export function createWatch(sync: () => SyncManager): NonNullable<Contestant['watch']> {
	let last = 0;
	return async (work) => {
		const latencies: number[] = [];
		let isAtWork = true;
		const end = work.finally(() => {
			isAtWork = false;
		});
		let onShown: (id: string | undefined) => void = () => {};
		const list = liveQuery(() => {
			const { rows } = sync().table('notes');
			return rows.where('id').between(WATCHED, `${WATCHED}~`).reverse().limit(SHOWN).toArray();
		});
		const subscription = list.subscribe((rows) => onShown(rows[0]?.id as string | undefined));
		while (isAtWork) {
			const id = `${WATCHED}${String(++last).padStart(12, '0')}`;
			const shownAt = new Promise<number>((resolve) => {
				onShown = (newest) => {
					if (newest === id) resolve(performance.now());
				};
			});
			const start = performance.now();
			await sync().table('notes').create({ id, title: 'Watched', body: '', n: last, done: false });
			latencies.push((await shownAt) - start);
			await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
		}
		subscription.unsubscribe();
		await end;
		return latencies;
	};
}
