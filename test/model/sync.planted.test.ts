import { describe, expect, it } from 'vitest';
import { closedReason } from '../../src/machines/closed-reason.ts';
import { syncMachine } from '../../src/machines/sync.machine.ts';
import { syncSetup } from '../../src/machines/sync-setup.ts';
import { type ModelPath, pathsOf } from '../support/model/chart-paths.ts';
import { copyConfig } from '../support/model/copy-config.ts';
import { walkRootPath } from '../support/model/root-path.ts';
import { REGIONS } from '../support/model/root-regions.ts';

const walks = REGIONS.flatMap(({ title, model, walk }) =>
	pathsOf(model).map((path) => ({ title: `${title}: ${path.title}`, path, walk })),
);

/** The first path that the planted fault fails, of those that the shipping chart passes. */
async function firstFailure(chart: typeof syncMachine): Promise<{ title: string; path: ModelPath } | null> {
	for (const { title, path, walk } of walks) {
		try {
			await walkRootPath(path, { ...walk, chart });
		} catch {
			return { title, path };
		}
	}
	return null;
}

interface Config {
	readonly states: Record<string, { states: Record<string, Record<string, unknown>> }>;
}

/** The chart with its configuration changed, as if its source were. */
function edited(change: (config: Config) => void): typeof syncMachine {
	const config = copyConfig(syncMachine.config) as Config;
	change(config);
	return syncSetup.createMachine(config as never) as unknown as typeof syncMachine;
}

describe('faults planted in the root chart are caught', () => {
	it('[M3] the unharmed copy passes, so that it is the fault that is caught', async () => {
		const [first] = walks;
		if (!first) throw new Error('no paths');
		await walkRootPath(first.path, { ...first.walk, chart: edited(() => undefined) });
	});

	it('[M3] a transition removed: an open gate does not close', async () => {
		const mutant = edited(({ states }) => {
			delete states.gate?.states.open?.always;
		});
		const failure = await firstFailure(mutant);
		console.log(`planted, transition removed: fails ${failure?.title}`);
		expect(failure?.title).toMatch(/^gate: /);
	});

	it('[M3] a guard inverted: local writes are gathered while the gate is closed, and not while it is open', async () => {
		const mutant = syncMachine.provide({
			guards: { isLive: ({ context }) => closedReason(context) !== null },
		});
		const failure = await firstFailure(mutant);
		console.log(`planted, guard inverted: fails ${failure?.title}`);
		expect(failure?.title).toMatch(/^schedule: /);
	});

	it('[M3][R12] an action lost: a gate that closes answers nobody, in the right states', async () => {
		const mutant = syncMachine.provide({ actions: { refuseRun: () => undefined } });
		const failure = await firstFailure(mutant);
		console.log(`planted, action lost: fails ${failure?.title}`);
		expect(failure?.title).toMatch(/^gate: /);
	});

	it('[M3] a wish lost: the gate opens, and automatic sync does not hear of it', async () => {
		const mutant = syncMachine.provide({ actions: { announceOpen: () => undefined } });
		const failure = await firstFailure(mutant);
		console.log(`planted, wish lost: fails ${failure?.title}`);
		expect(failure?.title).toMatch(/^schedule: /);
	});
});
