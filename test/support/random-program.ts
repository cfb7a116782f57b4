import { setTimeout as sleep } from 'node:timers/promises';
import { PixSyncError, type SyncResult } from '../../src/index.ts';
import type { Device } from './device.ts';
import type { Ledger, LedgerWrite } from './random-ledger.ts';
import type { RandomSource } from './random-source.ts';
import {
	PARENT_COLUMN,
	randomLabelId,
	randomPatch,
	randomRow,
	TABLES,
	type TableName,
} from './random-tables.ts';

/** What happened; a run in which some of these stay 0 proves little. */
export interface ProgramCounters {
	creates: number;
	updates: number;
	deletes: number;
	groups: number;
	syncs: number;
	conflicts: number;
	spells: number;
	restarts: number;
	/** Calls that the engine refused, since a pull came between the look at the replica and the call. */
	refused: number;
}

export interface Program {
	readonly random: RandomSource;
	readonly ledger: Ledger;
	readonly counters: ProgramCounters;
	/** Carries out one operation on a random device. */
	step(): Promise<void>;
	/** Waits for the syncs that nobody waited for. */
	settle(): Promise<void>;
}

type Action = Omit<LedgerWrite, 'device' | 'id'> & { readonly id: string | null; readonly localId?: string };
type ReplicaRow = Readonly<Record<string, unknown>> & { readonly id: string };

const WEIGHTS = {
	create: 24,
	update: 28,
	remove: 8,
	createTree: 7,
	removeTree: 4,
	syncBehind: 11,
	sync: 5,
	cutOff: 8,
	flip: 5,
	wait: 5,
	restart: 2,
} as const;

/** What a call may be refused with when a pull came between. */
const REFUSALS: ReadonlySet<string> = new Set(['row-exists', 'not-found']);

const SYNC_LIMIT_MS = 10_000;

/** `sync()`, which is to answer in any case. @throws Error that tells where the charts stand when it does not. */
export async function syncInTime({ name, sync }: Device, tables?: string[]): Promise<SyncResult> {
	const limit = new AbortController();
	const late = sleep(SYNC_LIMIT_MS, undefined, { signal: limit.signal }).then(() => {
		const { value, context } = sync.actor.getSnapshot();
		const states = Object.entries(context.tables).map(([table, { ref }]) => [table, ref.getSnapshot().value]);
		throw new Error(
			`${name}: sync(${tables ?? ''}) gives no answer: ${JSON.stringify({ value, states, run: context.run })}`,
		);
	});
	late.catch(() => undefined);
	try {
		return await Promise.race([sync.sync(tables), late]);
	} finally {
		limit.abort();
	}
}

export function emptyCounters(): ProgramCounters {
	return {
		creates: 0,
		updates: 0,
		deletes: 0,
		groups: 0,
		syncs: 0,
		conflicts: 0,
		spells: 0,
		restarts: 0,
		refused: 0,
	};
}

/**
 * An app's day, at random: each operation is one that the acting device's replica allows, as a UI would. What the
 * other device does meanwhile is not looked at. Choices depend on the replicas and so on timing: a seed replays
 * a run closely, not to the letter.
 */
