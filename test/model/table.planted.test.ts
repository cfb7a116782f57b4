import { describe, expect, it } from 'vitest';
import type { UploadOutput } from '../../src/core/run-contract.ts';
import { tableMachine } from '../../src/machines/table.machine.ts';
import { tableSetup } from '../../src/machines/table-setup.ts';
import { type ModelPath, pathsOf } from '../support/model/chart-paths.ts';
import { copyConfig } from '../support/model/copy-config.ts';
import { disagreements, kindsOf } from '../support/model/table-answers.ts';
import { createTableModel } from '../support/model/table-model.ts';
import { walkTablePath } from '../support/model/table-path.ts';

const paths = pathsOf(createTableModel());
const kinds = kindsOf(paths);

/** The first path that the planted fault fails, of those that the shipping chart passes. */
async function firstFailure(chart: typeof tableMachine): Promise<{ path: ModelPath; error: Error } | null> {
	for (const path of paths) {
		try {
			await walkTablePath(path, { chart });
		} catch (error) {
			return { path, error: error as Error };
		}
	}
	return null;
}

/** The chart with its configuration changed, as if its source were. */
function edited(
	change: (states: Record<string, { on: Record<string, unknown> }>) => void,
): typeof tableMachine {
	const config = copyConfig(tableMachine.config) as {
		states: Record<string, { on: Record<string, unknown> }>;
	};
	change(config.states);
	return tableSetup.createMachine(config as never) as unknown as typeof tableMachine;
}

describe('faults planted in the table chart are caught', () => {
	it('[M3] the unharmed copy passes, so that it is the fault that is caught', async () => {
		const copy = edited(() => undefined);
		expect(disagreements(copy, kinds)).toEqual([]);
		const [path] = paths;
		if (!path) throw new Error('no paths');
		await walkTablePath(path, { chart: copy });
	});

	it('[M3] a transition removed: backoff does not take sync.request', async () => {
		const mutant = edited((states) => {
			delete states.backoff?.on['sync.request'];
		});
		expect(disagreements(mutant, kinds)).toContain('backoff × sync.request: ignored instead of uploading');
		const failure = await firstFailure(mutant);
		console.log(`planted, transition removed: fails ${failure?.path.title}`);
		expect(failure?.path.title).toContain('sync.request');
	});

	it('[M3] a guard inverted: uploading goes on when nothing more is due, and stops when something is', async () => {
		const mutant = tableMachine.provide({
			guards: { hasMore: (_, { output }) => !(output as UploadOutput).more },
		});
		expect(disagreements(mutant, kinds)).toContain('uploading × upload more: downloading instead of again');
		const failure = await firstFailure(mutant);
		console.log(`planted, guard inverted: fails ${failure?.path.title}`);
		expect(failure).not.toBeNull();
	});

	it('[M3][R12] an action lost: the states are right, but nobody hears that the table has settled', async () => {
		const mutant = tableMachine.provide({ actions: { reportSettled: () => undefined } });
		// Comparing states alone would not see it.
		expect(disagreements(mutant, kinds)).toEqual([]);
		const failure = await firstFailure(mutant);
		console.log(`planted, action lost: fails ${failure?.path.title}`);
		expect(failure?.error.message).toContain('table.settled');
	});

	it('[M3][R11] a prefetch that outlives its pull', async () => {
		const mutant = edited((states) => {
			const { onError } = (states.downloading as unknown as { invoke: { onError: { actions: unknown[] }[] } })
				.invoke;
			for (const transition of onError) transition.actions = transition.actions.slice(1);
		});
		expect(disagreements(mutant, kinds)).toEqual([]);
		const failure = await firstFailure(mutant);
		console.log(`planted, prefetch left running: fails ${failure?.path.title}`);
		expect(failure?.path.title).toContain('download');
	});
});
