import { PixSyncError } from './errors.ts';

/** Table → the tables that its rows refer to (`dependsOn`). A table that names itself says nothing about order. */
export type Dependencies = ReadonlyMap<string, readonly string[]>;

/**
 * Every table once, parents before their dependants; where that says nothing, in the map's own order (R14).
 * Throws `unregistered-table` or `cyclic-dependency`.
 */
export function topologicalOrder(tables: Dependencies): string[] {
	const order: string[] = [];
	const settled = new Set<string>();
	const path: string[] = [];

	function visit(table: string): void {
		if (settled.has(table)) return;
		if (path.includes(table)) throw cyclicDependency([...path.slice(path.indexOf(table)), table]);
		const parents = tables.get(table);
		if (parents === undefined) throw unregisteredParent(table, path.at(-1));
		path.push(table);
		for (const parent of parents) if (parent !== table) visit(parent);
		path.pop();
		settled.add(table);
		order.push(table);
	}

	for (const table of tables.keys()) visit(table);
	return order;
}

/** The tables that this one depends on, directly or not, itself excluded; nearest first. Unregistered names count. */
export function ancestorsOf(table: string, deps: Dependencies): string[] {
	const found = new Set<string>([table]);
	// A Set hands out what is added while it is walked: breadth first, and a cycle ends by itself.
	for (const name of found) for (const parent of deps.get(name) ?? []) found.add(parent);
	found.delete(table);
	return [...found];
}

/** The tables that name this one in their `dependsOn`, itself excluded. */
export function dependantsOf(table: string, deps: Dependencies): string[] {
	return [...deps].flatMap(([name, parents]) => (name !== table && parents.includes(table) ? [name] : []));
}

function cyclicDependency(cycle: readonly string[]): PixSyncError {
	return new PixSyncError('cyclic-dependency', `dependsOn runs in a circle: ${cycle.join(' → ')}`, {
		hint: 'Leave one of these out of dependsOn; refusals for a missing parent are retried anyhow.',
	});
}

function unregisteredParent(parent: string, table = parent): PixSyncError {
	return new PixSyncError('unregistered-table', `dependsOn names "${parent}", which is not registered`, {
		hint: `Call registerTable({ table: '${parent}' }) or correct dependsOn.`,
		table,
	});
}