export function createProgram(
	devices: readonly Device[],
	{ random, ledger, counters }: Pick<Program, 'random' | 'ledger' | 'counters'>,
): Program {
	const behind = new Set<Promise<unknown>>();
	const localIds = new Map<string, string>();
	let origins = 0;

	async function queue(device: Device, actions: readonly Action[]): Promise<void> {
		const inputs = actions.map(({ table, action, data, id, localId }) => ({
			table,
			action,
			// A new row is named by its id, by a name of the app's own, or by both.
			...(action === 'create' && id !== null
				? { data: { ...data, id }, localId: localId ?? null }
				: { data, localId: localId ?? id }),
		}));
		try {
			const queued = await device.sync.queueActions(inputs);
			actions.forEach(({ table, action, data, localId }, at) => {
				const id = String(queued[at]?.id);
				ledger.note({ device: device.name, table, action, data, id });
				counters[`${action}s`]++;
				if (action === 'create' && localId !== undefined) localIds.set(`${device.name} ${id}`, localId);
			});
		} catch (error) {
			if (!(error instanceof PixSyncError) || !REFUSALS.has(error.code)) throw error;
			counters.refused++;
		}
	}

	function rowsOf(device: Device, table: TableName): Promise<ReplicaRow[]> {
		return device.sync.table<ReplicaRow>(table).toArray();
	}

	/** By its id, or by the name that this device gave it. */
	function nameOf(device: Device, id: string): string {
		const localId = localIds.get(`${device.name} ${id}`);
		return localId !== undefined && random.chance(0.5) ? localId : id;
	}

	function newRow(table: TableName, parent: string | null): Action {
		const column = PARENT_COLUMN[table];
		const origin = `create-${++origins}`;
		const data = { ...randomRow(random, table), origin, ...(column ? { [column]: parent } : {}) };
		const common = { table, action: 'create', data } as const;
		if (table === 'labels') return { ...common, id: randomLabelId(random) };
		switch (random.below(3)) {
			case 0:
				return { ...common, id: random.uuid() };
			case 1:
				return { ...common, id: random.uuid(), localId: `local-${origin}` };
			default:
				return { ...common, id: null, localId: `local-${origin}` };
		}
	}

	async function create(device: Device): Promise<void> {
		const table = random.weighted({ projects: 3, tasks: 5, labels: 4 });
		if (table === 'projects') return queue(device, [newRow(table, null)]);
		const parents = await rowsOf(device, table === 'tasks' ? 'projects' : 'tasks');
		if (table === 'labels' && parents.length === 0) return;
		const isFree = parents.length === 0 || (table === 'tasks' && random.chance(0.2));
		const action = newRow(table, isFree ? null : random.pick(parents).id);
		if (action.id !== null && (await device.sync.table(table).get(action.id))) return;
		return queue(device, [action]);
	}

	async function update(device: Device): Promise<void> {
		const table = random.pick(TABLES);
		const rows = await rowsOf(device, table);
		if (rows.length === 0) return;
		const { id } = random.pick(rows);
		const patch = randomPatch(random, table);
		if (table === 'tasks' && random.chance(0.15)) {
			const projects = await rowsOf(device, 'projects');
			patch.project_id = projects.length === 0 ? null : random.pick(projects).id;
		}
		return queue(device, [{ table, action: 'update', id: nameOf(device, id), data: patch }]);
	}

	/** A label, or a task with or without its labels; sometimes made anew at once. */
	async function remove(device: Device): Promise<void> {
		const table = random.pick(['tasks', 'labels'] as const);
		const rows = await rowsOf(device, table);
		if (rows.length === 0) return;
		const row = random.pick(rows);
		const actions: Action[] = [{ table, action: 'delete', id: row.id, data: null }];
		if (table === 'tasks' && random.chance(0.7)) {
			const labels = (await rowsOf(device, 'labels')).filter(({ task_id }) => task_id === row.id);
			actions.unshift(
				...labels.map(({ id }) => ({ table: 'labels', action: 'delete', id, data: null }) as const),
			);
		} else if (random.chance(0.3)) {
			const column = PARENT_COLUMN[table];
			actions.push({ ...newRow(table, String(row[column])), id: row.id });
			if (row[column] === null) actions.pop();
		}
		counters.groups += actions.length > 1 ? 1 : 0;
		return queue(
			device,
			actions.map(({ localId: _, ...action }) => action),
		);
	}

	async function createTree(device: Device): Promise<void> {
		const project = { ...newRow('projects', null), id: random.uuid() };
		const actions: Action[] = [project];
		for (let left = 1 + random.below(2); left > 0; left--) {
			const task = { ...newRow('tasks', project.id), id: random.uuid() };
			actions.push(task);
			const label = newRow('labels', task.id);
			const isTaken =
				actions.some(({ id }) => id === label.id) ||
				(await device.sync.table('labels').get(String(label.id))) !== undefined;
			if (random.chance(0.6) && !isTaken) actions.push(label);
		}
		counters.groups++;
		return queue(device, actions);
	}

	/**
	 * A project with its tasks moved out first, or deleted first. Deleted tasks leave tombstones that go on
	 * referring to the project, so that the server may refuse the second way for good (23503).
	 */
	async function removeTree(device: Device): Promise<void> {
		const projects = await rowsOf(device, 'projects');
		if (projects.length === 0) return;
		const project = random.pick(projects).id;
		const tasks = (await rowsOf(device, 'tasks')).filter(({ project_id }) => project_id === project);
		const ids = new Set(tasks.map(({ id }) => id));
		const labels = (await rowsOf(device, 'labels')).filter(({ task_id }) => ids.has(String(task_id)));
		const isMoved = random.chance(0.75);
		const actions: Action[] = isMoved
			? tasks.map(({ id }) => ({ table: 'tasks', action: 'update', id, data: { project_id: null } }))
			: [
					...labels.map(({ id }): Action => ({ table: 'labels', action: 'delete', id, data: null })),
					...tasks.map(({ id }): Action => ({ table: 'tasks', action: 'delete', id, data: null })),
				];
		counters.groups++;
		return queue(device, [...actions, { table: 'projects', action: 'delete', id: project, data: null }]);
	}

	async function sync(device: Device): Promise<SyncResult> {
		counters.syncs++;
		const tables = random.chance(0.6) ? undefined : [random.pick(TABLES)];
		const result = await syncInTime(device, tables);
		counters.conflicts += result.conflicts;
		return result;
	}

	function syncBehind(device: Device): void {
		const running = sync(device).catch(ignoreClosed);
		behind.add(running);
		void running.finally(() => behind.delete(running));
	}

	function flip({ network }: Device): void {
		counters.spells += network.isOn ? 1 : 0;
		network.isOn = !network.isOn;
	}

	async function restart(device: Device): Promise<void> {
		counters.restarts++;
		await device.restart();
	}

	/** A sync that the network or the app leaves half-way. */
	async function cutOff(device: Device): Promise<void> {
		syncBehind(device);
		await sleep(random.below(25));
		if (random.chance(0.3)) return restart(device);
		if (device.network.isOn) flip(device);
		await sleep(random.below(5));
		flip(device);
	}

	async function act(device: Device): Promise<void> {
		const operation = random.weighted(WEIGHTS);
		switch (operation) {
			case 'create':
				return create(device);
			case 'update':
				return update(device);
			case 'remove':
				return remove(device);
			case 'createTree':
				return createTree(device);
			case 'removeTree':
				return removeTree(device);
			case 'sync':
				await sync(device);
				return;
			case 'syncBehind':
				syncBehind(device);
				return;
			case 'cutOff':
				return cutOff(device);
			case 'flip':
				flip(device);
				return;
			case 'wait':
				await sleep(random.below(12));
				return;
			case 'restart':
				return restart(device);
		}
	}

	return {
		random,
		ledger,
		counters,
		step: () => act(random.pick(devices)),
		async settle() {
			await Promise.all(behind);
		},
	};
}

/** A sync that a restart cuts off may be refused. */
function ignoreClosed(error: unknown): void {
	if (!(error instanceof PixSyncError) || error.code !== 'closed') throw error;
}
