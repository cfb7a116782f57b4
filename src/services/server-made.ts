import type { Base, PushMutation } from '../core/mutation.ts';
import { isSameOnServer } from '../core/row-diff.ts';
import { type TableSpec, versionOf } from '../core/table-spec.ts';
import type { Row } from '../core/types.ts';
import type { Run } from './run.ts';
import type { Stores } from './stores.ts';

/**
 * Columns that the server sets by itself when a row is updated: a trigger's counter, a generated column. They come out
 * otherwise than in the base without anybody having written, which matters where a change has arrived unheard.
 * Null: no update from here has been echoed yet, so that nobody knows.
 */
export async function readServerMade(
	stores: Stores,
	{ spec, session }: Run,
): Promise<ReadonlySet<string> | null> {
	const known = session.serverMade.get(spec.table);
	if (known !== undefined) return known;
	const stored = (await stores.meta.get(keyOf(spec)))?.value as readonly string[] | undefined;
	const columns = stored ? new Set(stored) : null;
	session.serverMade.set(spec.table, columns);
	return columns;
}

/** What one update of ours has shown: columns that it did not send, and that its echo holds otherwise than its base. */
export function serverMadeBy(
	spec: TableSpec,
	{ kind, base: version, body }: PushMutation,
	base: Base | undefined,
	echo: Row,
): readonly string[] | null {
	if (kind !== 'update' || base?.kind !== 'held' || versionOf(spec, base.row) !== version) return null;
	const { row } = base;
	return Object.keys(row).filter(
		(column) =>
			column !== spec.timestampField &&
			column in echo &&
			!(body && column in body) &&
			!isSameOnServer(row[column], echo[column]),
	);
}

/** Adds to what is known. */
export async function noteServerMade(
	stores: Stores,
	run: Run,
	seen: readonly (readonly string[])[],
): Promise<void> {
	if (seen.length === 0) return;
	const { spec, session } = run;
	const known = await readServerMade(stores, run);
	const columns = new Set(seen.flat());
	if (known && [...columns].every((column) => known.has(column))) return;
	// Another tab may have learned of some meanwhile.
	session.serverMade.delete(spec.table);
	for (const column of (await readServerMade(stores, run)) ?? []) columns.add(column);
	await stores.meta.put({ key: keyOf(spec), value: [...columns] });
	session.serverMade.set(spec.table, columns);
}

const keyOf = ({ table }: TableSpec) => `server-made:${table}`;
