import type { PullStart } from '../../src/core/checkpoint.ts';
import type { PushMutation, PushOutcome } from '../../src/core/mutation.ts';
import type { TableSpec } from '../../src/core/table-spec.ts';
import type { Row, RowId, SyncConfig } from '../../src/core/types.ts';
import type { PullPage, Remote } from '../../src/services/remote.ts';
import { specOf } from '../support/mutations.ts';
import { CONFIGS, type ContractTableName } from './contract-tables.ts';
import type { RemoteBackend, Writes } from './remote-backend.ts';

/** What each test of the contract works with; fresh rows and a fresh remote for each. */
export interface ContractKit {
	readonly backend: RemoteBackend;
	readonly remote: Remote;
	readonly writes: Writes;
}

/** A signal that nobody aborts. */
export const SIGNAL = new AbortController().signal;

/** No page loop of a test is longer: a pull that does not come to its end must fail, not hang. */
const MAX_PAGES = 40;

/** Ids of PostgREST's syntax, of SQL's, of URLs', and of no ASCII. */
export const ODD_IDS: readonly string[] = [
	...[
		'a,b',
		'q"uote',
		"o'clock",
		'pa(r)en',
		'per%cent',
		'per%20cent',
		'sp ace',
		'back\\slash',
		'a.b',
		'x&y=z',
	],
	...[
		'pl+us',
		'#hash',
		'null',
		'true',
		'{brace}',
		'*',
		'ümläut',
		'漢字',
		'🎉',
		'-1',
		'1e3',
		':colon',
		'sla/sh',
	],
];

/** A contract table's spec, with what a test asks for otherwise. */
export function contractSpec(table: ContractTableName, config: Partial<SyncConfig> = {}): TableSpec {
	return specOf({ ...(CONFIGS[table] as SyncConfig), ...config });
}

/** UUIDs in the order of their numbers. */
export function uuid(n: number): string {
	return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}

export function idsOf(rows: readonly Row[], idField = 'id'): RowId[] {
	return rows.map((row) => row[idField] as RowId);
}

export function shuffled<T>(list: readonly T[]): T[] {
	// The same at each run: every third from the back, and so on.
	return list
		.map((item, at) => ({ item, key: (at * 7919) % 101 }))
		.sort((a, b) => a.key - b.key)
		.map(({ item }) => item);
}

export function pull(
	{ remote }: ContractKit,
	spec: TableSpec,
	{
		start = null,
		limit = 1000,
		...more
	}: {
		start?: PullStart | null;
		limit?: number;
		keysOnly?: boolean;
		expectsNone?: boolean;
		signal?: AbortSignal;
	} = {},
): Promise<PullPage> {
	const { keysOnly = false, expectsNone = false, signal = SIGNAL } = more;
	return remote.pull({ spec, start, limit, keysOnly, expectsNone }, signal);
}

/** Pages from the start to the head, as a download reads them. */
export async function pullAll(
	kit: ContractKit,
	spec: TableSpec,
	limit: number,
	onPage: (page: PullPage) => Promise<void> | void = () => undefined,
): Promise<PullPage[]> {
	const pages: PullPage[] = [];
	let start: PullStart | null = null;
	for (;;) {
		const page: PullPage = await pull(kit, spec, { start, limit });
		pages.push(page);
		if (page.isHead) return pages;
		if (pages.length > MAX_PAGES) throw new Error('The pull does not come to its head');
		const last = page.rows.at(-1);
		if (last) start = { timestamp: String(last[spec.timestampField]), id: last[spec.idField] as RowId };
		await onPage(page);
	}
}

export async function listAll({ remote }: ContractKit, spec: TableSpec, limit: number): Promise<Row[]> {
	const all: Row[] = [];
	for (let pages = 0; pages <= MAX_PAGES; pages++) {
		const after = all.at(-1)?.[spec.idField] as RowId | undefined;
		const rows = await remote.listKeys(spec, after ?? null, limit, SIGNAL);
		if (rows.length === 0) return all;
		all.push(...rows);
	}
	throw new Error('The list of keys does not come to its end');
}

export function push(
	{ remote }: ContractKit,
	spec: TableSpec,
	...mutations: readonly PushMutation[]
): Promise<readonly PushOutcome[]> {
	return remote.push(spec, mutations, SIGNAL);
}

/** An outcome in short: its kind, with the error's code where there is one. */
export function inShort(outcome: PushOutcome): string {
	return 'error' in outcome ? `${outcome.kind} ${outcome.error.code}` : outcome.kind;
}
