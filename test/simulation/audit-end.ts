import type { Mutation } from '../../src/core/mutation.ts';
import type { SyncResult } from '../../src/index.ts';
import { isSame } from './audit.ts';
import { settle, USERS } from './perform.ts';
import { dirtyOf, type ReplicaImage, readReplica, rowKey } from './replica-image.ts';
import type { SimDevice } from './sim-device.ts';
import { isVisibleTo, SIM_TABLES, type SimTable } from './sim-schema.ts';
import type { SimWrite } from './sim-server.ts';
import type { SimTab } from './sim-tab.ts';
import { databasesOn } from './tab-disk.ts';
import type { Counters, Violation, World } from './world.ts';

/** Rounds of all devices until everybody has everything; each may take this long. */
const MAX_ROUNDS = 8;
const ROUND_MS = 600_000;

/** Faults end, everybody comes back, and within bounded time all is equal and still. */
export async function auditEnd(world: World): Promise<void> {
	world.heal();
	world.server.isDown = false;
	if (world.transport === 'rpc') world.server.migrate(SIM_TABLES);
	for (const device of world.devices) {
		device.skewMs = 0;
		device.auth.isDown = false;
		device.setOnline(true);
		for (const tab of device.tabs) tab.thaw();
	}
	// What was killed is opened again, what waits for a late commit gets it.
	await world.time.advance(15_000);
	for (const tab of tabsOf(world)) tab.sync.disableAutoSync();
	await upgradeAll(world);
	for (const user of usersOf(world)) {
		await asUser(world, user);
		if (world.violations.length > 0) return;
	}
	if (!world.isThorough) return auditResources(world);
	await auditRefresh(world);
	if (world.violations.length > 0) return;
	await auditRest(world);
	if (world.violations.length > 0) return;
	await auditResources(world);
}

/** Everybody has the app's newest version in the end. */
async function upgradeAll(world: World): Promise<void> {
	if (SIM_TABLES.every((table) => world.isRegistered(table))) return;
	for (const table of SIM_TABLES) world.unlock(table);
	for (const device of world.devices) {
		for (const { name, close } of [...device.tabs]) {
			await settle(world, close(), 60_000);
			world.open(device, name.slice(device.name.length + 1));
		}
	}
	await world.time.drain();
}

async function asUser(world: World, user: string): Promise<void> {
	for (const device of world.devices) device.auth.signIn(user);
	await world.time.advance(1_000);
	if (!world.isThorough && (await convergesAtOnce(world, user))) return;
	let isDone = false;
	for (let round = 0; round < MAX_ROUNDS && !isDone; round++) {
		isDone = true;
		for (const device of world.devices) {
			const isStill = await syncDevice(world, device, user);
			if (world.violations.length > 0) return;
			isDone &&= isStill;
		}
		// Hard deletes leave no trace in a pull: whoever thinks that all is done looks for them.
		for (const device of isDone ? world.devices : []) isDone = (await sweepDevice(world, device)) && isDone;
		// Longer than any backoff.
		if (!isDone) await world.time.advance(65_000);
		world.count('rounds');
	}
	if (!isDone)
		world.violate(
			'L2',
			`the outboxes of ${user} do not drain in ${MAX_ROUNDS} rounds: ${tabsOf(world).map(whereabouts).join('; ')}`,
		);
	for (const device of world.devices) auditConvergence(world, device, user);
	if (world.violations.length === 0 && world.isThorough) await auditRepeat(world, user);
}

/**
 * Most worlds need no more than one sync a device, and another where somebody else has written since. Where that does
 * not make all equal, the long way tells.
 */
async function convergesAtOnce(world: World, user: string): Promise<boolean> {
	const { log } = world.server;
	const lookedAt = new Map<SimDevice, number>();
	const isBehind = (device: SimDevice) => {
		const isOthers = ({ by }: SimWrite) => !by?.startsWith(`${device.name}/`);
		return !lookedAt.has(device) || log.slice(lookedAt.get(device)).some(isOthers);
	};
	for (let pass = 0; pass < 3 && world.violations.length === 0; pass++) {
		for (const device of world.devices.filter(isBehind)) {
			lookedAt.set(device, log.length);
			await syncDevice(world, device, user);
		}
	}
	// Hard deletes leave no trace in a pull.
	const swept = SIM_TABLES.filter((name) =>
		log.some(({ kind, table }) => kind === 'delete' && table === name),
	);
	for (const device of world.devices) await sweepDevice(world, device, swept);
	if (world.violations.length > 0) return true;
	const ends = world.devices.map((device) => compare(world, device, user));
	if (world.devices.some(isBehind) || ends.some(({ problems }) => problems.length > 0)) return false;
	for (const { counters } of ends) countAll(world, counters);
	world.count('converged at once');
	return true;
}

