import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_COUNTS, type StepCounts } from '../../src/core/run-contract.ts';
import { ancestorsOf, type Dependencies } from '../../src/core/topology.ts';
import {
	EMPTY_RUN,
	failRun,
	joinRun,
	noteRound,
	noteUploaded,
	type RunCommand,
	type RunPlan,
	type RunStep,
	type Waiter,
} from '../../src/machines/run-plan.ts';
import type { TableRound } from '../../src/machines/table-protocol.ts';
import { fault } from '../support/table-chart.ts';

const deps = (tables: Record<string, string[]>): Dependencies => new Map(Object.entries(tables));

/** A run of the plan: what was commanded and answered so far. */
function startRun(dependencies: Dependencies) {
	let plan: RunPlan = EMPTY_RUN;
	const take = (step: RunStep) => {
		plan = step.plan;
		return step;
	};
	return {
		plan: () => plan,
		join: (tables: readonly string[], token: number | null = 1) =>
			take(joinRun(plan, dependencies, tables, token)),
		uploaded: (table: string, held = 0) => take(noteUploaded(plan, dependencies, table, held)),
		settled: (table: string, round: Partial<TableRound> = {}) =>
			take(noteRound(plan, dependencies, toRound(table, round), true)),
		cycled: (table: string, round: Partial<TableRound> = {}) =>
			take(noteRound(plan, dependencies, toRound(table, round), false)),
		fail: () => take(failRun(plan, (table) => `${table}: closed (offline)`)),
	};
}

function toRound(table: string, round: Partial<TableRound>): TableRound {
	return { table, served: 1, held: 0, counts: NO_COUNTS, error: null, ...round };
}

const counts = (part: Partial<StepCounts>): StepCounts => ({ ...NO_COUNTS, ...part });
const tablesOf = (commands: readonly RunCommand[]) => commands.map(({ table }) => table);
const tokensOf = (waiters: readonly Waiter[]) => waiters.map(({ token }) => token);

