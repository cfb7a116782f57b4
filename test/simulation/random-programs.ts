import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromStory, OPERATION_WEIGHTS, type Operation, type OperationKind } from './operation.ts';
import {
	assertKept,
	runCase,
	type SimCase,
	TRANSPORT_WEIGHTS,
	toCommand,
	type WORLDS,
	withTransport,
} from './sim-case.ts';

const KINDS = Object.keys(OPERATION_WEIGHTS) as OperationKind[];

const operation: fc.Arbitrary<Operation> = fc.record({
	kind: fc.oneof(
		...KINDS.map((kind) => ({
			weight: Math.round(OPERATION_WEIGHTS[kind] * 10),
			arbitrary: fc.constant(kind),
		})),
	),
	tab: fc.nat(5),
	n: fc.nat(99_999),
});

const BEGINNING = fromStory(
	'remote-create@0:1/notes remote-create@0:2/projects remote-create@0:3/tasks sync@0:0',
);

const restCase: fc.Arbitrary<SimCase> = fc.record({
	seed: fc.nat(999_999),
	world: fc.oneof(
		{ weight: 7, arbitrary: fc.constant('one' as const) },
		{ weight: 1, arbitrary: fc.constant('devices' as const) },
		{ weight: 2, arbitrary: fc.constant('tabs' as const) },
	) as fc.Arbitrary<keyof typeof WORLDS>,
	isBadDay: fc.boolean(),
	// Beginning with some rows on both sides.
	program: fc.array(operation, { minLength: 2, maxLength: 8 }).map((program) => [...BEGINNING, ...program]),
});

const transport = fc.oneof(
	...(Object.keys(TRANSPORT_WEIGHTS) as (keyof typeof TRANSPORT_WEIGHTS)[]).map((name) => ({
		weight: TRANSPORT_WEIGHTS[name],
		arbitrary: fc.constant(name),
	})),
);

const migrations = fc.array(
	fc.record({ at: fc.integer({ min: BEGINNING.length, max: BEGINNING.length + 8 }), n: fc.nat(99_999) }),
	{ maxLength: 2 },
);

// What came later is drawn last: what a seed draws before it is what it always was.
const anyCase = fc
	.tuple(restCase, transport, migrations, fc.boolean())
	.map(([given, way, runs, isElsewhere]) => withTransport({ ...given, isElsewhere }, way, runs));

/** What proves nothing where it never happens. */
const WANTED = [
	...[
		'acknowledged',
		'kills',
		'dead letters',
		'dropped by a rule',
		'direct writes',
		'heads',
		'rows compared',
		'looks',
	],
	...['applied create', 'applied update', 'applied delete', 'left to a person'],
	...['fault drop', 'fault lost-reply', 'fault duplicate', 'fault slow', 'fault hang', 'fault html'],
	...[
		'fault 401',
		'fault 402',
		'fault 429',
		'fault 503',
		'fault 504',
		'fault truncated',
		'fault wrong-shape',
	],
	...['fault 500-serialization', 'fault 500-recursion', 'fault login-page'],
	...['storage QuotaExceededError', 'storage AbortError', 'storage UnknownError'],
	...['pushed applied', 'pushed done', 'pushed missed', 'pushed refused'],
	...KINDS.map((kind) => `op ${kind}`),
];

/**
 * Random programs in random worlds; what fails is shrunk to a short story. `PIXSYNC_SEED=n` draws others,
 * `PIXSYNC_RUNS=n` fewer or more: from 1,000 on, all that is wanted must have come up.
 */
export function testRandomPrograms(shard: number): void {
	const seed = Number(process.env.PIXSYNC_SEED ?? 20_261) + shard;
	const numRuns = Number(process.env.PIXSYNC_RUNS ?? 1_000);
	it(`[S1] [S2] [S5] [S18] [S24] [S32] [L1] [L2] [L3] [L7] ${numRuns} random programs keep every promise, seed ${seed}`, async () => {
		const sum: Record<string, number> = {};
		await fc.assert(
			fc.asyncProperty(anyCase, async (given) => {
				const result = await runCase(given).catch((error: unknown) => {
					throw new Error(`${String(error)}\nReplay: ${toCommand(given)}`);
				});
				for (const [name, count] of Object.entries(result.counters)) sum[name] = (sum[name] ?? 0) + count;
				assertKept(given, result);
			}),
			{ seed, numRuns, endOnFailure: false },
		);
		console.log(`random programs, seed ${seed}: ${numRuns} runs\n${JSON.stringify(sum)}`);
		if (numRuns >= 1_000) expect(WANTED.filter((name) => !sum[name])).toEqual([]);
	}, 1_500_000);
}
