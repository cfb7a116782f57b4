import { PixSyncError } from '../core/errors.ts';
import type { Mutation } from '../core/mutation.ts';
import {
	groupByLetter,
	type RejectedWrite,
	type RetriedWrites,
	toRejectedWrite,
} from '../core/rejected-write.ts';
import type { TableSpec } from '../core/table-spec.ts';
import { ancestorsOf } from '../core/topology.ts';
import type { RowId } from '../core/types.ts';
import { type LetterDraft, toLetterEdit } from './letter-edit.ts';
import type { MutateOptions } from './mutate.ts';
import { dirtyOf, ofStatus, releaseAliases } from './outbox.ts';
import { createRowRevival } from './row-revival.ts';
import type { Stores } from './stores.ts';

/** The registered tables by name. Letters of other tables stay where they are, unseen. */
export type Specs = ReadonlyMap<string, TableSpec>;

/** What the user may do about refused changes (R8). Each call is one transaction. */
export interface DeadLetters {
	/** Oldest first: in queue order. */
	list(specs: readonly TableSpec[]): Promise<readonly RejectedWrite[]>;
	/**
	 * Makes a letter pending again, or all in queue order. Of all, those stay whose row is deleted here by a change
	 * that waits.
	 * @throws PixSyncError `not-found` (no such letter, or its row is deleted here), `bad-action`, `missing-data`,
	 * `id-change`.
	 */
	retry(specs: Specs, wish: RetryWish): Promise<RetriedWrites & Woken>;
	/** @throws PixSyncError `not-found`. */
	discard(specs: Specs, letter: string): Promise<Woken>;
}

export interface RetryWish {
	/** Undefined: all. */
	readonly letter: string | undefined;
	readonly edit: LetterDraft | null;
}

export interface Woken {
	/** Tables with something to upload by now: the letters' own, and those whose rows waited for one of theirs. */
	readonly tables: readonly string[];
}

/** One letter's mutations, in queue order. */
type Letter = readonly Mutation[];

export function createDeadLetters(options: MutateOptions): DeadLetters {
	const { store } = options;

	/** Does `work` with the letters that a call means, in a transaction over their tables. */
	async function withLetters<T>(
		specs: Specs,
		id: string | undefined,
		work: (stores: Stores, letters: readonly Letter[]) => Promise<T>,
	): Promise<T> {
		// Looked for first: a table with a letter has its store, one that is only just being added may not.
		const found = await store.transact('r', [], (stores) => readLetters(stores, specs.values(), id));
		const tables = new Set(found.map(tableOf));
		const own = [...specs.values()].filter(({ table }) => tables.has(table));
		return store.transact('rw', [...tables], async (stores) =>
			work(stores, await readLetters(stores, own, id)),
		);
	}

	return {
		async list(specs) {
			const letters = await store.transact('r', [], (stores) => readLetters(stores, specs));
			return letters.flatMap((letter) => toRejectedWrite(letter) ?? []);
		},

		retry: (specs, { letter: id, edit }) =>
			withLetters(specs, id, async (stores, letters) => {
				const revival = createRowRevival(stores, options);
				const retried: Letter[] = [];
				for (const letter of letters) {
					const spec = specs.get(tableOf(letter));
					if (!spec) continue;
					if (await revival.revive(spec, letter, edit && toLetterEdit(spec, letter, edit)))
						retried.push(letter);
					else if (id !== undefined) throw deletedHere(letter);
				}
				await revival.write();
				return {
					letters: retried.flatMap(([first]) => first?.letter ?? []),
					mutations: retried.reduce((sum, { length }) => sum + length, 0),
					tables: [...new Set([...retried.map(tableOf), ...(await waitingFor(stores, specs, retried))])],
				};
			}),

		discard: async (specs, id) => {
			// An app without types may pass a wrong variable: that must not mean "all" here.
			if (typeof id !== 'string') throw noSuchLetter(id);
			return withLetters(specs, id, async (stores, letters) => {
				await stores.outbox.bulkDelete(letters.flat().map(({ seq }) => seq));
				for (const letter of letters) await releaseLocalId(stores, letter);
				return { tables: await waitingFor(stores, specs, letters) };
			});
		},
	};
}

/** In queue order; all of the tables', or the one named. @throws PixSyncError `not-found`. */
async function readLetters(
	stores: Stores,
	specs: Iterable<TableSpec>,
	id?: string,
): Promise<readonly Letter[]> {
	const rejected = await Promise.all(
		[...specs].map(({ table }) => ofStatus(stores, table, 'rejected').toArray()),
	);
	const letters = groupByLetter(rejected.flat());
	if (id === undefined) return [...letters.values()];
	const letter = letters.get(id);
	if (!letter) throw noSuchLetter(id);
	return [letter];
}

/** Those of the tables that may refer to what the letters create, directly or not, and that have something to send. */
async function waitingFor(
	stores: Stores,
	specs: Specs,
	letters: readonly Letter[],
): Promise<readonly string[]> {
	const parents = new Set(letters.filter(hasCreate).map(tableOf));
	const deps = new Map([...specs].map(([table, { dependsOn }]) => [table, dependsOn]));
	const dependants = [...deps].flatMap(([table, own]) =>
		[...own, ...ancestorsOf(table, deps)].some((parent) => parents.has(parent)) ? table : [],
	);
	const counts = await Promise.all(dependants.map((table) => ofStatus(stores, table, 'pending').count()));
	return dependants.filter((_, at) => (counts[at] ?? 0) > 0);
}

/**
 * The localId of a row that never came to be is free again. The row may have come to be in another way: the app
 * created it anew under the same id, and that one is held or waits.
 */
async function releaseLocalId(stores: Stores, letter: Letter): Promise<void> {
	const [first] = letter;
	if (!first || !hasCreate(letter)) return;
	const { table, rowId } = first;
	const [waiting, rejected, held, base] = await Promise.all([
		dirtyOf(stores, table, rowId),
		stores.outbox.where('[table+status+rowId]').equals([table, 'rejected', rowId]).toArray(),
		stores.rows(table).where(':id').equals(rowId).count(),
		stores.bases.get([table, rowId]),
	]);
	const exists = held > 0 || base?.base.kind === 'held' || hasCreate([...waiting, ...rejected]);
	if (!exists) await releaseAliases(stores, table, new Set<RowId>([rowId]));
}

function hasCreate(mutations: readonly Mutation[]): boolean {
	return mutations.some(({ action }) => action === 'create');
}

function tableOf(letter: Letter): string {
	const [first] = letter;
	if (!first) throw new Error('unreachable: a letter holds a mutation');
	return first.table;
}

function noSuchLetter(id: string): PixSyncError {
	return new PixSyncError('not-found', `There is no rejected change ${JSON.stringify(id)}`, {
		hint: 'Pass an id from getRejected(); the change may have been retried or discarded meanwhile.',
	});
}

function deletedHere([first]: Letter): PixSyncError {
	return new PixSyncError('not-found', `The row ${JSON.stringify(first?.rowId)} was deleted here`, {
		...(first ? { table: first.table, id: first.rowId } : {}),
		hint: 'There is nothing left to change: discard the refused change, or create the row anew.',
	});
}
