import { PixSyncError } from '../core/errors.ts';
import type { Mutation } from '../core/mutation.ts';
import { referencesOf } from '../core/references.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { isUuid } from '../core/uuid.ts';
import type { CheckedAction } from './action.ts';
import { dirtyAmong } from './outbox.ts';
import type { RowDraft } from './row-draft.ts';
import type { AliasRecord, BaseRecord, Stores } from './stores.ts';

type NewMutation = Omit<Mutation, 'seq'>;

/**
 * What was read for a batch of actions, with what they change laid over it, and written at the end in one go:
 * a thousand actions cost a handful of requests to the database.
 */
export interface Draft {
	aliasOf(table: string, localId: string): RowId | undefined;
	setAlias(spec: TableSpec, localId: string, id: RowId): void;
	/** A string that names a number key is converted once, here (R3). */
	toKey(spec: TableSpec, id: RowId): RowId;
	/** The row that an update or delete means. @throws PixSyncError `id-change`. */
	resolveId(action: CheckedAction): RowId;
	row(spec: TableSpec, id: RowId): RowDraft;
	setRow(spec: TableSpec, id: RowId, row: RowDraft): void;
	queue(mutation: NewMutation): void;
	/** Runs `work`; where it throws, nothing that it changed stays. */
	attempt<T>(work: () => T): T;
	write(stores: Stores): Promise<void>;
}

interface TouchedRow {
	readonly spec: TableSpec;
	readonly id: RowId;
	readonly row: RowDraft;
}

/** One layer of changes: all that is settled, or what the running attempt adds. */
interface Layer {
	readonly rows: Map<string, TouchedRow>;
	readonly aliases: Map<string, AliasRecord>;
	readonly mutations: NewMutation[];
}

const EMPTY: RowDraft = { view: null, isDirty: false, base: null, isBaseNew: false };

/** Reads all that the actions may need, a few requests a table. */
export async function readDraft(stores: Stores, actions: readonly CheckedAction[]): Promise<Draft> {
	const aliases = await readAliases(stores, actions);
	const read = new Map<string, RowDraft>();
	const numeric = new Set<string>();
	const settled = createLayer();
	let running: Layer | null = null;
	const top = () => running ?? settled;

	const draft: Draft = {
		aliasOf(table, localId) {
			const key = keyOf(table, localId);
			return (running?.aliases.get(key) ?? settled.aliases.get(key))?.id ?? aliases.get(key);
		},
		setAlias(spec, localId, id) {
			top().aliases.set(keyOf(spec.table, localId), { table: spec.table, localId, id });
		},
		toKey(spec, id) {
			if (typeof id === 'number') return id;
			const asNumber = Number(id);
			if (numeric.has(spec.table) && Number.isFinite(asNumber) && String(asNumber) === id) return asNumber;
			// PostgreSQL tells uuids in lower case, whatever case they came in.
			return isUuid(id) && !draft.row(spec, id).view ? id.toLowerCase() : id;
		},
		resolveId({ spec, dataId, localId }) {
			const named =
				localId === null ? null : (draft.aliasOf(spec.table, String(localId)) ?? draft.toKey(spec, localId));
			const own = dataId === null ? null : draft.toKey(spec, dataId);
			if (named !== null && own !== null && named !== own) throw idChange(spec, named);
			const id = named ?? own;
			if (id === null) throw new Error('unreachable: a checked update or delete carries an id');
			return id;
		},
		row(spec, id) {
			const key = keyOf(spec.table, id);
			return (running?.rows.get(key) ?? settled.rows.get(key))?.row ?? read.get(key) ?? EMPTY;
		},
		setRow(spec, id, row) {
			top().rows.set(keyOf(spec.table, id), { spec, id, row });
		},
		queue(mutation) {
			top().mutations.push(mutation);
		},
		attempt(work) {
			running = createLayer();
			try {
				const result = work();
				for (const [key, row] of running.rows) settled.rows.set(key, row);
				for (const [key, alias] of running.aliases) settled.aliases.set(key, alias);
				for (const mutation of running.mutations) settled.mutations.push(mutation);
				return result;
			} finally {
				running = null;
			}
		},
		write: (target) => writeLayer(target, settled),
	};

	const specs = new Map(actions.map(({ spec }) => [spec.table, spec]));
	for (const [table, spec] of specs) {
		// What names no row needs no look at the others.
		const isNamed = actions.some((one) => one.spec.table === table && (one.dataId ?? one.localId) !== null);
		const [first] = isNamed ? await stores.rows(table).limit(1).primaryKeys() : [];
		if (typeof first === 'number') numeric.add(table);
		const ids = new Set<RowId>();
		for (const { spec: own, dataId, localId } of actions) {
			if (own.table !== table) continue;
			for (const given of [dataId, localId]) {
				if (given === null) continue;
				ids.add(given);
				ids.add(draft.toKey(spec, given));
			}
			const named = localId === null ? undefined : draft.aliasOf(table, String(localId));
			if (named !== undefined) ids.add(named);
		}
		for (const [id, row] of await readRows(stores, spec, [...ids])) read.set(keyOf(table, id), row);
	}
	return draft;
}

