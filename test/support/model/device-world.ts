import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import type { Mutation } from '../../../src/core/mutation.ts';
import { type TableSpec, toTableSpec } from '../../../src/core/table-spec.ts';
import type { Row, RowId, SyncAction } from '../../../src/core/types.ts';
import { toCheckedAction } from '../../../src/services/action.ts';
import { readTableCounts, type TableCounts } from '../../../src/services/table-counts.ts';
import { createTableServices, type LockedTableServices } from '../../../src/services/table-services.ts';
import { BATCHES_A_PLAN } from '../../../src/services/upload.ts';
import { openWorkspace, takeLeadership, type Workspace } from '../../../src/services/workspace.ts';
import { createMemoryServer, type MemoryServer } from '../memory-server.ts';

/** Rows a page and rows a request: small, so that a few rows make several. */
export const PAGE_SIZE = 2;
const BATCH_SIZE = 1;
/** Rows that one step of an upload sends at most. */
export const STEP_SIZE = BATCH_SIZE * BATCHES_A_PLAN;
export const TABLE = 'notes';

const START_MS = Date.UTC(2026, 0, 1);

/**
 * One device's real services (Dexie, outbox, upload, download, resolve) before a server in memory, on a clock that
 * the test moves. What the requests meet is said by `verdicts`.
 */
export interface DeviceWorld {
	readonly server: MemoryServer;
	readonly services: LockedTableServices;
	readonly workspace: Workspace;
	readonly spec: TableSpec;
	now(): number;
	/** Time goes by, for clocks, not for the chart's timers. */
	tick(ms?: number): void;
	/** How the device's pushes end, from now on. */
	push: Verdict;
	/** Whether each pull waits for its own verdict, given by `admitPull`. @default false */
	isStepwise: boolean;
	/** How its next pull ends, and no other. `isAhead`: the page was asked for already, and waits for its verdict. */
	admitPull(verdict: Verdict, isAhead: boolean): void;
	queue(action: SyncAction, data: Row | null, id: RowId): Promise<void>;
	/** Queues a new row. @returns its id */
	create(title: string): Promise<string>;
	counts(): Promise<TableCounts>;
	outbox(): Promise<readonly Mutation[]>;
	rows(): Promise<readonly Row[]>;
	/** Sends all that waits, and decides what is in conflict, by calls of the services outside the chart. */
	settle(): Promise<void>;
	/** Pulls to the head, outside the chart. */
	catchUp(): Promise<void>;
	close(): void;
}

/** What a request meets: it passes, or rejects with the error made. */
export type Verdict = 'pass' | (() => unknown);

export async function openDeviceWorld(): Promise<DeviceWorld> {
	let elapsed = 0;
	let ids = 0;
	let isUndisturbed = true;
	let admitted: Verdict | null = null;
	const waiting: ((verdict: Verdict) => void)[] = [];
	const now = () => START_MS + elapsed;
	const spec = toTableSpec({ table: TABLE });
	const server = createMemoryServer({ now, tables: [{ spec }] });
	const specs = new Map([[TABLE, spec]]);
	const createId = () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;
	const remote = server.connect({
		name: 'alice',
		async before({ method }) {
			if (isUndisturbed) return;
			if (method === 'push' && world.push !== 'pass') throw world.push();
			if (method !== 'pull' || !world.isStepwise) return;
			const verdict =
				admitted ??
				(await new Promise<Verdict>((resolve) => {
					waiting.push(resolve);
				}));
			admitted = null;
			if (verdict !== 'pass') throw verdict();
		},
	});
	const workspace = await openWorkspace({
		databaseName: 'model',
		environment: { indexedDB: new IDBFactory(), IDBKeyRange },
		userId: 'alice',
		specs: [spec],
		remote,
		now,
		clockOffset: () => 0,
		createId,
	});
	workspace.epoch = await takeLeadership(workspace);
	const services = createTableServices({
		workspace: () => workspace,
		specs,
		now,
		random: () => 0.5,
		createId: () => crypto.randomUUID(),
		clockOffset: () => 0,
		isClockSure: () => true,
		settings: {
			pageSize: PAGE_SIZE,
			batchSize: BATCH_SIZE,
			overlapMs: 0,
			reconcileIntervalMs: 0,
			backoff: { baseMs: 1_000, capMs: 60_000 },
		},
	});
	const { signal } = new AbortController();
	let byHand = 0;

	/** The scene is set without the faults that the next step is to meet. */
	async function undisturbed(work: () => Promise<void>): Promise<void> {
		isUndisturbed = true;
		await work();
		isUndisturbed = false;
	}

	const world: DeviceWorld = {
		server,
		services,
		workspace,
		spec,
		now,
		tick(ms = 2_000) {
			elapsed += ms;
		},
		push: 'pass',
		isStepwise: false,
		admitPull(verdict, isAhead) {
			const waiter = waiting.pop();
			// Pages that were asked for by a pull that has ended wait for nothing.
			waiting.length = 0;
			if (isAhead && waiter) waiter(verdict);
			else admitted = verdict;
		},
		async queue(action, data, id) {
			await workspace.mutate([toCheckedAction(spec, { table: TABLE, action, data, localId: id })]);
		},
		async create(title) {
			const id = createId();
			await world.queue('create', { id, title }, id);
			return id;
		},
		async counts() {
			const counts = (await readTableCounts(workspace.store, [TABLE])).get(TABLE);
			if (!counts) throw new Error('no counts');
			return counts;
		},
		outbox: () => workspace.store.transact('r', [], (stores) => stores.outbox.toArray()),
		rows: () => workspace.store.transact('r', [TABLE], (stores) => stores.rows(TABLE).toArray()),
		settle: () =>
			undisturbed(async () => {
				for (let round = 0; round < 20; round++) {
					const retryAt = now();
					const sent = await services.upload(
						{ table: TABLE, upTo: null, force: true, holdDeletes: false, retryAt },
						signal,
					);
					if (sent.waitingConflicts > 0)
						await services.resolve({ table: TABLE, isExhausted: false, retryAt }, signal);
					else if (!sent.more) return;
				}
				throw new Error('it does not come to an end');
			}),
		catchUp: () =>
			undisturbed(async () => {
				const pullId = --byHand;
				for (let page = 0; page < 50; page++) {
					const { more } = await services.download(
						{ table: TABLE, pull: pullId, isPoked: false, holdDeletes: false },
						signal,
					);
					if (!more) return;
				}
				throw new Error('the pull does not come to an end');
			}),
		close: () => workspace.store.close(),
	};
	// The device has synced before: it knows the table, and how long the server's pages are.
	for (const title of ['first', 'second', 'third']) server.put(TABLE, { id: createId(), title });
	world.tick();
	await world.catchUp();
	world.tick();
	return world;
}
