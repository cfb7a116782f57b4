import type { Mutation } from '../../src/core/mutation.ts';
import { toMicros } from '../../src/core/timestamp.ts';
import type { Row } from '../../src/core/types.ts';
import { copyOf } from '../support/memory-query.ts';
import { auditWrite } from './audit-log.ts';
import { dirtyOf, idOf, type ReplicaImage, readReplica, rowKey, tableOf } from './replica-image.ts';
import { CANARY } from './sim-auth.ts';
import type { SimDevice } from './sim-device.ts';
import { isVisibleTo, POISON, type SimTable, VALUE_COLUMNS } from './sim-schema.ts';
import type { SimWrite } from './sim-server.ts';
import type { SimTab } from './sim-tab.ts';
import { databasesOn } from './tab-disk.ts';
import type { World } from './world.ts';

/** Where a value came from: who asked for it, whether or not the call succeeded. */
export interface Origin {
	readonly order: number;
	readonly device: string;
	readonly table: SimTable;
	readonly action: 'create' | 'update';
}

/** Watches disks and server, and compares each step with what is promised. */
export interface Audit {
	/** Values that operations were called with. */
	readonly origins: Map<string, Origin>;
	/** The user whose replica a value was queued in. */
	readonly owners: Map<string, string | null>;
	/** Mutations that the program itself gives up (discard, clear). */
	readonly excused: Set<string>;
	/** Mutations that were in an outbox and are not any more, each for a reason. */
	readonly gone: Set<string>;
	committed(tab: SimTab, database: string): void;
	applied(write: SimWrite): void;
	/** Rows that a foreign key refused. */
	orphaned(by: string, userId: string | null, rows: readonly Row[]): void;
	overheard(tab: SimTab | null, notice: unknown): void;
	image(device: SimDevice, userId: string | null): ReplicaImage | null;
}

const STATES: ReadonlySet<unknown> = new Set([
	...['offline', 'idle', 'uploading', 'downloading', 'resolving', 'backoff'],
]);

/** What may part a child from its parents. */
const TROUBLE =
	/^(joined at work|fault|storage|kills|op (outage|migration|offline|freeze|expire|auth|switch|sign|clock|restart))/;

/** Of the engine's default settings: no wait is longer, but where the server asked for it. */
const CAP_MS = 60_000;
const OVERLAP_MS = 10_000;

