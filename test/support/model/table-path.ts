import { expect } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { tableMachine } from '../../../src/machines/table.machine.ts';
import type { ModelPath } from './chart-paths.ts';
import { checkEnd, checkStep } from './table-checks.ts';
import { type TableEventName, toTableKey } from './table-model.ts';
import { observe } from './table-observed.ts';
import { startTableRun } from './table-run.ts';

export interface PathOptions {
	/** @default the chart that ships */
	readonly chart?: typeof tableMachine;
	readonly inspect?: (event: InspectionEvent) => void;
}

/** Walks a path on real services; throws where state, replica, outbox, server or reports are not as they should be. */
export async function walkTablePath(
	{ steps }: ModelPath,
	{ chart = tableMachine, inspect }: PathOptions = {},
): Promise<void> {
	const run = await startTableRun(chart, inspect);
	const ledger = { uploaded: 0, downloaded: 0, conflicts: 0 };
	const names = steps.map(({ event }) => event.as as TableEventName);
	try {
		for (const [at, event] of names.entries()) {
			await run.arrange(event, names.slice(at + 1));
			const before = await observe(run);
			await run.perform(event);
			const after = await observe(run);
			const sofar = names.slice(0, at + 1).join(' → ');
			expect(toTableKey(run.actor.getSnapshot()), sofar).toBe(toTableKey(steps[at]?.state as never));
			checkStep(event, before, after, run, ledger);
		}
		await checkEnd(run);
	} finally {
		run.close();
	}
}
