import { type PixSyncError, toPixSyncError } from '../../core/errors.ts';
import { isRecord } from '../../core/is-record.ts';
import type { TableSpec } from '../../core/table-spec.ts';

/** Does the project have the function, and for this table? Resolves where it has; rejects as any request does. */
export type Question = (spec: TableSpec, signal: AbortSignal) => Promise<void>;

/** Where a "no" is kept beyond the session; what it cannot keep is asked again. */
export interface ChoiceMemory {
	read(): Promise<unknown>;
	write(value: unknown): Promise<void>;
}

export interface FunctionChoiceOptions {
	readonly question: Question;
	readonly memory: ChoiceMemory;
	/** Device ms. */
	readonly now: () => number;
	/** Whether a "yes" of an earlier session is believed, too. @default false */
	readonly trustsMemory?: boolean;
}

/**
 * Whether a table goes by a function of the project's. For one function: a project may have run an older migration,
 * that did not make the other. Knows nothing of what the function does.
 */
export interface FunctionChoice {
	/** What is known, without asking. */
	isThere(table: string): boolean;
	/** Whether it was there when somebody last looked, in whichever session. Asks nobody. */
	wasThere(table: string): Promise<boolean>;
	/** Asks, where it is not known. @throws what says nothing about the function, as a request that nobody answers. */
	ask(spec: TableSpec, signal: AbortSignal): Promise<boolean>;
	/** Hears of a call's error. @returns whether it says that the function does not take the table (any more). */
	learn(table: string, error: unknown): boolean;
}

/** How long a "no" holds: a browser shows each question that is answered by it as a red line in the console. */
const NO_HOLDS_MS = 86_400_000;

/** When a "no" was heard, by device time, and of which tables the last word was "yes". */
interface Refusals {
	/** Of the project, for all tables. */
	readonly all: number | null;
	readonly tables: Readonly<Record<string, number>>;
	readonly there: readonly string[];
}

const NONE: Refusals = { all: null, tables: {}, there: [] };

/** No such function: the transport's word, PostgREST's, its word of old, PostgreSQL's. */
const NO_FUNCTION: ReadonlySet<string> = new Set(['rpc-missing', 'PGRST202', 'http-404', '42883']);

/** Not registered, or the role may not call it; PX001: not prepared for pulls. */
const NOT_FOR_TABLE: ReadonlySet<string> = new Set(['42P01', '42501', 'PX001']);

/** A proxy's refusal without PostgREST's word; those that say "later" say nothing about the path. */
const BARE_REFUSAL = /^http-4(?!01|02|08|25|29)\d\d$/;

export function createFunctionChoice({
	question,
	memory,
	now,
	trustsMemory = false,
}: FunctionChoiceOptions): FunctionChoice {
	const there = new Set<string>();
	let kept: Refusals | null = null;
	let inSession: Refusals = NONE;
	/** The question under way that the others wait for. */
	let first: Promise<unknown> | null = null;

	const isFresh = (at: number | null | undefined) =>
		typeof at === 'number' && now() - at >= 0 && now() - at < NO_HOLDS_MS;
	const isRefused = ({ all, tables }: Refusals, table: string) => isFresh(all) || isFresh(tables[table]);

	/** @param scope null: of all tables. */
	function refuse(scope: string | null, isKept: boolean): void {
		if (scope === null) there.clear();
		else there.delete(scope);
		const add = ({ all, tables, there: known }: Refusals): Refusals =>
			scope === null
				? { all: now(), tables, there: [] }
				: { all, tables: { ...tables, [scope]: now() }, there: known.filter((one) => one !== scope) };
		inSession = add(inSession);
		if (isKept) keep(add(kept ?? NONE));
	}

	function accept(table: string): void {
		there.add(table);
		const known = kept ?? NONE;
		if (!known.there.includes(table)) keep({ ...known, there: [...known.there, table] });
	}

	function keep(next: Refusals): void {
		kept = next;
		// Losing it costs a question.
		void memory.write(next).catch(() => undefined);
	}

	async function recall(): Promise<Refusals> {
		kept ??= toRefusals(await memory.read().catch(() => null));
		return kept;
	}

	function learn(table: string, error: unknown): boolean {
		const code = codeOf(toPixSyncError(error, table));
		if (NO_FUNCTION.has(code)) {
			// Without a code of PostgREST's it may be anybody's word.
			refuse(null, code !== 'http-404');
			return true;
		}
		if (!NOT_FOR_TABLE.has(code)) return false;
		refuse(table, true);
		return true;
	}

	async function decide(spec: TableSpec, signal: AbortSignal): Promise<boolean> {
		const { table } = spec;
		if (there.has(table)) return true;
		const known = await recall();
		if (isRefused(known, table) || isRefused(inSession, table)) return false;
		if (trustsMemory && known.there.includes(table)) there.add(table);
		if (there.has(table)) return true;
		try {
			await question(spec, signal);
			accept(table);
			return true;
		} catch (cause) {
			const error = toPixSyncError(cause, table);
			if (learn(table, error)) return false;
			// Whoever stands before the project lets nobody by on this path. REST will tell whether on any.
			if (BARE_REFUSAL.test(error.code)) return false;
			// A function that fails, or one that is another: REST is no worse for it.
			if (error.fault !== 'fatal' && error.fault !== 'rejected') throw error;
			refuse(table, false);
			return false;
		}
	}

	return {
		isThere: (table) => there.has(table),
		wasThere: async (table) => there.has(table) || (await recall()).there.includes(table),
		ask(spec, signal) {
			// Tables begin together, and the first "no" may be the answer to all. Where it was none, they ask side by side.
			if (first) return first.then(() => decide(spec, signal));
			const asking = decide(spec, signal);
			first = asking
				.catch(() => undefined)
				.finally(() => {
					first = null;
				});
			return asking;
		},
		learn,
	};
}

/** The server's own code, also where the transport has told the error in its own words. */
function codeOf({ code, cause }: PixSyncError): string {
	if (code !== 'rpc-missing' || !(cause instanceof Error) || !('code' in cause)) return code;
	return String(cause.code);
}

/** What is in the database may be of another version. */
function toRefusals(value: unknown): Refusals {
	if (typeof value !== 'object' || value === null) return NONE;
	const { all, tables, there } = value as Partial<Record<keyof Refusals, unknown>>;
	return {
		all: typeof all === 'number' ? all : null,
		tables: isRecord(tables) ? (tables as Refusals['tables']) : {},
		there: Array.isArray(there) ? there.filter((one) => typeof one === 'string') : [],
	};
}
