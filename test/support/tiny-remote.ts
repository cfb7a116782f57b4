import { PixSyncError } from '../../src/core/errors.ts';

/** A row of the app below; `version` grows with each write at the remote, null: never there. */
export interface TinyRow {
	readonly id: string;
	readonly title: string;
	readonly version: number | null;
}

/**
 * A server in memory with one counter for the versions of all tables. `link` decides what a request meets; `hold`
 * makes requests wait, and the wait ends when their signal is aborted, as a fetch does.
 */
export function createTinyRemote() {
	const tables = new Map<string, Map<string, TinyRow & { readonly version: number }>>();
	let newest = 0;
	let gate: { readonly opened: Promise<void> } | null = null;

	const rowsOf = (table: string) => {
		const rows = tables.get(table) ?? new Map();
		tables.set(table, rows);
		return rows as Map<string, TinyRow & { readonly version: number }>;
	};

	const remote = {
		link: 'good' as 'good' | 'down' | 'signed-out' | 'no-table',
		requests: 0,
		/** Requests wait from now on; the returned function lets them go on. */
		hold(): () => void {
			let open: () => void = () => undefined;
			const opened = new Promise<void>((resolve) => {
				open = resolve;
			});
			const mine = { opened };
			gate = mine;
			return () => {
				if (gate === mine) gate = null;
				open();
			};
		},
		async request<T>(signal: AbortSignal, work: () => T): Promise<T> {
			remote.requests++;
			await Promise.race([gate?.opened, aborted(signal, gate === null)]);
			switch (remote.link) {
				case 'down':
					throw new PixSyncError('network', 'Nobody answered', { fault: 'no-answer', hint: 'Wait.' });
				case 'signed-out':
					throw new PixSyncError('unauthorised', 'The token is stale', {
						fault: 'unauthorised',
						hint: 'Refresh it.',
					});
				case 'no-table':
					throw new PixSyncError('unknown-table', 'There is no such table', {
						fault: 'fatal',
						hint: 'Create it.',
					});
				case 'good':
					return work();
			}
		},
		/** Compare-and-swap. @returns the row as stored, or null where the version is not `base`. */
		write(table: string, { id, title }: Pick<TinyRow, 'id' | 'title'>, base: number | null): TinyRow | null {
			const rows = rowsOf(table);
			if ((rows.get(id)?.version ?? null) !== base) return null;
			newest++;
			const row = { id, title, version: newest };
			rows.set(id, row);
			return row;
		},
		get: (table: string, id: string): TinyRow | undefined => rowsOf(table).get(id),
		/** In the order of their versions. */
		after: (table: string, version: number, limit: number): readonly (TinyRow & { version: number })[] =>
			[...rowsOf(table).values()]
				.filter((row) => row.version > version)
				.sort((a, b) => a.version - b.version)
				.slice(0, limit),
	};
	return remote;
}

export type TinyRemote = ReturnType<typeof createTinyRemote>;

/** Rejects with the signal's reason; `isOver`: nothing is waited for, and only a signal that is aborted already counts. */
function aborted(signal: AbortSignal, isOver: boolean): Promise<void> {
	return new Promise((resolve, reject) => {
		if (signal.aborted) reject(signal.reason);
		else if (isOver) resolve();
		else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
	});
}