describe('run-plan: order', () => {
	const family = deps({ child: ['parent'], grandchild: ['child'], parent: [], other: [] });

	it('[R14] starts tables without parents, all at once; the others are held back', () => {
		const run = startRun(family);
		const { commands } = run.join([...family.keys()]);
		expect(commands).toEqual([
			{ table: 'parent', request: 1, holdDeletes: true },
			{ table: 'other', request: 1, holdDeletes: false },
		]);
		expect(run.plan().phases).toEqual({
			child: 'blocked',
			grandchild: 'blocked',
			parent: 'uploading',
			other: 'uploading',
		});
	});

	it('[R14] a dependant starts at its parent’s table.uploaded, not before, and once', () => {
		const run = startRun(family);
		run.join([...family.keys()]);
		expect(run.uploaded('other').commands).toEqual([]);
		expect(tablesOf(run.uploaded('parent').commands)).toEqual(['child']);
		expect(run.uploaded('parent').commands).toEqual([]);
		expect(run.settled('parent').commands).toEqual([]);
		expect(tablesOf(run.uploaded('child').commands)).toEqual(['grandchild']);
	});

	it('[R14] a dependant starts, too, when its parent settled with an error', () => {
		const run = startRun(family);
		run.join([...family.keys()]);
		const { commands, completed } = run.settled('parent', { error: fault('no-answer') });
		expect(tablesOf(commands)).toEqual(['child']);
		expect(completed).toEqual([]);
	});

	it('[R14] a table with several parents waits for all of them', () => {
		const run = startRun(deps({ a: [], b: [], both: ['a', 'b'] }));
		run.join(['a', 'b', 'both']);
		expect(run.uploaded('a').commands).toEqual([]);
		expect(tablesOf(run.uploaded('b').commands)).toEqual(['both']);
	});

	it('[R14] a table that names itself waits for nobody; a parent outside the run neither', () => {
		const run = startRun(deps({ tree: ['tree'], child: ['parent'], parent: [] }));
		expect(run.join(['tree', 'child']).commands).toEqual([
			{ table: 'tree', request: 1, holdDeletes: false },
			{ table: 'child', request: 1, holdDeletes: false },
		]);
	});

	it('[R14] deletes go the other way: held until the dependant’s table.uploaded, then asked for again', () => {
		const run = startRun(family);
		run.join(['parent', 'child']);
		expect(run.uploaded('parent', 2).commands).toEqual([{ table: 'child', request: 1, holdDeletes: false }]);
		expect(run.settled('parent', { held: 2 })).toMatchObject({ commands: [], completed: [] });
		expect(run.plan().phases.parent).toBe('held');
		expect(run.uploaded('child').commands).toEqual([{ table: 'parent', request: 2, holdDeletes: false }]);
	});

	it('[R14][S6] deletes of three generations go youngest first: a dependant that holds its own is not done', () => {
		const run = startRun(family);
		run.join(['parent', 'child', 'grandchild']);
		expect(run.uploaded('parent', 1).commands).toEqual([{ table: 'child', request: 1, holdDeletes: true }]);
		run.settled('parent', { held: 1 });
		expect(run.uploaded('child', 1).commands).toEqual([
			{ table: 'grandchild', request: 1, holdDeletes: false },
		]);
		expect(run.settled('child', { held: 1 }).commands).toEqual([]);
		expect(run.plan().phases).toMatchObject({ parent: 'held', child: 'held' });
		expect(run.uploaded('grandchild').commands).toEqual([{ table: 'child', request: 2, holdDeletes: false }]);
		expect(run.settled('grandchild').commands).toEqual([]);
		expect(run.uploaded('child').commands).toEqual([{ table: 'parent', request: 3, holdDeletes: false }]);
		run.settled('child', { served: 2 });
		run.uploaded('parent');
		expect(run.settled('parent', { served: 3 }).completed).toHaveLength(1);
	});

	it('[R14] what a pass held that began before the release does not hold its deletes back for ever', () => {
		const run = startRun(family);
		run.join(['parent', 'child']);
		run.uploaded('parent', 1);
		run.settled('parent', { held: 1 });
		run.join(['parent'], 2);
		run.uploaded('child');
		// The pass of the second call was under way when the release came.
		run.uploaded('parent', 1);
		run.cycled('parent', { served: 2, held: 1 });
		run.uploaded('parent', 0);
		run.settled('child', { served: 1 });
		const { completed } = run.settled('parent', { served: 3 });
		expect(tokensOf(completed)).toEqual([1, 2]);
	});

	it('[R14] a parent that settles after its dependants is released at once', () => {
		const run = startRun(family);
		run.join(['parent', 'child']);
		run.uploaded('parent', 1);
		run.uploaded('child');
		expect(run.settled('parent', { held: 1 }).commands).toEqual([
			{ table: 'parent', request: 2, holdDeletes: false },
		]);
	});

	it('[R14] a dependant that ends with an error frees the deletes, too', () => {
		const run = startRun(family);
		run.join(['parent', 'child']);
		run.uploaded('parent', 1);
		run.settled('parent', { held: 1 });
		expect(run.settled('child', { error: fault('fatal') }).commands).toMatchObject([
			{ table: 'parent', holdDeletes: false },
		]);
	});

	it('[R12] a waiter waits for the deletes that its table holds', () => {
		const run = startRun(family);
		run.join(['parent', 'child'], 7);
		run.uploaded('parent', 1);
		run.settled('parent', { held: 1 });
		run.uploaded('child');
		expect(run.settled('child', { served: 1 }).completed).toEqual([]);
		expect(tokensOf(run.settled('parent', { served: 2 }).completed)).toEqual([7]);
	});
});

