import type { Row } from '../../src/core/types.ts';
import type { SyncConfig } from '../../src/index.ts';
import type { RowPolicies } from '../support/memory-policies.ts';
import type { MemoryTableDefinition } from '../support/memory-table.ts';
import { specOf } from '../support/mutations.ts';
import type { RandomSource } from '../support/random-source.ts';

/**
 * Tables of every simulated app: a tree of two by foreign key with hard and soft deletes, one by itself, and one whose
 * ids the server makes.
 */
export const SIM_TABLES = ['projects', 'tasks', 'notes', 'tickets'] as const;
export type SimTable = (typeof SIM_TABLES)[number];

/** Columns that operations write; each value is written once in a run, so that it tells who wrote it. */
export const VALUE_COLUMNS = ['title', 'body'] as const;

/** A title that the server's check constraint refuses. */
export const POISON = 'poison';

type Strategy = Exclude<SyncConfig['conflictResolution'], undefined | ((...given: never[]) => unknown)>;
export const STRATEGIES = [
	'latest-wins',
	'local-wins',
	'remote-wins',
	'merge',
	'manual',
] as const satisfies Strategy[];

/** How the tables of one run are configured. */
export interface SimSchema {
	readonly strategies: Readonly<Record<SimTable, (typeof STRATEGIES)[number]>>;
	/** Whether a trigger stamps the rows, or whoever writes them. */
	readonly stamps: Readonly<Record<SimTable, 'trigger' | 'writer'>>;
}

export function randomSchema(random: RandomSource): SimSchema {
	const each = <T>(draw: () => T) => ({
		projects: draw(),
		tasks: draw(),
		notes: draw(),
		tickets: draw(),
	});
	return {
		strategies: each(() => random.pick(STRATEGIES)),
		stamps: each(() => (random.chance(0.7) ? 'trigger' : 'writer')),
	};
}

export function configsOf({ strategies }: SimSchema): readonly SyncConfig[] {
	return [
		{ table: 'projects', conflictResolution: strategies.projects },
		{
			table: 'tasks',
			conflictResolution: strategies.tasks,
			dependsOn: ['projects'],
			deletedField: 'deleted_at',
		},
		{ table: 'notes', conflictResolution: strategies.notes },
		{ table: 'tickets', conflictResolution: strategies.tickets, ids: 'server' },
	];
}

const COLUMNS = { id: null, title: null, body: null, owner: null, updated_at: null };

export function definitionsOf(schema: SimSchema): readonly MemoryTableDefinition[] {
	return configsOf(schema).map((config) => ({
		spec: specOf(config),
		stamps: schema.stamps[config.table as SimTable],
		columns: config.table === 'tasks' ? { ...COLUMNS, project_id: null, deleted_at: null } : COLUMNS,
		...(config.table === 'tasks' ? { references: { project_id: 'projects' } } : {}),
		isSerial: config.table === 'tickets',
		reject: ({ title }: Row) =>
			title === POISON ? { code: '23514', message: 'new row violates check constraint' } : null,
	}));
}

/** Rows without an owner are everybody's; the others are seen and written by their owner alone. */
const OWN: RowPolicies = {
	isVisible: isVisibleTo,
	mayBecome: isVisibleTo,
};

export const POLICIES: Readonly<Record<SimTable, RowPolicies>> = {
	projects: OWN,
	tasks: OWN,
	notes: OWN,
	tickets: OWN,
};

export function isVisibleTo(row: Row, userId: string | null): boolean {
	return (row.owner ?? null) === null || row.owner === userId;
}

/** All tables with one strategy, stamped by triggers. */
export function schemaOf(strategy: (typeof STRATEGIES)[number]): SimSchema {
	const all = <T>(value: T) => ({ projects: value, tasks: value, notes: value, tickets: value });
	return { strategies: all(strategy), stamps: all('trigger') };
}
