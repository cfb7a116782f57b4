import Dexie, { RangeSet } from 'dexie';

/** What a transaction beside Dexie has changed, for Dexie's live queries. */
export interface MutatedParts {
	/** @param requests of an auto-incremented store: they end with the keys. */
	written(store: string, records: readonly object[], requests?: readonly IDBRequest<IDBValidKey>[]): void;
	deleted(store: string, keys: readonly IDBValidKey[]): void;
	/** After the commit. */
	tell(): void;
}

/** From so many records on, all of a store counts as changed: as with Dexie's own writes. */
const MANY = 50;

/** Source: Dexie's `ObservabilitySet`, `idb://database/store/index`, the primary key being the index without a name. */
export function createMutatedParts(dexie: Dexie): MutatedParts {
	const parts: Record<string, RangeSet> = {};
	const late: (() => void)[] = [];

	function partOf(store: string, index: string): RangeSet {
		const name = `idb://${dexie.name}/${store}/${index}`;
		parts[name] ??= new RangeSet();
		return parts[name];
	}

	// What is no key is in no index: the set leaves it out.
	const add = (store: string, index: string, keys: readonly unknown[]) =>
		partOf(store, index).addKeys(keys.filter((key) => key !== undefined && key !== null) as never[]);

	/** What a record was before is not looked at: whoever has seen it there is told by its primary key. */
	function addPrimary(store: string, keys: readonly unknown[]): void {
		add(store, '', keys);
		add(store, ':dels', keys);
	}

	return {
		written(store, records, requests) {
			const { primKey, indexes } = dexie.table(store).schema;
			const keysOf = (path: KeyPath) => records.map((record) => keyOf(record, path));
			if (records.length >= MANY) {
				for (const index of ['', ':dels', ...indexes.map(({ name }) => name)])
					partOf(store, index).add({ from: Number.NEGATIVE_INFINITY, to: [[]] });
				return;
			}
			// A key that has just been made has been seen by nobody.
			if (requests) late.push(() => add(store, '', resultsOf(requests)));
			else addPrimary(store, keysOf(primKey.keyPath));
			for (const { name, multi, keyPath } of indexes) {
				const keys = keysOf(keyPath);
				add(store, name, multi ? keys.flat() : keys);
			}
		},
		deleted: addPrimary,
		tell() {
			for (const step of late) step();
			if (Object.keys(parts).length > 0) Dexie.on.storagemutated.fire(parts);
		},
	};
}

function resultsOf(requests: readonly IDBRequest<IDBValidKey>[]): readonly IDBValidKey[] {
	return requests.map(({ result }) => result);
}

type KeyPath = string | string[] | undefined;

function keyOf(record: object, path: KeyPath): unknown {
	return Array.isArray(path)
		? path.map((part) => keyOf(record, part))
		: Dexie.getByKeyPath(record, path ?? '');
}