function createLayer(): Layer {
	return { rows: new Map(), aliases: new Map(), mutations: [] };
}

/** The id keeps its type in the key: row '1' is not row 1. */
function keyOf(table: string, id: RowId): string {
	return `${typeof id} ${String(id)} ${table}`;
}

function idChange(spec: TableSpec, id: RowId): PixSyncError {
	return new PixSyncError('id-change', `Table "${spec.table}": an action cannot change the id`, {
		table: spec.table,
		id,
		hint: 'Create a row with the new id and delete the old one.',
	});
}

async function readAliases(stores: Stores, actions: readonly CheckedAction[]): Promise<Map<string, RowId>> {
	const keys = actions.flatMap(({ spec, localId, data }): [string, string][] => [
		...(localId === null ? [] : [[spec.table, String(localId)] as [string, string]]),
		...referencesOf(spec, data).map(({ table, id }): [string, string] => [table, String(id)]),
	]);
	const found = keys.length === 0 ? [] : await stores.aliases.bulkGet(keys);
	return new Map(
		found.flatMap((alias) => (alias ? [[keyOf(alias.table, alias.localId), alias.id] as const] : [])),
	);
}

async function readRows(stores: Stores, spec: TableSpec, ids: RowId[]): Promise<Map<RowId, RowDraft>> {
	if (ids.length === 0) return new Map();
	const [views, bases, dirty] = await Promise.all([
		stores.rows(spec.table).bulkGet(ids),
		stores.bases.bulkGet(ids.map((id) => [spec.table, id])),
		dirtyAmong(stores, spec.table, ids),
	]);
	return new Map(
		ids.map((id, at) => [
			id,
			{ view: views[at] ?? null, isDirty: dirty.has(id), base: bases[at] ?? null, isBaseNew: false },
		]),
	);
}

async function writeLayer(stores: Stores, { rows, aliases, mutations }: Layer): Promise<void> {
	const puts = new Map<string, Row[]>();
	const deletes = new Map<string, RowId[]>();
	const bases: BaseRecord[] = [];
	for (const { spec, id, row } of rows.values()) {
		if (!row.isDirty) continue;
		if (row.view) listOf(puts, spec.table).push(row.view);
		else listOf(deletes, spec.table).push(id);
		if (row.isBaseNew && row.base) bases.push(row.base);
	}
	const requests: PromiseLike<unknown>[] = [];
	for (const [table, list] of puts) requests.push(stores.rows(table).bulkPut(list));
	for (const [table, ids] of deletes) requests.push(stores.rows(table).bulkDelete(ids));
	if (mutations.length > 0) requests.push(stores.outbox.bulkAdd([...mutations]));
	if (bases.length > 0) requests.push(stores.bases.bulkPut(bases));
	if (aliases.size > 0) requests.push(stores.aliases.bulkPut([...aliases.values()]));
	await Promise.all(requests);
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
	const list = lists.get(key) ?? [];
	lists.set(key, list);
	return list;
}