describe('run-plan: joining', () => {
	const pair = deps({ parent: [], child: ['parent'] });

	it('[R12] a call for further tables extends the run; each is answered for its own tables', () => {
		const run = startRun(deps({ a: [], b: [] }));
		run.join(['a'], 1);
		expect(run.join(['b'], 2).commands).toEqual([{ table: 'b', request: 2, holdDeletes: false }]);
		expect(tokensOf(run.settled('b', { served: 2 }).completed)).toEqual([2]);
		expect(tokensOf(run.settled('a').completed)).toEqual([1]);
		expect(run.plan().phases).toEqual({});
	});

	it('[R12] a call for a table under way asks it again, and is answered by the pass that serves it', () => {
		const run = startRun(deps({ a: [] }));
		run.join(['a'], 1);
		expect(run.join(['a'], 2).commands).toEqual([{ table: 'a', request: 2, holdDeletes: false }]);
		expect(tokensOf(run.cycled('a', { served: 1, counts: counts({ uploaded: 1 }) }).completed)).toEqual([1]);
		const { completed } = run.settled('a', { served: 2, counts: counts({ uploaded: 2 }) });
		expect(tokensOf(completed)).toEqual([2]);
	});

	it('[R12] a round that began before the call does not answer it, though its numbers count', () => {
		const run = startRun(deps({ a: [] }));
		run.join(['a'], 1);
		run.join(['a'], 2);
		run.cycled('a', { served: 1, counts: counts({ uploaded: 4 }) });
		const [waiter] = run.settled('a', { served: 2, counts: counts({ downloaded: 1 }) }).completed;
		expect(waiter).toMatchObject({ token: 2, counts: { uploaded: 4, downloaded: 1 } });
	});

	it('[R12] a table that settled without serving a later call stays under way for it', () => {
		const run = startRun(deps({ a: [] }));
		run.join(['a'], 1);
		run.join(['a'], 2);
		expect(tokensOf(run.settled('a', { served: 1 }).completed)).toEqual([1]);
		expect(run.plan().phases).toEqual({ a: 'uploading' });
		expect(tokensOf(run.settled('a', { served: 2 }).completed)).toEqual([2]);
	});

	it('[R14] a second call does not start a dependant before its parent has uploaded', () => {
		const run = startRun(pair);
		run.join(['parent', 'child'], 1);
		expect(tablesOf(run.join(['parent', 'child'], 2).commands)).toEqual(['parent']);
		expect(run.plan().phases.child).toBe('blocked');
		expect(run.uploaded('parent').commands).toEqual([{ table: 'child', request: 2, holdDeletes: false }]);
	});

	it('[R14] a parent that joins later still goes before the dependants that have not begun', () => {
		const run = startRun(deps({ a: [], parent: [], child: ['a', 'parent'] }));
		run.join(['a', 'child'], 1);
		expect(tablesOf(run.join(['parent'], 2).commands)).toEqual(['parent']);
		expect(run.uploaded('a').commands).toEqual([]);
		expect(tablesOf(run.uploaded('parent').commands)).toEqual(['child']);
	});

	it('a call for no tables at all is answered at once', () => {
		const run = startRun(pair);
		expect(tokensOf(run.join([], 3).completed)).toEqual([3]);
	});

	it('[R12] requests grow with each wish, also across runs', () => {
		const run = startRun(deps({ a: [] }));
		run.join(['a']);
		run.settled('a', { served: 1 });
		expect(run.join(['a']).commands).toMatchObject([{ request: 2 }]);
	});
});

describe('run-plan: errors', () => {
	it('[R12] an error answers every waiter of the table, whatever it served', () => {
		const run = startRun(deps({ a: [] }));
		run.join(['a'], 1);
		run.join(['a'], 2);
		const error = fault('no-answer');
		const { completed } = run.settled('a', { served: 1, error, counts: counts({ errors: ['a: x (x)'] }) });
		expect(completed).toMatchObject([
			{ token: 1, counts: { errors: ['a: x (x)'] } },
			{ token: 2, counts: { errors: ['a: x (x)'] } },
		]);
	});

	it('a closing gate fails blocked and held tables; the others report by themselves', () => {
		const run = startRun(deps({ parent: [], child: ['parent'], late: ['child'], other: [] }));
		run.join(['parent', 'child', 'late', 'other'], 1);
		run.uploaded('parent', 1);
		run.settled('parent', { held: 1 });
		expect(run.fail().completed).toEqual([]);
		expect(run.plan().waiters).toMatchObject([
			{
				open: ['child', 'other'],
				counts: { errors: ['parent: closed (offline)', 'late: closed (offline)'] },
			},
		]);
		const error = fault('no-answer');
		run.settled('child', { error });
		const { completed, commands } = run.settled('other', { error });
		expect(tokensOf(completed)).toEqual([1]);
		expect(commands).toEqual([]);
		expect(run.plan()).toEqual({ requests: 1, phases: {}, waiters: [] });
	});

	it('reports of tables that nobody waits for change nothing', () => {
		const run = startRun(deps({ a: [], b: [] }));
		run.join(['a']);
		const before = run.plan();
		expect(run.uploaded('b')).toEqual({ plan: before, commands: [], completed: [] });
		expect(run.settled('b', { served: 9 })).toEqual({ plan: before, commands: [], completed: [] });
	});
});

