import { parseArgs } from 'node:util';
import { type TableSpec, toTableSpec } from '../core/table-spec.ts';
import type { SyncConfig } from '../core/types.ts';

export type CliArguments = DoctorArguments | SqlArguments;

export interface SqlArguments {
	readonly command: 'sql';
	readonly schema: string;
	readonly specs: readonly TableSpec[];
}

export interface DoctorArguments {
	readonly command: 'doctor';
	/** A PostgreSQL connection string. */
	readonly db: string;
	readonly schema: string;
	readonly specs: readonly TableSpec[];
	readonly form: 'text' | 'sql' | 'json';
}

/** The caller's mistake; the message says how to do it. */
export class UsageError extends Error {}

export const USAGE = `npx pixsync doctor --db <connection string> --table <table> [--table <table> …]

Checks tables against what PixSync needs, and prints the SQL that mends them. Changes nothing.

npx pixsync sql <table> [<table> …]

Prints the migration by which a batch of changes, and the pulls of several tables, are one request each. transport:
'auto', the default, finds it by itself.
Run it again after its policies or PixSync have changed. Connects to nothing.

  --db      a PostgreSQL connection string of the owner of the tables; else the variable DATABASE_URL
  --table   notes
            notes:idField=uid,timestampField=changed_at,deletedField=deleted_at
            notes:deletedField=is_deleted:boolean,dependsOn=projects+users,ids=server
            or the table's config as JSON: '{"table":"notes","select":"id, n::text, updated_at"}'
  --schema  of the tables; default: public
  --sql     of the doctor: print only the SQL, as one script
  --json    of the doctor: print the diagnosis as JSON

Exit code: 0 without errors, 1 if errors were found, 2 if it could not look.
`;

const FIELDS: readonly string[] = ['idField', 'timestampField', 'deletedField', 'dependsOn', 'ids'];

/**
 * Reads what stands behind `pixsync`.
 * @returns null: help was asked for.
 * @throws UsageError, PixSyncError `bad-config`.
 */
export function toArguments(
	given: readonly string[],
	env: Readonly<Record<string, string | undefined>>,
): CliArguments | null {
	const { values, positionals } = parse(given);
	const [command, ...tables] = positionals;
	if (values.help || command === 'help') return null;
	const schema = values.schema ?? 'public';
	if (command === 'sql') {
		const named = [...tables, ...(values.table ?? [])];
		if (named.length === 0) throw new UsageError('Name the tables: pixsync sql notes payments');
		const other = (['db', 'sql', 'json'] as const).find((option) => values[option] !== undefined);
		if (other)
			throw new UsageError(
				`--${other} is an option of the doctor; pixsync sql prints SQL and reads nothing.`,
			);
		return { command, schema, specs: named.map((text) => toTableSpec(toConfig(text))) };
	}
	if (command !== 'doctor' || tables.length > 0) {
		throw new UsageError(
			`The commands are: pixsync doctor, and pixsync sql${command === undefined ? '.' : `; not: pixsync ${positionals.join(' ')}`}`,
		);
	}
	const db = values.db ?? env.DATABASE_URL;
	if (!db) throw new UsageError('Name the database: --db <connection string>, or the variable DATABASE_URL.');
	if (!values.table?.length) throw new UsageError('Name the tables: --table notes --table payments.');
	if (values.sql && values.json) throw new UsageError('Ask for --sql or for --json, not for both.');
	return {
		command,
		db,
		schema,
		specs: values.table.map((text) => toTableSpec(toConfig(text))),
		form: values.sql ? 'sql' : values.json ? 'json' : 'text',
	};
}

function parse(given: readonly string[]) {
	try {
		return parseArgs({
			args: [...given],
			allowPositionals: true,
			options: {
				db: { type: 'string' },
				table: { type: 'string', multiple: true },
				schema: { type: 'string' },
				sql: { type: 'boolean' },
				json: { type: 'boolean' },
				help: { type: 'boolean', short: 'h' },
			},
		});
	} catch (error) {
		throw new UsageError(error instanceof Error ? error.message : String(error));
	}
}

/** @returns what `toTableSpec` then checks. */
function toConfig(text: string): SyncConfig {
	if (text.startsWith('{')) return fromJson(text);
	const [table = '', ...rest] = text.split(':');
	const config: Record<string, unknown> = { table };
	for (const setting of rest.length > 0 ? rest.join(':').split(',') : []) {
		const [field = '', ...value] = setting.split('=');
		if (!FIELDS.includes(field) || value.join('=') === '') {
			throw new UsageError(`--table ${text}: "${setting}" is none of ${FIELDS.join('=…, ')}=…`);
		}
		config[field] = toValue(field, value.join('='));
	}
	return config as unknown as SyncConfig;
}

function toValue(field: string, text: string): unknown {
	if (field === 'dependsOn') return text.split('+');
	if (field !== 'deletedField') return text;
	const [name, type] = text.split(':');
	return type === undefined ? name : { field: name, type };
}

function fromJson(text: string): SyncConfig {
	try {
		return JSON.parse(text) as SyncConfig;
	} catch (error) {
		throw new UsageError(`--table ${text}: ${error instanceof Error ? error.message : String(error)}`);
	}
}
