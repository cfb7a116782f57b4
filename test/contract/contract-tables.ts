import type { SyncConfig } from '../../src/core/types.ts';
import type { MemoryTableDefinition } from '../support/memory-table.ts';
import { specOf } from '../support/mutations.ts';
import { touchTrigger } from '../support/supabase/index.ts';

/** One table of the contract, said twice: for PostgreSQL and for the in-memory server. */
export interface ContractTable {
	readonly sql: string;
	readonly memory: MemoryTableDefinition;
}

/** As the app would register them; a test may ask by another spec of the same table. */
export const CONFIGS = {
	/** Stamped by a trigger; the richest one. */
	notes: { table: 'notes' },
	/** Stamped by whoever writes. */
	bare: { table: 'bare' },
	/** Keys of any text, stamped by whoever writes. */
	tags: { table: 'tags' },
	/** Number keys. */
	counters: { table: 'counters' },
	/** Names of its own for the key, the timestamp and a boolean tombstone. */
	places: {
		table: 'places',
		idField: 'code',
		timestampField: 'changed_at',
		deletedField: { field: 'is_gone', type: 'boolean' },
	},
	parents: { table: 'parents' },
	children: { table: 'children', dependsOn: ['parents'] },
	/** The server makes its keys. */
	tickets: { table: 'tickets', ids: 'server' },
	/** Refers to itself. */
	branches: { table: 'branches', dependsOn: ['branches'] },
	/** Rows titled `hidden` are out of sight, those titled `locked` cannot be changed by a device. */
	secrets: { table: 'secrets' },
	/** Its timestamp may be NULL. */
	loose: { table: 'loose' },
} as const satisfies Record<string, SyncConfig>;

export type ContractTableName = keyof typeof CONFIGS;

const STAMP = 'updated_at timestamptz not null default now()';

export const CONTRACT_TABLES: Readonly<Record<ContractTableName, ContractTable>> = {
	notes: {
		sql: `create table notes (id uuid primary key, title text check (title <> 'poison'), slug text unique, n int,
				meta jsonb, gone boolean not null default false, deleted_at timestamptz, ${STAMP});
			${touchTrigger('notes')}`,
		memory: {
			spec: specOf(CONFIGS.notes),
			columns: {
				...{ id: null, title: null, slug: null, n: null, meta: null },
				...{ gone: false, deleted_at: null, updated_at: null },
			},
			timestamps: ['deleted_at'],
			unique: ['slug'],
			reject: ({ title }) =>
				title === 'poison' ? { code: '23514', message: 'new row violates check constraint' } : null,
		},
	},
	bare: {
		sql: `create table bare (id uuid primary key, title text, n int, deleted_at timestamptz, ${STAMP});`,
		memory: {
			spec: specOf(CONFIGS.bare),
			stamps: 'writer',
			columns: { id: null, title: null, n: null, deleted_at: null, updated_at: null },
			timestamps: ['deleted_at'],
		},
	},
	tags: {
		sql: `create table tags (id text primary key, title text, ${STAMP});`,
		memory: {
			spec: specOf(CONFIGS.tags),
			stamps: 'writer',
			columns: { id: null, title: null, updated_at: null },
		},
	},
	counters: {
		sql: `create table counters (id bigint primary key, title text, ${STAMP}); ${touchTrigger('counters')}`,
		memory: { spec: specOf(CONFIGS.counters), columns: { id: null, title: null, updated_at: null } },
	},
	places: {
		sql: `create table places (code text primary key, name text, is_gone boolean not null default false,
				changed_at timestamptz not null default now());`,
		memory: {
			spec: specOf(CONFIGS.places),
			stamps: 'writer',
			columns: { code: null, name: null, is_gone: false, changed_at: null },
		},
	},
	parents: {
		sql: `create table parents (id uuid primary key, title text, ${STAMP}); ${touchTrigger('parents')}`,
		memory: { spec: specOf(CONFIGS.parents), columns: { id: null, title: null, updated_at: null } },
	},
	children: {
		sql: `create table children (id uuid primary key, parent_id uuid not null references parents, ${STAMP});
			${touchTrigger('children')}`,
		memory: {
			spec: specOf(CONFIGS.children),
			columns: { id: null, parent_id: null, updated_at: null },
			references: { parent_id: 'parents' },
		},
	},
	tickets: {
		sql: `create table tickets (id bigint generated always as identity primary key,
				title text check (title <> 'poison'), n int default 7, ${STAMP}); ${touchTrigger('tickets')}`,
		memory: {
			spec: specOf(CONFIGS.tickets),
			isSerial: true,
			columns: { id: null, title: null, n: 7, updated_at: null },
			reject: ({ title }) =>
				title === 'poison' ? { code: '23514', message: 'new row violates check constraint' } : null,
		},
	},
	branches: {
		sql: `create table branches (id uuid primary key, up uuid references branches, ${STAMP});
			${touchTrigger('branches')}`,
		memory: {
			spec: specOf(CONFIGS.branches),
			columns: { id: null, up: null, updated_at: null },
			references: { up: 'branches' },
		},
	},
	secrets: {
		sql: `create table secrets (id uuid primary key, title text not null, ${STAMP}); ${touchTrigger('secrets')}
			alter table secrets enable row level security;
			create policy s on secrets for select using (title <> 'hidden');
			create policy i on secrets for insert with check (title <> 'forbidden');
			create policy u on secrets for update using (title <> 'locked');
			create policy d on secrets for delete using (title <> 'locked');`,
		memory: {
			spec: specOf(CONFIGS.secrets),
			columns: { id: null, title: null, updated_at: null },
			isHidden: ({ title }) => title === 'hidden',
			isReadOnly: ({ title }) => title === 'locked',
			reject: ({ title }) =>
				title === 'forbidden'
					? { code: '42501', message: 'new row violates row-level security policy' }
					: null,
		},
	},
	loose: {
		sql: 'create table loose (id uuid primary key, title text, updated_at timestamptz);',
		memory: {
			spec: specOf(CONFIGS.loose),
			stamps: 'writer',
			columns: { id: null, title: null, updated_at: null },
		},
	},
};

export const CONTRACT_TABLE_NAMES = Object.keys(CONTRACT_TABLES) as readonly ContractTableName[];