/*
 * The plan against simulated tables: each obeys its commands as the table chart does, in whatever order the
 * generator lets them go on.
 */
interface SimTable {
	/** rest → (command) → uploading → downloading → rest */
	state: 'rest' | 'uploading' | 'downloading';
	requested: number;
	served: number;
	holdDeletes: boolean;
	deletes: number;
}

interface Step {
	readonly kind: 'go' | 'join' | 'error' | 'close' | 'write-delete';
	readonly at: number;
	readonly set: readonly number[];
}

const NAMES = ['a', 'b', 'c', 'd', 'e'] as const;

const dag = fc
	.array(fc.uniqueArray(fc.nat(3), { maxLength: 3 }), { minLength: NAMES.length, maxLength: NAMES.length })
	.map(
		(parents) =>
			// Parents come earlier in a hidden order that the map's own does not give away.
			new Map(
				NAMES.map((name, at) => [
					name as string,
					(parents[at] ?? []).filter((parent) => parent < at).map((parent) => NAMES[parent] as string),
				]).reverse() as [string, string[]][],
			),
	);

const step: fc.Arbitrary<Step> = fc.record({
	kind: fc.oneof(
		{ weight: 12, arbitrary: fc.constant('go' as const) },
		{ weight: 3, arbitrary: fc.constant('join' as const) },
		{ weight: 2, arbitrary: fc.constant('error' as const) },
		{ weight: 1, arbitrary: fc.constant('close' as const) },
		{ weight: 2, arbitrary: fc.constant('write-delete' as const) },
	),
	at: fc.nat(NAMES.length - 1),
	set: fc.uniqueArray(fc.nat(NAMES.length - 1), { minLength: 1 }),
});

