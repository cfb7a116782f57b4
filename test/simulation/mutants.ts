import { BASE_PROGRAMS } from './base-programs.ts';
import type { Mutant } from './mutant.ts';
import { fromStory } from './operation.ts';
import type { SimCase } from './sim-case.ts';

/** A planted bug, the invariant that must see it, and where it is looked for. */
export interface PlantedBug extends Mutant {
	readonly name: string;
	/** The invariant that should catch it; others that may be the first to see it stand behind. */
	readonly caughtBy: readonly string[];
	/** A case that shows it, as it is or killed at some point. */
	readonly given: SimCase;
	/** Looked for at every kill point too. @default false */
	readonly isSwept?: boolean;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
	{
		name: 'the outbox is cleared before the POST',
		file: 'services/store-attempt.ts',
		find: 'return stores.attempts.add(record);',
		put: 'await stores.outbox.bulkDelete(mutations.flatMap(({ seqs }) => [...seqs])); return stores.attempts.add(record);',
		caughtBy: ['S1'],
		given: story('create@0:1/notes sync@0:12'),
	},
	{
		name: 'row and outbox in two transactions',
		file: 'services/mutate.ts',
		find: 'const draft = await readDraft(transaction, actions, isBlind);',
		put: `const late: [string, readonly object[]][] = [];
				const isRows = (store: string) => tables.includes(store);
				const put = (store: string, records: readonly object[]) => void (isRows(store) ? late.push([store, records]) : transaction.put(store, records));
				setTimeout(() => void options.store.write(tables, async (later) => late.forEach((rows) => later.put(...rows)), async () => false), 1);
				const draft = await readDraft({ ...transaction, put }, actions, isBlind);`,
		caughtBy: ['S12', 'S10', 'S4'],
		given: story('create@0:1/notes sync@0:12'),
		isSwept: true,
	},
	{
		name: 'the checkpoint before its rows',
		file: 'services/download.ts',
		find: 'return { kept, downloaded: await applyRows(stores, spec, incoming) };',
		put: "setTimeout(() => void store.transact('rw', [spec.table], (later) => applyRows(later, spec, incoming)).catch(() => undefined), 5); return { kept, downloaded: 0 };",
		caughtBy: ['S16', 'S15'],
		given: story('remote-create@0:1/notes remote-create@0:2/notes sync@0:13'),
	},
	{
		name: 'no fence: a former leader writes on',
		file: 'services/run.ts',
		find: 'if (run.signal.aborted || held?.value !== run.epoch) throw superseded();',
		put: 'void held;',
		caughtBy: ['S25'],
		// Frozen in the middle of a pull, for as long as it takes to be replaced.
		given: story('remote-create@0:1/notes remote-create@0:2/notes sync@0:5 freeze@0:15 thaw@0:1 wait@0:5', {
			world: 'tabs',
		}),
	},
	{
		name: 'every tab leads',
		file: 'engine.ts',
		find: 'const locks = settings.multiTab ? platform.locks : null;',
		put: 'const locks = null as unknown as typeof platform.locks;',
		also: [
			{
				file: 'services/run.ts',
				find: 'if (run.signal.aborted || held?.value !== run.epoch) throw superseded();',
				put: 'void held;',
			},
		],
		caughtBy: ['S24'],
		given: story(
			`${[1, 2, 3, 4, 5, 6].map((n) => `create@0:${n}/notes create@1:${n + 20}/notes`).join(' ')} sync@0:5 sync@1:5 wait@0:5`,
			{ world: 'tabs' },
		),
	},
	{
		name: 'no overlap: what commits late is never seen',
		file: 'core/checkpoint.ts',
		find: 'const overlapStart = minusMs(reference, overlapMs);',
		put: 'const overlapStart = minusMs(reference, overlapMs * 0); if (position) return position;',
		caughtBy: ['S15', 'L1'],
		given: story(
			'late-commit@0:1/notes wait@0:2 remote-create@0:2/notes sync@0:13 wait@0:5 wait@0:6 wait@0:7 remote-create@0:3/notes sync@0:13 wait@0:9 sync@0:16',
		),
	},
	{
		name: 'a compare-and-swap that was lost counts as done',
		file: 'services/rest/push-verdict.ts',
		find: 'return toVerdict(spec, mutation, row);\n}\n\nfunction toVerdict',
		put: "return { kind: 'acknowledged', row };\n}\n\nfunction toVerdict",
		caughtBy: ['S1'],
		given: story(
			'create@0:1/notes sync@0:0 wait@0:5 update@0:2/notes remote-update@0:3/notes sync@0:0 wait@0:5',
		),
	},
	{
		name: 'a create without an id is sent again unasked',
		file: 'services/send-again.ts',
		find: 'const claimed = await claimArrived(run, unknown);',
		put: 'const claimed = { counts: NO_COUNTS, left: unknown }; void claimArrived;',
		caughtBy: ['S2'],
		given: story('create@0:1/tickets sync@0:0 wait@0:5'),
		isSwept: true,
	},
	{
		name: 'no compare-and-swap',
		file: 'services/rest/push.ts',
		find: `		[columnName(spec.idField), eqParam(id)],
		[columnName(spec.timestampField), eqParam(base)],`,
		put: '		[columnName(spec.idField), eqParam(id)],\n		...(base === undefined ? [[columnName(spec.timestampField), eqParam(base)] as Param] : []),',
		caughtBy: ['S7'],
		given: story('create@0:1/notes sync@0:12 remote-update@0:3/notes update@0:2/notes sync@0:14'),
	},
	{
		name: 'a pull overwrites what waits',
		file: 'services/apply-rows.ts',
		find: 'if (dirty.has(id)) dirtyRemotes.set(id, remote);\n		else if',
		put: 'if',
		caughtBy: ['S10'],
		given: story('create@0:1/notes sync@0:12 update@0:2/notes remote-update@0:3/notes poke@0:1 wait@0:2'),
	},
	{
		name: 'refused changes are dropped',
		file: 'services/settle-row.ts',
		find: 'rewritten.length > 0 ? stores.outbox.bulkPut(rewritten) : undefined,',
		put: 'stores.outbox.bulkDelete(rewritten.map(({ seq }) => seq)),',
		caughtBy: ['S1'],
		given: story('poison@0:1/notes sync@0:0 wait@0:5'),
	},
	{
		name: 'dead letters go with the queue',
		file: 'services/clear.ts',
		find: "ofStatus(stores, spec.table, 'conflicted').toArray(),",
		put: "ofStatus(stores, spec.table, 'rejected').toArray(),",
		caughtBy: ['S21'],
		given: story('poison@0:1/notes sync@0:0 wait@0:5 clear@0:1'),
	},
	{
		name: 'sent as whoever is signed in',
		file: 'services/session.ts',
		find: 'if (session.userId !== userId) {',
		put: 'if (session.userId === "nobody") {',
		also: [
			{
				file: 'services/workspace-host.ts',
				find: 'if (workspace?.userId === userId) {',
				put: 'if (workspace) {',
			},
		],
		caughtBy: ['S18'],
		given: story('create@0:1/notes switch@0:2 sync@0:0 wait@0:5'),
	},
	{
		name: 'requests go out while offline',
		file: 'machines/closed-reason.ts',
		find: "if (!facts.isOnline) return 'offline';",
		put: '',
		caughtBy: ['S11'],
		given: story('create@0:1/notes offline@0:1 sync@0:12'),
	},
	{
		name: 'a backoff without a bound',
		file: 'services/send.ts',
		find: "error.fault === 'no-answer' ? run.now() + retryInMs : 0",
		put: 'run.now() + retryInMs + 300_000',
		caughtBy: ['S23'],
		given: story('create@0:1/notes sync@0:0 wait@0:5 create@0:2/notes outage@0:1 sync@0:0 wait@0:5'),
	},
	{
		name: 'a short page is taken for the end',
		file: 'services/rest/rest-remote.ts',
		find: 'const isHead = reply.rows.length === 0 || reply.rows.length < Math.min(limit, longestPage);',
		put: 'const isHead = reply.rows.length <= limit;',
		caughtBy: ['S15'],
		given: story(
			`${[1, 2, 3, 4, 5, 6, 7].map((n) => `remote-create@0:${n}/notes`).join(' ')} wait@0:1 wait@0:2 wait@0:3 sync@0:18`,
		),
	},
	{
		name: 'listeners are left behind',
		file: 'services/network-monitor.ts',
		find: "environment.removeEventListener?.('online', online);",
		put: '',
		caughtBy: ['S31'],
		given: story('create@0:1/notes'),
	},
	{
		name: 'a sign-out that keeps deletes',
		file: 'services/sign-out.ts',
		find: "const discard = policy === 'discard' ? { userId, atMost: unsynced } : null;",
		put: 'const discard = { userId, atMost: unsynced };',
		caughtBy: ['S19', 'S1', 'S21'],
		given: story('offline@0:1 create@0:1/notes sign-out@0:4'),
	},
	{
		name: 'an edit brings a deleted row back',
		file: 'core/decide.ts',
		find: "		case 'remote-wins':\n			return { kind: 'dead-letter' };",
		put: "		case 'remote-wins':\n			return { kind: 'recreate', lost: [] };",
		caughtBy: ['S9'],
		given: story(
			'create@0:1/notes sync@0:0 wait@0:5 update@0:2/notes remote-remove@0:3/notes sync@0:0 wait@0:5 sync@0:2',
			{ strategy: 'remote-wins' },
		),
	},
	{
		name: 'a token is told',
		file: 'services/rest/http.ts',
		find: 'const token = await session.authorise(userId);',
		put: 'const token = await session.authorise(userId); console.warn(token);',
		caughtBy: ['S33'],
		given: story('create@0:1/notes sync@0:0'),
	},
	{
		name: 'newer changes arrive first',
		file: 'services/upload-plan.ts',
		find: 'compact(spec, row.mutations, row.base)',
		put: 'compact(spec, row.mutations.slice(-1), row.base)',
		caughtBy: ['S5', 'S1'],
		given: story('create@0:1/notes sync@0:0 wait@0:5 update@0:0/notes update@0:1/notes sync@0:0 wait@0:5'),
	},
	{
		name: 'children go before their parents',
		file: 'machines/run-plan.ts',
		find: "if (parents.some((parent) => phases[parent] === 'blocked' || phases[parent] === 'uploading')) continue;",
		put: 'void parents;',
		caughtBy: ['S6'],
		given: story([1, 2, 3, 4].map((n) => `tree@0:${n} sync@0:0 wait@0:5`).join(' ')),
	},
	{
		name: 'a full disk is kept quiet',
		file: 'services/mutate.ts',
		find: 'for (const group of groups) group.reject(error);',
		put: 'for (const group of groups) group.resolve(group.actions.map((action) => ({ mutationId: mutationIds.get(action), id: "x" })) as never);',
		caughtBy: ['S1', 'S27'],
		given: story('disk@0:1 create@0:1/notes disk@0:2 create@0:2/notes'),
	},
	{
		name: 'a refused call leaves its change behind',
		file: 'services/mutate.ts',
		find: 'for (const settle of settled) settle();',
		put: "for (const group of groups) group.reject(Object.assign(new Error('refused'), { code: 'storage', fault: 'input' })); void settled;",
		caughtBy: ['S27'],
		given: story('create@0:1/notes'),
	},
	{
		name: 'what is written does not show',
		file: 'services/draft.ts',
		find: 'if (row.view) listOf(puts, spec.table).push(row.view);\n		else',
		put: 'if (row.view && !row.isBaseNew) { } else if (!row.view)',
		caughtBy: ['S12', 'S10'],
		given: story('create@0:1/notes sync@0:12 update@0:3/notes'),
	},
	{
		name: 'a column that nobody asked for is sent',
		file: 'services/store-attempt.ts',
		find: 'const record: AttemptRecord = { table: run.spec.table, mutations, count: 0, nextAttemptAt: 0 };',
		put: "const record: AttemptRecord = { table: run.spec.table, mutations: mutations.map((one) => ({ ...one, body: one.body && { ...one.body, body: 'phantom' } })), count: 0, nextAttemptAt: 0 };",
		caughtBy: ['S3', 'S1'],
		given: story('create@0:1/notes sync@0:12'),
	},
	{
		name: 'the checkpoint is forgotten at each head',
		file: 'services/download.ts',
		find: 'position: page.position ?? before?.position ?? null,',
		put: 'position: page.isHead ? null : (page.position ?? before?.position ?? null),',
		caughtBy: ['S14'],
		given: story('remote-create@0:1/notes sync@0:13 wait@0:1 sync@0:14'),
	},
	{
		name: 'rows held already are written again',
		file: 'services/apply-rows.ts',
		find: 'if (isReselected || isNewer(spec, remote, held[at] ?? null)) puts.push(remote);',
		put: 'if (true) puts.push(remote);',
		caughtBy: ['S17', 'L2', 'S13'],
		given: story('remote-create@0:1/notes sync@0:13'),
	},
	{
		name: 'sync() is done before it has sent anything',
		file: 'services/upload-plan.ts',
		find: 'const within = seqs.filter((seq) => seq <= upTo);',
		put: 'const within = seqs.filter((seq) => seq <= upTo && seq < 0);',
		caughtBy: ['S30', 'L2'],
		given: story('create@0:1/notes sync@0:12'),
	},
	{
		name: 'an upgrade empties the outbox',
		file: 'services/open-database.ts',
		find: 'dexie.version(version).stores({ ...merged });',
		put: "dexie.version(version).stores({ ...merged }).upgrade((transaction) => transaction.table('outbox').clear());",
		caughtBy: ['S1'],
		given: BASE_PROGRAMS['an upgrade with a full outbox'] as SimCase,
	},
	{
		name: 'a poison row blocks its whole bulk',
		file: 'services/rest/push.ts',
		find: 'if (batch.length === 1 || isWholesale) return refuse(batch, error);',
		put: 'return refuse(batch, error); void isWholesale;',
		caughtBy: ['S20'],
		given: story('poison@0:1/notes create@0:2/notes create@0:3/notes sync@0:0 wait@0:5'),
	},
	{
		name: 'a wrong estimate of the server’s time is believed for ever',
		file: 'services/session.ts',
		find: 'if (seemsOver(known)) options.distrust?.();',
		put: '',
		caughtBy: ['L2'],
		given: story('clock@0:10 create@0:1/notes sync@0:0 wait@0:5'),
	},
	{
		name: 'a session is never refreshed',
		file: 'services/session.ts',
		find: 'refreshing ??= refreshOnce().finally(() => {',
		put: "refreshing ??= Promise.reject(unauthorised('never')).finally(() => {",
		caughtBy: ['L7', 'L2'],
		given: story('create@0:1/notes'),
	},
	{
		name: 'a guard that throws',
		file: 'machines/sync-setup.ts',
		find: 'isHydrated: ({ context }) => context.isHydrated,',
		put: "isHydrated: () => { throw new Error('a bug'); },",
		caughtBy: ['S29'],
		given: story('create@0:1/notes wait@0:5'),
	},
	{
		name: 'what is sent again has lost its name',
		file: 'services/store-attempt.ts',
		find: '...(isNamed && pushId !== undefined ? { pushId } : {}),',
		put: '',
		caughtBy: ['S2'],
		given: story('create@0:1/tickets sync@0:12', { transport: 'rpc' }),
		isSwept: true,
	},
	{
		name: 'what is sent again gets a new name',
		file: 'services/store-attempt.ts',
		find: '...(isNamed && pushId !== undefined ? { pushId } : {}),',
		put: '...(isNamed && pushId !== undefined ? { pushId: run.createId() } : {}),',
		caughtBy: ['S2'],
		given: story('create@0:1/tickets sync@0:12', { transport: 'rpc' }),
		isSwept: true,
	},
];

function story(words: string, more: Partial<SimCase> = {}): SimCase {
	return {
		seed: 12,
		world: 'one',
		isBadDay: false,
		strategy: 'latest-wins',
		program: fromStory(words),
		...more,
	};
}
