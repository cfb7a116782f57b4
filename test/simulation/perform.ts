import type { Row, RowId } from '../../src/core/types.ts';
import type { ActionInput } from '../../src/index.ts';
import { createRandomSource } from '../support/random-source.ts';
import type { Operation } from './operation.ts';
import { idOf, type ReplicaImage, tableOf } from './replica-image.ts';
import type { SimDevice } from './sim-device.ts';
import { POISON, SIM_TABLES, type SimTable } from './sim-schema.ts';
import type { SimTab } from './sim-tab.ts';
import type { World } from './world.ts';

export const USERS = ['user-ann', 'user-ben'] as const;

/** The caller's own mistakes that come about when the world has moved on between the look and the call. */
const REFUSALS: ReadonlySet<string> = new Set([
	...['row-exists', 'not-found', 'storage', 'blocked', 'closed', 'user-changed', 'unknown-conflict'],
	...['unsynced-changes', 'superseded', 'not-leader', 'offline'],
]);

/** Carries out one operation: calls, and lets what needs no waiting happen. */
export async function perform(world: World, { kind, tab: at, n, table: named }: Operation): Promise<void> {
	const tabs = world.devices.flatMap(({ tabs }) => tabs);
	const tab = tabs[at % tabs.length];
	if (!tab) throw new Error('The world has no tab');
	const { device } = tab;
	const pick = createRandomSource(n * 2654435761 + 17);
	world.note(`-- ${kind} ${tab.name} ${n}`);
	world.count(`op ${kind}`);
	const isAsleep = !tab.isAlive || tab.isFrozen;
	switch (kind) {
		case 'create':
		case 'poison':
			if (!isAsleep) queue(world, tab, [newRow(world, tab, pick, kind === 'poison', named)]);
			break;
		case 'tree': {
			if (isAsleep) break;
			const parent = newRow(world, tab, pick, false, 'projects');
			const child = newRow(world, tab, pick, false, 'tasks');
			const project_id = (parent.data as Row).id;
			const owner = (parent.data as Row).owner;
			queue(world, tab, [parent, { ...child, data: { ...(child.data as Row), project_id, owner } }]);
			break;
		}
		case 'update':
		case 'remove': {
			const row = isAsleep ? null : pickRow(world, device, pick, named);
			if (!row) break;
			const [table, id] = [tableOf(row), idOf(row)];
			const data = kind === 'remove' ? null : values(world, device, table, pick);
			queue(world, tab, [{ table, action: kind === 'remove' ? 'delete' : 'update', data, localId: id }]);
			break;
		}
		case 'sync':
			if (!isAsleep) {
				const tables = pick.chance(0.7)
					? undefined
					: [pick.pick(SIM_TABLES.filter((one) => world.isRegistered(one)))];
				if (isAtWork(tab)) world.count('joined at work');
				call(world, tab, 'sync', () => tab.sync.sync(tables));
			}
			if (pick.chance(0.5)) await world.time.advance(pick.below(2_500));
			break;
		case 'wait':
			await world.time.advance(pick.chance(0.3) ? pick.below(40_000) : pick.below(1_500));
			break;
		case 'offline':
		case 'online':
			device.setOnline(kind === 'online');
			break;
		case 'kill': {
			if (!tab.isAlive) break;
			world.count('kills');
			tab.kill();
			const label = tab.name.slice(device.name.length + 1);
			world.time.setTimeout(() => void world.open(device, label), 700);
			break;
		}
		case 'restart': {
			if (isAsleep) break;
			await settle(world, tab.close(), 5_000);
			world.open(device, tab.name.slice(device.name.length + 1));
			break;
		}
		case 'freeze':
			tab.freeze();
			if (tab.isAlive) await world.time.advance(pick.below(20_000));
			break;
		case 'thaw':
			for (const one of tabs) one.thaw();
			break;
		case 'clock':
			device.skewMs = pick.pick([0, -3_600_000, 3_600_000, 90_000, -5_000, 86_400_000 * 400]);
			break;
		case 'expire':
			device.auth.expire();
			break;
		case 'auth down':
		case 'auth up':
			device.auth.isDown = kind === 'auth down';
			break;
		case 'switch':
			device.auth.signIn(device.auth.userId === USERS[0] ? USERS[1] : USERS[0]);
			break;
		case 'sign out': {
			if (isAsleep) break;
			const policy = pick.pick(['keep', 'flush', 'discard'] as const);
			const { userId } = device.auth;
			// What the app was told of, it agrees to lose.
			const onUnsynced = () => {
				if (policy === 'discard') giveUp(world, device, (image) => [...image.outbox.keys()], userId);
				return true;
			};
			call(world, tab, `sign out ${policy}`, () => tab.sync.signOut({ policy, onUnsynced }));
			break;
		}
		case 'contend': {
			// The same row here and elsewhere.
			const row = isAsleep ? null : pickRow(world, device, pick, named);
			if (!row) break;
			const [table, id] = [tableOf(row), idOf(row)];
			const isDelete = pick.chance(0.2);
			const data = isDelete ? null : values(world, device, table, pick);
			queue(world, tab, [{ table, action: isDelete ? 'delete' : 'update', data, localId: id }]);
			const held = world.server.rows(table).find((one) => String(one.id) === id && !one.deleted_at);
			if (held)
				change(world, pick.chance(0.2) ? 'remote remove' : 'remote update', pick, { table, row: held });
			break;
		}
		case 'remote create':
		case 'remote update':
		case 'remote remove':
		case 'late commit':
			remote(world, kind, pick, named);
			break;
		case 'outage':
			world.server.isDown = true;
			world.time.setTimeout(() => {
				world.server.isDown = false;
			}, 1_000 + pick.below(60_000));
			break;
		case 'resolve':
			if (!isAsleep)
				call(world, tab, 'resolve', async () => {
					const [conflict] = await tab.sync.getConflicts();
					if (!conflict) return;
					world.count('resolved by hand');
					giveUp(world, device, (image) =>
						[...image.outbox.values()]
							.filter(({ status }) => status === 'conflicted')
							.map(({ mutationId }) => mutationId),
					);
					await tab.sync.resolveConflict(conflict.id, pick.pick(['local', 'remote'] as const));
				});
			break;
		case 'retry':
		case 'discard':
			if (!isAsleep)
				call(world, tab, kind, async () => {
					const [letter] = await tab.sync.getRejected();
					if (!letter) return;
					world.count(`letters: ${kind}`);
					giveUp(world, device, (image) =>
						[...image.outbox.values()]
							.filter(({ letter: own }) => own === letter.id)
							.map(({ mutationId }) => mutationId),
					);
					if (kind === 'retry')
						await tab.sync.retryRejected(
							letter.id,
							letter.data?.title === POISON
								? values(world, device, letter.table as SimTable, pick)
								: undefined,
						);
					else await tab.sync.discardRejected(letter.id);
				});
			break;
		case 'clear':
			if (isAsleep) break;
			giveUp(world, device, (image) =>
				[...image.outbox.values()]
					.filter(({ status }) => status !== 'rejected')
					.map(({ mutationId }) => mutationId),
			);
			call(world, tab, 'clear', () => tab.sync.clearSyncQueue());
			break;
		case 'reconcile':
			if (!isAsleep)
				call(world, tab, 'reconcile', () =>
					tab.sync.reconcile(pick.pick(SIM_TABLES.filter((one) => world.isRegistered(one))), {
						allowShrink: true,
					}),
				);
			break;
		case 'auto':
			if (isAsleep) break;
			world.count('joined at work');
			if (pick.chance(0.6)) tab.sync.enableAutoSync(2_000 + pick.below(10_000));
			else tab.sync.disableAutoSync();
			break;
		case 'disk':
			world.failNextWrite(pick.pick(['QuotaExceededError', 'AbortError', 'UnknownError'] as const));
			break;
		case 'upgrade': {
			if (isAsleep) break;
			await settle(world, tab.close(), 5_000);
			for (const table of SIM_TABLES) world.unlock(table);
			world.open(device, tab.name.slice(device.name.length + 1));
			break;
		}
		case 'migration':
			// Somebody drops the function, or runs the migration again, for all tables or for some.
			world.server.migrate(pick.pick([null, SIM_TABLES, SIM_TABLES.filter(() => pick.chance(0.5))] as const));
			break;
		case 'poke':
			world.count('joined at work');
			if (!isAsleep) tab.sync.actor.send({ type: 'poke.received' });
			break;
	}
	await world.time.drain();
	if (pick.chance(0.4)) await world.time.advance(pick.below(200));
}