/** @returns whether there was nothing to do. */
async function syncDevice(world: World, device: SimDevice, user: string): Promise<boolean> {
	const tab = device.tabs[0];
	if (!tab) return true;
	const result = await settle(world, tab.sync.sync(), ROUND_MS);
	world.note(`${tab.name} sync: ${JSON.stringify(result)}`);
	if (result) return isQuiet(world, device, user, result);
	world.violate('L2', `${tab.name}: sync() gives no answer within ${ROUND_MS} ms: ${whereabouts(tab)}`);
	return false;
}

/** @returns whether it found nothing. */
async function sweepDevice(
	world: World,
	{ tabs }: SimDevice,
	tables: readonly SimTable[] = SIM_TABLES,
): Promise<boolean> {
	const tab = tabs[0];
	let changed = 0;
	for (const table of tab ? tables.filter((name) => world.isRegistered(name)) : []) {
		const sweep = tab?.sync.reconcile(table, { allowShrink: true }).catch((error: unknown) => {
			world.note(`${tab.name} reconcile ${table}: ${String(error)}`);
			return { changed: 1 };
		});
		changed += sweep ? ((await settle(world, sweep, ROUND_MS))?.changed ?? 1) : 0;
	}
	return changed === 0;
}

/** S30: what idles has nothing due. */
function isQuiet(world: World, device: SimDevice, user: string, result: SyncResult): boolean {
	const image = readReplica(device.disk, `app:${user}`);
	const waiting = [...(image ? dirtyOf(image).values() : [])]
		.filter((own) => image && !waitsForPerson(image, own))
		.flat()
		.filter(({ status }) => status === 'pending');
	if (result.success && waiting.length > 0 && result.errors.length === 0)
		world.violate(
			'S30',
			`${device.name}: sync() succeeded, and ${waiting.length} changes wait: ${JSON.stringify(waiting[0])}`,
		);
	return waiting.length === 0 && result.downloaded === 0 && result.uploaded === 0;
}

/**
 * Whether a row's changes wait, all of them, until somebody decides: about the row itself, about its parent, or about
 * a child without which the parent cannot be deleted.
 */
function waitsForPerson(image: ReplicaImage, own: readonly Mutation[]): boolean {
	const open = [...image.outbox.values()].filter(({ status }) => status !== 'pending');
	return own.some(({ table, rowId, action, status, data }) => {
		if (status === 'conflicted') return true;
		if (table === 'tasks') return open.some((one) => one.rowId === data?.project_id);
		return action === 'delete' && open.some((one) => one.table === 'tasks' && parentOf(image, one) === rowId);
	});
}

function parentOf({ bases }: ReplicaImage, { table, rowId, data }: Mutation): unknown {
	const record = bases.get(rowKey(table, rowId));
	const base = record?.base.kind === 'held' ? record.base.row : record?.remote;
	return data?.project_id ?? base?.project_id;
}

interface Comparison {
	readonly problems: readonly Violation[];
	readonly counters: Counters;
}

/** L1: both directions, but for rows that wait for a person. */
function compare(world: World, device: SimDevice, user: string): Comparison {
	const image = readReplica(device.disk, `app:${user}`);
	const problems: Violation[] = [];
	const counters: Counters = {};
	const find = (invariant: string, message: string) => problems.push({ invariant, message });
	const count = (what: string) => {
		counters[what] = (counters[what] ?? 0) + 1;
	};
	if (!image) {
		find('L1', `${device.name} has no replica of ${user}`);
		return { problems, counters };
	}
	const dirty = dirtyOf(image);
	const expected = new Map(
		SIM_TABLES.flatMap((table) =>
			world.server
				.rows(table)
				.filter((row) => !row.deleted_at && isVisibleTo(row, user))
				.map((row) => [rowKey(table, String(row.id)), row] as const),
		),
	);
	for (const [key, row] of expected) {
		count('rows compared');
		if (!dirty.has(key) && !isSame(image.views.get(key), row))
			find(
				'L1',
				`${device.name}, ${user}: ${key} is ${JSON.stringify(image.views.get(key))}, at the server ${JSON.stringify(row)}`,
			);
	}
	for (const [key, row] of image.views) {
		if (!isVisibleTo(row, user)) find('S18', `${device.name}: ${user} holds ${key} of ${row.owner}`);
		if (!dirty.has(key) && !expected.has(key))
			find('L1', `${device.name}, ${user}: holds ${key}, which the server has not`);
	}
	for (const [key, own] of dirty) {
		if (!waitsForPerson(image, own)) find('L2', `${device.name}, ${user}: ${key} still waits`);
		else count('left to a person');
	}
	for (const { status } of image.outbox.values()) if (status === 'rejected') count('dead letters');
	return { problems, counters };
}