export function createAudit(world: World): Audit {
	const before = new Map<string, ReplicaImage>();
	/** Who took the lead of a replica last. */
	const leaders = new Map<string, SimTab>();
	/** Newest confirmed version of a row that a replica showed. */
	const shown = new Map<string, number>();
	const origins: Audit['origins'] = new Map();
	const owners: Audit['owners'] = new Map();
	const excused: Audit['excused'] = new Set();
	const gone: Audit['gone'] = new Set();

	function committed(tab: SimTab, database: string): void {
		auditChart(tab);
		const { device } = tab;
		const user = database.slice(database.indexOf(':') + 1);
		if (user === 'control') return;
		const userId = user === 'anon' ? null : user;
		const key = `${device.name} ${user}`;
		const was = before.get(key) ?? null;
		const now = readReplica(device.disk, database);
		if (!now) {
			if (was) auditRemoval(key, was);
			before.delete(key);
			return;
		}
		if (now.epoch !== (was?.epoch ?? 0)) leaders.set(key, tab);
		before.set(key, now);
		const context: Context = { world, tab, device, key, userId, was, now, server: world.server };
		auditNewMutations(context);
		for (const mutation of was?.outbox.values() ?? []) {
			if (!now.outbox.has(mutation.mutationId)) auditVanished(context, mutation);
		}
		auditLetters(context);
		auditRows(context);
		auditCheckpoints(context);
		auditLeader(context);
	}

	function auditChart(tab: SimTab): void {
		if (!tab.isAlive || !tab.sync) return;
		const snapshot = tab.sync.actor.getSnapshot();
		const tables = Object.entries(snapshot.context.tables);
		const strange = tables.find(([, { ref }]) => !STATES.has(ref.getSnapshot().value));
		if (snapshot.status === 'error' || strange) {
			world.violate(
				'S29',
				`${tab.name}: ${snapshot.status}, ${strange?.[0]} ${strange?.[1].ref.getSnapshot().value}`,
			);
		}
	}

	function auditRemoval(key: string, was: ReplicaImage): void {
		const kept = [...was.outbox.values()].filter(({ mutationId }) => !excused.has(mutationId));
		if (kept.length > 0)
			world.violate('S19', `the replica of ${key} is gone, with ${kept.length} unsynced changes`);
	}

	interface Context {
		readonly world: World;
		readonly tab: SimTab;
		readonly device: SimDevice;
		readonly key: string;
		readonly userId: string | null;
		readonly was: ReplicaImage | null;
		readonly now: ReplicaImage;
		readonly server: World['server'];
	}

	/** S12, S18: what was just queued shows, and is its user's. */
	function auditNewMutations({ key, userId, was, now }: Context): void {
		const fresh = [...now.outbox.values()].filter(({ mutationId }) => !was?.outbox.has(mutationId));
		for (const { mutationId, userId: owner, data, status, table, rowId, action, seq } of fresh) {
			world.count('mutations');
			if (owner !== userId) world.violate('S18', `${mutationId} of ${owner} is queued in ${key}`);
			for (const value of valuesOf(data)) owners.set(value, userId);
			const isLast = !fresh.some(
				(other) => other.rowId === rowId && other.table === table && other.seq > seq,
			);
			if (status !== 'pending' || !isLast || fresh.length > 6) continue;
			const view = now.views.get(rowKey(table, rowId));
			const base = now.bases.get(rowKey(table, rowId))?.base;
			if (action === 'delete' ? view : !view && base?.kind !== 'unknown')
				world.violate('S12', `${key}: ${action} of ${table} ${rowId} does not show`);
		}
	}

	/** S1, S21: a mutation leaves the outbox applied, covered by a later one, given up by a rule that is recorded, or by the app. */
	function auditVanished(context: Context, mutation: Mutation): void {
		const { key, device, was, now, server } = context;
		const { mutationId, table, rowId, action, data, seq, status } = mutation;
		gone.add(mutationId);
		if (excused.has(mutationId)) return;
		if (status === 'rejected') {
			world.violate('S21', `${key}: the dead letter ${mutationId} of ${table} ${rowId} is gone by itself`);
			return;
		}
		const outcome = now.outcomes.get(rowKey(table, rowId));
		if (outcome?.droppedMutations.includes(mutationId)) {
			world.count('dropped by a rule');
			return;
		}
		const name = `${device.name}/`;
		// A row that got its id from the server is known by what was written.
		const isOwn = (write: SimWrite) =>
			write.id === rowId ||
			(table === 'tickets' && valueEntries(data).some(([column, value]) => write.row?.[column] === value));
		const own = server.log.filter((write) => write.table === table && isOwn(write));
		const later = [...(was?.outbox.values() ?? []), ...now.outbox.values()].filter(
			(other) => other.table === table && other.rowId === rowId && other.seq > seq,
		);
		const current = server.row(table as SimTable, rowId);
		if (action === 'delete') {
			const isGone =
				!current || current.deleted_at || own.some(({ row }) => !row || row.deleted_at) || later.length > 0;
			if (!isGone) world.violate('S1', `${key}: the delete of ${table} ${rowId} is gone, the row is not`);
			else world.count('acknowledged');
			return;
		}
		const missing = valueEntries(data).filter(([column, value]) => {
			const isApplied = own.some(({ by, row }) => by?.startsWith(name) && row?.[column] === value);
			const isCovered = later.some(
				(other) => other.action === 'delete' || Object.hasOwn(other.data ?? {}, column),
			);
			const isDropped = outcome?.droppedColumns.includes(column) && outcome.version !== null;
			return !isApplied && !isCovered && !isDropped && current?.[column] !== value;
		});
		if (missing.length > 0) {
			world.violate(
				'S1',
				`${key}: ${action} ${mutationId} of ${table} ${rowId} is gone, ${JSON.stringify(missing)} was never applied`,
			);
		} else world.count('acknowledged');
	}

	/** S20: a refusal is of the row that earned it. */
	function auditLetters({ key, was, now }: Context): void {
		for (const { mutationId, letter, error, table, rowId } of now.outbox.values()) {
			if (!letter || error?.code !== '23514' || was?.outbox.get(mutationId)?.letter === letter) continue;
			const isEarned = [...now.outbox.values()].some(
				(one) => one.letter === letter && one.data?.title === POISON,
			);
			if (!isEarned) world.violate('S20', `${key}: ${table} ${rowId} is refused for what another row holds`);
		}
	}

	/** S4, S10, S13, S3: views are what base and queue say, or what the server once had. */
	function auditRows({ key, now, server }: Context): void {
		const dirty = dirtyOf(now);
		for (const [row, mutations] of dirty) {
			const record = now.bases.get(row);
			const isParked = now.parked.has(row);
			if (isParked !== mutations.some(({ status }) => status === 'conflicted'))
				world.violate('S4', `${key}: ${row} is parked: ${isParked}, its mutations say otherwise`);
			if (!record && mutations[0]?.action !== 'create')
				world.violate('S4', `${key}: ${row} is dirty and has no base`);
			const expected = replayed(record?.base ?? { kind: 'absent' }, mutations);
			const view = now.views.get(row) ?? null;
			if (expected !== undefined && !isSame(expected, view))
				world.violate('S10', `${key}: ${row} shows ${JSON.stringify(view)}, not ${JSON.stringify(expected)}`);
		}
		for (const row of now.bases.keys())
			if (!dirty.has(row)) world.violate('S4', `${key}: ${row} has a base and no mutation`);
		for (const row of now.parked.keys())
			if (!dirty.has(row)) world.violate('S4', `${key}: ${row} is parked and has no mutation`);
		for (const [row, view] of now.views) {
			if (dirty.has(row)) continue;
			const states = server.states(tableOf(row), idOf(row));
			const state = states.get(String(view.updated_at));
			if (!state || !isSame(state, view))
				world.violate('S3', `${key}: ${row} shows ${JSON.stringify(view)}, which the server never held`);
			// In the order of its writes: by a device whose clock ran ahead, the server's own version goes back after it.
			const version = [...states.keys()].indexOf(String(view.updated_at));
			const name = `${key} ${row}`;
			if (version < (shown.get(name) ?? 0))
				world.violate('S13', `${key}: ${row} went back to ${view.updated_at}`);
			shown.set(name, version);
		}
	}

	/** S14, S15, S16, S23: a checkpoint never passes rows that are not held. */
	function auditCheckpoints({ key, userId, was, now, server, device }: Context): void {
		for (const [place, checkpoint] of now.checkpoints) {
			const former = was?.checkpoints.get(place);
			const { table } = checkpoint;
			if (former && isSame(former, checkpoint)) continue;
			const { position, headAt, scanStartedAt } = checkpoint;
			if (former?.position && former.selection === checkpoint.selection) {
				const was = toMicros(former.position.timestamp) ?? 0n;
				const head = toMicros(former.headAt) ?? was;
				const overlap = BigInt(OVERLAP_MS) * 1000n;
				const at = position ? (toMicros(position.timestamp) ?? 0n) : -1n;
				if (at < was - overlap && at < head - overlap)
					world.violate(
						'S14',
						`${key}: the checkpoint of ${table} went back from ${former.position.timestamp} to ${position?.timestamp}`,
					);
			}
			const isHeld = (id: unknown) => {
				const row = rowKey(table, String(id));
				return now.views.has(row) || now.bases.has(row) || now.outbox.size === 0
					? now.views.has(row) || now.bases.has(row)
					: [...now.outbox.values()].some(({ rowId }) => rowId === id);
			};
			if (position) {
				const current = server.row(table as SimTable, position.id);
				const isPlain = current && !current.deleted_at && isVisibleTo(current, userId);
				if (isPlain && current.updated_at === position.timestamp && !isHeld(position.id))
					world.violate(
						'S16',
						`${key}: the checkpoint of ${table} stands at ${position.id}, which is not held`,
					);
			}
			if (scanStartedAt !== null || headAt === null) continue;
			world.count('heads');
			const headMs = Number((toMicros(headAt) ?? 0n) / 1000n);
			for (const row of server.rows(table as SimTable)) {
				if (row.deleted_at || !isVisibleTo(row, userId)) continue;
				const last = server.log.findLast((write) => write.table === table && write.id === row.id);
				// Told within the same second as the request: it may have come after it.
				if (!last || last.at >= headMs - 1_000) continue;
				const name = rowKey(table, String(row.id));
				const view = now.views.get(name);
				const isDirty = [...now.outbox.values()].some(
					({ rowId, status }) => rowId === row.id && status !== 'rejected',
				);
				if (isDirty || view?.updated_at === row.updated_at) continue;
				world.violate(
					'S15',
					`${key}: at the head of ${table} without ${row.id} of ${row.updated_at}, committed ${headMs - last.at} ms before`,
				);
			}
		}
		for (const { id, nextAttemptAt } of now.attempts) {
			if (was?.attempts.some((one) => one.id === id && one.nextAttemptAt === nextAttemptAt)) continue;
			const waitMs = nextAttemptAt - device.now();
			if (waitMs > CAP_MS) world.violate('S23', `${key}: an attempt is put off by ${waitMs} ms`);
		}
	}

	/** S25: only the last to lead moves checkpoints and attempts. */
	function auditLeader({ key, tab, was, now }: Context): void {
		if (!was || leaders.get(key) === tab) return;
		const moved = (image: ReplicaImage) =>
			JSON.stringify([...image.checkpoints.values()].map(({ position, headAt }) => [position, headAt]));
		if (moved(was) !== moved(now))
			world.violate('S25', `${key}: ${tab.name} moves a checkpoint, and does not lead`);
	}

	return {
		...{ origins, owners, excused, gone, committed },
		applied: (write) => auditWrite({ world, origins, owners, excused }, write),
		orphaned(by, userId, rows) {
			// S6: no child goes before a parent that waits in the same queue. A table that a poke or an earlier sync has
			// at work sends what became due by itself, and one whose parents could not be sent tries its luck: a refusal
			// is then tried again (F32). So it is looked for where nothing went wrong.
			if (Object.keys(world.counters).some((name) => TROUBLE.test(name))) return;
			const device = world.devices.find(({ name }) => by.startsWith(`${name}/`));
			const image = device && readReplica(device.disk, `app:${userId ?? 'anon'}`);
			const parents = new Set(rows.map(({ project_id }) => project_id));
			const waiting = [...(image?.outbox.values() ?? [])].filter(
				({ status, rowId }) => status === 'pending' && parents.has(rowId),
			);
			// One that is deleted here as well is never sent.
			const early = waiting.find(
				({ action, rowId }) =>
					action === 'create' && !waiting.some((one) => one.rowId === rowId && one.action === 'delete'),
			);
			if (early) world.violate('S6', `${by}: a child is sent before its parent ${early.rowId}`);
		},
		overheard(tab, notice) {
			const text = JSON.stringify(notice, (_, value) =>
				value instanceof Error ? { ...value, text: String(value) } : value,
			);
			if (text.includes(CANARY)) world.violate('S33', `${tab?.name ?? 'the console'} tells a token: ${text}`);
		},
		image: (device, userId) => {
			const name = `app:${userId ?? 'anon'}`;
			return databasesOn(device.disk).includes(name) ? readReplica(device.disk, name) : null;
		},
	};

	function valuesOf(data: Row | null): string[] {
		return valueEntries(data).map(([, value]) => value);
	}
}

