import type { SyncActor, SyncLike } from './panel-model.ts';

/**
 * Calls `onChange` after each change of the root, of a table that it has or will have, or of the manager's counts.
 * @returns stop
 */
export function watchSource(actor: SyncActor, sync: SyncLike | null, onChange: () => void): () => void {
	const tables = new Map<string, { unsubscribe(): void }>();

	function watchTables(): void {
		for (const [table, { ref }] of Object.entries(actor.getSnapshot().context.tables)) {
			if (!tables.has(table)) tables.set(table, ref.subscribe(onChange));
		}
	}

	const root = actor.subscribe(() => {
		watchTables();
		onChange();
	});
	const stopCounts = sync?.subscribe(onChange);
	watchTables();

	return () => {
		root.unsubscribe();
		stopCounts?.();
		for (const table of tables.values()) table.unsubscribe();
	};
}