/** Whether some table of the tab is neither at rest nor away. */
function isAtWork({ sync }: SimTab): boolean {
	const { tables } = sync.actor.getSnapshot().context;
	return Object.values(tables).some(
		({ ref }) => !['idle', 'offline'].includes(String(ref.getSnapshot().value)),
	);
}

/** Calls, and follows what becomes of it; nobody waits. */
function call(world: World, tab: SimTab, name: string, work: () => Promise<unknown>): void {
	world.count('calls');
	try {
		work().then(
			() => world.note(`${tab.name} ${name}: done`),
			(error: unknown) => refused(world, tab, name, error),
		);
	} catch (error) {
		refused(world, tab, name, error);
	}
}

function refused(world: World, tab: SimTab, name: string, error: unknown): void {
	if (!tab.isAlive) return;
	const code = error instanceof Error && 'code' in error ? String(error.code) : '';
	world.count(`refused ${code}`);
	world.note(`${tab.name} ${name}: ${code}`);
	const fault = error instanceof Error && 'fault' in error ? error.fault : 'input';
	if (fault === 'input' && !REFUSALS.has(code))
		world.violate('S27', `${tab.name}: ${name} is refused with ${code} ${String(error)}`);
}

function queue(world: World, tab: SimTab, actions: readonly ActionInput[]): void {
	if (isAtWork(tab)) world.count('joined at work');
	call(world, tab, 'queue', async () => {
		const marks = actions
			.flatMap(({ data }) => Object.values((data ?? {}) as Row))
			.filter((value) => world.audit.origins.has(String(value)));
		try {
			const queued = await tab.sync.queueActions(actions);
			if (!tab.isAlive) return;
			// S1: what is acknowledged is on the disk, or has left it for a reason.
			const images = [null, ...USERS].map((user) => world.audit.image(tab.device, user));
			for (const [at, { mutationId, id }] of queued.entries()) {
				if (world.audit.gone.has(mutationId) || images.some((image) => image?.outbox.has(mutationId)))
					continue;
				// What is deleted here already is not deleted twice.
				const isDeleted = (image: ReplicaImage | null) =>
					[...(image?.outbox.values() ?? [])].some((one) => one.action === 'delete' && one.rowId === id);
				if (actions[at]?.action === 'delete' && images.some(isDeleted)) continue;
				world.violate('S1', `${tab.name}: ${mutationId} is acknowledged and nowhere`);
			}
			world.count('queued', queued.length);
		} catch (error) {
			// S27: what is refused is not there.
			for (const user of tab.isAlive ? [null, ...USERS] : []) {
				const image = world.audit.image(tab.device, user);
				const found = [...(image?.outbox.values() ?? [])].find(({ data }) =>
					marks.some((mark) => Object.values(data ?? {}).includes(mark)),
				);
				if (found)
					world.violate(
						'S27',
						`${tab.name}: a change that was refused (${String(error)}) is queued: ${found.mutationId}`,
					);
			}
			throw error;
		}
	});
}

