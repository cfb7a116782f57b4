import type { DownloadInput, ResolveInput, UploadInput } from '../../src/core/run-contract.ts';
import type { SyncServices } from '../../src/machines/index.ts';
import type { TinyRemote, TinyRow } from './tiny-remote.ts';

interface TinyMutation {
	readonly seq: number;
	readonly table: string;
	readonly row: Pick<TinyRow, 'id' | 'title'>;
	/** Version that the edit started from. */
	readonly base: number | null;
	readonly isConflicted: boolean;
}

/** One call of a service. */
export interface TinyCall {
	readonly name: keyof SyncServices;
	readonly table: string;
	readonly signal: AbortSignal | null;
}

/** Small, so that three rows take two steps. */
const PAGE = 2;

const NOTHING = { uploaded: 0, downloaded: 0, conflicts: 0, errors: [] };

/**
 * What an app that runs the machine itself writes: a replica and an outbox in memory, and the services that move
 * rows between them and the remote. The local side wins conflicts.
 */
export function createTinyApp(remote: TinyRemote) {
	const rows = new Map<string, TinyRow>();
	const checkpoints = new Map<string, number>();
	const calls: TinyCall[] = [];
	let outbox: readonly TinyMutation[] = [];
	let pull = { number: 0, rowsRead: 0 };
	let seqs = 0;

	const keyOf = (table: string, id: string) => `${table}/${id}`;
	const isPending = (table: string, id: string) =>
		outbox.some((mutation) => mutation.table === table && mutation.row.id === id);

	async function upload({ table, upTo }: UploadInput, signal: AbortSignal) {
		calls.push({ name: 'upload', table, signal });
		const end = upTo ?? seqs;
		const due = outbox.filter((one) => one.table === table && one.seq <= end && !one.isConflicted);
		const batch = due.slice(0, PAGE);
		if (batch.length === 0) return { ...NOTHING, waitingConflicts: 0, more: false, held: 0, upTo: end };
		const answers = await remote.request(signal, () =>
			batch.map(({ row, base }) => remote.write(table, row, base)),
		);
		let conflicts = 0;
		for (const [at, mutation] of batch.entries()) {
			const row = answers[at] ?? null;
			if (!row) conflicts++;
			else rows.set(keyOf(table, row.id), row);
			outbox = outbox.flatMap((one) => {
				if (one.seq !== mutation.seq) return [one];
				return row ? [] : [{ ...one, isConflicted: true }];
			});
		}
		return {
			...NOTHING,
			uploaded: batch.length - conflicts,
			conflicts,
			waitingConflicts: conflicts,
			more: due.length > batch.length,
			held: 0,
			upTo: end,
		};
	}

	async function resolve({ table }: ResolveInput, signal: AbortSignal) {
		calls.push({ name: 'resolve', table, signal });
		const parked = outbox.filter((one) => one.table === table && one.isConflicted);
		const bases = await remote.request(
			signal,
			() => new Map(parked.map(({ row }) => [row.id, remote.get(table, row.id)?.version ?? null])),
		);
		outbox = outbox.map((one) =>
			one.table === table && one.isConflicted
				? { ...one, isConflicted: false, base: bases.get(one.row.id) ?? null }
				: one,
		);
		return {
			...NOTHING,
			due: parked.length > 0,
			resolved: parked.map(({ row }) => ({ id: row.id, outcome: 'local' as const })),
		};
	}

	async function download({ table, pull: number }: DownloadInput, signal: AbortSignal) {
		calls.push({ name: 'download', table, signal });
		if (pull.number !== number) pull = { number, rowsRead: 0 };
		const page = await remote.request(signal, () => remote.after(table, checkpoints.get(table) ?? 0, PAGE));
		const changed = page.filter(
			(row) => !isPending(table, row.id) && rows.get(keyOf(table, row.id))?.version !== row.version,
		);
		for (const row of changed) rows.set(keyOf(table, row.id), row);
		checkpoints.set(table, page.at(-1)?.version ?? checkpoints.get(table) ?? 0);
		pull = { number, rowsRead: pull.rowsRead + page.length };
		return {
			...NOTHING,
			downloaded: changed.length,
			rowsRead: pull.rowsRead,
			more: page.length === PAGE,
			due: outbox.some((one) => one.table === table && !one.isConflicted),
			waitUntil: null,
		};
	}

	const services: SyncServices = {
		upload,
		resolve,
		download,
		endPull: ({ table }) => void calls.push({ name: 'endPull', table, signal: null }),
		async refreshSession(signal) {
			calls.push({ name: 'refreshSession', table: '', signal });
			// An auth server of its own: it answers although the data server refuses the stale token.
			if (app.canRefresh) remote.link = 'good';
			await remote.request(signal, () => undefined);
		},
	};

	const app = {
		services,
		calls,
		/** Whether the user's session can be renewed. */
		canRefresh: true,
		/** Into replica and outbox. */
		edit(table: string, id: string, title: string) {
			const held = rows.get(keyOf(table, id));
			const base = held?.version ?? null;
			rows.set(keyOf(table, id), { id, title, version: base });
			seqs++;
			outbox = [...outbox, { seq: seqs, table, row: { id, title }, base, isConflicted: false }];
		},
		titles: (table: string) =>
			[...rows].filter(([key]) => key.startsWith(`${table}/`)).map(([, row]) => row.title),
		pending: () => outbox.length,
		/** Names of the services called for a table, in order. */
		steps: (table: string) => calls.filter((call) => call.table === table).map(({ name }) => name),
	};
	return app;
}

export type TinyApp = ReturnType<typeof createTinyApp>;