/** The columns of a mutation whose values tell where they came from. */
export function valueEntries(data: Row | null): [string, string][] {
	return VALUE_COLUMNS.flatMap((column) => {
		const value = data?.[column];
		return typeof value === 'string' ? [[column, value] as [string, string]] : [];
	});
}

/** Base and queue, told in the auditor's own words. Undefined: it cannot be told what shows. */
function replayed(
	base: { readonly kind: string; readonly row?: Row },
	mutations: readonly Mutation[],
): Row | null | undefined {
	let row: Row | null = base.kind === 'held' && base.row && !base.row.deleted_at ? base.row : null;
	for (const { action, data, rowId } of mutations) {
		if (action === 'delete') row = null;
		else if (action === 'create') row = { ...row, ...data, id: rowId };
		else if (row) row = { ...row, ...data };
	}
	return row;
}

/** As JSON, whatever the order of the keys. */
export function isSame(a: unknown, b: unknown): boolean {
	return stable(a) === stable(b);
}

function stable(value: unknown): string {
	return JSON.stringify(value === undefined ? null : copyOf(value), (_, part) =>
		part && typeof part === 'object' && !Array.isArray(part)
			? Object.fromEntries(Object.entries(part).sort(([x], [y]) => (x < y ? -1 : 1)))
			: part,
	);
}
