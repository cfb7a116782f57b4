import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import type { Mutation } from '../../src/core/mutation.ts';
import type { RejectedWrite } from '../../src/core/rejected-write.ts';
import type { RowExplanation } from '../../src/core/row-explanation.ts';
import type { RowNotice } from '../../src/core/sync-notice.ts';
import { type TableSpec, toTableSpec } from '../../src/core/table-spec.ts';
import type { QueuedAction, Row, RowId, SyncAction, SyncConfig } from '../../src/core/types.ts';
import { toCheckedAction } from '../../src/services/action.ts';
import type { Woken } from '../../src/services/dead-letters.ts';
import { explainRow } from '../../src/services/explain.ts';
import { toLetterDraft } from '../../src/services/letter-edit.ts';
import { readTableCounts, type TableCounts } from '../../src/services/table-counts.ts';
import { createTableServices } from '../../src/services/table-services.ts';
import { openWorkspace, takeLeadership, type Workspace } from '../../src/services/workspace.ts';
import { connectionLost } from './memory-errors.ts';
import { createMemoryServer, type MemoryServer } from './memory-server.ts';

/** A note whose title begins with this is refused (23514), and so is one without a title (23502). */
export const BAD = 'bad';

/** One device's real services on a server in memory that refuses some notes. Each call is made by hand. */
export interface LetterWorld {
	readonly server: MemoryServer;
	readonly workspace: Workspace;
	readonly services: ReturnType<typeof createTableServices>;
	readonly specs: ReadonlyMap<string, TableSpec>;
	readonly notices: readonly RowNotice[];
	/** Device and server ms. */
	now: number;
	/** The next push is carried out, and its reply is lost. */
	loseReply(): void;
	queue(table: string, action: SyncAction, data?: unknown, localId?: RowId): Promise<QueuedAction>;
	/** Sends all that is due, decides what is in conflict. @returns its error lines */
	upload(table?: string): Promise<readonly string[]>;
	/** One pass that ends where the device's mutations ended when it began. */
	uploadUpTo(table: string, upTo: number): Promise<void>;
	download(table?: string): Promise<void>;
	letters(table?: string): Promise<readonly RejectedWrite[]>;
	/** As `retryRejected`; with `tables` as the engine is told. */
	retry(id?: string, data?: unknown): Promise<{ letters: readonly string[]; mutations: number } & Woken>;
	discard(id: string): Promise<Woken>;
	row(id: RowId, table?: string): Promise<Row | undefined>;
	served(id: RowId, table?: string): Row | undefined;
	outbox(): Promise<readonly Mutation[]>;
	counts(table?: string): Promise<TableCounts>;
	explain(id: RowId): Promise<RowExplanation>;
	/** The device on the same disk, opened anew. */
	restart(): Promise<LetterWorld>;
}

export interface LetterWorldOptions {
	readonly notes?: Partial<SyncConfig>;
	readonly disk?: IDBFactory;
	readonly server?: MemoryServer;
	readonly now?: number;
	readonly batchSize?: number;
	/** @default 0: never by itself */
	readonly reconcileIntervalMs?: number;
	/** Before the server hears of a push; counted from 1. A throw loses the request. */
	readonly beforePush?: (count: number) => Promise<void> | void;
	readonly beforePull?: () => Promise<void> | void;
	readonly isClockSure?: () => boolean;
}

const START_MS = Date.UTC(2026, 0, 1);
const opened: Workspace[] = [];

export function closeLetterWorlds(): void {
	for (const { store } of opened.splice(0)) store.close();
}

