import { randomUUID } from 'node:crypto';
import type { RowId, SyncConfig } from '../../src/index.ts';

/** Marks the demo's rows. Random, as all ids, so that nothing else in a real project is touched. */
export const team = randomUUID();

const filter = { team_id: team };

/** What each device registers. */
export const tables = [
	{ table: 'generations', conflictResolution: 'latest-wins', filter },
	{ table: 'prompt_history', conflictResolution: 'local-wins', filter },
	{
		table: 'quality_reports',
		conflictResolution: 'latest-wins',
		dependsOn: ['generations'],
		deletedField: 'deleted_at',
		filter,
	},
	{ table: 'model_configs', conflictResolution: 'remote-wins', filter },
] as const satisfies readonly Readonly<SyncConfig>[];

export type TableName = (typeof tables)[number]['table'];

/** The story's rows, by the names that it calls them. */
export const ids = {
	castle: randomUUID(),
	harbour: randomUUID(),
	forest: randomUUID(),
	'fog-prompt': randomUUID(),
	'old-prompt': randomUUID(),
	'castle-qa': randomUUID(),
	'harbour-qa': randomUUID(),
	'forest-qa': randomUUID(),
	sdxl: `sdxl-${randomUUID()}`,
} as const;

export type RowName = keyof typeof ids;

export const nameOf: ReadonlyMap<RowId, string> = new Map(
	Object.entries(ids).map(([name, id]) => [id, name]),
);