function auditConvergence(world: World, device: SimDevice, user: string): void {
	const { problems, counters } = compare(world, device, user);
	countAll(world, counters);
	for (const { invariant, message } of problems) world.violate(invariant, message);
}

function countAll(world: World, counters: Counters): void {
	for (const [what, by] of Object.entries(counters)) world.count(what, by);
}

/** S17, L3: once more changes nothing. */
async function auditRepeat(world: World, user: string): Promise<void> {
	for (const { tabs, disk, name } of world.devices) {
		const tab = tabs[0];
		if (!tab) continue;
		// So that there is something in the overlap to read again.
		world.server.put('notes', { id: world.random.uuid(), title: `t${world.serial()}` });
		await settle(world, tab.sync.sync(), ROUND_MS);
		const before = readReplica(disk, `app:${user}`);
		const result = await settle(world, tab.sync.sync(), ROUND_MS);
		const after = readReplica(disk, `app:${user}`);
		const rows = (image: typeof before) => [...(image?.views ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
		if (result?.downloaded !== 0 || !isSame(rows(before), rows(after)))
			world.violate('S17', `${name}, ${user}: the same pull once more changes ${result?.downloaded} rows`);
	}
}

/** L7: a token that only the server knows to be over costs a refresh, and nothing else. */
async function auditRefresh(world: World): Promise<void> {
	await world.time.advance(2_500);
	world.server.revoke();
	for (const { tabs, auth } of world.devices) {
		const tab = tabs[0];
		if (!tab || auth.userId === null) continue;
		const result = await settle(world, tab.sync.sync(), ROUND_MS);
		const refused = result?.errors.find((line) => line.includes('unauthorised') || line.includes('PGRST30'));
		if (!result || refused)
			world.violate('L7', `${tab.name}: after a token was over: ${refused ?? 'no answer'}`);
		world.count('refreshed');
	}
}

/** L3: nobody asks for anything when nothing is to be done. */
async function auditRest(world: World): Promise<void> {
	await world.time.advance(65_000);
	const before = world.server.arrivals;
	await world.time.advance(200_000);
	// A child of a dead letter is tried now and then: its parent may have come by another way.
	const isWaiting = world.devices.some(({ tabs }) =>
		tabs.some((tab) => tab.isAlive && tablesOf(tab).some(([, state]) => state === 'backoff')),
	);
	if (world.server.arrivals > before && !isWaiting)
		world.violate('L3', `${world.server.arrivals - before} requests while all is done`);
}

/** S31: what was begun is ended with the app. */
async function auditResources(world: World): Promise<void> {
	for (const tab of tabsOf(world)) await settle(world, tab.close(), 60_000);
	await world.time.advance(120_000);
	const listeners = world.devices.reduce(
		(sum, { listeners: own }) =>
			sum + [...own.values()].filter(({ tab }) => tabsOf(world).includes(tab)).length,
		0,
	);
	if (world.time.pending > 0 || listeners > 0)
		world.violate('S31', `${world.time.pending} timers and ${listeners} listeners are left behind`);
}

function tabsOf({ devices }: World): readonly SimTab[] {
	return devices.flatMap(({ tabs }) => tabs);
}

/** Who was signed in on some device; everybody's changes must arrive. */
function usersOf({ devices }: World): readonly string[] {
	return USERS.filter((user) => devices.some(({ disk }) => databasesOn(disk).includes(`app:${user}`)));
}

/** Where the charts stand, for whoever reads of a failure. */
function whereabouts({ name, sync, isAlive }: SimTab): string {
	const { value, context } = sync.actor.getSnapshot();
	const states = tablesOf({ sync });
	return `${name} ${isAlive ? '' : 'dead '}${JSON.stringify({ value, states, run: context.run })}`;
}

function tablesOf({ sync }: Pick<SimTab, 'sync'>): readonly (readonly [string, string])[] {
	const { tables } = sync.actor.getSnapshot().context;
	return Object.entries(tables).map(([table, { ref }]) => [table, String(ref.getSnapshot().value)] as const);
}
