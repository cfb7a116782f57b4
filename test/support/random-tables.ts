import type { SyncConfig } from '../../src/index.ts';
import type { RandomSource } from './random-source.ts';
import { touchTrigger } from './supabase/index.ts';

/*
 * The three tables of the random programs:
 *
 *   projects (hard deletes, latest-wins) ◀─ tasks (soft deletes, local-wins) ◀─ labels (hard deletes, remote-wins)
 *
 * A task may be without a project. Label keys are texts that both devices draw from one small pool, so that both
 * may create the same label.
 */

export type TableName = 'projects' | 'tasks' | 'labels';

export const TABLES: readonly TableName[] = ['projects', 'tasks', 'labels'];

export const CONFIGS: readonly SyncConfig[] = [
	{ table: 'projects' },
	{ table: 'tasks', dependsOn: ['projects'], deletedField: 'deleted_at', conflictResolution: 'local-wins' },
	{ table: 'labels', dependsOn: ['tasks'], conflictResolution: 'remote-wins' },
];

/** The column that refers to the parent table. */
export const PARENT_COLUMN = { projects: null, tasks: 'project_id', labels: 'task_id' } as const;

/** `origin` names the create that made the row: no two rows may have the same. */
export const TABLES_SQL = `
	create table projects (
		id uuid primary key, origin text, name text not null, note text, budget numeric(12,2),
		archived boolean not null default false, meta jsonb, updated_at timestamptz not null default now()
	);
	create table tasks (
		id uuid primary key, origin text, project_id uuid references projects on delete no action,
		title text not null, note text, done boolean not null default false, estimate numeric(8,2), due_at timestamptz,
		meta jsonb, updated_at timestamptz not null default now(), deleted_at timestamptz
	);
	create table labels (
		id text primary key, origin text, task_id uuid not null references tasks on delete no action,
		color text, weight numeric(8,3), visible boolean, meta jsonb, updated_at timestamptz not null default now()
	);
	${TABLES.map((table) => touchTrigger(table)).join('\n')}
`;

/** Without its trigger a table takes the timestamps that the devices send. */
export function setTriggersSql(enabled: boolean): string {
	const verb = enabled ? 'enable' : 'disable';
	return TABLES.map((table) => `alter table ${table} ${verb} trigger touch_updated_at;`).join('\n');
}

type Value = (random: RandomSource) => unknown;

const text: Value = (random) => random.pick(['', 'plain', "o'clock", 'ß — 漢字 🎉', 'a,b(c)"d"\\e', 'null']);
const flag: Value = (random) => random.chance(0.5);
const instant: Value = (random) => new Date(1_700_000_000_000 + random.below(10_000_000_000)).toISOString();
const orNull =
	(value: Value): Value =>
	(random) =>
		random.chance(0.25) ? null : value(random);
const decimal =
	(digits: number): Value =>
	(random) =>
		Number((random.next() * 2_000 - 1_000).toFixed(digits)) + 0;
const json: Value = (random) =>
	random.pick([{ a: random.below(5), b: [1, { c: null }] }, [], {}, 'text', random.below(9), true, [null]]);
/** Says who wrote it and when, so that no two writes agree by accident. */
const named: Value = (random) => `n${random.below(1e9)}`;

const COLUMNS: Readonly<Record<TableName, Readonly<Record<string, Value>>>> = {
	projects: {
		name: named,
		note: orNull(text),
		budget: orNull(decimal(2)),
		archived: flag,
		meta: orNull(json),
	},
	tasks: {
		title: named,
		note: orNull(text),
		done: flag,
		estimate: orNull(decimal(2)),
		due_at: orNull(instant),
		meta: orNull(json),
	},
	labels: { color: orNull(text), weight: orNull(decimal(3)), visible: orNull(flag), meta: orNull(json) },
};

const REQUIRED: Readonly<Record<TableName, string | null>> = {
	projects: 'name',
	tasks: 'title',
	labels: null,
};

/** Columns of a new row, without its id and its parent. */
export function randomRow(random: RandomSource, table: TableName): Record<string, unknown> {
	const row: Record<string, unknown> = {};
	for (const [column, value] of Object.entries(COLUMNS[table])) {
		if (column === REQUIRED[table] || random.chance(0.6)) row[column] = value(random);
	}
	return row;
}

/** Some columns to change; at least one. */
export function randomPatch(random: RandomSource, table: TableName): Record<string, unknown> {
	const columns = Object.entries(COLUMNS[table]);
	const patch: Record<string, unknown> = {};
	for (let left = 1 + random.below(3); left > 0; left--) {
		const [column, value] = random.pick(columns);
		patch[column] = value(random);
	}
	return patch;
}

export function randomLabelId(random: RandomSource): string {
	return `${random.pick(['tag', 'a,b', 'q"uote', 'pa(r)en', 'per%cent', 'sp ace', 'back\\slash', 'ümläut'])}-${random.below(12)}`;
}
