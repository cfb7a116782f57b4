import { describe, expect, it } from 'vitest';
import type { AnyMachineSnapshot } from 'xstate';
import { syncMachine } from '../../src/machines/sync.machine.ts';
import { createCoverage, leavesOf, visitedBy } from '../support/model/chart-coverage.ts';
import { pathsOf } from '../support/model/chart-paths.ts';
import { everyRootEvent, regionDisagreements, regionKindsOf } from '../support/model/root-answers.ts';
import { walkRootPath } from '../support/model/root-path.ts';
import { REGIONS } from '../support/model/root-regions.ts';
import { startRootRun } from '../support/model/root-run.ts';

const coverage = createCoverage();

describe.each(REGIONS)(
	'the root chart, region $title, path by path',
	({ title, region, model, walk, initial }) => {
		const paths = pathsOf(model);

		it.each(paths.map((path) => [path.title, path] as const))('[L5][S29][S11] %s', async (_, path) => {
			await walkRootPath(path, { ...walk, inspect: coverage.inspect });
		});

		const steps = paths.reduce((sum, path) => sum + path.steps.length, 0);
		it(`[M2] ${paths.length} paths`, () => {
			console.log(`root chart, ${title}: ${paths.length} paths, ${steps} steps`);
			expect(steps).toBeGreaterThan(paths.length);
		});

		// What the variant leaves out, the whole region answers.
		if (walk.input) return;

		it('[L4] every state can be reached and left', () => {
			const { entered, left } = visitedBy(paths, [initial]);
			const states = leavesOf(syncMachine.root).filter((id) => id.startsWith(`sync.${region}.`));
			const own = (ids: ReadonlySet<string>) => [...ids].filter((id) => states.includes(id)).sort();
			console.log(`root chart, ${title}: ${own(entered).length} of ${states.length} states`);
			expect(own(entered)).toEqual([...states].sort());
			expect(own(left)).toEqual([...states].sort());
		});

		it('[S29] every state answers every event as the design has it', () => {
			expect(regionDisagreements(region, regionKindsOf(region, paths, walk.keyOf))).toEqual([]);
		});
	},
);

describe('the root chart', () => {
	it('[S29][S11] what a state does not own changes nothing, and sends nothing', async () => {
		let negatives = 0;
		let kinds = 0;
		for (const { model, walk, title } of REGIONS) {
			const ways = new Map<string, readonly string[]>();
			for (const { steps } of pathsOf(model)) {
				steps.forEach(({ state }, at) => {
					const key = walk.keyOf(state);
					if (!ways.has(key))
						ways.set(
							key,
							steps.slice(0, at + 1).map(({ event }) => event.as),
						);
				});
			}
			for (const [key, names] of ways) {
				kinds++;
				const run = await startRootRun({
					isResting: walk.isResting,
					...(walk.input ? { input: walk.input } : {}),
				});
				for (const [at, name] of names.entries())
					await run.perform(name as never, names.slice(at + 1) as never);
				for (const event of everyRootEvent(run.actor.getSnapshot().context)) {
					const snapshot: AnyMachineSnapshot = run.actor.getSnapshot();
					const isForged = event.type.startsWith('xstate.done') || event.type.startsWith('xstate.error');
					if (snapshot.can(event as never) && !isForged) continue;
					const requests = run.world.server.requests.length;
					const calls = run.gates.calls.length;
					run.actor.send(event as never);
					expect(run.actor.getSnapshot(), `${title}: ${key} × ${event.as}`).toBe(snapshot);
					expect(run.world.server.requests.length).toBe(requests);
					expect(run.gates.calls.length).toBe(calls);
					negatives++;
				}
				run.close();
			}
		}
		console.log(`root chart: ${negatives} negatives in ${kinds} kinds of states`);
		expect(negatives).toBeGreaterThan(kinds);
	});

	it('[L5] every transition was taken', () => {
		const total = coverage.total(syncMachine);
		const missing = coverage.missing(syncMachine);
		console.log(`root chart: ${total - missing.length} of ${total} transitions`);
		expect(missing).toEqual([]);
	});
});
