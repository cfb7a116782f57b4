import { type Audit, isSame, valueEntries } from './audit.ts';
import { readReplica } from './replica-image.ts';
import type { SimWrite } from './sim-server.ts';
import type { World } from './world.ts';

interface LogContext {
	readonly world: World;
	readonly origins: Audit['origins'];
	readonly owners: Audit['owners'];
	readonly excused: Audit['excused'];
}

/** What the server's log must look like, checked at each write of a device's. */
export function auditWrite({ world, origins, owners }: LogContext, write: SimWrite): void {
	const { by, userId, kind, table, id, row, before, order, push } = write;
	world.count(by === null ? 'direct writes' : `applied ${kind}`);
	if (by === null) return;
	const device = by.split('/')[0] ?? by;
	const ofTable = world.server.log.slice(0, order - 1).filter((one) => one.table === table);
	const earlier = ofTable.filter((one) => one.id === id);
	// Where the server makes the ids, a row that is made anew gets another.
	const known = kind === 'create' && table === 'tickets' ? ofTable : earlier;
	const name = `${by}: ${kind} of ${table} ${id}`;
	/** Two users of one device know nothing of each other. */
	const isOwn = (one: SimWrite) => one.by?.startsWith(`${device}/`) === true && one.userId === userId;

	/** Whether the ledger was there all the time, for all that the devices have sent. */
	const isLedgered = world.transport === 'rpc' && !world.counters['op migration'];
	/** The server could tell whether the one was the other. */
	const isTold = (one: SimWrite) => (isLedgered || (push !== null && one.push !== null)) && isOwn(one);

	// S7: whoever writes over a version was told of it, or wrote it.
	if (before && kind !== 'create') {
		const wrote = earlier.some((one) => one.by?.startsWith(`${device}/`) && isSame(one.row, before));
		if (!wrote && !world.server.told(device).has(`${table} ${id} ${before.updated_at}`))
			world.violate('S7', `${name} overwrites ${before.updated_at}, of which ${device} never heard`);
	}
	if (!row) return;

	for (const [column, value] of valueEntries(row)) {
		if (before?.[column] === value) continue;
		const origin = origins.get(value);
		const wasThere = known.some((one) => one.row?.[column] === value || one.before?.[column] === value);
		// S3: only what somebody asked for is ever written.
		if (!origin && !wasThere)
			world.violate('S3', `${name} writes ${column} = ${value}, which nobody asked for`);
		// S18: a change is sent as the user in whose replica it was made.
		const owner = owners.get(value);
		if (owner !== undefined && owner !== userId && !wasThere)
			world.violate('S18', `${name}: ${value} of ${owner} is sent as ${userId}`);
		// S2: a value is applied once, unless somebody else changed the row in between.
		const last = earlier.findLastIndex((one) => one.row?.[column] === value);
		const othersSince = earlier.slice(last + 1).some((one) => !isOwn(one));
		if (last !== -1 && !othersSince && earlier[last]?.by?.startsWith(`${device}/`))
			world.violate('S2', `${name} applies ${column} = ${value} again`);
		// S5: one user's changes of a column on a device arrive in the order in which they were made.
		const overtaken = earlier.find((one) => {
			const other = one.row?.[column];
			const later = typeof other === 'string' ? origins.get(other) : undefined;
			const wasNew = one.before?.[column] !== other;
			return (
				origin &&
				later &&
				wasNew &&
				later.device === origin.device &&
				isOwn(one) &&
				later.order > origin.order
			);
		});
		if (overtaken && last === -1 && origin?.device === device)
			world.violate('S5', `${name}: ${value} arrives after ${overtaken.row?.[column]}, which was made later`);
	}

	// S2, where the server makes the ids: the same values in another row are the same create, sent twice. A row that
	// was deleted, or that somebody else has changed since, is not known again but by its name: the README says so.
	const isLost = (one: SimWrite) => one.kind === 'delete' || !isOwn(one);
	// One that is brought back by an edit differs in that.
	const isToldTwin = (one: SimWrite) =>
		isTold(one) && valueEntries(row).every(([column, value]) => one.row?.[column] === value);
	const isTwin = (one: SimWrite) =>
		one.kind === 'create' &&
		(isToldTwin(one) || !ofTable.some((other) => other.id === one.id && isLost(other))) &&
		one.by?.startsWith(`${device}/`) &&
		valueEntries(row).some(([column, value]) => one.row?.[column] === value && origins.has(value));
	if (kind === 'create' && table === 'tickets' && ofTable.some(isTwin))
		world.violate('S2', `${name} makes a row anew that was made before: ${JSON.stringify(row)}`);

	/** Sent again unheard, and deleted in between by somebody else: only a ledger could tell, and the README says so. */
	function isUnheard(): boolean {
		const own = world.devices.find((one) => one.name === device);
		const image = own && readReplica(own.disk, `app:${userId ?? 'anon'}`);
		const isWaiting = [...(image?.outbox.values() ?? [])].some(
			(one) => one.table === table && one.action === 'create' && String(one.rowId) === id,
		);
		const isRepeated = earlier.some(
			(one) =>
				one.kind === 'create' &&
				isOwn(one) &&
				!isTold(one) &&
				valueEntries(row).every(([column, value]) => one.row?.[column] === value),
		);
		return isWaiting && isRepeated;
	}

	// S9: what was deleted comes back only by a create, or by a rule that lets the local side win.
	const wasDeleted = kind === 'create' && earlier.some((one) => one.kind === 'delete');
	const isUndeleted = kind === 'update' && before?.deleted_at && !row.deleted_at;
	if ((wasDeleted && !isUnheard()) || isUndeleted) {
		const strategy = world.schema.strategies[table];
		const isAsked = valueEntries(row).some(([column, value]) => {
			const deletedAt = earlier.findLast((one) => !one.row || one.row.deleted_at)?.order ?? 0;
			const origin = origins.get(value);
			// Only a tombstone tells when it was made, so that an edit can be the later one.
			const isRight = origin?.action === 'create' || (strategy === 'latest-wins' && isUndeleted);
			return isRight && !earlier.some((one) => one.order <= deletedAt && one.row?.[column] === value);
		});
		if (!isAsked && (strategy === 'latest-wins' || strategy === 'remote-wins'))
			world.violate('S9', `${name} brings a deleted row back`);
	}
}
