import { PixSyncError } from '../core/errors.ts';
import type { Mutation } from '../core/mutation.ts';
import { referencesOf } from '../core/references.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Row, RowId } from '../core/types.ts';
import { isUuid } from '../core/uuid.ts';
import type { CheckedAction } from './action.ts';
import { readBases } from './bases.ts';
import type { DirectTransaction } from './direct-transaction.ts';
import { readHeld } from './held-rows.ts';
import { pendingAmong } from './outbox.ts';
import type { RowDraft } from './row-draft.ts';
import { storeOf } from './schema.ts';
import type { AliasRecord, BaseRecord } from './stores.ts';

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
	write(): void;
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

/**
 * Whether nothing need be read for an action: a create whose id names no row in another way, so that the database itself
 * refuses it where the row is there. Of a row deleted here whose conflict waits for somebody the create would have to
 * wait, too: tables that park conflicts by their strategy are read. Elsewhere, after a conflict that was given up, it is
 * queued as pending, and held back all the same.
 */
export function isPlainCreate({ action, spec, data, dataId, localId }: CheckedAction): boolean {
	if (action !== 'create' || localId !== null || referencesOf(spec, data).length > 0) return false;
	if (!spec.strategy.endsWith('-wins')) return false;
	return toNumber(dataId) === null && !(isUuid(dataId) && dataId !== dataId.toLowerCase());
}

/**
 * Reads all that the actions may need, a few requests a table.
 * @param isBlind they are plain creates: nothing is read, and the transaction fails where a row is there.
 */
export async function readDraft(
	transaction: DirectTransaction,
	actions: readonly CheckedAction[],
	isBlind: boolean,
): Promise<Draft> {
	const numeric = await readNumeric(transaction, actions);
	const read = new Map<string, RowDraft>();
	const readIds = async (spec: TableSpec, ids: readonly RowId[], changed: readonly RowId[]) => {
		for (const [id, row] of await readRows(transaction, spec, ids, changed))
			read.set(keyOf(spec.table, id), row);
	};
	const byTable = groupByTable(actions);
	const [aliases] = await Promise.all([
		readAliases(transaction, actions),
		...[...(isBlind ? [] : byTable)].map(([spec, own]) => {
			const isNumeric = numeric.has(spec.table);
			const changes = own.filter(({ action }) => action !== 'create');
			return readIds(spec, idsGiven(own, isNumeric), idsGiven(changes, isNumeric));
		}),
	]);
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
			const number = numeric.has(spec.table) ? toNumber(id) : null;
			if (number !== null) return number;
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
		write: () => writeLayer(transaction, settled, isBlind),
	};

	// What a localId names is known now; mostly nothing. Of a row that only a create gives, no mutations were looked for.
	for (const [spec, own] of byTable) {
		const named = own.flatMap(({ localId }) => {
			const id = localId === null ? undefined : draft.aliasOf(spec.table, String(localId));
			return id === undefined ? [] : [id];
		});
		const ids = [...new Set(named)];
		await readIds(spec, ids, ids);
	}
	return draft;
}

/** The tables whose keys are numbers, as far as it matters: only a text that reads as a number may mean one of them. */
async function readNumeric(
	transaction: DirectTransaction,
	actions: readonly CheckedAction[],
): Promise<ReadonlySet<string>> {
	const isMeant = ({ dataId, localId }: CheckedAction) =>
		[dataId, localId].some((id) => toNumber(id) !== null);
	const tables = [...new Set(actions.filter(isMeant).map(({ spec }) => spec.table))];
	// Numbers come before all texts.
	const numbers = await Promise.all(
		tables.map((table) => transaction.between(storeOf(table), -Infinity, Infinity).limit(1).primaryKeys()),
	);
	return new Set(tables.filter((_, at) => numbers[at]?.length));
}

/** The number that a text is the plain form of; null: it is none. */
function toNumber(id: RowId | null): number | null {
	if (typeof id !== 'string') return null;
	const number = Number(id);
	return Number.isFinite(number) && String(number) === id ? number : null;
}

function groupByTable(actions: readonly CheckedAction[]): ReadonlyMap<TableSpec, readonly CheckedAction[]> {
	const groups = new Map<TableSpec, CheckedAction[]>();
	for (const action of actions) {
		const group = groups.get(action.spec);
		if (group) group.push(action);
		else groups.set(action.spec, [action]);
	}
	return groups;
}

/** Each id as it was given, and as it may be stored. */
function idsGiven(actions: readonly CheckedAction[], isNumeric: boolean): readonly RowId[] {
	const ids = new Set<RowId>();
	for (const { dataId, localId } of actions) {
		for (const id of [dataId, localId]) {
			if (id === null) continue;
			ids.add(id);
			if (isUuid(id)) ids.add(id.toLowerCase());
			const number = isNumeric ? toNumber(id) : null;
			if (number !== null) ids.add(number);
		}
	}
	return [...ids];
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

async function readAliases(
	transaction: DirectTransaction,
	actions: readonly CheckedAction[],
): Promise<Map<string, RowId>> {
	const keys = actions.flatMap(({ spec, localId, data }): [string, string][] => [
		...(localId === null ? [] : [[spec.table, String(localId)] as [string, string]]),
		...referencesOf(spec, data).map(({ table, id }): [string, string] => [table, String(id)]),
	]);
	const found = await transaction.get<AliasRecord>('aliases', keys);
	return new Map(
		found.flatMap((alias) => (alias ? [[keyOf(alias.table, alias.localId), alias.id] as const] : [])),
	);
}

/**
 * A row that is parked or has a base record is dirty, so that a look at what is pending tells of all the others; and
 * of one that is only created it is not asked.
 * @param changed those of `ids` that are updated or deleted.
 */
async function readRows(
	transaction: DirectTransaction,
	spec: TableSpec,
	ids: readonly RowId[],
	changed: readonly RowId[],
): Promise<Map<RowId, RowDraft>> {
	if (ids.length === 0) return new Map();
	const [views, bases, pending] = await Promise.all([
		readHeld(transaction, spec, ids),
		readBases(transaction, spec.table, ids),
		pendingAmong(transaction, spec.table, changed),
	]);
	const toDraft = (id: RowId, at: number): RowDraft => {
		const base = bases[at] ?? null;
		return { view: views[at] ?? null, isDirty: base !== null || pending.has(id), base, isBaseNew: false };
	};
	return new Map(ids.map((id, at) => [id, toDraft(id, at)]));
}

function writeLayer(
	transaction: DirectTransaction,
	{ rows, aliases, mutations }: Layer,
	isBlind: boolean,
): void {
	const puts = new Map<string, Row[]>();
	const deletes = new Map<string, RowId[]>();
	const bases: BaseRecord[] = [];
	for (const { spec, id, row } of rows.values()) {
		if (!row.isDirty) continue;
		if (row.view) listOf(puts, spec.table).push(row.view);
		else listOf(deletes, spec.table).push(id);
		if (row.isBaseNew && row.base) bases.push(row.base);
	}
	// What was not looked for is to be refused.
	for (const [table, list] of puts) transaction.put(storeOf(table), list, isBlind);
	for (const [table, ids] of deletes) transaction.delete(storeOf(table), ids);
	if (mutations.length > 0) transaction.add('outbox', mutations);
	if (bases.length > 0) transaction.put('bases', bases);
	if (aliases.size > 0) transaction.put('aliases', [...aliases.values()]);
}

function listOf<T>(lists: Map<string, T[]>, key: string): T[] {
	const list = lists.get(key) ?? [];
	lists.set(key, list);
	return list;
}
