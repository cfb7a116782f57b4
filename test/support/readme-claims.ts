import { inspect, isDeepStrictEqual } from 'node:util';

/** What a README's code does while it runs; the generated module calls it, see `toReadmeModule`. */
export interface ReadmeRecorder {
	/** A block begins. */
	enter(line: number): void;
	/** Runs the SQL block that begins at `line`. */
	sql(line: number): Promise<void>;
	/** The value of a statement, and what the comment behind it says it is. */
	claim(line: number, actual: unknown, expected: () => unknown): void;
	/** A statement whose comment says that it throws an error with this `code`. */
	throws(line: number, work: () => unknown, code: string): Promise<void>;
}

export interface ReadmeLog {
	/** First lines of the blocks that were begun, in order. */
	readonly entered: readonly number[];
	/** Lines whose claim was compared. */
	readonly checked: readonly number[];
	readonly wrong: readonly { readonly line: number; readonly message: string }[];
}

const recorders = new Map<string, ReadmeRecorder>();

/** For the generated module alone. */
export function recorderOf(name: string): ReadmeRecorder {
	const recorder = recorders.get(name);
	if (!recorder) throw new Error(`no recorder "${name}"`);
	return recorder;
}

/** Makes the recorder that a module generated for `name` finds. A wrong claim is noted and the code goes on. */
export function createRecorder(name: string, runSql: (line: number) => Promise<void>): ReadmeLog {
	const log = {
		entered: [] as number[],
		checked: [] as number[],
		wrong: [] as { line: number; message: string }[],
	};
	recorders.set(name, {
		enter: (line) => void log.entered.push(line),
		async sql(line) {
			log.entered.push(line);
			await runSql(line);
		},
		claim(line, actual, expected) {
			log.checked.push(line);
			const said = expected();
			if (isAsClaimed(actual, said)) return;
			log.wrong.push({ line, message: `README says ${show(said)}, but it is ${show(actual)}` });
		},
		async throws(line, work, code) {
			log.checked.push(line);
			const found = await Promise.resolve()
				.then(work)
				.then(
					() => 'nothing is thrown',
					(error: unknown) => codeOf(error),
				);
			if (found !== code) log.wrong.push({ line, message: `README says ${code} is thrown, but: ${found}` });
		},
	});
	return log;
}

/**
 * Whether a value is what a comment says. `…` stands for what the comment leaves out: further properties of an
 * object, further elements at the end of an array, any run of characters in a text.
 */
export function isAsClaimed(actual: unknown, said: unknown): boolean {
	if (typeof said === 'string' && said.includes('…')) {
		return typeof actual === 'string' && toPattern(said).test(actual);
	}
	if (Array.isArray(said)) {
		const isOpen = said.at(-1) === '…';
		const elements: readonly unknown[] = isOpen ? said.slice(0, -1) : said;
		return (
			Array.isArray(actual) &&
			(isOpen ? actual.length >= elements.length : actual.length === elements.length) &&
			elements.every((element, at) => isAsClaimed(actual[at], element))
		);
	}
	if (isRecord(said)) {
		if (!isRecord(actual)) return false;
		const { '…': isOpen, ...properties } = said;
		const isComplete = isOpen || Object.keys(actual).every((key) => Object.hasOwn(properties, key));
		return isComplete && Object.entries(properties).every(([key, value]) => isAsClaimed(actual[key], value));
	}
	return isDeepStrictEqual(actual, said);
}

function toPattern(text: string): RegExp {
	const parts = text.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
	return new RegExp(`^${parts.join('.*')}$`, 's');
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function codeOf(error: unknown): string {
	return isRecord(error) && typeof error.code === 'string' ? error.code : show(error);
}

function show(value: unknown): string {
	return inspect(value, { depth: 6, breakLength: Number.POSITIVE_INFINITY });
}