function simulate(dependencies: ReadonlyMap<string, readonly string[]>, program: readonly Step[]) {
	const tables = new Map<string, SimTable>(
		NAMES.map((name) => [name, { state: 'rest', requested: 0, served: 0, holdDeletes: false, deletes: 0 }]),
	);
	let plan: RunPlan = EMPTY_RUN;
	let tokens = 0;
	const waiting = new Map<number, { request: number; tables: readonly string[] }>();
	const answered = new Map<number, number>();
	const seen = { starts: 0, joins: 0, releases: 0, errors: 0, closes: 0 };
	const failed = new Map<string, number>();

	function table(name: string): SimTable {
		const found = tables.get(name);
		if (!found) throw new Error(name);
		return found;
	}

	function take({ plan: next, commands, completed }: RunStep, former: RunPlan) {
		plan = next;
		const names = tablesOf(commands);
		// No table is commanded twice in one step, but for a joined one that is released by the same call.
		expect(new Set(names).size).toBe(names.length);
		for (const { table: name, request, holdDeletes } of commands) {
			const own = table(name);
			const before = former.phases[name];
			const isStart = before === undefined || before === 'blocked' || before === 'settled';
			if (isStart) {
				seen.starts++;
				for (const parent of dependencies.get(name) ?? []) {
					// [R14] Nothing of the run that this table depends on is still to be uploaded.
					expect(['blocked', 'uploading']).not.toContain(next.phases[parent]);
				}
			} else if (before === 'held' && !holdDeletes) seen.releases++;
			else seen.joins++;
			expect(request).toBeGreaterThan(own.served);
			own.requested = Math.max(own.requested, request);
			if (own.state === 'rest') {
				own.state = 'uploading';
				own.served = own.requested;
				own.holdDeletes = holdDeletes;
			} else own.holdDeletes = own.holdDeletes && holdDeletes;
			if (holdDeletes) continue;
			// [R14] What refers to this table has sent all, its own deletes included.
			for (const [dependant, parents] of dependencies) {
				if (!parents.includes(name)) continue;
				expect(['blocked', 'uploading', 'holding', 'held']).not.toContain(next.phases[dependant]);
			}
		}
		for (const { token, open } of completed) {
			if (token === null) continue;
			expect(open).toEqual([]);
			const wish = waiting.get(token);
			expect(wish).toBeDefined();
			waiting.delete(token);
			answered.set(token, (answered.get(token) ?? 0) + 1);
			for (const name of wish?.tables ?? []) {
				const hasFailed = (failed.get(name) ?? 0) >= (wish?.request ?? 0);
				// [R12] Answered by a pass begun after the call, or by an error that came after it.
				expect(hasFailed || table(name).served >= (wish?.request ?? 0)).toBe(true);
			}
		}
	}

	const round = (name: string, error = false): TableRound => {
		const { served, holdDeletes, deletes } = table(name);
		return toRound(name, {
			served,
			held: holdDeletes ? deletes : 0,
			error: error ? fault('no-answer') : null,
		});
	};

	function go(name: string) {
		const own = table(name);
		if (own.state === 'uploading') {
			if (own.requested > own.served && own.served % 2 === 0) {
				own.served = own.requested;
				return;
			}
			if (!own.holdDeletes) own.deletes = 0;
			own.state = 'downloading';
			take(noteUploaded(plan, dependencies, name, own.holdDeletes ? own.deletes : 0), plan);
		} else if (own.state === 'downloading') {
			const wants = own.requested > own.served;
			const report = round(name);
			own.state = wants ? 'uploading' : 'rest';
			if (wants) own.served = own.requested;
			take(noteRound(plan, dependencies, report, !wants), plan);
		}
	}

	function error(name: string) {
		const own = table(name);
		if (own.state === 'rest') return;
		seen.errors++;
		own.state = 'rest';
		failed.set(name, plan.requests);
		const report = round(name, true);
		own.served = own.requested;
		take(noteRound(plan, dependencies, report, true), plan);
	}

	for (const { kind, at, set } of program) {
		const name = NAMES[at] ?? 'a';
		if (kind === 'go') go(name);
		else if (kind === 'error') error(name);
		else if (kind === 'write-delete') table(name).deletes++;
		else if (kind === 'close') {
			seen.closes++;
			for (const closing of NAMES) failed.set(closing, plan.requests);
			take(
				failRun(plan, (failing) => `${failing}: closed (offline)`),
				plan,
			);
			for (const active of NAMES) error(active);
			expect(plan).toEqual({ requests: plan.requests, phases: {}, waiters: [] });
			expect(waiting.size).toBe(0);
		} else {
			// As the root does: the tables asked for and their ancestors.
			const wanted = new Set(set.flatMap((index) => NAMES[index] ?? []));
			const all = NAMES.filter(
				(other) =>
					wanted.has(other) || [...wanted].some((one) => ancestorsOf(one, dependencies).includes(other)),
			);
			const token = ++tokens;
			waiting.set(token, { request: plan.requests + 1, tables: all });
			take(joinRun(plan, dependencies, all, token), plan);
		}
	}

	// Everybody is let go on: now each call must come to its end.
	for (let turn = 0; turn < 200; turn++) for (const name of NAMES) go(name);
	return { tables, tokens, waiting, answered, plan, seen };
}

describe('run-plan: any graph, any interleaving', () => {
	it('[R12][R14] every call is answered once, commands keep the order, and the run ends empty', () => {
		const total = { starts: 0, joins: 0, releases: 0, errors: 0, closes: 0 };
		fc.assert(
			fc.property(dag, fc.array(step, { minLength: 5, maxLength: 60 }), (dependencies, program) => {
				const { waiting, answered, tokens, plan, tables, seen } = simulate(dependencies, program);
				expect([...waiting.keys()]).toEqual([]);
				expect(answered.size).toBe(tokens);
				expect([...answered.values()].every((times) => times === 1)).toBe(true);
				expect(plan.waiters).toEqual([]);
				expect(plan.phases).toEqual({});
				expect([...tables.values()].every(({ state }) => state === 'rest')).toBe(true);
				for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += seen[key];
			}),
			{ numRuns: 1_500 },
		);
		// [M2] The programs really came to the interesting places.
		for (const count of Object.values(total)) expect(count).toBeGreaterThan(50);
	});
});