function values(
	world: World,
	device: SimDevice,
	table: SimTable,
	pick: ReturnType<typeof createRandomSource>,
	action: 'create' | 'update' = 'update',
): Row {
	const order = world.serial();
	const columns = pick.pick([['title'], ['body'], ['title', 'body']] as const);
	return Object.fromEntries(
		columns.map((column) => {
			const value = `${column[0]}${order}`;
			world.audit.origins.set(value, { order, device: device.name, table, action });
			return [column, value];
		}),
	);
}

function newRow(
	world: World,
	tab: SimTab,
	pick: ReturnType<typeof createRandomSource>,
	isPoison: boolean,
	named?: SimTable,
): ActionInput {
	const table = named ?? pick.pick(SIM_TABLES.filter((one) => world.isRegistered(one)));
	const { device } = tab;
	const owner = pick.chance(0.3) ? device.auth.userId : null;
	const data: Record<string, unknown> = {
		...(table === 'tickets' ? {} : { id: world.random.uuid() }),
		owner,
		...values(world, device, table, pick, 'create'),
	};
	if (isPoison) data.title = POISON;
	if (table === 'tasks') {
		const parents = [...(world.audit.image(device, device.auth.userId)?.views ?? [])].filter(
			([key, row]) => tableOf(key) === 'projects' && (row.owner ?? null) === owner,
		);
		data.project_id = parents.length > 0 && pick.chance(0.7) ? pick.pick(parents)[1].id : null;
	}
	return { table, action: 'create', data, localId: table === 'tickets' ? `ticket-${world.serial()}` : null };
}

