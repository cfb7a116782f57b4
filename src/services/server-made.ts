import type { Base, PushMutation } from '../core/mutation.ts';
import { isSameOnServer } from '../core/row-diff.ts';
import { type TableSpec, versionOf } from '../core/table-spec.ts';
import type { Row } from '../core/types.ts';
import type { Stores } from './stores.ts';

/**
 * Columns that updates from here have shown to be set by the server itself: a trigger's counter, a generated column.
 * They come out otherwise than in the base without anybody having written, which matters where a change has arrived
 * unheard.
 */
export async function readServerMade(stores: Stores, spec: TableSpec): Promise<ReadonlySet<string>> {
	const stored = (await stores.meta.get(keyOf(spec)))?.value as readonly string[] | undefined;
	return new Set(stored);
}

/** Those that one update of ours has shown: it did not send them, and its echo holds them otherwise than its base. */
export function serverMadeBy(
	spec: TableSpec,
	{ kind, base: version, body }: PushMutation,
	base: Base | undefined,
	echo: Row,
): readonly string[] {
	if (kind !== 'update' || base?.kind !== 'held' || versionOf(spec, base.row) !== version) return [];
	const { row } = base;
	return Object.keys(row).filter(
		(column) =>
			column !== spec.timestampField &&
			column in echo &&
			!(body && column in body) &&
			!isSameOnServer(row[column], echo[column]),
	);
}

/** Adds what was shown to what is known. */
export async function noteServerMade(
	stores: Stores,
	spec: TableSpec,
	known: ReadonlySet<string>,
	shown: ReadonlySet<string>,
): Promise<void> {
	const columns = new Set([...known, ...shown]);
	if (columns.size > known.size) await stores.meta.put({ key: keyOf(spec), value: [...columns] });
}

const keyOf = ({ table }: TableSpec) => `server-made:${table}`;
