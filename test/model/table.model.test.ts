import { describe, expect, it } from 'vitest';
import { tableMachine } from '../../src/machines/table.machine.ts';
import { createCoverage, leavesOf, visitedBy } from '../support/model/chart-coverage.ts';
import { pathsOf } from '../support/model/chart-paths.ts';
import { disagreements, everyEvent, expectedOf, kindsOf } from '../support/model/table-answers.ts';
import { createTableModel, toTableKey } from '../support/model/table-model.ts';
import { observe } from '../support/model/table-observed.ts';
import { walkTablePath } from '../support/model/table-path.ts';
import { startTableRun } from '../support/model/table-run.ts';

const paths = pathsOf(createTableModel());
const kinds = kindsOf(paths);
const coverage = createCoverage();

describe('the table chart, path by path, on real services', () => {
	it.each(paths.map((path) => [path.title, path] as const))('[L5][S29][R12] %s', async (_, path) => {
		await walkTablePath(path, { inspect: coverage.inspect });
	});

	it('[L5] every transition was taken', () => {
		const total = coverage.total(tableMachine);
		const missing = coverage.missing(tableMachine);
		const steps = paths.reduce((sum, path) => sum + path.steps.length, 0);
		console.log(
			`table chart: ${paths.length} paths, ${steps} steps, ${total - missing.length} of ${total} transitions`,
		);
		expect(missing).toEqual([]);
	});

	it('[L4] every state can be reached and left', () => {
		const { entered, left } = visitedBy(paths, ['table.offline']);
		const states = [...leavesOf(tableMachine.root)].sort();
		console.log(`table chart: ${entered.size} of ${states.length} states`);
		expect([...entered].sort()).toEqual(states);
		expect([...left].sort()).toEqual(states);
	});
});

describe('the table chart, state by event', () => {
	it.each(kinds.map((kind) => [kind.key, kind] as const))('[S29] %s: as the design has it', (_, kind) => {
		expect(disagreements(tableMachine, [kind])).toEqual([]);
	});

	it('[S29][S11] what a state does not own changes nothing, and sends nothing', async () => {
		let negatives = 0;
		for (const { key, names } of kinds) {
			const run = await startTableRun();
			for (const [at, name] of names.entries()) {
				await run.arrange(name, names.slice(at + 1));
				await run.perform(name);
			}
			expect(toTableKey(run.actor.getSnapshot())).toBe(key);
			for (const event of everyEvent(run.actor.getSnapshot())) {
				const snapshot = run.actor.getSnapshot();
				if (expectedOf(snapshot, event) !== 'ignored') continue;
				const before = await observe(run);
				expect(snapshot.can(event as never), `${key} × ${event.as}`).toBe(false);
				run.actor.send(event as never);
				expect(run.actor.getSnapshot(), `${key} × ${event.as}`).toBe(snapshot);
				expect(await observe(run), `${key} × ${event.as}`).toEqual(before);
				negatives++;
			}
			run.close();
		}
		console.log(`table chart: ${negatives} negatives in ${kinds.length} kinds of states`);
		expect(negatives).toBeGreaterThan(kinds.length);
	});
});