function pickRow(
	world: World,
	device: SimDevice,
	pick: ReturnType<typeof createRandomSource>,
	named?: SimTable,
): string | null {
	const image = world.audit.image(device, device.auth.userId);
	const rows = [...(image?.views.keys() ?? [])]
		.filter((key) => world.isRegistered(tableOf(key)) && (!named || tableOf(key) === named))
		.sort();
	return rows.length === 0 ? null : pick.pick(rows);
}

function remote(
	world: World,
	kind: Operation['kind'],
	pick: ReturnType<typeof createRandomSource>,
	named?: SimTable,
): void {
	const { server } = world;
	const table = named ?? pick.pick(SIM_TABLES);
	const order = world.serial();
	const owner = pick.chance(0.2) ? pick.pick(USERS) : null;
	const key = table === 'tickets' ? 1_000_000 + order : world.random.uuid();
	const fresh = { id: key, title: `t${order}`, body: `b${order}`, owner };
	const own = world.schema.stamps[table] === 'writer' ? { updated_at: server.stamp() } : {};
	if (kind === 'remote create') {
		server.put(table, { ...fresh, ...own });
		return;
	}
	if (kind === 'late commit') {
		// Begun now, and committed when others have pulled past it; no longer than the overlap bears.
		const stampedAt = server.stamp();
		world.time.setTimeout(() => server.put(table, fresh, stampedAt), 500 + pick.below(7_000));
		return;
	}
	const rows = server.rows(table).filter(({ deleted_at }) => !deleted_at);
	if (rows.length > 0) change(world, kind, pick, { table, row: pick.pick(rows) });
}

/** Somebody else's change of a row. */
function change(
	{ server, schema, serial, note }: World,
	kind: Operation['kind'],
	pick: ReturnType<typeof createRandomSource>,
	{ table, row }: { readonly table: SimTable; readonly row: Row },
): void {
	const order = serial();
	// What comes of it is another thing by each strategy, even where all that is done looks alike.
	note(`${kind} of ${table}, ${schema.strategies[table]}`);
	const own = schema.stamps[table] === 'writer' ? { updated_at: server.stamp() } : {};
	const id = row.id as RowId;
	if (kind === 'remote update') {
		server.patch(table, id, { ...pick.pick([{ title: `t${order}` }, { body: `b${order}` }]), ...own });
		return;
	}
	const isParent = table === 'projects' && server.rows('tasks').some(({ project_id }) => project_id === id);
	if (isParent) return;
	if (table === 'tasks') server.patch(table, id, { deleted_at: server.stamp(), ...own });
	else server.remove(table, id);
}

/** The program gives up what waits at this moment, and what is queued while the call runs is its own affair. */
function giveUp(
	world: World,
	device: SimDevice,
	which: (image: ReplicaImage) => readonly string[],
	...users: readonly (string | null)[]
): void {
	for (const user of users.length > 0 ? users : [null, ...USERS]) {
		const image = world.audit.image(device, user);
		for (const id of image ? which(image) : []) world.audit.excused.add(id);
	}
}

/** Lets time pass until `work` has ended, or for `ms` at most. @returns undefined where it has not. */
export async function settle<T>(world: World, work: Promise<T>, ms: number): Promise<T | undefined> {
	const end = world.time.now + ms;
	let result: { readonly value?: T } | null = null;
	work.then(
		(value) => {
			result = { value };
		},
		() => {
			result = {};
		},
	);
	await world.time.drain();
	while (!result && (await world.time.step(end))) {}
	return (result as { readonly value?: T } | null)?.value;
}