/** Tables: `lists` (refused where its title is bad), and `notes`, which refer to lists and to one another. */
export async function openLetterWorld(options: LetterWorldOptions = {}): Promise<LetterWorld> {
	const { disk = new IDBFactory() } = options;
	let now = options.now ?? START_MS;
	let isReplyLost = false;
	let ids = 0;
	let pulls = 0;
	let pushes = 0;
	const notes = toTableSpec({ table: 'notes', dependsOn: ['lists', 'notes'], ...options.notes });
	const lists = toTableSpec({ table: 'lists' });
	const specs = new Map([notes, lists].map((spec) => [spec.table, spec]));
	const server = options.server ?? createServer();
	const notices: RowNotice[] = [];

	function createServer(): MemoryServer {
		const reject = ({ title }: Row) => {
			if (typeof title !== 'string') return { code: '23502', message: 'null value in column "title"' };
			return title.startsWith(BAD) ? { code: '23514', message: 'violates check constraint "good"' } : null;
		};
		return createMemoryServer({
			now: () => now,
			tables: [
				{ spec: notes, reject, references: { list_id: 'lists', up: 'notes' } },
				{ spec: lists, reject },
			],
		});
	}

	const remote = server.connect({
		name: 'alice',
		before({ method }) {
			if (method === 'pull') return options.beforePull?.();
			return method === 'push' ? options.beforePush?.(++pushes) : undefined;
		},
		after({ method }) {
			if (method !== 'push' || !isReplyLost) return;
			isReplyLost = false;
			throw connectionLost();
		},
	});
	const clockOffset = () => 0;
	const workspace = await openWorkspace({
		databaseName: 'letters',
		environment: { indexedDB: disk, IDBKeyRange },
		userId: 'alice',
		specs: [...specs.values()],
		remote,
		now: () => now,
		clockOffset,
		createId: () =>
			`00000000-0000-7000-8000-${String(now + ++ids)
				.padStart(12, '0')
				.slice(-12)}`,
	});
	opened.push(workspace);
	workspace.epoch = await takeLeadership(workspace);
	const services = createTableServices({
		workspace: () => workspace,
		specs,
		now: () => now,
		random: () => 0.5,
		createId: () => crypto.randomUUID(),
		clockOffset,
		isClockSure: options.isClockSure ?? (() => true),
		settings: {
			pageSize: 100,
			batchSize: options.batchSize ?? 100,
			overlapMs: 0,
			reconcileIntervalMs: options.reconcileIntervalMs ?? 0,
			backoff: { baseMs: 1_000, capMs: 60_000 },
		},
		notify: (told) => void notices.push(...told),
	});
	const { signal } = new AbortController();
	const { store, letters, mutate } = workspace;
	const specOf = (table: string) => {
		const spec = specs.get(table);
		if (!spec) throw new Error(`no table ${table}`);
		return spec;
	};

	return {
		server,
		workspace,
		services,
		specs,
		notices,
		get now() {
			return now;
		},
		set now(ms) {
			now = ms;
		},
		loseReply() {
			isReplyLost = true;
		},
		async queue(table, action, data = null, localId) {
			const [queued] = await mutate([toCheckedAction(specOf(table), { table, action, data, localId })]);
			if (!queued) throw new Error('nothing was queued');
			return queued;
		},
		async upload(table = 'notes') {
			const errors: string[] = [];
			for (let pass = 0, upTo: number | null = null; pass < 20; pass++) {
				const input = { table, upTo, force: pass === 0, holdDeletes: false, retryAt: now };
				const sent = await services.upload(input, signal);
				errors.push(...sent.errors);
				upTo = sent.upTo;
				if (sent.waitingConflicts > 0) {
					errors.push(
						...(await services.resolve({ table, isExhausted: false, retryAt: now }, signal)).errors,
					);
				} else if (!sent.more) return errors;
			}
			throw new Error('it does not come to an end');
		},
		async uploadUpTo(table, upTo) {
			await services.upload({ table, upTo, force: false, holdDeletes: false, retryAt: now }, signal);
		},
		async download(table = 'notes') {
			const pull = ++pulls;
			for (let page = 0; page < 20; page++) {
				if (!(await services.download({ table, pull, isPoked: false, holdDeletes: false }, signal)).more)
					return;
			}
		},
		letters: (table) => letters.list(table === undefined ? [...specs.values()] : [specOf(table)]),
		retry: async (id, data) =>
			letters.retry(specs, { letter: id, edit: data === undefined ? null : toLetterDraft(id, data) }),
		discard: (id) => letters.discard(specs, id),
		row: (id, table = 'notes') => store.transact('r', [table], (stores) => stores.rows(table).get(id)),
		served: (id, table = 'notes') => server.rows(table).find((row) => row.id === id),
		outbox: () => store.transact('r', [], (stores) => stores.outbox.toArray()),
		async counts(table = 'notes') {
			const counts = (await readTableCounts(store, [table])).get(table);
			if (!counts) throw new Error('no counts');
			return counts;
		},
		explain: (id) =>
			explainRow(store, notes, id, {
				connection: 'open',
				isAuto: false,
				tableState: { state: 'idle', nextRetryAt: null, error: null },
				now,
			}),
		async restart() {
			store.close();
			return openLetterWorld({ ...options, disk, server, now });
		},
	};
}
