import { hasSentColumns } from '../core/is-ours.ts';
import type { PushMutation } from '../core/mutation.ts';
import { addCounts, NO_COUNTS, type StepCounts } from '../core/run-contract.ts';
import { versionOf } from '../core/table-spec.ts';
import { toMicros, toTimestampText } from '../core/timestamp.ts';
import type { Row, RowId } from '../core/types.ts';
import { applyPush } from './apply-push.ts';
import { assertCurrent, type Run } from './run.ts';
import type { AttemptRecord } from './stores.ts';

/** How far before a request's stamp its rows are looked for: what the estimate of the server's clock may err by. */
const BEFORE_MS = 10_000;

/** How long after a request was sent its rows may have been written: it may have hung on the way. */
const AFTER_MS = 300_000;

/**
 * Creates without an id whose reply was lost (R7). The server cannot be asked for them by id; what it holds from
 * about the time that they were sent is read, and a row with the very columns sent is theirs. Those are
 * acknowledged here; the others have not arrived, and may be sent again.
 *
 * It may err where no id tells rows apart: a row that a trigger or somebody else has changed since is not known
 * again and is created twice; a row of the same columns that somebody else wrote in that time is taken for ours.
 * @returns the counts, and what is left to send of each attempt.
 */
export async function claimArrived(
	run: Run,
	attempts: readonly AttemptRecord[],
): Promise<{ readonly counts: StepCounts; readonly left: readonly AttemptRecord[] }> {
	let counts: StepCounts = NO_COUNTS;
	const left: AttemptRecord[] = [];
	for (const attempt of attempts) {
		const arrived = await findArrived(run, attempt.mutations);
		if (arrived.size > 0) {
			const mutations = [...arrived.keys()];
			const outcomes = [...arrived.values()].map((row) => ({ kind: 'acknowledged' as const, row }));
			const { fatal: _, ...own } = await applyPush(run, { ...attempt, mutations }, outcomes, 0);
			counts = addCounts(counts, own);
		}
		const mutations = attempt.mutations.filter((mutation) => !arrived.has(mutation));
		if (mutations.length > 0) left.push({ ...attempt, mutations });
	}
	return { counts, left };
}

async function findArrived(
	run: Run,
	mutations: readonly PushMutation[],
): Promise<ReadonlyMap<PushMutation, Row>> {
	const creates = mutations.filter(({ kind }) => kind === 'create');
	const found = new Map<PushMutation, Row>();
	if (creates.length === 0) return found;
	const stamps = creates.flatMap(({ stamp, earlierStamps = [] }) => [stamp, ...earlierStamps]);
	const micros = stamps.map(toMicros).filter((at) => at !== null);
	const [first, last] = [micros.reduce(least), micros.reduce(most)];
	const until = last + BigInt(AFTER_MS) * 1000n;
	for await (const rows of readFrom(run, toTimestampText(first - BigInt(BEFORE_MS) * 1000n))) {
		const known = await knownAmong(run, rows);
		for (const row of rows) {
			const at = toMicros(versionOf(run.spec, row));
			if (at !== null && at > until) return found;
			if (known.has(row[run.spec.idField] as RowId)) continue;
			const own = creates.find((create) => !found.has(create) && hasSentColumns(run.spec, create, row));
			if (own) found.set(own, row);
		}
		if (found.size === creates.length) return found;
	}
	return found;
}

/** All rows from `timestamp` on, whatever the table's filter lets in: what was written need not match it. */
async function* readFrom(run: Run, timestamp: string): AsyncGenerator<readonly Row[]> {
	const spec = { ...run.spec, filter: {} };
	let start = { timestamp, id: null as RowId | null };
	for (;;) {
		const request = { spec, start, limit: run.settings.pageSize, keysOnly: false };
		const { rows, isHead } = await run.remote.pull(request, run.signal);
		yield rows;
		const end = rows.at(-1);
		if (isHead || !end) return;
		start = { timestamp: versionOf(spec, end) ?? timestamp, id: end[spec.idField] as RowId };
	}
}

/** Rows created here that have their id already: two creates of the same columns are two rows. */
async function knownAmong(run: Run, rows: readonly Row[]): Promise<ReadonlySet<RowId>> {
	const { spec, store } = run;
	return store.transact('r', [], async (stores) => {
		await assertCurrent(stores, run);
		const keys = rows.map((row) => [spec.table, row[spec.idField] as RowId]);
		const aliases = await stores.aliases.where('[table+id]').anyOf(keys).toArray();
		return new Set(aliases.map(({ id }) => id));
	});
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);
const most = (a: bigint, b: bigint) => (a > b ? a : b);
